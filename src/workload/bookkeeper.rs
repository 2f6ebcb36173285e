//! Entries into the ledger.

use std::collections::HashMap;
use std::sync::Arc;

use super::attribution::Heard;
use super::entry::{Counts, Entry};
use super::ledger::Ledger;
use super::meaning::{Meaning, Meanings};
use super::plans::JudgedPlan;
use super::source::Source;
use super::tally::Tally;
use crate::model::QualifiedName;
use crate::sql::Catalog;

/// What the advisor's own statements have behind their first word: they are no part of the workload, and they read whole
/// documents. What stands before the first word is not kept by `pg_stat_statements` of PostgreSQL 18.
const OWN: &[u8] = b"/* dbopt */";

/// As near to the beginning it stands.
const OWN_WITHIN: usize = 32;

/// As many statements are counted before they are added to the ledger.
const PENDING_MAX: usize = 4096;

/// Whether the advisor itself runs this.
pub(super) fn is_own(sql: &str) -> bool {
    let head = &sql.as_bytes()[..sql.len().min(OWN_WITHIN)];
    memchr::memmem::find(head, OWN).is_some()
}

/// Understands entries and adds them to a ledger. What it knows of statements serves all sources.
pub struct Bookkeeper<'c> {
    pub(super) meanings: Meanings<'c>,
    pub(super) ledger: Ledger,
    /// Calls that the ledger does not know yet.
    pending: Pending,
    /// Texts by which calls that the server counted are attributed.
    pub(super) heard: Heard,
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
            meanings: Meanings::new(catalog),
            ledger: Ledger::default(),
            pending: Pending::default(),
            heard: Heard::default(),
        }
    }

    /// Adds an entry, unless the advisor itself ran it.
    pub fn add(&mut self, source: Source, entry: &Entry) {
        if is_own(&entry.sql) || entry.is_plan_alone() {
            return;
        }
        let tally = Tally::of(entry.calls, entry.total_ms);
        match self.meanings.of(entry) {
            Ok(meaning) => {
                if self.pending.add(source, &tally, meaning) >= PENDING_MAX {
                    self.settle();
                }
            }
            Err(_) => self.ledger.add_not_understood(source, &tally),
        }
    }

    /// Adds the plan of an entry. `judge` is asked only where the plan may tell more than is known of its statement.
    pub fn add_plan(&mut self, entry: &Entry, judge: impl FnOnce(&str) -> Option<JudgedPlan>) {
        let Some(plan) = entry.plan.as_ref().filter(|_| !is_own(&entry.sql)) else { return };
        if let Ok(meaning) = self.meanings.of(entry) {
            self.ledger.add_plan(&meaning, plan.ms, || judge(&plan.text));
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
        self.add(Source::Catalog, &Entry { calls: 0, ..Entry::once(sql) });
    }

    /// Adds what is pending to the ledger.
    pub(super) fn settle(&mut self) {
        for (source, meaning, tally) in self.pending.take() {
            self.ledger.add(source, &tally, &meaning);
        }
    }

    /// Notes what was read of a log, for the account of it.
    pub fn note(&mut self, counts: &Counts) {
        self.ledger.note(counts);
    }

    /// How many texts had to be parsed; the others had the shape of one before.
    pub fn parsed(&self) -> u64 {
        self.meanings.parsed()
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
struct Pending {
    calls: Vec<(Source, Arc<Meaning>, Tally)>,
    /// Where each is, by the address of its meaning, which stays while it is kept here.
    places: HashMap<(Source, usize), usize>,
}

impl Pending {
    /// Adds calls. Returns how many statements are pending.
    fn add(&mut self, source: Source, tally: &Tally, meaning: Arc<Meaning>) -> usize {
        let address = Arc::as_ptr(&meaning).addr();
        let known = self.places.get(&(source, address)).and_then(|at| self.calls.get_mut(*at));
        if let Some((_, _, known)) = known {
            known.add(tally);
        } else {
            self.places.insert((source, address), self.calls.len());
            self.calls.push((source, meaning, *tally));
        }
        self.calls.len()
    }

    /// All of them, in the order in which they first came.
    fn take(&mut self) -> Vec<(Source, Arc<Meaning>, Tally)> {
        self.places.clear();
        std::mem::take(&mut self.calls)
    }
}
