//! How statements use columns, counted by shape, and spread over columns when someone reads it.
//!
//! An execution costs one look-up, however many columns its statement names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::pairs;
use super::parsed::ParsedStatement;
use super::source::StatementSource;
use super::stats::CallStats;
use super::uses::{UseKey, uses};
use crate::model::observation::{
    ColumnName, ColumnUsage, OperatorUse, StatementCounters, StatementProfile, StatementShape,
};

/// Statements kept with their shape at most; of more, those that are used least are spread over their columns.
const SHAPES_MAX: usize = 2048;

/// Statements shown at most: this many by time, and this many by calls.
const SHOWN_MAX: usize = 100;

/// Uses of one column distinguished at most.
const USES_MAX: usize = 256;

/// How statements use columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct UsedColumns {
    /// Statements by what distinguishes their shapes.
    shapes: BTreeMap<String, Shaped>,
    /// What was spread over columns already.
    #[serde(with = "pairs")]
    spread: BTreeMap<ColumnName, UseCounts>,
}

/// A statement and its shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shaped {
    shape: Arc<StatementShape>,
    text: String,
    stats: CallStats,
    sources: BTreeMap<StatementSource, CallStats>,
    #[serde(default)]
    query_id: Option<i64>,
    #[serde(default)]
    counters: Option<StatementCounters>,
    #[serde(default)]
    limits_seen: BTreeSet<u32>,
    last_rows_seen: BTreeSet<u32>,
}

/// How often a column is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct UseCounts {
    touched: CallStats,
    ambiguous: u64,
    #[serde(with = "pairs")]
    uses: BTreeMap<UseKey, UseTotals>,
    left_out: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct UseTotals {
    stats: CallStats,
    definitions: u64,
}

/// What the server says of a statement that it counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ServerStats {
    pub(super) query_id: Option<i64>,
    pub(super) counters: Option<StatementCounters>,
    pub(super) limits_seen: BTreeSet<u32>,
    pub(super) last_rows_seen: BTreeSet<u32>,
}

impl UsedColumns {
    /// Calls of a statement.
    pub(super) fn add(
        &mut self,
        source: StatementSource,
        stats: &CallStats,
        parsed: &ParsedStatement,
    ) {
        if let Some(known) = self.shapes.get_mut(&parsed.shape_id) {
            known.stats.add(stats);
            known.sources.entry(source).or_default().add(stats);
            return;
        }
        if parsed.shape.blocks.is_empty() && parsed.shape.writes.is_empty() {
            return;
        }
        let shaped = Shaped {
            shape: Arc::clone(&parsed.shape),
            text: parsed.redacted.clone(),
            stats: *stats,
            sources: BTreeMap::from([(source, *stats)]),
            query_id: None,
            counters: None,
            limits_seen: BTreeSet::new(),
            last_rows_seen: BTreeSet::new(),
        };
        self.shapes.insert(parsed.shape_id.clone(), shaped);
        self.bound();
    }

    /// What the server says of a statement beside.
    pub(super) fn say(&mut self, parsed: &ParsedStatement, said: ServerStats) {
        let Some(known) = self.shapes.get_mut(&parsed.shape_id) else { return };
        known.query_id = said.query_id.or(known.query_id);
        known.counters = sum(known.counters, said.counters);
        known.limits_seen.extend(said.limits_seen);
        known.last_rows_seen.extend(said.last_rows_seen);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (id, shaped) in other.shapes {
            let Some(known) = self.shapes.get_mut(&id) else {
                self.shapes.insert(id, shaped);
                continue;
            };
            known.stats.add(&shaped.stats);
            for (source, stats) in &shaped.sources {
                known.sources.entry(*source).or_default().add(stats);
            }
            known.query_id = known.query_id.or(shaped.query_id);
            known.counters = sum(known.counters, shaped.counters);
            known.limits_seen.extend(shaped.limits_seen);
            known.last_rows_seen.extend(shaped.last_rows_seen);
        }
        for (column, counts) in other.spread {
            self.spread.entry(column).or_default().merge(counts);
        }
        self.bound();
    }

    /// How each column is used.
    pub(super) fn usage(&self) -> Vec<ColumnUsage> {
        let mut all = self.spread.clone();
        self.shapes.values().for_each(|shaped| spread(&mut all, shaped));
        all.into_iter().map(|(column, counts)| counts.usage(column)).collect()
    }

    /// The statements that take most time, and those that have most calls; those with most time first.
    pub(super) fn statements(&self) -> Vec<StatementProfile> {
        let mut all: Vec<_> =
            self.shapes.iter().filter(|(_, shaped)| shaped.stats.calls > 0).collect();
        all.sort_by_key(|(_, shaped)| std::cmp::Reverse(shaped.stats.calls));
        let mut shown = all.split_off(SHOWN_MAX.min(all.len()));
        shown.sort_by(|one, other| by_time(other.1, one.1));
        shown.truncate(SHOWN_MAX);
        shown.extend(all);
        shown.sort_by(|one, other| by_time(other.1, one.1));
        shown.into_iter().map(|(id, shaped)| shaped.profile(id)).collect()
    }

