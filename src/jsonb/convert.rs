//! What becomes of a text of type `json` when it is stored as `jsonb`.

use std::collections::HashSet;

use super::{Malformed, Scanner, Token};

/// Digits before the point, and powers of ten, that a numeric surely holds; `jsonb` keeps numbers as such.
const NUMERIC_DIGITS_MAX: u64 = 16_000;

/// What becomes of a document, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conversion {
    /// `jsonb` prints it as it was written.
    Exact,
    /// Every value is kept, and printed otherwise: spaces, the order of keys, the notation of numbers.
    Kept,
    /// `jsonb` refuses it (`\u0000`, numbers beyond numeric), or keeps only the last of a key given twice.
    Lost,
}

/// What becomes of the document.
///
/// # Errors
/// Text that is not JSON, or nested too deep.
pub fn conversion(text: &str) -> Result<Conversion, Malformed> {
    let mut scanner = Scanner::new(text);
    let mut open: Vec<ObjectKeys> = Vec::new();
    let mut exact = is_spaced_as_printed(text);
    while let Some(token) = scanner.next_token()? {
        let kept = match token {
            Token::ObjectStart => {
                open.push(ObjectKeys::default());
                true
            }
            Token::ObjectEnd => {
                exact &= open.pop().is_none_or(|keys| keys.in_order);
                true
            }
            Token::Key(key) => {
                !key.contains('\0') && open.last_mut().is_none_or(|keys| keys.add(&key))
            }
            Token::String(string) => !string.contains('\0'),
            Token::Number(number) => {
                exact &= is_printed_so(number);
                fits_numeric(number)
            }
            Token::ArrayStart | Token::ArrayEnd | Token::Bool | Token::Null => true,
        };
        if !kept {
            return Ok(Conversion::Lost);
        }
    }
    Ok(if exact { Conversion::Exact } else { Conversion::Kept })
}

/// The keys of an object so far.
struct ObjectKeys {
    met: HashSet<String>,
    last: String,
    /// Whether they came as `jsonb` sorts them: by length, then by bytes.
    in_order: bool,
}

impl Default for ObjectKeys {
    fn default() -> Self {
        Self { met: HashSet::new(), last: String::new(), in_order: true }
    }
}

impl ObjectKeys {
    /// False if it was met before.
    fn add(&mut self, key: &str) -> bool {
        self.in_order &= (self.last.len(), self.last.as_bytes()) <= (key.len(), key.as_bytes());
        key.clone_into(&mut self.last);
        self.met.insert(key.to_owned())
    }
}

/// Whether all space outside of strings is one blank behind each comma and colon, and strings escape what
/// `jsonb` escapes, the way it does.
fn is_spaced_as_printed(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut in_string) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match (in_string, byte) {
            (_, b'"') => in_string = !in_string,
            (true, b'\\') => match escape_length(&bytes[at..]) {
                Some(length) => at += length - 1,
                None => return false,
            },
            (false, b',' | b':') => {
                if bytes.get(at + 1) != Some(&b' ') {
                    return false;
                }
                at += 1;
            }
            (false, b' ' | b'\n' | b'\r' | b'\t') => return false,
            _ => {}
        }
        at += 1;
    }
    true
}

/// Bytes of an escape as `jsonb` prints it; none of one it prints otherwise.
fn escape_length(text: &[u8]) -> Option<usize> {
    match text {
        [_, b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [_, b'u', b'0', b'0', high @ (b'0' | b'1'), low, ..] => {
            let short = *high == b'0' && matches!(low, b'8' | b'9' | b'a' | b'c' | b'd');
            let lower = matches!(low, b'0'..=b'9' | b'a'..=b'f');
            (lower && !short).then_some(6)
        }
        _ => None,
    }
}

/// `numeric` prints no exponent, and no sign of zero.
fn is_printed_so(number: &str) -> bool {
    let is_zero = !number.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    !(number.contains(['e', 'E']) || is_zero && number.starts_with('-'))
}

fn fits_numeric(number: &str) -> bool {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    // An exponent beyond 64 bits is beyond numeric, too.
    let exponent = exponent.parse::<i64>().map_or(u64::MAX, i64::unsigned_abs);
    exponent < NUMERIC_DIGITS_MAX && (mantissa.len() as u64) < NUMERIC_DIGITS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jsonb_prints_as_it_was_written_is_exact() {
        for exact in [
            r#"{"a": 1, "b": {"a": 2}, "aa": [1, -0.50, true, null]}"#,
            r#""a\"\\\n\u0001\u001fé""#,
            "{}",
            "[]",
        ] {
            assert_eq!(conversion(exact), Ok(Conversion::Exact), "{exact}");
        }
    }

    #[test]
    fn spaces_the_order_of_keys_and_notations_are_not_kept() {
        for kept in [
            r#"{"a":1}"#,
            r#"{ "a": 1}"#,
            r#"{"bb": 1, "a": 2}"#,
            r#"{"b": 1, "a": 2}"#,
            "[1,2]",
            "1e300",
            "-0",
            "-0.0",
            r#""\u0041""#,
            r#""\/""#,
            r#""\u001F""#,
            r#""\u0008""#,
        ] {
            assert_eq!(conversion(kept), Ok(Conversion::Kept), "{kept}");
        }
    }

    #[test]
    fn what_jsonb_refuses_or_drops_is_lost() {
        for lost in [
            r#"{"a": 1, "a": 2}"#,
            r#"[{"x": {"a": 1, "b": 2, "\u0061": 3}}]"#,
            r#"{"a": "\u0000"}"#,
            r#"{"\u0000": 1}"#,
            "1e200000",
            "1e99999999999999999999",
        ] {
            assert_eq!(conversion(lost), Ok(Conversion::Lost), "{lost}");
        }
        for malformed in ["{", "{\"a\": \"x\ty\"}", "{\"a\u{1}\": 1}"] {
            assert!(conversion(malformed).is_err(), "{malformed}");
        }
    }
}
