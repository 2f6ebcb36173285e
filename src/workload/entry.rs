//! One statement that an application ran, as a source shows it. Passes through, and is never kept.

use std::fmt;

use super::parameters::Parameters;

/// A statement that was run, with its literals.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The text as it was sent.
    pub sql: String,
    /// How often it ran. None for further fetches from a cursor, which only add their time.
    pub calls: u64,
    /// What all calls took together, where the source shows it.
    pub total_ms: Option<f64>,
    /// Values of `$1`, `$2`, …, where the source shows it.
    pub parameters: Parameters,
    /// The database in which it ran, where the source shows it: a log is one for the whole cluster.
    pub database: Option<String>,
    /// The server's identifier of the statement, where the source shows it.
    pub query_id: Option<i64>,
    /// Whether the text is longer than is read, so that its end is missing.
    pub cut_off: bool,
    /// Whether it comes from a list that someone made, and was not seen to run.
    pub listed: bool,
    /// Its plan, where the source holds one.
    pub plan: Option<LoggedPlan>,
}

/// A plan as `auto_explain` writes it. Passes through as its statement does.
#[derive(Clone, PartialEq)]
pub struct LoggedPlan {
    /// The plan, in any of the four formats.
    pub text: String,
    /// What the execution took.
    pub ms: f64,
}

impl Entry {
    /// A text that ran once, of which nothing else is known.
    pub fn once(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            calls: 1,
            total_ms: None,
            parameters: Parameters::default(),
            database: None,
            query_id: None,
            cut_off: false,
            listed: false,
            plan: None,
        }
    }
}

impl Entry {
    /// Whether it holds nothing but the plan of a statement that came before.
    pub fn is_plan_alone(&self) -> bool {
        self.calls == 0 && self.total_ms.is_none() && self.plan.is_some()
    }
}

impl fmt::Debug for Entry {
    /// Without the text: it may hold what no one may log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("sql_bytes", &self.sql.len())
            .field("calls", &self.calls)
            .field("total_ms", &self.total_ms)
            .finish_non_exhaustive()
    }
}

/// What was read of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceCounts {
    /// Bytes.
    pub bytes: u64,
    /// Lines; of JSON, objects.
    pub lines: u64,
    /// Statements that were handed on.
    pub entries: u64,
    /// Lines, records or elements that are not of the format.
    pub malformed: u64,
    /// Messages of a log that look like those about statements, in words that are not known.
    pub skipped: u64,
    /// Statements whose text is longer than is read, or whose record is.
    pub cut_off: u64,
    /// Times of executions whose statement the log does not show, as with `log_duration` alone.
    #[serde(default)]
    pub without_statement: u64,
    /// Statements that ran in another database than the one that was asked for.
    pub elsewhere: u64,
}

impl SourceCounts {
    /// What was read of lines that a carrier had wrapped, whose bytes are counted already.
    pub(super) fn add_wrapped(&mut self, wrapped: &Self) {
        self.entries += wrapped.entries;
        self.malformed += wrapped.malformed;
        self.skipped += wrapped.skipped;
        self.cut_off += wrapped.cut_off;
        self.without_statement += wrapped.without_statement;
        self.elsewhere += wrapped.elsewhere;
    }

    /// What was read of another source beside.
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.add_wrapped(other);
    }
}
