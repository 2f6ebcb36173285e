//! What the target itself shows of its workload: texts with their literals become keys and calls, and are gone.

use std::time::{Duration, Instant};

use super::logged::PlanJudge;
use super::workload::{catalog, workload};
use crate::model::observation::{ColumnWorkload, Workload};
use crate::model::{Gap, Observation, QualifiedName};
use crate::observe::{Defined, DefinedKind, ServerStatementText, StatementTexts};
use crate::workload::{
    Bookkeeper, Definition, Entry, SourceReader, StatementSource, StatementStats,
};

/// Statements may take this long to be understood, those of the log half of it. What is left then is not attributed.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What is known of the workload: what was sent, and what the server counts and shows. `unseen_texts` says that nothing is.
pub(super) async fn known_workload(
    supplied: Option<Workload>,
    texts: Option<StatementTexts>,
    unseen_texts: Observation<Workload>,
) -> Observation<Workload> {
    let by_server = match texts {
        None => None,
        // Understanding statements is work, and not waiting.
        Some(texts) => {
            let understood = tokio::task::spawn_blocking(move || understood(texts)).await;
            Some(understood.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
        }
    };
    // What holds no statement says nothing of the workload: it is as if it had not been sent, and that is said.
    let (supplied, sent) = match supplied {
        Some(supplied) if supplied.calls == 0 => (None, supplied.not_read),
        supplied => (supplied, Vec::new()),
    };
    match (supplied, by_server) {
        (None, None) => without_statements(unseen_texts, &sent),
        (Some(supplied), None) => Observation::Seen(supplied),
        (supplied, Some(by_server)) => {
            let mut joined = joined(supplied, by_server, unseen_texts.get().err());
            joined.not_read.extend(sent);
            Observation::Seen(joined)
        }
    }
}

/// Why nothing is known, with the account of what was sent all the same.
fn without_statements(unseen_texts: Observation<Workload>, sent: &[Gap]) -> Observation<Workload> {
    match (unseen_texts, sent.first()) {
        (Observation::Unseen(gap), Some(account)) => {
            let detail = format!("{}. {}", account.detail, gap.detail);
            Observation::Unseen(Gap { detail, lift: account.lift.clone(), ..gap })
        }
        (unseen_texts, _) => unseen_texts,
    }
}

/// What was sent comes before what the server knows: both may hold the same calls, so they are never added. Where a workload
/// was sent, what else the server could show is no gap. What the catalog defines is no call, and is kept of both.
fn joined(
    supplied: Option<Workload>,
    mut gathered: Workload,
    unseen_texts: Option<&Gap>,
) -> Workload {
    if let Some(mut supplied) = supplied {
        for column in &mut supplied.columns {
            let same = |other: &&ColumnWorkload| {
                (&other.schema, &other.table, &other.column)
                    == (&column.schema, &column.table, &column.column)
            };
            let known = gathered.columns.iter().find(same);
            let keys = known.map_or(&[][..], |known| &known.keys);
            for key in &mut column.keys {
                let same = keys.iter().find(|other| other.path == key.path);
                key.definitions = same.map_or(0, |same| same.definitions);
            }
        }
        supplied.columns.append(&mut gathered.columns);
        if supplied.session_uses.is_empty() {
            supplied.session_uses = gathered.session_uses;
        }
        if supplied.logged_plans.is_empty() {
            supplied.logged_plans = gathered.logged_plans;
        }
        if supplied.usage.is_empty() {
            (supplied.usage, supplied.statements) = (gathered.usage, gathered.statements);
            supplied.coverage.columns_ratio = gathered.coverage.columns_ratio;
        }
        return supplied;
    }
    if gathered.columns.iter().all(|column| column.calls == 0) {
        gathered.unseen.extend(unseen_texts.cloned());
    }
    gathered
}

/// The workload by the texts and counts of the server.
fn understood(texts: StatementTexts) -> Workload {
    let StatementTexts { names, activity, examples, counted, definitions, log, mut gaps } = texts;
    let names = match names {
        Observation::Seen(names) => names,
        Observation::Unseen(gap) => {
            gaps.push(gap);
            return Workload { unseen: gaps, ..Workload::default() };
        }
    };
    let begun = Instant::now();
    let mut reader = SourceReader::new(None).of_database(names.database.clone());
    let catalog = catalog(names);
    let mut book = Bookkeeper::new(&catalog);
    record_texts(&mut book, StatementSource::Activity, activity);
    record_texts(&mut book, StatementSource::Qualstats, examples);
    let judge = PlanJudge::new();
    let mut record_text = |entry: Entry| {
        if begun.elapsed() < TIME_MAX / 2 {
            book.record_text(StatementSource::Log, &entry);
            book.add_plan(&entry, |plan| judge.judged(plan));
        }
    };
    reader.push(&log, &mut record_text);
    reader.finish(&mut record_text);
    drop(log);
    for defined in &definitions {
        mention(&mut book, defined);
    }
    let counted: Option<Vec<StatementStats<'_>>> = counted.as_ref().map(|counted| {
        let counted = counted.iter().map(|one| StatementStats {
            query_id: one.query_id,
            sql: one.sql.as_deref(),
            calls: one.calls,
            total_ms: one.total_ms,
            counters: Some(one.counters()),
        });
        counted.collect()
    });
    let attributed = book.attribute(counted.as_deref(), || begun.elapsed() < TIME_MAX);
    let mut seen = Workload { unseen: gaps, ..workload(&attributed.ledger) };
    for column in &mut seen.columns {
        let table = QualifiedName { schema: column.schema.clone(), name: column.table.clone() };
        let of = (table, column.column.clone());
        column.sample_size =
            attributed.sample_sizes.get(&of).map(|size| (size * 10.0).round() / 10.0);
    }
    seen
}

fn record_texts(
    book: &mut Bookkeeper<'_>,
    source: StatementSource,
    texts: Vec<ServerStatementText>,
) {
    for ServerStatementText { query_id, sql, cut_off } in texts {
        if let Some(sql) = sql {
            book.record_text(source, &Entry { query_id, cut_off, ..Entry::once(sql) });
        }
    }
}

fn mention(book: &mut Bookkeeper<'_>, defined: &Defined) {
    let sql = &defined.sql;
    match (defined.kind, &defined.schema, &defined.name) {
        (DefinedKind::Statement, _, _) => book.mention(&Definition::Statement(sql)),
        (DefinedKind::Query, _, _) => book.mention(&Definition::Query(sql)),
        (DefinedKind::Expression, Some(schema), Some(name)) => {
            let table = QualifiedName { schema: schema.clone(), name: name.clone() };
            book.mention(&Definition::Expression { table: &table, expression: sql });
        }
        (DefinedKind::Expression, _, _) => {}
    }
}
