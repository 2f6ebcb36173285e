//! What an application runs, taken in as a stream, and what the checks get of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::account;
use super::logged::PlanJudge;
use super::shapes::KeyShapes;
use super::{Error, within};
use crate::model::Observation;
use crate::model::observation::{
    ColumnWorkload, KeyShape, KeyWorkload, Names, Workload, WorkloadCoverage,
};
use crate::observe;
use crate::pg::Target;
use crate::sql::{Catalog, CatalogRelation, Clause, Column, JsonStep, path_to_string};
use crate::workload::{
    Bookkeeper, ColumnUse, Entry, Ledger, LinePrefix, PathUse, Read, SourceFormat, SourceReader,
    StatementSource,
};

/// Chunks that may wait for the reader: what comes faster waits with its sender.
const CHUNKS_WAITING: usize = 8;

/// Takes in one source of statements.
pub struct WorkloadIntake {
    chunks: mpsc::Sender<Bytes>,
    read: JoinHandle<(Ledger, Read)>,
}

impl WorkloadIntake {
    /// For a source of that format, or of the one its beginning shows, whose lines as plain text begin with that prefix, or
    /// with the one that is inferred from them. The target says what names mean.
    ///
    /// # Errors
    /// Where the target cannot be used at all, or does not show its names.
    pub async fn open(
        target: &Target,
        format: Option<SourceFormat>,
        prefix: Option<LinePrefix>,
    ) -> Result<Self, Error> {
        let mut session = target.session().await.map_err(Error::Target)?;
        let names = within(target, observe::names(&mut session)).await?;
        session.finish();
        let names = match names {
            Observation::Seen(names) => names,
            Observation::Unseen(gap) => {
                let (target, detail) = (target.name().to_owned(), gap.detail);
                return Err(Error::Unseen { target, detail });
            }
        };
        let (chunks, arriving) = mpsc::channel(CHUNKS_WAITING);
        // Understanding statements is work, and not waiting.
        let read = tokio::task::spawn_blocking(move || take_in(arriving, names, format, prefix));
        Ok(Self { chunks, read })
    }

    /// Hand on a chunk; waits where the reader is behind.
    pub async fn push(&self, chunk: Bytes) {
        // Where no one reads any more, `close` returns why.
        let _ = self.chunks.send(chunk).await;
    }

