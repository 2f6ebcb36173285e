//! What the target itself tells of its workload: texts with their literals become keys and calls, and are gone.

use std::time::{Duration, Instant};

use super::logged::PlanJudge;
use super::workload::{catalog, workload};
use crate::model::observation::{ColumnWorkload, Workload};
use crate::model::{Gap, Observation, QualifiedName};
use crate::observe::{Defined, DefinedKind, Text, Texts};
use crate::workload::{Bookkeeper, Counted, Definition, Entry, Reader, Source};

/// Statements may take this long to be understood, those of the log half of it. What is left then is not attributed.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What is known of the workload: what somebody told, and what the target tells of itself. `untold` says that nothing is.
pub(super) async fn gathered(
    told: Option<Workload>,
    texts: Option<Texts>,
    untold: Observation<Workload>,
) -> Observation<Workload> {
    let gathered = match texts {
        None => None,
        // Understanding statements is work, and not waiting.
        Some(texts) => {
            let understood = tokio::task::spawn_blocking(move || understood(texts)).await;
            Some(understood.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
        }
    };
    // What holds no statement says nothing of the workload: it is as if it had not been sent, and that is said.
    let (told, sent) = match told {
        Some(told) if told.calls == 0 => (None, told.not_read),
        told => (told, Vec::new()),
    };
    match (told, gathered) {
        (None, None) => untold_of(untold, &sent),
        (Some(told), None) => Observation::Seen(told),
        (told, Some(gathered)) => {
            let mut joined = joined(told, gathered, untold.get().err());
            joined.not_read.extend(sent);
            Observation::Seen(joined)
        }
    }
}

/// Why nothing is known, with the account of what was sent all the same.
fn untold_of(untold: Observation<Workload>, sent: &[Gap]) -> Observation<Workload> {
    match (untold, sent.first()) {
        (Observation::Unseen(gap), Some(account)) => {
            let detail = format!("{}. {}", account.detail, gap.detail);
            Observation::Unseen(Gap { detail, lift: account.lift.clone(), ..gap })
        }
        (untold, _) => untold,
    }
}

/// What somebody told before what the target tells: of the same calls both may know, so they are never added. Whoever told
/// needs no advice on what else the server could tell. What the catalog defines is no call, and said of both.
fn joined(told: Option<Workload>, mut gathered: Workload, untold: Option<&Gap>) -> Workload {
    if let Some(mut told) = told {
        for column in &mut told.columns {
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
        told.columns.append(&mut gathered.columns);
        if told.session_uses.is_empty() {
            told.session_uses = gathered.session_uses;
        }
        if told.logged_plans.is_empty() {
            told.logged_plans = gathered.logged_plans;
        }
        if told.usage.is_empty() {
            (told.usage, told.statements) = (gathered.usage, gathered.statements);
            told.coverage.columns_ratio = gathered.coverage.columns_ratio;
        }
        return told;
    }
    if gathered.columns.iter().all(|column| column.calls == 0) {
        gathered.unseen.extend(untold.cloned());
    }
    gathered
}

/// The workload by the texts and counts of the server.
fn understood(texts: Texts) -> Workload {
    let Texts { names, activity, examples, counted, definitions, log, mut gaps } = texts;
    let names = match names {
        Observation::Seen(names) => names,
        Observation::Unseen(gap) => {
            gaps.push(gap);
            return Workload { unseen: gaps, ..Workload::default() };
        }
    };
    let begun = Instant::now();
    let mut reader = Reader::new(None).of_database(names.database.clone());
    let catalog = catalog(names);
    let mut book = Bookkeeper::new(&catalog);
    hear_all(&mut book, Source::Activity, activity);
    hear_all(&mut book, Source::Qualstats, examples);
    let judge = PlanJudge::new();
    let mut hear = |entry: Entry| {
        if begun.elapsed() < TIME_MAX / 2 {
            book.hear(Source::Log, &entry);
            book.add_plan(&entry, |plan| judge.judged(plan));
        }
    };
    reader.push(&log, &mut hear);
    reader.finish(&mut hear);
    drop(log);
    for defined in &definitions {
        mention(&mut book, defined);
    }
    let counted: Option<Vec<Counted<'_>>> = counted.as_ref().map(|counted| {
        let counted = counted.iter().map(|one| Counted {
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

fn hear_all(book: &mut Bookkeeper<'_>, source: Source, texts: Vec<Text>) {
    for Text { query_id, sql, cut_off } in texts {
        if let Some(sql) = sql {
            book.hear(source, &Entry { query_id, cut_off, ..Entry::once(sql) });
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
