//! What a limit of a pending list comes to, as the server has it and as a migration sets it.

use crate::model::{Threshold, Unit};

/// The option of an index, and the setting.
pub(crate) const NAME: &str = "gin_pending_list_limit";
/// From here on no one meant it: a list that long takes minutes to drain.
pub(crate) const CERTAIN_BYTES: f64 = 1_073_741_824.0;
/// Bytes of one row in the list at the least: a tuple with one short key.
pub(crate) const ROW_BYTES_MIN: f64 = 40.0;
/// The server's default.
const DEFAULT_KB: f64 = 4096.0;
/// The smallest limit that a number of bytes is taken to mean: a quarter of the default. A smaller one was meant in kilobytes.
const MEANT_KB_MIN: f64 = 1024.0;

/// The largest pending list that is worth having.
pub(crate) static PENDING_LIMIT_BYTES_MAX: Threshold = Threshold {
    name: "pending_limit_bytes_max",
    default: 67_108_864.0,
    unit: Unit::Bytes,
    reason: "a search reads the whole list: 64 MB are 8,192 pages; the option is in kB, and a larger number was often meant in bytes",
};

/// The shortest time between two flushes by inserts.
pub(crate) static FLUSH_INTERVAL_S_MIN: Threshold = Threshold {
    name: "flush_interval_s_min",
    default: 10.0,
    unit: Unit::S,
    reason: "the session whose insert passes the limit waits while the list is drained; more often than that, every batch does",
};

/// The shortest list that searches notice.
pub(crate) static PENDING_PAGES_MIN: Threshold = Threshold {
    name: "pending_pages_min",
    default: 32.0,
    unit: Unit::Count,
    reason: "a list of 256 kB adds a millisecond or two to a search; shorter ones are what a pending list is for",
};

/// What was meant, if the number was given in bytes.
pub(crate) fn meant_kb(kilobytes: f64) -> f64 {
    let meant = kilobytes / 1024.0;
    if meant.fract() == 0.0 && (MEANT_KB_MIN..=65_536.0).contains(&meant) {
        meant
    } else {
        DEFAULT_KB
    }
}

/// The limit as it was given, and what it comes to.
pub(crate) fn allowed(kilobytes: f64) -> String {
    format!("a pending list of {}: `{NAME} = {kilobytes:.0}` is in kB", bytes(kilobytes * 1024.0))
}

fn bytes(bytes: f64) -> String {
    match bytes {
        b if b >= CERTAIN_BYTES => format!("{:.1} GB", b / CERTAIN_BYTES),
        b => format!("{:.0} MB", b / 1_048_576.0),
    }
}

/// A value as `SET` takes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PendingListLimit {
    pub(crate) kilobytes: f64,
    /// Whether its unit was written: then it is the one that was meant.
    pub(crate) has_unit: bool,
}

impl PendingListLimit {
    /// A number in kB, or one with a unit.
    pub(crate) fn read(value: &str) -> Option<Self> {
        let value = value.trim();
        let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
        let number: f64 = value[..digits].parse().ok()?;
        let unit = value[digits..].trim();
        let times = match unit {
            "" | "kB" => 1.0,
            "B" => 1.0 / 1024.0,
            "MB" => 1024.0,
            "GB" => 1_048_576.0,
            "TB" => 1_073_741_824.0,
            _ => return None,
        };
        Some(Self { kilobytes: number * times, has_unit: !unit.is_empty() })
    }
}

/// Whether a boolean option is off, in any of the spellings that the server takes and keeps as they are.
pub(crate) fn off(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    begins("off", 2) || begins("false", 1) || begins("no", 1) || value == "0"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::number::whole;

    #[test]
    fn a_number_of_bytes_is_read_back_as_the_kilobytes_that_were_meant() {
        assert_eq!(whole(meant_kb(4_194_304.0)), 4096);
        assert_eq!(whole(meant_kb(16_777_216.0)), 16_384);
        assert_eq!(whole(meant_kb(100_000.0)), 4096, "no number of bytes");
        assert_eq!(whole(meant_kb(131_072.0)), 4096, "a list of 128 kB is drained all the time");
        assert_eq!(whole(meant_kb(2_147_483_647.0)), 4096);
    }

    #[test]
    fn a_setting_is_read_in_the_units_that_the_server_takes() {
        for (value, limit, has_unit) in [
            ("4096", 4096, false),
            ("4MB", 4096, true),
            ("4 GB", 4_194_304, true),
            ("65536B", 64, true),
        ] {
            let read =
                PendingListLimit::read(value).map(|one| (whole(one.kilobytes), one.has_unit));
            assert_eq!(read, Some((limit, has_unit)), "{value}");
        }
        assert_eq!(PendingListLimit::read("off"), None);
        assert_eq!(PendingListLimit::read(""), None);
    }

    #[test]
    fn every_spelling_of_off_that_the_server_takes_is_off() {
        for value in ["off", "OFF", "of", "false", "f", "no", "n", "0"] {
            assert!(off(value), "{value}");
        }
        for value in ["on", "o", "true", "1", "yes"] {
            assert!(!off(value), "{value}");
        }
    }
}
