//! The tokens of a statement, where a rule asks for words that the syntax tree has no type for.

use squawk_syntax::{SyntaxElement, SyntaxNode, SyntaxToken};

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

pub(super) fn has_token(node: &SyntaxNode, word: &str) -> bool {
    tokens(node).iter().any(|token| token == word)
}

/// Whether these words stand there, one after the other.
pub(super) fn has_tokens(node: &SyntaxNode, words: &[&str]) -> bool {
    tokens(node).windows(words.len()).any(|some| some == words)
}
