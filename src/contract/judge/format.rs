//! Formats that are judged. Only what no reader takes breaks one: a `datetime` of Pydantic is written without an offset
//! and printed as `date-time` all the same, which RFC 3339 would refuse.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

/// Bytes of a date.
const DATE_BYTES: usize = "2026-11-22".len();

/// A format that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StringFormat {
    DateTime,
    Date,
    Time,
    Uuid,
    Email,
    Uri,
    Ipv4,
    Ipv6,
}

impl StringFormat {
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
            Self::DateTime => is_date_time(text),
            Self::Date => is_date(text),
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

/// With an offset or without. The last hours of the calendar, which stand for "for ever", are no instants that every
/// library can count, and are valid all the same.
fn is_date_time(text: &str) -> bool {
    let civil = |text: &str| text.parse::<DateTime>().is_ok();
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return civil(local);
    }
    // A zone in brackets is one that few readers take, and its offset is for the zone to say.
    let at = text.rfind(['+', '-']).filter(|at| *at > DATE_BYTES && !text.ends_with(']'));
    match at {
        Some(at) => is_offset(&text[at + 1..]) && civil(&text[..at]),
        None => civil(text) || text.parse::<Timestamp>().is_ok(),
    }
}

/// Hours and minutes from UTC, without the sign.
fn is_offset(text: &str) -> bool {
    let (hours, minutes) = match text.split_once(':') {
        Some(parts) => parts,
        None => text.split_at_checked(2).unwrap_or((text, "")),
    };
    let below = |digits: &str, end: u8| {
        digits.len() == 2 && digits.parse::<u8>().is_ok_and(|number| number < end)
    };
    below(hours, 24) && (minutes.is_empty() && text.len() == 2 || below(minutes, 60))
}

/// A date, or one with a midnight behind it, as readers of dates take it.
fn is_date(text: &str) -> bool {
    let Some(date) = text.get(..DATE_BYTES).filter(|date| date.parse::<Date>().is_ok()) else {
        return false;
    };
    let midnight = |time: &str| {
        let time = without_offset(time);
        time.parse::<Time>().is_ok_and(|time| time == Time::midnight())
    };
    let behind = &text[date.len()..];
    behind.is_empty()
        || behind.strip_prefix(['T', 't', ' ']).is_some_and(midnight) && is_date_time(text)
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
            ("date-time", "9999-12-31T23:59:59.999999Z", "9999-12-31T24:59:59Z"),
            ("date-time", "9999-12-31T23:59:59+00:00", "10000-01-01T00:00:00Z"),
            ("date-time", "9999-12-31T00:00:00-0800", "9999-12-31T00:00:00-25:00"),
            ("date-time", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Y"),
            ("date", "2026-11-22", "22.11.2026"),
            ("date", "2026-11-22T00:00:00", "2026-11-22T10:00:00"),
            ("date", "2026-11-22 00:00:00.000Z", "2026-11-22T"),
            ("date", "9999-12-31T00:00:00+00:00", "2026-11-31T00:00:00"),
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
            let format = StringFormat::named(name).unwrap();
            assert!(format.admits(yes), "{name}: {yes}");
            assert!(!format.admits(no), "{name}: {no}");
        }
        assert_eq!(StringFormat::named("duration"), None);
    }
}
