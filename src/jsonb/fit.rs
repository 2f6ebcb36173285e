//! Which type of column all values of a path fit, so that a cast of any of them succeeds.

use super::Token;

/// Digits that any `bigint` has room for.
const BIGINT_DIGITS_MAX: usize = 18;

/// The narrowest type met so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// No value but `null` was met.
    #[default]
    Nothing,
    /// `true` and `false`.
    Boolean,
    /// Whole numbers.
    Bigint,
    /// Numbers.
    Numeric,
    /// Strings that are UUIDs as PostgreSQL prints them.
    Uuid,
    /// Strings that are points in time in ISO 8601, with a time zone.
    Timestamptz,
    /// Strings of any kind, or scalars of several types.
    Text,
    /// Objects or arrays are among them.
    Document,
}

impl Fit {
    /// The type's name in SQL; none where nothing was met.
    pub fn as_sql(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Boolean => Some("boolean"),
            Self::Bigint => Some("bigint"),
            Self::Numeric => Some("numeric"),
            Self::Uuid => Some("uuid"),
            Self::Timestamptz => Some("timestamp with time zone"),
            Self::Text => Some("text"),
            Self::Document => Some("jsonb"),
        }
    }

    /// What this and one more value fit.
    #[must_use]
    pub(super) fn with(self, value: &Token<'_>) -> Self {
        // Nothing is narrower again: most strings need not be looked at.
        match (self, value) {
            (Self::Document, _) | (_, Token::ObjectStart | Token::ArrayStart) => Self::Document,
            (Self::Text, _) => Self::Text,
            (_, Token::String(text)) => self.joined(of_string(text)),
            (_, Token::Number(number)) => self.joined(of_number(number)),
            (_, Token::Bool) => self.joined(Self::Boolean),
            _ => self,
        }
    }

    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, fit) => fit,
            (a, b) if a == b => a,
            (Self::Bigint | Self::Numeric, Self::Bigint | Self::Numeric) => Self::Numeric,
            _ => Self::Text,
        }
    }
}

fn of_number(number: &str) -> Fit {
    let digits = number.trim_start_matches('-');
    let whole = digits.len() <= BIGINT_DIGITS_MAX && digits.bytes().all(|c| c.is_ascii_digit());
    if whole { Fit::Bigint } else { Fit::Numeric }
}

fn of_string(text: &str) -> Fit {
    if is_uuid(text.as_bytes()) {
        Fit::Uuid
    } else if is_timestamp(text) {
        Fit::Timestamptz
    } else {
        Fit::Text
    }
}

/// `8-4-4-4-12` hexadecimal digits, in lower case: those alone are printed back as they were written.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => *c == b'-',
            _ => matches!(c, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// `2026-11-22T10:00:00.5Z` and the like, checked by the calendar. The offset may be written `+01:00`, `+01` or `Z`.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let long_enough = (20..=40).contains(&bytes.len());
    long_enough && bytes[4] == b'-' && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonb::Scanner;

    fn fit(values: &[&str]) -> Option<&'static str> {
        let mut fit = Fit::default();
        for value in values {
            fit = fit.with(&Scanner::new(value).next_token().unwrap().unwrap());
        }
        fit.as_sql()
    }

    #[test]
    fn the_narrowest_type_that_takes_every_value_is_told() {
        assert_eq!(fit(&["null"]), None);
        assert_eq!(fit(&["1", "-20", "null"]), Some("bigint"));
        assert_eq!(fit(&["1", "1234567890123456789"]), Some("numeric"));
        assert_eq!(fit(&["1.5", "1"]), Some("numeric"));
        assert_eq!(fit(&["true", "false"]), Some("boolean"));
        assert_eq!(fit(&["true", "1"]), Some("text"));
        assert_eq!(fit(&[r#""2b9f6e7e-0c53-4a0e-9c0f-3f1f6b1c2d3e""#]), Some("uuid"));
        assert_eq!(fit(&[r#""2B9F6E7E-0C53-4A0E-9C0F-3F1F6B1C2D3E""#]), Some("text"));
        let times = [r#""2026-11-22T10:00:00Z""#, r#""2026-11-22 10:00:00.5+01:00""#];
        assert_eq!(fit(&times), Some("timestamp with time zone"));
        assert_eq!(fit(&[r#""2026-02-30T10:00:00Z""#]), Some("text"), "no such day");
        assert_eq!(fit(&[r#""2026-11-22T10:00:00""#]), Some("text"), "no time zone");
        assert_eq!(fit(&["1", r#""a""#]), Some("text"));
        assert_eq!(fit(&["1", "[]", "2"]), Some("jsonb"));
    }
}
