//! What the server shows of the statements that its applications run: texts with their literals.
//!
//! They are read for memory alone: no part of the snapshot, nothing here can be written down or printed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::Deserialize;

use super::batch::{Batch, Slot};
use super::gaps;
use super::source::{self, Source};
use crate::model::observation::{Names, StatementCounters, WorkloadStatement};
use crate::model::{Gap, Observation, quote_identifier};

/// What the server shows of the statements that its applications run.
pub struct StatementTexts {
    /// What names in them mean. Of no text none is looked up.
    pub names: Observation<Names>,
    /// What other sessions run now, or ran last.
    pub activity: Vec<ServerStatementText>,
    /// One text of each statement, as `pg_qualstats` keeps them.
    pub examples: Vec<ServerStatementText>,
    /// What was counted, by statement; none where `pg_stat_statements` does not show it.
    pub counted: Option<Vec<CountedStatement>>,
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
pub struct ServerStatementText {
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
pub struct CountedStatement {
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
    /// Rows returned or written.
    pub rows: u64,
    /// Pages found in shared buffers.
    pub shared_blks_hit: u64,
    /// Pages read from elsewhere.
    pub shared_blks_read: u64,
    /// What reading them took, in milliseconds; none where nothing was timed.
    pub read_ms: Option<f64>,
    /// Bytes of WAL.
    pub wal_bytes: u64,
    /// Since when all statements are counted; none where the extension is too old to say.
    #[serde(skip)]
    pub counting_since: Option<Timestamp>,
}

/// Since when `pg_stat_statements` counts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountingSince {
    counting_since: Option<Timestamp>,
}

impl CountedStatement {
    /// What was counted beside calls and time.
    pub fn counters(&self) -> StatementCounters {
        StatementCounters {
            rows: self.rows,
            shared_blks_hit: self.shared_blks_hit,
            shared_blks_read: self.shared_blks_read,
            read_ms: self.read_ms,
            wal_bytes: self.wal_bytes,
            counting_since: self.counting_since,
        }
    }

    /// The statement; none where its text is not known. Its fingerprint is not known yet.
    #[expect(clippy::cast_precision_loss, reason = "a mean has no such precision")]
    pub(super) fn statement(&self) -> Option<WorkloadStatement> {
        let rows = (self.calls > 0).then(|| self.rows as f64 / self.calls as f64);
        Some(WorkloadStatement {
            fingerprint: String::new(),
            text: self.sql.clone()?,
            query_id: self.query_id,
            calls: self.calls,
            total_ms: self.total_ms,
            rows_per_call: rows,
        })
    }
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

/// The queries about texts. A slot is absent where the source cannot be had.
pub(super) struct TextLook {
    /// Tables whose definitions are asked for.
    tables: Vec<i64>,
    sources: WorkloadSources,
    /// Whether someone understands the texts, and not only explains some.
    understood: bool,
    slots: Option<TextSlots>,
}

struct TextSlots {
    activity: Slot<ServerStatementText>,
    definitions: Slot<Defined>,
    counted: Option<Slot<CountedStatement>>,
    counting_since: Option<Slot<CountingSince>>,
    examples: Option<Slot<ServerStatementText>>,
    log: Option<Slot<LogTail>>,
}

impl TextLook {
    /// About these tables.
    pub(super) fn about(tables: Vec<i64>, sources: WorkloadSources) -> Self {
        Self { tables, sources, understood: true, slots: None }
    }

    /// Texts of statements that take most time, and nothing that says what names in them mean.
    pub(super) fn to_explain(sources: WorkloadSources) -> Self {
        Self { tables: Vec::new(), sources, understood: false, slots: None }
    }

