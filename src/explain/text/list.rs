//! Lists of expressions, which text prints in one line with commas between.

use smol_str::SmolStr;

use super::trim;

/// Splits at the commas that stand in no parenthesis, no bracket and no quotes.
pub(super) fn split(text: &str) -> Vec<SmolStr> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut quote = None;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != byte),
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 => {
                parts.push(SmolStr::new(trim(&text[start..at])));
                start = at + 1;
            }
            (None, _) => (),
        }
    }
    parts.push(SmolStr::new(trim(&text[start..])));
    parts
}

/// The quote that is open after a text, where `quote` was open before it: the line ends inside a literal or a quoted name.
pub(super) fn quote_after(text: &str, quote: Option<u8>) -> Option<u8> {
    let mut quote = quote;
    for byte in text.bytes() {
        match quote {
            Some(open) if open == byte => quote = None,
            None if byte == b'\'' || byte == b'"' => quote = Some(byte),
            _ => (),
        }
    }
    quote
}
