//! The format of a source, recognised by its beginning.

use serde::{Deserialize, Serialize};

use super::csvlog;
use super::list::Header;
use super::stderr;

/// The format of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceFormat {
    /// The server's log as plain text, with any `log_line_prefix`.
    Stderr,
    /// The server's log as CSV.
    Csvlog,
    /// The server's log as JSON, from PostgreSQL 15 on.
    Jsonlog,
    /// Statements as CSV with a header: `sql,calls,mean_ms`, or an export of `pg_stat_statements`.
    CsvList,
    /// Statements as JSON: `{"statements": [{"sql", "calls", "mean_ms"}]}`, an array, or one object after the other.
    JsonList,
}

/// What a byte order mark of UTF-8 is.
pub(super) const MARK: &[u8] = b"\xEF\xBB\xBF";

impl SourceFormat {
    /// Bytes that decide the format, where the source is not shorter.
    pub const SAMPLE_BYTES: usize = 64 * 1024;

    /// The format of what begins so; none where it is none of these.
    pub fn detect(begins: &[u8]) -> Option<Self> {
        let sample = &begins[..begins.len().min(Self::SAMPLE_BYTES)];
        let sample = sample.strip_prefix(MARK).unwrap_or(sample).trim_ascii_start();
        if let Some(format) = json(sample) {
            return Some(format);
        }
        let lines = || sample.split(|byte| *byte == b'\n');
        if lines().any(csvlog::begins_record) {
            return Some(Self::Csvlog);
        }
        let first = lines().next().unwrap_or_default();
        if Header::read(first.strip_suffix(b"\r").unwrap_or(first)).is_some() {
            return Some(Self::CsvList);
        }
        // A log may have been cut in the middle of a line.
        if lines().skip(1).any(|line| line.starts_with(b"{\"timestamp\":")) {
            return Some(Self::Jsonlog);
        }
        if lines().nth(1).is_some_and(|line| line.starts_with(b"{\"")) {
            return Some(Self::JsonList);
        }
        lines().any(stderr::begins_message).then_some(Self::Stderr)
    }
}

/// JSON begins with a bracket; a log with a prefix in brackets is none.
fn json(sample: &[u8]) -> Option<SourceFormat> {
    let (first, rest) = sample.split_first()?;
    let next = rest.trim_ascii_start().first().copied();
    match (first, next) {
        (b'{', Some(b'"') | None) => {
            let log = memchr::memmem::find(sample, b"\"error_severity\"").is_some()
                && rest.starts_with(b"\"timestamp\"");
            Some(if log { SourceFormat::Jsonlog } else { SourceFormat::JsonList })
        }
        (b'[', Some(b'{' | b']') | None) | (b'{', Some(b'}')) => Some(SourceFormat::JsonList),
        _ => None,
    }
}
