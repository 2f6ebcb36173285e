//! What the server tells of the statements that its applications run: texts with their literals.
//!
//! They are read for memory alone: no part of the snapshot, nothing here can be written down or printed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use tokio_postgres::types::Type;

use super::batch::{Ask, Rows, question};
use super::gaps;
use super::names::NameRows;
use super::source::{self, Source};
use crate::model::observation::Names;
use crate::model::{Gap, Observation, quote_identifier};
use crate::pg::{Answer, Question};

/// What the server tells of the statements that its applications run.
pub struct Texts {
    /// What names in them mean.
    pub names: Observation<Names>,
    /// What other sessions run now, or ran last.
    pub activity: Vec<Text>,
    /// One text of each statement, as `pg_qualstats` keeps them.
    pub examples: Vec<Text>,
    /// What was counted, by statement; none where `pg_stat_statements` does not tell.
    pub counted: Option<Vec<Counted>>,
    /// What the catalog keeps that names keys.
    pub definitions: Vec<Defined>,
    /// The end of the server's log, from the first line that is whole.
    pub log: Vec<u8>,
    /// What could not be seen of all that.
    pub gaps: Vec<Gap>,
}

/// A text as an application sent it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The server's identifier of the statement; none where it computes none.
    pub query_id: Option<i64>,
    /// The text; none where our role may not read it.
    pub sql: Option<String>,
    /// Whether its end is missing.
    pub cut_off: bool,
}

/// A statement as `pg_stat_statements` counts it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The server's identifier; none of many together.
    pub query_id: Option<i64>,
    /// The text, its literals made parameters; none where our role may not read it, and none of many together.
    pub sql: Option<String>,
    /// Whether our role may not read it.
    pub hidden: bool,
    /// Calls.
    pub calls: u64,
    /// What they took, in milliseconds.
    pub total_ms: f64,
}

/// Something of the catalog that names keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defined {
    /// What the text is.
    pub kind: DefinedKind,
    /// The text.
    pub sql: String,
    /// The schema of the table to which an expression belongs.
    pub schema: Option<String>,
    /// The table.
    pub name: Option<String>,
}

/// What the text of a definition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinedKind {
    /// A whole statement.
    Statement,
    /// A query.
    Query,
    /// An expression of a table.
    Expression,
}

/// Which of all that can be had.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadSources {
    stat_statements_schema: Option<String>,
    qualstats_schema: Option<String>,
    computes_query_id: bool,
    tracks_activities: bool,
    writes_log: bool,
    /// Functions that reading the log needs, and that our role may not call.
    log_denied: Vec<String>,
}

/// The end of a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogTail {
    tail: Option<String>,
    begins_within: bool,
}

/// The questions, and what their answers bring.
pub(super) struct TextRows {
    tables: Vec<i64>,
    sources: WorkloadSources,
    names: NameRows,
    activity: Rows<Text>,
    definitions: Rows<Defined>,
    counted: Rows<Counted>,
    examples: Rows<Text>,
    log: Rows<LogTail>,
}

impl TextRows {
    /// About these tables.
    pub(super) fn about(tables: Vec<i64>, sources: WorkloadSources) -> Self {
        Self {
            tables,
            sources,
            names: NameRows::new(),
            activity: Rows::new(&source::ACTIVITY),
            definitions: Rows::new(&source::DEFINITIONS),
            counted: Rows::new(&source::STAT_STATEMENTS),
            examples: Rows::new(&source::QUALSTATS),
            log: Rows::new(&source::LOG_TAIL),
        }
    }