    /// Ask what can be answered.
    pub(super) fn query(&mut self, batch: &mut Batch<'_>) {
        let Self { tables, sources, understood, slots } = self;
        let reads_log = *understood && sources.log_can_be_read();
        *slots = Some(TextSlots {
            activity: batch.query(&source::ACTIVITY, vec![]),
            definitions: batch.query_relations(&source::DEFINITIONS, tables),
            counted: sources
                .stat_statements_schema
                .as_ref()
                .map(|schema| of_extension(batch, &source::STAT_STATEMENTS, schema)),
            counting_since: sources
                .stat_statements_schema
                .as_ref()
                .map(|schema| of_extension(batch, &source::STAT_STATEMENTS_INFO, schema)),
            examples: sources
                .qualstats_schema
                .as_ref()
                .map(|schema| of_extension(batch, &source::QUALSTATS, schema)),
            log: reads_log.then(|| batch.query(&source::LOG_TAIL, vec![])),
        });
    }

    /// What was seen.
    pub(super) fn seen(self) -> StatementTexts {
        let WorkloadSources { stat_statements_schema, qualstats_schema, .. } = &self.sources;
        let mut gaps = self.sources.gaps();
        let Some(slots) = self.slots else {
            return StatementTexts { gaps, ..StatementTexts::empty(unnamed(self.understood)) };
        };
        let mut take = Taker { gaps: &mut gaps };
        let activity = take.rows(Some(slots.activity), None).unwrap_or_default();
        let definitions = take.rows(Some(slots.definitions), None).unwrap_or_default();
        let mut counted = take.rows(slots.counted, stat_statements_schema.as_deref());
        // An extension that was not updated since a major version before 14 does not say: then the window is not known.
        let since = slots.counting_since.and_then(|slot| slot.row().get().ok()?.counting_since);
        for one in counted.iter_mut().flatten() {
            one.counting_since = since;
        }
        let examples = take.rows(slots.examples, qualstats_schema.as_deref());
        let log = take.rows(slots.log, None);
        gaps.extend(gaps::hidden_texts(&activity, counted.as_deref().unwrap_or_default()));
        gaps.extend(gaps::cut_texts(&activity));
        gaps.extend(log.as_ref().filter(|log| log.is_empty()).map(|_| gaps::log_of_others()));
        StatementTexts {
            names: unnamed(self.understood),
            activity,
            examples: examples.unwrap_or_default(),
            counted,
            definitions,
            log: log.into_iter().flatten().next().map(LogTail::bytes).unwrap_or_default(),
            gaps,
        }
    }
}

impl StatementTexts {
    /// Whether names in them are to be looked up.
    pub(super) fn name_something(&self) -> bool {
        let Self { names, activity, examples, counted, definitions, log, .. } = self;
        let counted = counted.iter().flatten().any(|one| one.sql.is_some());
        let texts = activity.iter().chain(examples).any(|one| one.sql.is_some());
        names.get().is_ok() && (counted || texts || !definitions.is_empty() || !log.is_empty())
    }

    fn empty(names: Observation<Names>) -> Self {
        Self {
            names,
            activity: Vec::new(),
            examples: Vec::new(),
            counted: None,
            definitions: Vec::new(),
            log: Vec::new(),
            gaps: Vec::new(),
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

/// Before names are looked up: none where the texts are understood, and not asked where some are explained alone.
fn unnamed(understood: bool) -> Observation<Names> {
    if understood {
        return Observation::Seen(Names::default());
    }
    Observation::Unseen(gaps::unasked(source::NAMES.name))
}

/// Takes rows, and keeps why some sources brought none.
struct Taker<'a> {
    gaps: &'a mut Vec<Gap>,
}

impl Taker<'_> {
    /// The rows of a source, which is an extension in that schema where one is named.
    fn rows<T>(&mut self, slot: Option<Slot<T>>, schema: Option<&str>) -> Option<Vec<T>> {
        let slot = slot?;
        let failed =
            slot.failure().map(|failure| gaps::source_failed(slot.source(), failure, schema));
        match slot.rows() {
            Observation::Seen(rows) => return Some(rows),
            Observation::Unseen(gap) => self.gaps.push(failed.unwrap_or(gap)),
        }
        None
    }
}

/// A query to an extension, which lives in that schema.
fn of_extension<T>(batch: &mut Batch<'_>, source: &'static Source, schema: &str) -> Slot<T>
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    let sql = source.spelling(batch.major());
    let sql = sql.replace(" public.", &format!(" {}.", quote_identifier(schema)));
    batch.query_with(source, &sql, vec![])
}
