//! Values of parameters, as a server writes them behind a statement: `$1 = 'a', $2 = NULL`.

use std::borrow::Cow;
use std::fmt;

use super::tokens::{TokenKind, tokens};

/// Values of parameters, as text. Read only where a key depends on them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(String);

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({} bytes)", self.0.len())
    }
}

impl Parameters {
    /// From what the server writes: `parameters: $1 = 'a', $2 = NULL`, in any language. Nothing where it is something
    /// else.
    pub fn from_log(detail: &str) -> Self {
        Self(begin(detail).map(|begin| detail[begin..].to_owned()).unwrap_or_default())
    }

    /// From values in their order.
    pub fn from_values<'v>(values: impl IntoIterator<Item = Option<&'v str>>) -> Self {
        let quoted = |value: &str| format!("'{}'", value.replace('\'', "''"));
        let values = values.into_iter().zip(1..).map(|(value, number)| {
            format!("${number} = {}", value.map_or_else(|| "NULL".to_owned(), quoted))
        });
        Self(values.collect::<Vec<_>>().join(", "))
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `$number`; none where it is unknown or NULL, or where the server left its end out
    /// (`log_parameter_max_length`).
    pub fn get(&self, number: u32) -> Option<Cow<'_, str>> {
        let mut rest = self.0.as_str();
        loop {
            let (name, value) = rest.split_once(" = ")?;
            let wanted =
                name.trim_start_matches([',', ' ']).strip_prefix('$')?.parse() == Ok(number);
            let Some(text) = value.strip_prefix('\'') else {
                if wanted {
                    return None;
                }
                rest = value.split_once(", ")?.1;
                continue;
            };
            let end = closing_quote(text)?;
            if wanted {
                let text = &text[..end];
                if text.ends_with("...") {
                    return None;
                }
                let doubled = text.contains("''");
                return Some(if doubled { text.replace("''", "'").into() } else { text.into() });
            }
            rest = &text[end + 1..];
        }
    }
}

/// The first value stands this near to the beginning.
const LABEL_BYTES_MAX: usize = 96;

/// Where the first value begins in what the server writes; nothing or a word or two stand before it, and a colon.
pub(super) fn begin(detail: &str) -> Option<usize> {
    let head = detail.as_bytes();
    let begin = memchr::memmem::find(&head[..head.len().min(LABEL_BYTES_MAX)], b"$1 = ")?;
    let label = detail[..begin].trim_end();
    let words = label.strip_suffix(':').unwrap_or(label).trim_end();
    let is_label = label.is_empty()
        || (label.ends_with(':') && words.chars().all(|c| c.is_alphabetic() || c == ' '));
    is_label.then_some(begin)
}

/// Where the quote stands that ends a literal.
fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quotes = memchr::memchr_iter(b'\'', bytes);
    while let Some(at) = quotes.next() {
        if bytes.get(at + 1) != Some(&b'\'') {
            return Some(at);
        }
        quotes.next();
    }
    None
}

/// The numbers of the parameters in a text, each once, ascending.
pub(super) fn numbers(sql: &str) -> Vec<u32> {
    let parameters = tokens(sql).filter(|token| token.kind == TokenKind::Parameter);
    let mut numbers: Vec<u32> =
        parameters.filter_map(|token| sql[token.start + 1..token.end].parse().ok()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The text with literals in place of those parameters that have a value here.
pub(super) fn substituted(sql: &str, values: &[(u32, String)]) -> String {
    let (mut text, mut copied) = (String::with_capacity(sql.len() + 32), 0);
    for token in tokens(sql).filter(|token| token.kind == TokenKind::Parameter) {
        let number = sql[token.start + 1..token.end].parse::<u32>().ok();
        let value = values.iter().find(|(known, _)| Some(*known) == number);
        if let Some((_, value)) = value {
            text.push_str(&sql[copied..token.start]);
            text.push_str(value);
            copied = token.end;
        }
    }
    text.push_str(&sql[copied..]);
    text
}