    /// The questions that can be answered.
    pub(super) fn asks(&mut self, major: u32) -> Vec<Ask<'_>> {
        let mut asks: Vec<Ask<'_>> = self.names.asks(major).into();
        asks.push(self.activity.asked(question(&source::ACTIVITY, major)));
        asks.push(self.definitions.asked(Question {
            parameters: vec![(Box::new(self.tables.clone()), Type::INT8_ARRAY)],
            ..question(&source::DEFINITIONS, major)
        }));
        if let Some(schema) = &self.sources.stat_statements_schema {
            asks.push(self.counted.asked(of_schema(&source::STAT_STATEMENTS, major, schema)));
        }
        if let Some(schema) = &self.sources.qualstats_schema {
            asks.push(self.examples.asked(of_schema(&source::QUALSTATS, major, schema)));
        }
        if self.sources.log_can_be_read() {
            asks.push(self.log.asked(question(&source::LOG_TAIL, major)));
        }
        asks
    }

    /// What the answers to them say.
    pub(super) fn finish(self, answers: &[Answer]) -> Texts {
        let (names, rest) = answers.split_at(2);
        let mut taken = Taken { answers: rest.iter(), gaps: self.sources.gaps() };
        let activity = taken.next(self.activity, None).unwrap_or_default();
        let definitions = taken.next(self.definitions, None).unwrap_or_default();
        let WorkloadSources { stat_statements_schema, qualstats_schema, .. } = &self.sources;
        let counted = stat_statements_schema.as_deref();
        let counted = counted.and_then(|schema| taken.next(self.counted, Some(schema)));
        let examples = qualstats_schema.as_deref();
        let examples = examples.and_then(|schema| taken.next(self.examples, Some(schema)));
        let log = if self.sources.log_can_be_read() { taken.next(self.log, None) } else { None };
        let mut gaps = taken.gaps;
        gaps.extend(gaps::hidden_texts(&activity, counted.as_deref().unwrap_or_default()));
        gaps.extend(gaps::cut_texts(&activity));
        gaps.extend(log.as_ref().filter(|log| log.is_empty()).map(|_| gaps::log_of_others()));
        Texts {
            names: self.names.seen(names),
            activity,
            examples: examples.unwrap_or_default(),
            counted,
            definitions,
            log: log.into_iter().flatten().next().map(LogTail::bytes).unwrap_or_default(),
            gaps,
        }
    }
}

impl WorkloadSources {
    fn log_can_be_read(&self) -> bool {
        self.writes_log && self.log_denied.is_empty()
    }

    /// What cannot be had, and how it could.
    fn gaps(&self) -> Vec<Gap> {
        let no_query_id = self.stat_statements_schema.is_some() && !self.computes_query_id;
        [
            (!self.tracks_activities).then(gaps::untracked_activities),
            self.stat_statements_schema.is_none().then(gaps::no_stat_statements),
            no_query_id.then(gaps::no_query_id),
            (self.writes_log && !self.log_can_be_read())
                .then(|| gaps::unread_log(&self.log_denied)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl LogTail {
    /// The bytes from the first line on that is whole.
    fn bytes(self) -> Vec<u8> {
        let text = self.tail.unwrap_or_default().replace('\n', "");
        let mut bytes = BASE64.decode(text).unwrap_or_default();
        if self.begins_within {
            let line = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |newline| newline + 1);
            bytes.drain(..line);
        }
        bytes
    }
}

/// Answers in their order, and why some brought nothing.
struct Taken<'a> {
    answers: std::slice::Iter<'a, Answer>,
    gaps: Vec<Gap>,
}

impl Taken<'_> {
    /// What the next answer brought, from the extension in that schema where it is one.
    fn next<T>(&mut self, rows: Rows<T>, schema: Option<&str>) -> Option<Vec<T>>
    where
        T: serde::de::DeserializeOwned + Send,
    {
        let (source, answer) = (rows.source, self.answers.next()?);
        match (rows.seen(answer), answer) {
            (Observation::Seen(rows), _) => return Some(rows),
            (Observation::Unseen(_), Err(failure)) => {
                self.gaps.push(gaps::untold_by(source, failure, schema));
            }
            (Observation::Unseen(gap), Ok(())) => self.gaps.push(gap),
        }
        None
    }
}

/// A question to an extension, which lives in that schema.
fn of_schema(source: &Source, major: u32, schema: &str) -> Question {
    let question = question(source, major);
    let sql = question.sql.replace(" public.", &format!(" {}.", quote_identifier(schema)));
    Question { sql, ..question }
}
