//! A pull scanner of JSON text: no tree, no copies, numbers with all their digits.

use std::borrow::Cow;

use memchr::memchr2;

/// Nesting beyond this is not looked into: the server itself stops at its stack's depth.
pub const DEPTH_MAX: usize = 512;

/// One piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    /// `{`.
    ObjectStart,
    /// `}`.
    ObjectEnd,
    /// `[`.
    ArrayStart,
    /// `]`.
    ArrayEnd,
    /// A key of an object, unescaped.
    Key(Cow<'a, str>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// A number as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
}

/// Text that is not JSON, or nested too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {at}")]
pub struct Malformed {
    /// Where.
    pub at: usize,
}

/// Reads a document piece by piece.
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// What is open: true for an object, false for an array.
    open: Vec<bool>,
    /// What may come next.
    expected: ExpectedToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExpectedToken {
    /// A value, after a key, a comma in an array, or at the start.
    Value,
    /// A value or `]`, after `[`.
    ValueOrEnd,
    /// A key or `}`, after `{`.
    KeyOrEnd,
    /// A key, after a comma in an object.
    Key,
    /// A comma or the end of what is open.
    CommaOrEnd,
    /// Nothing but space.
    Nothing,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: Vec::new(), expected: ExpectedToken::Value }
    }

    /// The next piece; none at the end of the document.
    ///
    /// # Errors
    /// Text that is not JSON. After that the scanner is of no use.
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, Malformed> {
        loop {
            let byte = self.skip_space();
            let Some(byte) = byte else {
                let done = self.expected == ExpectedToken::Nothing;
                return if done { Ok(None) } else { Err(self.malformed()) };
            };
            return match (self.expected, byte) {
                (ExpectedToken::CommaOrEnd, b',') => {
                    self.at += 1;
                    let in_object = self.open.last() == Some(&true);
                    self.expected =
                        if in_object { ExpectedToken::Key } else { ExpectedToken::Value };
                    continue;
                }
                (ExpectedToken::CommaOrEnd | ExpectedToken::KeyOrEnd, b'}') => self.close(true),
                (ExpectedToken::CommaOrEnd | ExpectedToken::ValueOrEnd, b']') => self.close(false),
                (ExpectedToken::Key | ExpectedToken::KeyOrEnd, b'"') => self.key(),
                (ExpectedToken::Value | ExpectedToken::ValueOrEnd, _) => self.value(byte),
                _ => Err(self.malformed()),
            }
            .map(Some);
        }
    }

    fn malformed(&self) -> Malformed {
        Malformed { at: self.at }
    }

    fn skip_space(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let space = rest.iter().take_while(|c| matches!(c, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.at += space;
        rest.get(space).copied()
    }

    fn close(&mut self, object: bool) -> Result<Token<'a>, Malformed> {
        if self.open.pop() != Some(object) {
            return Err(self.malformed());
        }
        self.at += 1;
        self.after_value();
        Ok(if object { Token::ObjectEnd } else { Token::ArrayEnd })
    }

    fn after_value(&mut self) {
        let inside = !self.open.is_empty();
        self.expected = if inside { ExpectedToken::CommaOrEnd } else { ExpectedToken::Nothing };
    }

    fn key(&mut self) -> Result<Token<'a>, Malformed> {
        let key = self.string()?;
        if self.skip_space() != Some(b':') {
            return Err(self.malformed());
        }
        self.at += 1;
        self.expected = ExpectedToken::Value;
        Ok(Token::Key(key))
    }

    fn value(&mut self, first: u8) -> Result<Token<'a>, Malformed> {
        match first {
            b'{' => self.enter(true),
            b'[' => self.enter(false),
            b'"' => {
                let string = self.string()?;
                self.after_value();
                Ok(Token::String(string))
            }
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Token::Bool),
            b'f' => self.word("false", Token::Bool),
            b'n' => self.word("null", Token::Null),
            _ => Err(self.malformed()),
        }
    }

    fn enter(&mut self, object: bool) -> Result<Token<'a>, Malformed> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self.malformed());
        }
        self.at += 1;
        self.open.push(object);
        self.expected = if object { ExpectedToken::KeyOrEnd } else { ExpectedToken::ValueOrEnd };
        Ok(if object { Token::ObjectStart } else { Token::ArrayStart })
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        self.after_value();
        Ok(token)
    }

    fn number(&mut self) -> Result<Token<'a>, Malformed> {
        let rest = &self.text[self.at..];
        let length = number_length(rest.as_bytes()).ok_or_else(|| self.malformed())?;
        self.at += length;
        self.after_value();
        Ok(Token::Number(&rest[..length]))
    }

    /// The string that starts here, unescaped.
    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let first = memchr2(b'"', b'\\', rest).ok_or_else(|| self.malformed())?;
        if rest[first] == b'"' {
            // No server takes control characters that are not escaped.
            if rest[..first].iter().any(|byte| *byte < b' ') {
                return Err(self.malformed());
            }
            self.at = start + first + 1;
            return Ok(Cow::Borrowed(&self.text[start..start + first]));
        }
        let mut end = first;
        while rest.get(end).is_some_and(|c| *c != b'"') {
            let escaped = if rest[end] == b'\\' { 2 } else { 0 };
            let after = (end + escaped).min(rest.len());
            end = after + memchr2(b'"', b'\\', &rest[after..]).ok_or_else(|| self.malformed())?;
        }
        // The rare case: serde_json knows surrogate pairs and what else may be escaped.
        let quoted = &self.text[start - 1..=start + end];
        let unescaped = serde_json::from_str(quoted).map_err(|_| self.malformed())?;
        self.at = start + end + 1;
        Ok(Cow::Owned(unescaped))
    }
}

