//! What the ledger holds of a table, a column, a path and a statement.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::finds::{RowLookup, finds};
use super::pairs;
use super::parsed::ParsedStatement;
use super::source::StatementSource;
use super::stats::{CallStats, Share};
use crate::model::QualifiedName;
use crate::sql::{Access, Clause, Comparison, JsonStep, KeyUse, path_to_string};

/// Paths of one column distinguished at most: documents with ids for keys have no end of them.
pub const PATHS_MAX: usize = 1000;

/// Ways of using one path distinguished at most.
const PATTERNS_MAX: usize = 64;

/// Uses kept of one statement at most.
const STATEMENT_USES_MAX: usize = 128;

/// A longer path is left out.
const PATH_BYTES_MAX: usize = 1024;

/// What the workload does with a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableUse {
    /// Calls that read or write it.
    pub touched: CallStats,
    /// Those of which some JSON operator could not be followed to its column: maybe to one of this table.
    pub untraced: CallStats,
}

/// What the workload does with the documents of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// Calls that use its documents, each once, however many keys it uses.
    pub touched: CallStats,
    /// Those of which some key is not known: it is a parameter.
    pub unknown_key: CallStats,
    /// Those of these that were seen to run. In a list, as `pg_stat_statements` makes them, every literal is a parameter.
    pub parameter_key: CallStats,
    /// By source.
    pub sources: BTreeMap<StatementSource, CallStats>,
    /// The paths, each with what it is used for. Empty is the document as a whole.
    #[serde(with = "pairs")]
    pub paths: BTreeMap<Vec<JsonStep>, PathUse>,
    /// How many paths were left out, the least used; a path that was left out and came again counts again.
    pub paths_left_out: u64,
    /// Uses of these.
    pub left_out: CallStats,
}

/// What the workload does with one path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PathUse {
    /// Calls that use it, each once.
    pub touched: CallStats,
    /// Those in whose text the key is a parameter, which only the log shows: no index on an expression serves them for
    /// certain.
    pub bound: CallStats,
    /// By source.
    pub sources: BTreeMap<StatementSource, CallStats>,
    /// By way of using it; a call may use it in several ways.
    #[serde(with = "pairs")]
    pub patterns: BTreeMap<AccessPattern, CallStats>,
    /// Uses in ways beyond those that are distinguished.
    pub other_patterns: CallStats,
}

/// A way of using the value at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessPattern {
    /// By which means it is reached.
    pub access: Access,
    /// Where in the statement.
    pub place: Clause,
    /// The type to which it is cast.
    pub cast: Option<String>,
    /// What it is compared with.
    pub comparison: Option<Comparison>,
}

/// One of the statements that take most time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementUse {
    /// The text without literals; the end of a long one is left out.
    pub redacted: String,
    /// Its calls.
    pub stats: CallStats,
    /// By source.
    pub sources: BTreeMap<StatementSource, CallStats>,
    /// Tables that it reads or writes.
    pub tables: Vec<QualifiedName>,
    /// What it does with documents.
    pub uses: Vec<KeyUse>,
    /// How it finds rows by keys.
    #[serde(default)]
    pub finds: Vec<RowLookup>,
    /// How many further uses were left out.
    pub uses_left_out: usize,
}

/// What is added: how often, from where, and whether its keys are parameters in the application's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Added {
    pub(super) source: StatementSource,
    pub(super) stats: CallStats,
    pub(super) bound: bool,
}

impl ColumnUse {
    /// Which share of what uses the column's documents uses this path.
    pub fn share(&self, path: &[JsonStep]) -> Share {
        let used = self.paths.get(path).map(|path| path.touched).unwrap_or_default();
        used.share_of(&self.touched)
    }

