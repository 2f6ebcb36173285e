//! Entries into the ledger.

use std::collections::HashMap;
use std::sync::Arc;

use super::attribution::SampledTexts;
use super::entry::{Entry, SourceCounts};
use super::ledger::Ledger;
use super::parsed::{ParsedStatement, ParsedStatements};
use super::plans::JudgedPlan;
use super::source::StatementSource;
use super::stats::CallStats;
use crate::model::QualifiedName;
use crate::sql::Catalog;

/// What the advisor's own statements have behind their first word: they are no part of the workload, and they read whole
/// documents. What stands before the first word is not kept by `pg_stat_statements` of PostgreSQL 18.
const OWN: &[u8] = b"/* dbopt */";

/// As near to the beginning it stands.
const OWN_WITHIN: usize = 32;

/// Statements counted before they are added to the ledger at most.
const PENDING_MAX: usize = 4096;

/// Whether the advisor itself runs this.
pub(super) fn is_own(sql: &str) -> bool {
    let head = &sql.as_bytes()[..sql.len().min(OWN_WITHIN)];
    memchr::memmem::find(head, OWN).is_some()
}

/// Understands entries and adds them to a ledger. What it knows of statements serves all sources.
pub struct Bookkeeper<'c> {
    pub(super) statements: ParsedStatements<'c>,
    pub(super) ledger: Ledger,
    /// Calls that the ledger does not know yet.
    pending: PendingCounts,
    /// Texts by which calls that the server counted are attributed.
    pub(super) sampled: SampledTexts,
}

/// What the catalog stores of an object that uses documents, as the server prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition<'a> {
    /// `CREATE INDEX …` (`pg_get_indexdef`), `CREATE STATISTICS …` (`pg_get_statisticsobjdef`).
    Statement(&'a str),
    /// The query of a view (`pg_get_viewdef`), the body of a function in SQL (`prosrc`).
    Query(&'a str),
    /// The expression of a generated column, a default or a constraint of a table (`pg_get_expr`).
    Expression {
        /// The table.
        table: &'a QualifiedName,
        /// The expression.
        expression: &'a str,
    },
}

impl<'c> Bookkeeper<'c> {
    /// With an empty ledger. The catalog says what names mean.
    pub fn new(catalog: &'c Catalog) -> Self {
        Self {
            statements: ParsedStatements::new(catalog),
            ledger: Ledger::default(),
            pending: PendingCounts::default(),
            sampled: SampledTexts::default(),
        }
    }

    /// Adds an entry, unless the advisor itself ran it.
    pub fn add(&mut self, source: StatementSource, entry: &Entry) {
        if is_own(&entry.sql) || entry.is_plan_alone() {
            return;
        }
        let stats = CallStats::of(entry.calls, entry.total_ms);
        match self.statements.of(entry) {
            Ok(parsed) => {
                if self.pending.add(source, &stats, parsed) >= PENDING_MAX {
                    self.settle();
                }
            }
            Err(_) => self.ledger.add_not_understood(source, &stats),
        }
    }

    /// Adds the plan of an entry. `judge` is asked only where the plan may show more than is known of its statement.
    pub fn add_plan(&mut self, entry: &Entry, judge: impl FnOnce(&str) -> Option<JudgedPlan>) {
        let Some(plan) = entry.plan.as_ref().filter(|_| !is_own(&entry.sql)) else { return };
        if let Ok(parsed) = self.statements.of(entry) {
            self.ledger.add_plan(&parsed, plan.ms, || judge(&plan.text));
        }
    }

    /// Adds a definition of the catalog: it mentions keys, and makes no calls.
    pub fn mention(&mut self, definition: &Definition<'_>) {
        let sql = match definition {
            Definition::Statement(sql) | Definition::Query(sql) => (*sql).to_owned(),
            Definition::Expression { table, expression } => {
                format!("select {expression} from {}", table.to_sql())
            }
        };
        self.add(StatementSource::Catalog, &Entry { calls: 0, ..Entry::once(sql) });
    }

    /// Adds what is pending to the ledger.
    pub(super) fn settle(&mut self) {
        for (source, parsed, stats) in self.pending.take() {
            self.ledger.add(source, &stats, &parsed);
        }
    }

    /// Notes what was read of a log, for the account of it.
    pub fn note(&mut self, counts: &SourceCounts) {
        self.ledger.note(counts);
    }

    /// How many texts had to be parsed; the others had the shape of one before.
    pub fn parsed(&self) -> u64 {
        self.statements.parsed()
    }

    /// The ledger as it stands.
    pub fn ledger(&mut self) -> &Ledger {
        self.settle();
        &self.ledger
    }

    /// The ledger.
    pub fn into_ledger(mut self) -> Ledger {
        self.settle();
        self.ledger
    }
}

/// Calls by what they mean. A log holds the same statements again and again, and the ledger takes them all at once: one
/// look-up here costs a fraction of what the ledger's many counters do.
#[derive(Default)]
struct PendingCounts {
    calls: Vec<(StatementSource, Arc<ParsedStatement>, CallStats)>,
    /// Where each is, by the address of its meaning, which stays while it is kept here.
    places: HashMap<(StatementSource, usize), usize>,
}

impl PendingCounts {
    /// Adds calls. Returns how many statements are pending.
    fn add(
        &mut self,
        source: StatementSource,
        stats: &CallStats,
        parsed: Arc<ParsedStatement>,
    ) -> usize {
        let address = Arc::as_ptr(&parsed).addr();
        let known = self.places.get(&(source, address)).and_then(|at| self.calls.get_mut(*at));
        if let Some((_, _, known)) = known {
            known.add(stats);
        } else {
            self.places.insert((source, address), self.calls.len());
            self.calls.push((source, parsed, *stats));
        }
        self.calls.len()
    }

    /// All of them, in the order in which they first came.
    fn take(&mut self) -> Vec<(StatementSource, Arc<ParsedStatement>, CallStats)> {
        self.places.clear();
        std::mem::take(&mut self.calls)
    }
}