/// Bytes of the number at the start, by JSON's grammar.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && text[at] == b'0') {
        return None;
    }
    at += whole;
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits((at + 1 + sign).min(text.len()));
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The document put together again from its pieces.
    fn rebuilt(text: &str) -> Result<Value, Malformed> {
        let mut scanner = Scanner::new(text);
        let mut stack: Vec<(Value, Option<String>)> = Vec::new();
        let mut key = None;
        let mut root = None;
        while let Some(token) = scanner.next_token()? {
            let value = match token {
                Token::Key(name) => {
                    key = Some(name.into_owned());
                    continue;
                }
                Token::ObjectStart | Token::ArrayStart => {
                    let empty = if token == Token::ObjectStart { "{}" } else { "[]" };
                    stack.push((serde_json::from_str(empty).unwrap(), key.take()));
                    continue;
                }
                Token::ObjectEnd | Token::ArrayEnd => {
                    let (value, name) = stack.pop().unwrap();
                    key = name;
                    value
                }
                Token::String(string) => Value::String(string.into_owned()),
                Token::Number(number) => serde_json::from_str(number).unwrap(),
                Token::Bool => Value::Bool(true),
                Token::Null => Value::Null,
            };
            match stack.last_mut() {
                Some((Value::Object(fields), _)) => {
                    fields.insert(key.take().unwrap(), value);
                }
                Some((Value::Array(items), _)) => items.push(value),
                _ => root = Some(value),
            }
        }
        Ok(root.unwrap())
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            Just(Value::Bool(true)),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
            ".*".prop_map(Value::String),
        ];
        leaf.prop_recursive(5, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map(".*", inner, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_document_is_read_piece_by_piece(document in document(), pretty in any::<bool>()) {
            let text = if pretty { format!("{document:#}") } else { document.to_string() };
            prop_assert_eq!(rebuilt(&text), Ok(document));
        }

        #[test]
        fn what_serde_refuses_is_refused_and_nothing_panics(text in r#"[\[\]{}:,"\\0-9eE.+\-tfn u\t]{0,24}"#) {
            let mut scanner = Scanner::new(&text);
            let outcome = loop {
                match scanner.next_token() {
                    Ok(Some(_)) => {}
                    Ok(None) => break true,
                    Err(_) => break false,
                }
            };
            // Both read numbers; serde_json alone refuses those that no float can hold.
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(outcome, "{}", text);
            } else if outcome {
                prop_assert!(text.contains(['e', 'E']), "{}", text);
            }
        }
    }

    #[test]
    fn nesting_has_a_bound() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let end = |text: &str| {
            let mut scanner = Scanner::new(text);
            loop {
                match scanner.next_token() {
                    Ok(Some(_)) => {}
                    outcome => return outcome.is_ok(),
                }
            }
        };
        assert!(end(&deep(DEPTH_MAX)));
        assert!(!end(&deep(DEPTH_MAX + 1)));
    }
}
