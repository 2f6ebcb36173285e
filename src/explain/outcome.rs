//! What reading a document led to.

use super::build::Build;
use super::error::StopReason;
use super::plan::ParsedPlan;

/// What was read of a document.
pub(super) struct ReadOutcome {
    pub(super) plans: Vec<ParsedPlan>,
    /// Plans in lines of text, where clients show rows as JSON.
    pub(super) rows: Vec<String>,
    /// Bytes up to its end.
    pub(super) end: usize,
    /// Where reading stopped before, and why.
    pub(super) stopped: Option<Stopped>,
}

/// Where reading stopped, in what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped {
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
    pub(super) reason: StopReason,
}

impl ReadOutcome {
    pub(super) fn ended(build: Build, end: usize) -> ReadOutcome {
        let (plans, rows) = build.finish();
        ReadOutcome { plans, rows, end, stopped: None }
    }

    pub(super) fn stopped(build: Build, stopped: Stopped) -> ReadOutcome {
        ReadOutcome { stopped: Some(stopped), ..ReadOutcome::ended(build, 0) }
    }
}

impl Stopped {
    /// The line and the column of a byte of the input.
    pub(super) fn at_byte(input: &str, at: usize, reason: StopReason) -> Stopped {
        let before = &input.as_bytes()[..at.min(input.len())];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        Stopped { line, column, reason }
    }
}
