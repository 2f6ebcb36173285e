//! The ledger: which keys of which columns the workload uses, from which source, how often and how long.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::columns::{ServerStats, UsedColumns};
use super::entry::SourceCounts;
use super::pairs;
use super::parsed::ParsedStatement;
use super::plans::{JudgedPlan, Plans};
use super::source::{Coverage, StatementSource};
use super::stats::CallStats;
use super::usage::{Added, ColumnUse, StatementUse, TableUse};
use crate::model::QualifiedName;
use crate::model::observation::{
    ColumnUsage, LoggedPlans, SessionNeed, SessionUse, StatementProfile,
};
use crate::sql::KeyUse;

/// Statements kept at most; those that took least time go.
pub const STATEMENTS_MAX: usize = 1000;

/// Settings distinguished at most; calls that set others count together.
const SETTINGS_MAX: usize = 64;

/// Which keys of which columns the workload uses. Holds keys, types and operators, and no literal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    coverage: BTreeMap<StatementSource, Coverage>,
    #[serde(with = "pairs")]
    tables: BTreeMap<QualifiedName, TableUse>,
    #[serde(with = "pairs")]
    columns: BTreeMap<(QualifiedName, String), ColumnUse>,
    /// Statements that use documents, by what distinguishes them.
    statements: BTreeMap<String, StatementUse>,
    statements_left_out: u64,
    /// Calls of statements that keep something in their session.
    #[serde(default, with = "pairs")]
    session_uses: BTreeMap<(SessionNeed, Option<String>), CallStats>,
    /// How statements use columns of any type.
    #[serde(default)]
    any_columns: UsedColumns,
    /// What was found in plans of logs.
    #[serde(default, skip_serializing_if = "Plans::is_empty")]
    plans: Plans,
    /// What was read of logs and lists that were sent.
    #[serde(default)]
    read: SourceCounts,
}

impl Ledger {
    /// How much of each source could be attributed.
    pub fn coverage(&self) -> &BTreeMap<StatementSource, Coverage> {
        &self.coverage
    }

    /// The same for all sources together.
    pub fn total_coverage(&self) -> Coverage {
        let mut total = Coverage::default();
        self.coverage.values().for_each(|coverage| total.add(coverage));
        total
    }

    /// What was read of the logs and lists that were sent, all together.
    pub fn read(&self) -> &SourceCounts {
        &self.read
    }

    /// What is done with each table.
    pub fn tables(&self) -> impl Iterator<Item = (&QualifiedName, &TableUse)> {
        self.tables.iter()
    }

    /// What is done with the documents of each column.
    pub fn columns(&self) -> impl Iterator<Item = (&QualifiedName, &str, &ColumnUse)> {
        self.columns.iter().map(|((table, column), used)| (table, column.as_str(), used))
    }

    /// How each column is used, of whatever type.
    pub fn usage(&self) -> Vec<ColumnUsage> {
        self.any_columns.usage()
    }

    /// The statements that take most time, and those that have most calls, with what they do with every column; those with
    /// most time first.
    pub fn profiles(&self) -> Vec<StatementProfile> {
        self.any_columns.statements()
    }

    /// Statements that keep something in their session, with their calls; those that ran.
    pub fn session_uses(&self) -> Vec<SessionUse> {
        let ran = self.session_uses.iter().filter(|(_, stats)| stats.calls > 0);
        let counted = ran.map(|((need, setting), stats)| SessionUse {
            need: *need,
            setting: setting.clone(),
            calls: stats.calls,
        });
        counted.collect()
    }

    /// What was found in plans of logs, the statements first whose plans took most time.
    pub fn logged_plans(&self) -> Vec<LoggedPlans> {
        self.plans.by_time()
    }

    /// What is done with a table.
    pub fn table(&self, table: &QualifiedName) -> Option<&TableUse> {
        self.tables.get(table)
    }

    /// What is done with the documents of a column.
    pub fn column(&self, table: &QualifiedName, column: &str) -> Option<&ColumnUse> {
        self.columns.get(&(table.clone(), column.to_owned()))
    }

    /// Statements that use documents, those first that took most time, then those with most calls.
    pub fn statements_by_time(&self) -> Vec<&StatementUse> {
        let mut statements: Vec<_> = self.statements.values().collect();
        statements.sort_by(|one, other| more_used(&other.stats, &one.stats));
        statements
    }

    /// How many statements were left out, for they took least time.
    pub fn statements_left_out(&self) -> u64 {
        self.statements_left_out
    }

