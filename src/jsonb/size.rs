//! How many bytes PostgreSQL stores for a document, uncompressed: `jsonb_util.c` and `numeric.c` as arithmetic.
//!
//! A container is a header and an entry of 4 bytes for each key and value, then the keys by length and bytes, then
//! the values in the order of their keys. Numbers and containers start at a multiple of 4; strings do not; `null`
//! and booleans stand in their entry. The names of keys are stored again in every document.

use std::borrow::Cow;

use super::{Malformed, Scanner, Token};

/// A varlena's length word, and a container's or numeric's own.
pub(super) const WORD: u64 = 4;
/// A numeric's length word and short header.
pub const NUMERIC_HEADER_BYTES: u64 = WORD + 2;
/// Decimal digits in one digit of a numeric.
const DECIMALS: i64 = 4;
/// Digits after the point that a short header can hold.
const SHORT_SCALE_MAX: i64 = 63;
/// Weights of the first digit that a short header can hold.
const SHORT_WEIGHTS: std::ops::RangeInclusive<i64> = -64..=63;

/// Bytes of the document as `pg_column_size` returns them of a value that is neither compressed nor short.
///
/// # Errors
/// Text that is not JSON.
pub fn stored_bytes(text: &str) -> Result<u64, Malformed> {
    let mut scanner = Scanner::new(text);
    let missing = Malformed { at: text.len() };
    let first = scanner.next_token()?.ok_or(missing)?;
    let scalar = !matches!(first, Token::ObjectStart | Token::ArrayStart);
    let root = value(&mut scanner, first)?;
    if scanner.next_token()?.is_some() {
        return Err(missing);
    }
    // A scalar stands in an array of its own.
    let container = if scalar { container(1, 0, &[root]) } else { root.bytes };
    Ok(WORD + container)
}

/// A value's bytes, and whether they start at a multiple of 4.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueExtent {
    pub(super) bytes: u64,
    pub(super) aligned: bool,
}

pub(super) fn value(scanner: &mut Scanner<'_>, first: Token<'_>) -> Result<ValueExtent, Malformed> {
    Ok(match first {
        Token::ObjectStart => ValueExtent { bytes: object(scanner)?, aligned: true },
        Token::ArrayStart => ValueExtent { bytes: array(scanner)?, aligned: true },
        Token::String(string) => ValueExtent { bytes: string.len() as u64, aligned: false },
        Token::Number(number) => ValueExtent { bytes: numeric_bytes(number), aligned: true },
        Token::Bool | Token::Null | Token::Key(_) | Token::ObjectEnd | Token::ArrayEnd => {
            ValueExtent { bytes: 0, aligned: false }
        }
    })
}

fn array(scanner: &mut Scanner<'_>) -> Result<u64, Malformed> {
    let mut items = Vec::new();
    while let Some(token) = scanner.next_token()? {
        if token == Token::ArrayEnd {
            break;
        }
        items.push(value(scanner, token)?);
    }
    Ok(container(items.len() as u64, 0, &items))
}

fn object(scanner: &mut Scanner<'_>) -> Result<u64, Malformed> {
    let mut fields: Vec<(Cow<'_, str>, ValueExtent)> = Vec::new();
    while let Some(Token::Key(key)) = scanner.next_token()? {
        let Some(first) = scanner.next_token()? else { break };
        fields.push((key, value(scanner, first)?));
    }
    // The sort is stable, so of equal keys the last one written stands last, and that one counts.
    fields.sort_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
    let mut kept: Vec<(Cow<'_, str>, ValueExtent)> = Vec::with_capacity(fields.len());
    for field in fields {
        match kept.last_mut() {
            Some(last) if last.0 == field.0 => *last = field,
            _ => kept.push(field),
        }
    }
    let keys = kept.iter().map(|(key, _)| key.len() as u64).sum();
    let values: Vec<ValueExtent> = kept.iter().map(|(_, value)| *value).collect();
    Ok(container(2 * values.len() as u64, keys, &values))
}

/// A container's header and entries, the bytes of its keys, and its values where they may start.
pub(super) fn container(entries: u64, keys: u64, values: &[ValueExtent]) -> u64 {
    let place = |end: u64, value: &ValueExtent| {
        let start = if value.aligned { end.next_multiple_of(WORD) } else { end };
        start + value.bytes
    };
    WORD + WORD * entries + values.iter().fold(keys, place)
}

/// Bytes of a number, its length word included.
pub fn numeric_bytes(number: &str) -> u64 {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('-');
    let scale = (signed(fraction.len()) - exponent).max(0);
    // The power of ten of each digit, from the first to the last that is not 0.
    let power = |position: usize| signed(whole.len()) - 1 - signed(position) + exponent;
    let digits = || whole.bytes().chain(fraction.bytes());
    let (mut weight, mut count) = (0, 0);
    if let Some(first) = digits().position(|digit| digit != b'0') {
        let length = whole.len() + fraction.len();
        let zeros = fraction.bytes().rev().chain(whole.bytes().rev()).take_while(|d| *d == b'0');
        let last = length - 1 - zeros.count();
        weight = power(first).div_euclid(DECIMALS);
        count = weight - power(last).div_euclid(DECIMALS) + 1;
    }
    let short = scale <= SHORT_SCALE_MAX && SHORT_WEIGHTS.contains(&weight);
    let header = if short { NUMERIC_HEADER_BYTES } else { NUMERIC_HEADER_BYTES + 2 };
    header + 2 * u64::try_from(count).unwrap_or(0)
}

/// Positions of digits are far below 2^63.
fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_that_pg_column_size_told() {
        for (document, bytes) in [
            ("{}", 8),
            ("[]", 8),
            ("null", 12),
            ("true", 12),
            (r#""abc""#, 15),
            ("0", 18),
            ("1", 20),
            (r#"{"a": 1}"#, 28),
            (r#"{"timestamp": 123}"#, 36),
            (r#"{"a": 1, "a": "x"}"#, 18),
            (r#"[1, "a", 2]"#, 40),
        ] {
            assert_eq!(stored_bytes(document), Ok(bytes), "{document}");
        }
    }

    #[test]
    fn numbers_take_two_bytes_for_four_decimals_wherever_the_point_is() {
        for (number, bytes) in [
            ("0", 6),
            ("-0.00", 6),
            ("1", 8),
            ("9999", 8),
            ("10000", 8),
            ("10001", 10),
            ("1.5", 10),
            ("0.00005", 8),
            ("1e4", 8),
            ("12345.678e2", 12),
            ("1e300", 10),
        ] {
            assert_eq!(numeric_bytes(number), bytes, "{number}");
        }
    }
}
