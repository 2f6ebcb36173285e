//! What statements have in common that differ in values only, found without parsing them.
//!
//! Parsing takes a hundred times longer than reading a line of a log. A literal that can be no key is left out of the text,
//! and each text that remains is parsed once. The tokens around show which literals can be none: they stand behind a
//! comparison, or in a list of values, and nothing that binds closer follows. In doubt the literal stays, and costs a parse.

use serde_json::Value as Json;

use crate::model::observation::Limit;

use super::tokens::{TextToken, TokenKind, tokens};

/// Operators behind which a value stands, unless another operator follows.
const COMPARISONS: &[&str] =
    &["=", "<", ">", "<=", ">=", "<>", "!=", "~~", "~~*", "!~~", "!~~*", "~", "~*", "!~", "!~*"];

/// Keywords behind which a value stands.
const KEYWORDS: &[&str] = &["like", "ilike", "limit", "offset", "between"];

/// Values kept of a list behind IN at most: longer ones mean the same.
const LISTED_MAX: usize = 8;

/// What is in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brackets {
    /// Values behind IN, with how many were kept.
    In(usize),
    /// A row of VALUES.
    Row,
    /// Anything else.
    Other,
}

/// The text with one and the same value for all that are no keys, and without comments. It means the same to [`crate::sql::statement`].
pub(super) fn shape(sql: &str) -> String {
    let names_keys = compares_keys(sql);
    let counted: &[&str] = if has_distance(sql) { &["limit", "offset"] } else { &["limit"] };
    let text = String::with_capacity(sql.len());
    let mut shape = ShapeWriter { sql, counted, text, copied: 0 };
    let (mut lists, mut after_list) = (Vec::new(), false);
    let mut before = [None::<TextToken>; 2];
    let mut tokens = tokens(sql).peekable();
    while let Some(token) = tokens.next() {
        shape.without_comment(before[0], token);
        let next = tokens.peek().copied();
        let listed = lists.last().is_some_and(|list| *list != Brackets::Other);
        let around = Around { sql, before, next, listed };
        match (token.kind, &sql[token.start..token.end]) {
            (TokenKind::Punctuation, "(") => {
                let further = after_list && around.is_before(",");
                lists.push(match further || around.is_word(&["values"]) {
                    true => Brackets::Row,
                    false if around.is_word(&["in"]) => Brackets::In(0),
                    false => Brackets::Other,
                });
                after_list = false;
            }
            (TokenKind::Punctuation, ")") => {
                after_list = lists.pop().is_some_and(|list| list == Brackets::Row);
            }
            (TokenKind::Punctuation, ",") => {}
            _ if names_keys && token.kind == TokenKind::Text => after_list = false,
            _ => {
                after_list = false;
                shape.listed(token, &around, &mut lists);
            }
        }
        before = [Some(token), before[0]];
    }
    shape.end(before[0]);
    shape.text
}

/// Whether what is compared may be the name of a key: `jsonb_each(data) as e where e.key = 'k'`.
fn compares_keys(sql: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(sql.as_bytes(), word.as_bytes()).is_some();
    ["_each", "_EACH", "_object_keys", "_OBJECT_KEYS"].into_iter().any(has)
}

/// Whether it may order by a distance: an index on vectors returns a number of rows that is fixed, and those that are skipped
/// count. Elsewhere each page of a result would be a statement of its own.
fn has_distance(sql: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(sql.as_bytes(), word.as_bytes()).is_some();
    ["<->", "<=>", "<#>", "<+>", "<~>", "<%>"].into_iter().any(has)
}

/// The parameters that say how many rows a statement returns or skips, where that is kept of both.
pub(super) fn counts_in(sql: &str) -> Vec<u32> {
    let is_counted = |word: &str| ["limit", "offset"].iter().any(|w| word.eq_ignore_ascii_case(w));
    let (mut counts, mut behind) = (Vec::new(), false);
    if !has_distance(sql) {
        return counts;
    }
    for token in tokens(sql) {
        let text = &sql[token.start..token.end];
        if behind && token.kind == TokenKind::Parameter {
            counts.extend(text[1..].parse::<u32>());
        }
        behind = token.kind == TokenKind::Word && is_counted(text);
    }
    counts
}

/// A text being rewritten.
struct ShapeWriter<'a> {
    sql: &'a str,
    /// Keywords behind which numbers of rows are kept.
    counted: &'a [&'a str],
    text: String,
    copied: usize,
}