    /// Add everything that another ledger holds.
    pub fn merge(&mut self, other: Self) {
        for (source, coverage) in other.coverage {
            self.coverage.entry(source).or_default().add(&coverage);
        }
        for (table, used) in other.tables {
            let known = self.tables.entry(table).or_default();
            known.touched.add(&used.touched);
            known.untraced.add(&used.untraced);
        }
        for (column, used) in other.columns {
            self.columns.entry(column).or_default().merge(used);
        }
        for (id, used) in other.statements {
            match self.statements.get_mut(&id) {
                Some(known) => known.merge(&used),
                None => drop(self.statements.insert(id, used)),
            }
        }
        self.statements_left_out += other.statements_left_out;
        for (kept, stats) in other.session_uses {
            self.keep(kept, &stats);
        }
        self.any_columns.merge(other.any_columns);
        self.plans.merge(other.plans);
        self.read.add(&other.read);
        self.bound_statements();
    }

    /// What was read of a source.
    pub(super) fn note(&mut self, counts: &SourceCounts) {
        self.read.add(counts);
    }

    /// A plan of a statement.
    pub(super) fn add_plan(
        &mut self,
        parsed: &ParsedStatement,
        ms: f64,
        judge: impl FnOnce() -> Option<JudgedPlan>,
    ) {
        self.plans.add(parsed, ms, judge);
    }

    /// A statement that was not understood.
    pub(super) fn add_not_understood(&mut self, source: StatementSource, stats: &CallStats) {
        let coverage = self.coverage.entry(source).or_default();
        coverage.all.add(stats);
        coverage.not_understood.add(stats);
    }

    /// A statement that was understood.
    pub(super) fn add(
        &mut self,
        source: StatementSource,
        stats: &CallStats,
        parsed: &ParsedStatement,
    ) {
        self.cover(source, stats, parsed);
        self.any_columns.add(source, stats, parsed);
        for kept in &parsed.session {
            self.keep(kept.clone(), stats);
        }
        for table in &parsed.tables {
            if !self.tables.contains_key(table) {
                self.tables.insert(table.clone(), TableUse::default());
            }
            let Some(used) = self.tables.get_mut(table) else { continue };
            used.touched.add(stats);
            if parsed.unresolved > 0 {
                used.untraced.add(stats);
            }
        }
        if !parsed.uses_documents() {
            return;
        }
        let added = Added { source, stats: *stats, bound: parsed.bound };
        let mut columns = BTreeMap::<(&QualifiedName, &str), Vec<&KeyUse>>::new();
        for one in &parsed.uses {
            columns.entry((&one.table, &one.column)).or_default().push(one);
        }
        for ((table, column), uses) in columns {
            let column = (table.clone(), column.to_owned());
            self.columns.entry(column).or_default().add(&uses, &added);
        }
        self.add_statement(&added, parsed);
    }

    /// What the server says of a statement beside its calls and time.
    pub(super) fn say(&mut self, parsed: &ParsedStatement, said: ServerStats) {
        self.any_columns.say(parsed, said);
    }

    fn keep(&mut self, (need, setting): (SessionNeed, Option<String>), stats: &CallStats) {
        let known = self.session_uses.contains_key(&(need, setting.clone()));
        let distinct = known || self.session_uses.len() < SETTINGS_MAX;
        let kept = (need, setting.filter(|_| distinct));
        self.session_uses.entry(kept).or_default().add(stats);
    }

    fn cover(&mut self, source: StatementSource, stats: &CallStats, parsed: &ParsedStatement) {
        let coverage = self.coverage.entry(source).or_default();
        coverage.all.add(stats);
        if parsed.shape.is_complete() {
            coverage.columns.add(stats);
        }
        if !parsed.uses_documents() {
            return;
        }
        let (traced, unknown_key) = (parsed.unresolved == 0, parsed.has_unknown_key());
        for (counts, to) in [
            (true, &mut coverage.documents),
            (traced, &mut coverage.traced),
            (parsed.bound, &mut coverage.bound),
            (unknown_key, &mut coverage.unknown_key),
            (traced && !unknown_key, &mut coverage.attributed),
        ] {
            if counts {
                to.add(stats);
            }
        }
    }

    fn add_statement(&mut self, added: &Added, parsed: &ParsedStatement) {
        if let Some(known) = self.statements.get_mut(&parsed.id) {
            known.stats.add(&added.stats);
            known.sources.entry(added.source).or_default().add(&added.stats);
            return;
        }
        let used = StatementUse::new(parsed, added.source, added.stats);
        self.statements.insert(parsed.id.clone(), used);
        self.bound_statements();
    }

    /// Where there are too many statements, the half that took least time goes.
    fn bound_statements(&mut self) {
        if self.statements.len() <= STATEMENTS_MAX {
            return;
        }
        let mut statements: Vec<_> = std::mem::take(&mut self.statements).into_iter().collect();
        statements.sort_by(|(_, one), (_, other)| more_used(&other.stats, &one.stats));
        self.statements_left_out += (statements.len() - STATEMENTS_MAX / 2) as u64;
        self.statements = statements.into_iter().take(STATEMENTS_MAX / 2).collect();
    }
}

fn more_used(one: &CallStats, other: &CallStats) -> std::cmp::Ordering {
    one.total_ms.total_cmp(&other.total_ms).then(one.calls.cmp(&other.calls))
}
