//! The tokens of a statement, where a rule asks for words that the syntax tree has no type for.

use squawk_syntax::{SyntaxElement, SyntaxNode, SyntaxToken};

use super::tables::name;

/// In order, without blanks and comments.
pub(super) fn own_tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    let tokens = node.descendants_with_tokens().filter_map(SyntaxElement::into_token);
    tokens.filter(|token| !token.kind().is_trivia())
}

/// In order, without blanks and comments, and in lower case but for what is quoted.
pub(super) fn tokens(node: &SyntaxNode) -> Vec<String> {
    own_tokens(node)
        .map(|token| match token.text() {
            quoted if quoted.starts_with(['"', '\'', '$']) => quoted.to_owned(),
            word => word.to_lowercase(),
        })
        .collect()
}

/// The first one, in lower case; empty where there is none.
pub(super) fn first_word(node: &SyntaxNode) -> String {
    own_tokens(node).next().map(|token| token.text().to_lowercase()).unwrap_or_default()
}

pub(super) fn has_token(node: &SyntaxNode, word: &str) -> bool {
    own_tokens(node).any(|token| token.text().eq_ignore_ascii_case(word))
}

/// Whether these words stand there, one after the other.
pub(super) fn has_tokens(node: &SyntaxNode, words: &[&str]) -> bool {
    tokens(node).windows(words.len()).any(|some| some == words)
}

/// The name with which these words begin, with its schema where that is given, and what stands behind it.
pub(super) fn qualified<T: AsRef<str>>(words: &[T]) -> Option<(String, &[T])> {
    let (first, mut behind) = words.split_first()?;
    let mut full = first.as_ref().to_owned();
    while let [dot, part, rest @ ..] = behind
        && dot.as_ref() == "."
    {
        full = format!("{full}.{}", part.as_ref());
        behind = rest;
    }
    Some((name(&full), behind))
}
