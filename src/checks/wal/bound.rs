//! Bounds of range partitions, as the server prints them: by their first column, which is all that time or ids need.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// `MINVALUE`, `-infinity`, or before Christ.
    Unbounded,
    /// A point in time; without a time zone as if it were UTC.
    Time(Timestamp),
    /// A number.
    Number(i128),
    /// `MAXVALUE`, `infinity`, or after the year 9999.
    Endless,
}

impl End {
    /// As a literal of a timestamp or a number, in UTC; absent for an end that is none.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Time(time) => Some(TimeZone::UTC.to_datetime(time).to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Unbounded | Self::Endless => None,
        }
    }
}

/// From the first value that belongs to it to the first that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: End,
    pub(super) to: End,
}

/// A bound as the server prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RangeBound {
    /// A range of times or numbers.
    Range(Range),
    /// `DEFAULT`.
    Default,
    /// A range of something else.
    Other,
}

impl RangeBound {
    /// Read `FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`.
    pub(super) fn read(text: &str) -> Self {
        if text == "DEFAULT" {
            return Self::Default;
        }
        let ends = text.strip_prefix("FOR VALUES FROM (").and_then(|rest| {
            let (from, rest) = first_value(rest)?;
            // Values of the other columns may hold anything, quoted.
            let (to, _) = first_value(after_to(rest)?)?;
            Some(Range { from: end(from)?, to: end(to)? })
        });
        ends.map_or(Self::Other, Self::Range)
    }
}

/// The first value of a list, and what follows it.
fn first_value(text: &str) -> Option<(&str, &str)> {
    if text.starts_with('\'') {
        let end = quoted_end(text)?;
        return Some((&text[..end], &text[end..]));
    }
    let end = text.find([',', ')'])?;
    Some((&text[..end], &text[end..]))
}

/// The position behind the closing quote of a literal; a quote in it is doubled.
fn quoted_end(text: &str) -> Option<usize> {
    let mut rest = 1;
    loop {
        let quote = rest + text.get(rest..)?.find('\'')?;
        if text[quote + 1..].starts_with('\'') {
            rest = quote + 2;
        } else {
            return Some(quote + 1);
        }
    }
}

/// What follows `) TO (`, outside of literals.
fn after_to(mut text: &str) -> Option<&str> {
    loop {
        if let Some(rest) = text.strip_prefix(") TO (") {
            return Some(rest);
        }
        let next = if text.starts_with('\'') {
            quoted_end(text)?
        } else {
            text.chars().next()?.len_utf8()
        };
        text = text.get(next..)?;
    }
}

fn end(value: &str) -> Option<End> {
    match value {
        "MINVALUE" => return Some(End::Unbounded),
        "MAXVALUE" => return Some(End::Endless),
        _ => {}
    }
    let plain = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(value);
    match plain {
        "-infinity" => Some(End::Unbounded),
        "infinity" => Some(End::Endless),
        number if number.parse::<i128>().is_ok() => number.parse().ok().map(End::Number),
        time => self::time(time).map(End::Time).or_else(|| far(time)),
    }
}

/// A time that is further away than anyone counts: people write such for what has no end.
fn far(text: &str) -> Option<End> {
    let year = text.split_once('-')?.0;
    let is_date = year.len() >= 4 && text.matches('-').count() >= 2;
    if !is_date || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if text.ends_with(" BC") {
        return Some(End::Unbounded);
    }
    (year.len() > 4).then_some(End::Endless)
}

/// A date, a timestamp, or one with a time zone, as ISO writes it.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let civil: DateTime = text.parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> End {
        text.parse().map_or_else(|_| unreachable!("{text}"), End::Time)
    }

    fn range(text: &str) -> (End, End) {
        match RangeBound::read(text) {
            RangeBound::Range(range) => (range.from, range.to),
            other => unreachable!("{text}: {other:?}"),
        }
    }

    #[test]
    fn dates_timestamps_and_numbers_are_read_with_and_without_quotes() {
        let january = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
        assert_eq!(range("FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"), january);
        let text = "FOR VALUES FROM ('2026-01-01 00:00:00') TO ('2026-02-01 00:00:00')";
        assert_eq!(range(text), january);
        let text = "FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 02:00:00+02')";
        assert_eq!(range(text), january);
        assert_eq!(range("FOR VALUES FROM (1) TO (1000)"), (End::Number(1), End::Number(1000)));
        let text = "FOR VALUES FROM ('-5') TO ('9223372036854775807')";
        assert_eq!(range(text), (End::Number(-5), End::Number(9_223_372_036_854_775_807)));
        assert_eq!(
            range("FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"),
            (End::Unbounded, End::Endless)
        );
    }

    #[test]
    fn times_beyond_those_that_are_counted_are_ends() {
        let text = "FOR VALUES FROM ('0044-03-15 BC') TO ('10000-01-01 00:00:00+00')";
        assert_eq!(range(text), (End::Unbounded, End::Endless));
        let text = "FOR VALUES FROM ('infinity') TO (MAXVALUE)";
        assert_eq!(range(text), (End::Endless, End::Endless));
        for text in
            ["FOR VALUES FROM ('a-b-c BC') TO ('x')", "FOR VALUES FROM ('12') TO ('12345-x')"]
        {
            assert_eq!(RangeBound::read(text), RangeBound::Other, "{text}");
        }
    }

    #[test]
    fn of_several_columns_the_first_counts_whatever_the_others_hold() {
        let text = "FOR VALUES FROM (1, 'a) TO (7', MINVALUE) TO (5, 'it''s', MAXVALUE)";
        assert_eq!(range(text), (End::Number(1), End::Number(5)));
    }

    #[test]
    fn what_is_no_range_of_time_or_numbers_is_something_else_and_nothing_panics() {
        assert_eq!(RangeBound::read("DEFAULT"), RangeBound::Default);
        for text in [
            "",
            "FOR VALUES FROM (",
            "FOR VALUES FROM ('",
            "FOR VALUES FROM ('a') TO ('b')",
            "FOR VALUES IN ('a')",
            "FOR VALUES WITH (modulus 2, remainder 0)",
            "FOR VALUES FROM ('ü', 'ö') TO ('ß",
        ] {
            assert_eq!(RangeBound::read(text), RangeBound::Other, "{text}");
        }
    }
}