    /// What a statement does with this column.
    pub(super) fn add(&mut self, uses: &[&KeyUse], added: &Added) {
        self.touched.add(&added.stats);
        self.sources.entry(added.source).or_default().add(&added.stats);
        if uses.iter().any(|one| one.is_bound()) {
            self.unknown_key.add(&added.stats);
        }
        if added.source.is_seen_one_by_one() && uses.iter().any(|one| one.is_key_sent()) {
            self.parameter_key.add(&added.stats);
        }
        let mut paths = BTreeMap::<&[JsonStep], Vec<&KeyUse>>::new();
        for one in uses {
            paths.entry(&one.path).or_default().push(one);
        }
        for (path, uses) in paths {
            if path_to_string(path).len() > PATH_BYTES_MAX {
                self.leave_out(&added.stats);
                continue;
            }
            let known = self.paths.entry(path.to_vec()).or_default();
            known.add(&uses, added);
        }
        self.bound_paths();
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.touched.add(&other.touched);
        self.unknown_key.add(&other.unknown_key);
        self.parameter_key.add(&other.parameter_key);
        merge_sources(&mut self.sources, &other.sources);
        for (path, used) in other.paths {
            self.paths.entry(path).or_default().merge(used);
        }
        self.paths_left_out += other.paths_left_out;
        self.left_out.add(&other.left_out);
        self.bound_paths();
    }

    fn leave_out(&mut self, stats: &CallStats) {
        self.paths_left_out += 1;
        self.left_out.add(stats);
    }

    /// Where there are too many paths, the half that is used least goes; one that is hot and comes late finds room.
    fn bound_paths(&mut self) {
        if self.paths.len() <= PATHS_MAX {
            return;
        }
        let mut calls: Vec<u64> = self.paths.values().map(|path| path.touched.calls).collect();
        calls.sort_unstable();
        let (floor, mut room) = (calls[calls.len() / 2], PATHS_MAX / 2);
        for (path, used) in std::mem::take(&mut self.paths) {
            if used.touched.calls > floor || (used.touched.calls == floor && room > 0) {
                room = room.saturating_sub(usize::from(used.touched.calls == floor));
                self.paths.insert(path, used);
            } else {
                self.leave_out(&used.touched);
            }
        }
    }
}

impl PathUse {
    fn add(&mut self, uses: &[&KeyUse], added: &Added) {
        self.touched.add(&added.stats);
        if added.bound && added.source.is_seen_one_by_one() {
            self.bound.add(&added.stats);
        }
        self.sources.entry(added.source).or_default().add(&added.stats);
        for one in uses {
            let pattern = AccessPattern {
                access: one.access,
                place: one.place,
                cast: one.cast.clone(),
                comparison: one.comparison.clone(),
            };
            self.add_pattern(pattern, &added.stats);
        }
    }

    fn add_pattern(&mut self, pattern: AccessPattern, stats: &CallStats) {
        let room = self.patterns.len() < PATTERNS_MAX;
        match self.patterns.entry(pattern) {
            Entry::Occupied(mut known) => known.get_mut().add(stats),
            Entry::Vacant(new) if room => drop(new.insert(*stats)),
            Entry::Vacant(_) => self.other_patterns.add(stats),
        }
    }

    fn merge(&mut self, other: Self) {
        self.touched.add(&other.touched);
        self.bound.add(&other.bound);
        merge_sources(&mut self.sources, &other.sources);
        other.patterns.into_iter().for_each(|(pattern, stats)| self.add_pattern(pattern, &stats));
        self.other_patterns.add(&other.other_patterns);
    }
}

impl StatementUse {
    pub(super) fn new(parsed: &ParsedStatement, source: StatementSource, stats: CallStats) -> Self {
        Self {
            redacted: parsed.redacted.clone(),
            stats,
            sources: BTreeMap::from([(source, stats)]),
            tables: parsed.tables.iter().cloned().collect(),
            uses: parsed.uses.iter().take(STATEMENT_USES_MAX).cloned().collect(),
            finds: finds(&parsed.shape),
            uses_left_out: parsed.uses.len().saturating_sub(STATEMENT_USES_MAX),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.stats.add(&other.stats);
        merge_sources(&mut self.sources, &other.sources);
    }
}

fn merge_sources(
    sources: &mut BTreeMap<StatementSource, CallStats>,
    others: &BTreeMap<StatementSource, CallStats>,
) {
    for (source, stats) in others {
        sources.entry(*source).or_default().add(stats);
    }
}