impl ShapeWriter<'_> {
    /// Leave out a comment before a token: some applications write one of its own into each statement.
    fn without_comment(&mut self, before: Option<TextToken>, token: TextToken) {
        let from = before.map_or(0, |before| before.end).max(self.copied);
        let gap = &self.sql[from..token.start];
        if gap.contains("--") || gap.contains("/*") {
            self.text.push_str(&self.sql[self.copied..from]);
            self.text.push(' ');
            self.copied = token.start;
        }
    }

    /// What is behind the last token: libraries write where a statement came from into a comment there.
    fn end(&mut self, last: Option<TextToken>) {
        let from = last.map_or(self.sql.len(), |last| last.end).max(self.copied);
        let rest = &self.sql[from..];
        self.text.push_str(&self.sql[self.copied..from]);
        if !rest.trim_start().starts_with("/*") {
            self.text.push_str(rest);
        }
    }

    /// A literal, unless it is one too many of a list.
    fn listed(&mut self, token: TextToken, around: &Around<'_>, lists: &mut [Brackets]) {
        if let Some(Brackets::In(count)) = lists.last_mut()
            && around.is_item()
            && content(token.kind, &self.sql[token.start..token.end]).is_some()
        {
            *count += 1;
            if let Some(comma) = around.before[0].filter(|_| *count > LISTED_MAX) {
                self.text.push_str(self.sql.get(self.copied..comma.start).unwrap_or_default());
                self.copied = token.end;
                return;
            }
        }
        self.literal(token, around);
    }

    fn literal(&mut self, token: TextToken, around: &Around<'_>) {
        let Some(content) = content(token.kind, &self.sql[token.start..token.end]) else { return };
        if token.kind == TokenKind::Number && around.is_word(self.counted) && around.is_value() {
            // How many rows are asked for is no secret, and matters. Great numbers are not distinguished.
            if !content.parse().is_ok_and(|rows: u32| rows <= Limit::KEPT_MAX) {
                self.replace(token, &(Limit::KEPT_MAX + 1).to_string());
            }
        } else if around.is_value() {
            self.replace(token, if token.kind == TokenKind::Text { "''" } else { "0" });
        } else if token.kind == TokenKind::Text
            && around.is_contained()
            && let Some(document) = document_shape(&content.replace("''", "'"))
        {
            self.replace(token, &format!("'{}'", document.replace('\'', "''")));
        }
    }

    fn replace(&mut self, token: TextToken, by: &str) {
        self.text.push_str(&self.sql[self.copied..token.start]);
        self.text.push_str(by);
        self.copied = token.end;
    }
}

/// What a literal holds; none of a string that is not closed, which is an error to be kept.
fn content(kind: TokenKind, text: &str) -> Option<&str> {
    match kind {
        TokenKind::Text => text.strip_prefix('\'')?.strip_suffix('\''),
        TokenKind::Number => Some(text),
        _ => None,
    }
}

/// What stands around a token.
struct Around<'a> {
    sql: &'a str,
    /// The token before, and the one before that.
    before: [Option<TextToken>; 2],
    next: Option<TextToken>,
    /// Whether it stands in a list of values, and in no other brackets within.
    listed: bool,
}

impl Around<'_> {
    fn text(&self, token: Option<TextToken>) -> &str {
        token.map_or("", |token| &self.sql[token.start..token.end])
    }

    fn is_before(&self, text: &str) -> bool {
        self.text(self.before[0]) == text
    }

    fn is_word(&self, words: &[&str]) -> bool {
        let before = self.text(self.before[0]);
        words.iter().any(|word| before.eq_ignore_ascii_case(word))
    }

    /// A value and no key.
    fn is_value(&self) -> bool {
        if self.listed { self.is_item() } else { self.is_compared() }
    }

    /// An element of a list of values, cast or not.
    fn is_item(&self) -> bool {
        let ends = || match self.text(self.next) {
            "," | ")" => true,
            "::" => matches!(self.behind_cast(), Some(b',' | b')')),
            _ => false,
        };
        (self.is_before("(") || self.is_before(",")) && ends()
    }

    /// The byte behind the type that a literal is cast to: `'2026-11-25'::date)`. None where it is not as simple as that.
    fn behind_cast(&self) -> Option<u8> {
        let cast = self.next?;
        let rest = self.sql.get(cast.end..)?.trim_start();
        let is_type = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '"');
        let rest = rest.trim_start_matches(is_type).trim_start_matches("[]").trim_start();
        let rest = match rest.strip_prefix('(') {
            Some(modifiers) => {
                let is_modifier = |c: char| c.is_ascii_digit() || matches!(c, ',' | ' ');
                modifiers.trim_start_matches(is_modifier).strip_prefix(')')?
            }
            None => rest,
        };
        rest.trim_start().bytes().next()
    }

    /// The whole right side of a comparison.
    fn is_compared(&self) -> bool {
        let signed = self.is_before("-") && COMPARISONS.contains(&self.text(self.before[1]));
        (signed || COMPARISONS.contains(&self.text(self.before[0])) || self.is_word(KEYWORDS))
            && self.is_followed_by_nothing_closer()
    }

    /// A document whose keys are asked for.
    fn is_contained(&self) -> bool {
        self.is_before("@>")
            && (self.is_followed_by_nothing_closer() || self.text(self.next) == "::")
    }

    fn is_followed_by_nothing_closer(&self) -> bool {
        let Some(next) = self.next else { return true };
        if self.text(Some(next)) == "::" {
            // A word is the next part of the statement, or of the type's name.
            return self.behind_cast().is_none_or(|byte| {
                byte.is_ascii_alphabetic() || matches!(byte, b',' | b')' | b';')
            });
        }
        next.kind == TokenKind::Word || matches!(self.text(Some(next)), ")" | "," | ";")
    }
}

/// A document with its keys and without its values; none where it is no document.
pub(super) fn document_shape(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut document: Json = serde_json::from_str(text).ok()?;
    forget(&mut document);
    Some(document.to_string())
}

/// Elements of an array that were distinguished by values only become one.
fn forget(value: &mut Json) {
    match value {
        Json::Object(members) => members.values_mut().for_each(forget),
        Json::Array(elements) => {
            elements.iter_mut().for_each(forget);
            elements.dedup();
        }
        scalar => *scalar = Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_skipped_are_kept_of_a_search_by_distance_alone() {
        let search = "select id from t order by e <-> '[1]' limit 10 offset 100";
        assert_eq!(shape(search), search);
        assert_eq!(
            shape("select id from t order by a limit 10 offset 100"),
            "select id from t order by a limit 10 offset 0"
        );
        assert_eq!(counts_in("select id from t order by e <-> $1 LIMIT $2 offset $3"), [2, 3]);
        assert_eq!(counts_in("select id from t order by a limit $2"), [] as [u32; 0]);
    }
}
