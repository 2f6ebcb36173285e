//! Entries into the ledger.

use super::attribution::Heard;
use super::entry::Entry;
use super::ledger::Ledger;
use super::meaning::Meanings;
use super::source::Source;
use super::tally::Tally;
use crate::model::QualifiedName;
use crate::sql::Catalog;

/// What the advisor's own statements have behind their first word: they are no part of the workload, and they read whole
/// documents. What stands before the first word is not kept by `pg_stat_statements` of PostgreSQL 18.
const OWN: &[u8] = b"/* dbopt */";

/// As near to the beginning it stands.
const OWN_WITHIN: usize = 32;

/// Whether the advisor itself runs this.
pub(super) fn is_own(sql: &str) -> bool {
    let head = &sql.as_bytes()[..sql.len().min(OWN_WITHIN)];
    memchr::memmem::find(head, OWN).is_some()
}

/// Understands entries and adds them to a ledger. What it knows of statements serves all sources.
pub struct Bookkeeper<'c> {
    pub(super) meanings: Meanings<'c>,
    pub(super) ledger: Ledger,
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
            heard: Heard::default(),
        }
    }

    /// Adds an entry, unless the advisor itself ran it.
    pub fn add(&mut self, source: Source, entry: &Entry) {
        if is_own(&entry.sql) {
            return;
        }
        let tally = Tally::of(entry.calls, entry.total_ms);
        match self.meanings.of(entry) {
            Ok(meaning) => self.ledger.add(source, &tally, &meaning),
            Err(_) => self.ledger.add_not_understood(source, &tally),
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

    /// How many texts had to be parsed; the others had the shape of one before.
    pub fn parsed(&self) -> u64 {
        self.meanings.parsed()
    }

    /// The ledger as it stands.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The ledger.
    pub fn into_ledger(self) -> Ledger {
        self.ledger
    }
}
