//! The ledger: which keys of which columns the workload uses, from which source, how often and how long.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::columns::{Columns, Said};
use super::entry::Counts;
use super::meaning::Meaning;
use super::pairs;
use super::plans::{JudgedPlan, Plans};
use super::source::{Coverage, Source};
use super::tally::Tally;
use super::usage::{Added, ColumnUse, StatementUse, TableUse};
use crate::model::QualifiedName;
use crate::model::observation::{
    ColumnUsage, LoggedPlans, SessionNeed, SessionUse, StatementProfile,
};
use crate::sql::KeyUse;

/// As many statements are kept; those that took least time go.
pub const STATEMENTS_MAX: usize = 1000;

/// As many settings are told apart; calls that set others count together.
const SETTINGS_MAX: usize = 64;

/// Which keys of which columns the workload uses. Holds keys, types and operators, and no literal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    coverage: BTreeMap<Source, Coverage>,
    #[serde(with = "pairs")]
    tables: BTreeMap<QualifiedName, TableUse>,
    #[serde(with = "pairs")]
    columns: BTreeMap<(QualifiedName, String), ColumnUse>,
    /// Statements that use documents, by what tells them apart.
    statements: BTreeMap<String, StatementUse>,
    statements_left_out: u64,
    /// Calls of statements that keep something in their session.
    #[serde(default, with = "pairs")]
    session_uses: BTreeMap<(SessionNeed, Option<String>), Tally>,
    /// How statements use columns of any type.
    #[serde(default)]
    any_columns: Columns,
    /// What was found in plans of logs.
    #[serde(default, skip_serializing_if = "Plans::is_empty")]
    plans: Plans,
    /// What was read of logs and lists that were sent.
    #[serde(default)]
    read: Counts,
}

impl Ledger {
    /// How much of what each source told could be attributed.
    pub fn coverage(&self) -> &BTreeMap<Source, Coverage> {
        &self.coverage
    }

    /// The same for all sources together.
    pub fn total_coverage(&self) -> Coverage {
        let mut total = Coverage::default();
        self.coverage.values().for_each(|coverage| total.add(coverage));
        total
    }

    /// What was read of the logs and lists that were sent, all together.
    pub fn read(&self) -> &Counts {
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
        let ran = self.session_uses.iter().filter(|(_, tally)| tally.calls > 0);
        let counted = ran.map(|((need, setting), tally)| SessionUse {
            need: *need,
            setting: setting.clone(),
            calls: tally.calls,
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
        statements.sort_by(|one, other| more_used(&other.tally, &one.tally));
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
        for (kept, tally) in other.session_uses {
            self.keep(kept, &tally);
        }
        self.any_columns.merge(other.any_columns);
        self.plans.merge(other.plans);
        self.read.add(&other.read);
        self.bound_statements();
    }

    /// What was read of a source.
    pub(super) fn note(&mut self, counts: &Counts) {
        self.read.add(counts);
    }

    /// A plan of a statement.
    pub(super) fn add_plan(
        &mut self,
        meaning: &Meaning,
        ms: f64,
        judge: impl FnOnce() -> Option<JudgedPlan>,
    ) {
        self.plans.add(meaning, ms, judge);
    }

    /// A statement that was not understood.
    pub(super) fn add_not_understood(&mut self, source: Source, tally: &Tally) {
        let coverage = self.coverage.entry(source).or_default();
        coverage.all.add(tally);
        coverage.not_understood.add(tally);
    }

    /// A statement that was understood.
    pub(super) fn add(&mut self, source: Source, tally: &Tally, meaning: &Meaning) {
        self.cover(source, tally, meaning);
        self.any_columns.add(source, tally, meaning);
        for kept in &meaning.session {
            self.keep(kept.clone(), tally);
        }
        for table in &meaning.tables {
            if !self.tables.contains_key(table) {
                self.tables.insert(table.clone(), TableUse::default());
            }
            let Some(used) = self.tables.get_mut(table) else { continue };
            used.touched.add(tally);
            if meaning.unresolved > 0 {
                used.untraced.add(tally);
            }
        }
        if !meaning.uses_documents() {
            return;
        }
        let added = Added { source, tally: *tally, bound: meaning.bound };
        let mut columns = BTreeMap::<(&QualifiedName, &str), Vec<&KeyUse>>::new();
        for one in &meaning.uses {
            columns.entry((&one.table, &one.column)).or_default().push(one);
        }
        for ((table, column), uses) in columns {
            let column = (table.clone(), column.to_owned());
            self.columns.entry(column).or_default().add(&uses, &added);
        }
        self.add_statement(&added, meaning);
    }

    /// What the server says of a statement beside its calls and time.
    pub(super) fn say(&mut self, meaning: &Meaning, said: Said) {
        self.any_columns.say(meaning, said);
    }

    fn keep(&mut self, (need, setting): (SessionNeed, Option<String>), tally: &Tally) {
        let known = self.session_uses.contains_key(&(need, setting.clone()));
        let told_apart = known || self.session_uses.len() < SETTINGS_MAX;
        let kept = (need, setting.filter(|_| told_apart));
        self.session_uses.entry(kept).or_default().add(tally);
    }

    fn cover(&mut self, source: Source, tally: &Tally, meaning: &Meaning) {
        let coverage = self.coverage.entry(source).or_default();
        coverage.all.add(tally);
        if meaning.shape.is_complete() {
            coverage.columns.add(tally);
        }
        if !meaning.uses_documents() {
            return;
        }
        let (traced, unknown_key) = (meaning.unresolved == 0, meaning.has_unknown_key());
        for (counts, to) in [
            (true, &mut coverage.documents),
            (traced, &mut coverage.traced),
            (meaning.bound, &mut coverage.bound),
            (unknown_key, &mut coverage.unknown_key),
            (traced && !unknown_key, &mut coverage.attributed),
        ] {
            if counts {
                to.add(tally);
            }
        }
    }

    fn add_statement(&mut self, added: &Added, meaning: &Meaning) {
        if let Some(known) = self.statements.get_mut(&meaning.id) {
            known.tally.add(&added.tally);
            known.sources.entry(added.source).or_default().add(&added.tally);
            return;
        }
        let used = StatementUse::new(meaning, added.source, added.tally);
        self.statements.insert(meaning.id.clone(), used);
        self.bound_statements();
    }

    /// Where there are too many statements, the half that took least time goes.
    fn bound_statements(&mut self) {
        if self.statements.len() <= STATEMENTS_MAX {
            return;
        }
        let mut statements: Vec<_> = std::mem::take(&mut self.statements).into_iter().collect();
        statements.sort_by(|(_, one), (_, other)| more_used(&other.tally, &one.tally));
        self.statements_left_out += (statements.len() - STATEMENTS_MAX / 2) as u64;
        self.statements = statements.into_iter().take(STATEMENTS_MAX / 2).collect();
    }
}

fn more_used(one: &Tally, other: &Tally) -> std::cmp::Ordering {
    one.total_ms.total_cmp(&other.total_ms).then(one.calls.cmp(&other.calls))
}