    /// What was taken in, once all of it was read.
    pub async fn close(self) -> (Ledger, Read) {
        drop(self.chunks);
        self.read.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

fn take_in(
    mut arriving: mpsc::Receiver<Bytes>,
    names: Names,
    format: Option<SourceFormat>,
    prefix: Option<LinePrefix>,
) -> (Ledger, Read) {
    let mut reader = SourceReader::new(format).of_database(names.database.clone()).behind(prefix);
    let catalog = catalog(names);
    let mut book = Bookkeeper::new(&catalog);
    let judge = PlanJudge::new();
    let mut add = |entry: Entry| {
        let source = if entry.listed { StatementSource::List } else { StatementSource::Log };
        book.add(source, &entry);
        book.add_plan(&entry, |plan| judge.judged(plan));
    };
    while let Some(chunk) = arriving.blocking_recv() {
        reader.push(&chunk, &mut add);
    }
    let read = reader.finish(&mut add);
    book.note(&read.counts);
    (book.into_ledger(), read)
}

/// What names mean to those who read statements.
pub(super) fn catalog(names: Names) -> Catalog {
    let search_path = match names.search_path {
        path if path.is_empty() => vec!["public".to_owned()],
        path => path,
    };
    let mut catalog = Catalog::new(search_path);
    for relation in names.relations {
        let name = crate::model::QualifiedName { schema: relation.schema, name: relation.name };
        if let (Some(schema), Some(root)) = (relation.root_schema, relation.root_name) {
            let root = crate::model::QualifiedName { schema, name: root };
            catalog.insert(name, CatalogRelation::Partition(root));
            continue;
        }
        let columns = relation.columns.into_iter();
        let relation_meant = match relation.view {
            Some(query) => CatalogRelation::View(query),
            None => CatalogRelation::Table(
                columns.map(|column| Column { name: column.name, json: column.json }).collect(),
            ),
        };
        catalog.insert(name, relation_meant);
    }
    catalog
}

/// What the checks get of a ledger.
pub fn workload(ledger: &Ledger) -> Workload {
    let coverage = ledger.total_coverage();
    let shapes = KeyShapes::of(ledger);
    let columns = ledger.columns().map(|(table, column, used)| ColumnWorkload {
        schema: table.schema.clone(),
        table: table.name.clone(),
        column: column.to_owned(),
        calls: used.touched.calls,
        executions: executions(used),
        total_ms: milliseconds(used.touched.total_ms),
        attributed_ratio: ledger.attributed(table, column),
        bound_calls: (used.parameter_key.calls + known_but_bound(used)).min(used.touched.calls),
        sources: used.sources.keys().map(|source| source.as_str().to_owned()).collect(),
        sample_size: None,
        keys: keys(used, |path| shapes.get(table, column, path)),
    });
    Workload {
        calls: coverage.all.calls,
        not_understood_calls: coverage.not_understood.calls,
        columns: columns.collect(),
        usage: ledger.usage(),
        statements: ledger.profiles(),
        session_uses: ledger.session_uses(),
        logged_plans: ledger.logged_plans(),
        coverage: WorkloadCoverage {
            columns_ratio: coverage.columns_share().calls,
            keys_ratio: coverage.attributed_share().calls,
        },
        unseen: Vec::new(),
        not_read: account::not_read(ledger),
    }
}

/// Executions that were seen one by one, each of them once.
fn executions(used: &ColumnUse) -> u64 {
    let seen = used.sources.iter().filter(|(source, _)| source.is_seen_one_by_one());
    seen.map(|(_, stats)| stats.calls.min(stats.entries)).sum()
}

/// Calls whose key the application sent as a parameter, and the log names all the same.
fn known_but_bound(used: &ColumnUse) -> u64 {
    let known = used.paths.iter().filter(|(path, _)| !path.contains(&JsonStep::Bound));
    known.map(|(_, path)| path.bound.calls).max().unwrap_or(0)
}

/// The keys that are named, the most used first.
fn keys(used: &ColumnUse, shapes: impl Fn(&[JsonStep]) -> Vec<KeyShape>) -> Vec<KeyWorkload> {
    let named = used.paths.iter().filter(|(path, _)| !path.is_empty());
    let mut keys: Vec<KeyWorkload> = named
        .map(|(path, used)| KeyWorkload {
            path: path_to_string(path),
            calls: used.touched.calls,
            filter_calls: filter_calls(used),
            bound_calls: used.bound.calls,
            total_ms: milliseconds(used.touched.total_ms),
            shapes: shapes(path),
            casts: casts(used),
            definitions: used
                .sources
                .get(&StatementSource::Catalog)
                .map_or(0, |stats| stats.entries),
        })
        .collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.calls));
    keys
}

/// A call may filter by a key in several ways, so this is the most it can be.
fn filter_calls(used: &PathUse) -> u64 {
    let filters = |place| matches!(place, Clause::Where | Clause::Join | Clause::Having);
    let patterns = used.patterns.iter().filter(|(pattern, _)| filters(pattern.place));
    patterns.map(|(_, stats)| stats.calls).sum::<u64>().min(used.touched.calls)
}

fn casts(used: &PathUse) -> Vec<String> {
    let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
    for (pattern, stats) in &used.patterns {
        if let Some(cast) = &pattern.cast {
            *calls.entry(cast).or_default() += stats.calls;
        }
    }
    let mut casts: Vec<(&str, u64)> = calls.into_iter().collect();
    casts.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    casts.into_iter().map(|(cast, _)| cast.to_owned()).collect()
}

/// To a thousandth: digits beyond are noise of the addition.
fn milliseconds(sum: f64) -> f64 {
    (sum * 1e3).round() / 1e3
}