    /// Where there are too many statements, the half that is used least is spread over columns.
    fn bound(&mut self) {
        if self.shapes.len() <= SHAPES_MAX {
            return;
        }
        let mut all: Vec<_> = std::mem::take(&mut self.shapes).into_iter().collect();
        all.sort_by(|(_, one), (_, other)| by_time(other, one));
        for (_, shaped) in all.drain(SHAPES_MAX / 2..) {
            spread(&mut self.spread, &shaped);
        }
        self.shapes = all.into_iter().collect();
    }
}

fn by_time(one: &Shaped, other: &Shaped) -> std::cmp::Ordering {
    let (one, other) = (&one.stats, &other.stats);
    one.total_ms.total_cmp(&other.total_ms).then(one.calls.cmp(&other.calls))
}

fn sum(
    one: Option<StatementCounters>,
    other: Option<StatementCounters>,
) -> Option<StatementCounters> {
    let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
    Some(StatementCounters {
        rows: one.rows.saturating_add(other.rows),
        shared_blks_hit: one.shared_blks_hit.saturating_add(other.shared_blks_hit),
        shared_blks_read: one.shared_blks_read.saturating_add(other.shared_blks_read),
        read_ms: one.read_ms.zip(other.read_ms).map(|(one, other)| one + other),
        wal_bytes: one.wal_bytes.saturating_add(other.wal_bytes),
        counting_since: one.counting_since.max(other.counting_since),
    })
}

/// Counts what a statement does with its columns.
fn spread(columns: &mut BTreeMap<ColumnName, UseCounts>, shaped: &Shaped) {
    let definitions =
        shaped.sources.get(&StatementSource::Catalog).map_or(0, |stats| stats.entries);
    let used = UseTotals { stats: shaped.stats, definitions };
    for (column, uses) in uses(&shaped.shape) {
        let ambiguous = shaped.shape.relations().any(|relation| {
            relation.ambiguous && relation.schema == column.schema && relation.name == column.table
        });
        let counts = columns.entry(column).or_default();
        counts.touched.add(&used.stats);
        counts.ambiguous += if ambiguous { used.stats.calls } else { 0 };
        for key in uses {
            counts.add(key, &used);
        }
    }
}

impl Shaped {
    fn profile(&self, id: &str) -> StatementProfile {
        StatementProfile {
            id: id.to_owned(),
            query_id: self.query_id,
            text: self.text.clone(),
            shape: StatementShape::clone(&self.shape),
            calls: self.stats.calls,
            total_ms: milliseconds(self.stats.total_ms),
            counters: self.counters,
            limits_seen: self.limits_seen.iter().copied().collect(),
            last_rows_seen: self.last_rows_seen.iter().copied().collect(),
            sources: self.sources.keys().map(|source| source.as_str().to_owned()).collect(),
        }
    }
}

impl UseCounts {
    fn add(&mut self, key: UseKey, used: &UseTotals) {
        if self.uses.len() >= USES_MAX && !self.uses.contains_key(&key) {
            self.left_out = self.left_out.saturating_add(used.stats.calls);
            return;
        }
        let known = self.uses.entry(key).or_default();
        known.stats.add(&used.stats);
        known.definitions += used.definitions;
    }

    fn merge(&mut self, other: Self) {
        self.touched.add(&other.touched);
        self.ambiguous += other.ambiguous;
        self.left_out += other.left_out;
        other.uses.into_iter().for_each(|(key, used)| self.add(key, &used));
    }

    fn usage(self, column: ColumnName) -> ColumnUsage {
        let used = |(key, used): (UseKey, UseTotals)| OperatorUse {
            calls: used.stats.calls,
            total_ms: milliseconds(used.stats.total_ms),
            definitions: used.definitions,
            ..key.into_use()
        };
        let mut operators: Vec<OperatorUse> = self.uses.into_iter().map(used).collect();
        operators.sort_by_key(|one| std::cmp::Reverse(one.calls));
        ColumnUsage {
            schema: column.schema,
            table: column.table,
            column: column.column,
            calls: self.touched.calls,
            total_ms: milliseconds(self.touched.total_ms),
            ambiguous_calls: self.ambiguous,
            uses: operators,
            left_out_calls: self.left_out,
        }
    }
}

/// To a thousandth: digits beyond are noise of the addition.
fn milliseconds(sum: f64) -> f64 {
    (sum * 1e3).round() / 1e3
}
