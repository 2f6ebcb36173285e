//! Formats that are judged. Only what no reader takes breaks one: a `datetime` of Pydantic is written without an offset
//! and printed as `date-time` all the same, which RFC 3339 would refuse.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

/// A format that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Time,
    Uuid,
    Email,
    Uri,
    Ipv4,
    Ipv6,
}

impl Format {
    /// The format of that name; none where it is but a note.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "time" => Self::Time,
            "uuid" => Self::Uuid,
            "email" => Self::Email,
            "uri" => Self::Uri,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            _ => return None,
        })
    }

    /// Whether a reader would take the text.
    pub(super) fn admits(self, text: &str) -> bool {
        match self {
            Self::DateTime => text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok(),
            Self::Date => text.len() == 10 && text.parse::<Date>().is_ok(),
            Self::Time => without_offset(text).parse::<Time>().is_ok(),
            Self::Uuid => is_uuid(text),
            Self::Email => text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && !host.is_empty() && !host.contains(char::is_whitespace)
            }),
            Self::Uri => text.split_once(':').is_some_and(|(scheme, _)| {
                scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            }),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => {
                text.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
            }
        }
    }
}

fn without_offset(text: &str) -> &str {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    text.split(['+', '-']).next().unwrap_or(text)
}

/// As any reader writes it: with hyphens or without, in braces, as a URN.
fn is_uuid(text: &str) -> bool {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_write_is_admitted_and_what_none_takes_is_not() {
        let cases = [
            ("date-time", "2026-11-22T10:00:00+00:00", "yesterday"),
            ("date-time", "2026-11-22T10:00:00", "2026-13-22T10:00:00Z"),
            ("date-time", "2026-11-22 10:00:00.123456Z", "1700000000"),
            ("date", "2026-11-22", "22.11.2026"),
            ("time", "10:00:00", "25:00:00"),
            ("time", "10:00:00.5+01:00", "ten"),
            ("uuid", "1ed2d1a5-3b1c-4b41-8d7c-0e6b4fb1f2aa", "1ed2d1a5"),
            ("uuid", "1ed2d1a53b1c4b418d7c0e6b4fb1f2aa", "none"),
            ("email", "a@b.example", "a"),
            ("uri", "https://b.example/x", "b.example"),
            ("ipv4", "192.0.2.1", "192.0.2.256"),
            ("ipv6", "2001:db8::1", "2001:db8::g"),
        ];
        for (name, yes, no) in cases {
            let format = Format::named(name).unwrap();
            assert!(format.admits(yes), "{name}: {yes}");
            assert!(!format.admits(no), "{name}: {no}");
        }
        assert_eq!(Format::named("duration"), None);
    }
}
