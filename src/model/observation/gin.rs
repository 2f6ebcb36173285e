//! Sources `gin_indexes`, `gin_pending` and `impossible_rows`.

use serde::{Deserialize, Serialize};

use crate::model::{Observation, QualifiedName, Topic};

impl Topic {
    /// GIN indexes, beside what every index shows.
    pub const GIN: Self = Self("gin.indexes");
    /// Their pending lists.
    pub const GIN_PENDING: Self = Self("gin.pending");
    /// How many keys they hold.
    pub const GIN_KEYS: Self = Self("gin.keys");
}

/// What was seen of GIN indexes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gin {
    /// Every GIN index.
    pub indexes: Observation<Vec<GinIndex>>,
    /// The pending lists of the most searched and the largest.
    pub pending: Observation<Vec<PendingList>>,
    /// How many keys the same indexes hold, where the planner shows it.
    pub keys: Observation<Vec<KeyCount>>,
    /// Tables with a GIN index whose number of rows in the catalog cannot be true.
    pub impossible_rows: Observation<Vec<ImpossibleRows>>,
}

impl Gin {
    /// The keys that an index holds; absent where the planner does not show them.
    pub fn keys(&self, oid: i64) -> Option<&KeyCount> {
        self.keys.get().ok()?.iter().find(|count| count.oid == oid)
    }

    /// What only GIN indexes have.
    pub fn index(&self, oid: i64) -> Option<&GinIndex> {
        self.indexes.get().ok()?.iter().find(|index| index.oid == oid)
    }

    /// The pending list of an index, or why it was not read; absent where it was not among the chosen.
    pub fn pending(&self, oid: i64) -> Option<&Observation<Pending>> {
        let lists = self.pending.get().ok()?;
        lists.iter().find(|list| list.oid == oid).map(|list| &list.pending)
    }
}

/// A GIN index: how the planner can be asked about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GinIndex {
    /// The index.
    pub oid: i64,
    /// Its table.
    pub table_oid: i64,
    /// The first key as SQL; absent where the table was locked, and the server would have waited for it.
    pub key: Option<String>,
    /// The predicate as SQL.
    pub predicate: Option<String>,
    /// An operator that the class of the first key serves, as SQL.
    pub operator: Option<String>,
    /// The type of its right operand, as SQL.
    pub operand: Option<String>,
    /// A condition on the first key that every entry answers, as SQL behind the key; absent where none is known.
    pub match_all: Option<String>,
    /// `random_page_cost` of the tablespace, where it has one of its own.
    pub random_page_cost: Option<f64>,
    /// Whether our role may plan a query that uses it.
    pub readable: bool,
    /// Whether it is being built.
    pub building: bool,
    /// Blocks of the index that were asked for since the counters were reset, by searches and by writes.
    pub blocks_fetched: i64,
}

/// How the length of a pending list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingReader {
    /// `pgstatginindex` of pgstattuple, off the index itself.
    Pgstatginindex,
    /// The cost that the planner charges for the list.
    Explain,
}

/// A pending list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Its pages.
    pub pages: i64,
    /// By how many pages that may be wrong.
    pub margin_pages: i64,
    /// Rows in it; the planner does not say.
    pub tuples: Option<i64>,
    /// How it was read.
    pub read_by: PendingReader,
}

impl Pending {
    /// Its pages at the least.
    pub fn pages_min(&self) -> i64 {
        (self.pages - self.margin_pages).max(0)
    }
}

/// The pending list of an index, or why it was not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingList {
    /// The index.
    pub oid: i64,
    /// Its list.
    pub pending: Observation<Pending>,
}

/// Keys that an index holds, those of rows that are gone included: as the planner has them, from the last vacuum or build
/// and in proportion to how the index has grown since.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCount {
    /// The index.
    pub oid: i64,
    /// Pages of the pending list, which the planner counts as growth.
    pub pending_pages: i64,
    /// What the planner charges for reading all keys, in pages: `pages_per_key` for each, and the posting lists.
    pub all_pages: f64,
    /// Pages that it charges for finding one key.
    pub pages_per_key: f64,
}

impl KeyCount {
    /// Keys at the least, in an index of so many pages.
    pub fn least(&self, index_pages: f64) -> f64 {
        ((self.all_pages - index_pages) / self.pages_per_key).max(0.0)
    }

    /// Whether the planner has no count and takes 100 keys for each of the pages that it believes to hold keys: an index
    /// that has grown fourfold since it was built or vacuumed.
    pub fn is_invented(&self, index_pages: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "pages of an index")]
        let pages = index_pages - self.pending_pages as f64;
        let invented = (pages * 0.9).floor() * 100.0 * self.pages_per_key;
        // The posting lists are charged beside, at most with a page for each page of the index.
        self.all_pages >= invented && self.all_pages <= invented + pages
    }
}

/// A table whose number of rows in the catalog cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImpossibleRows {
    /// The table.
    pub oid: i64,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its pages in the catalog.
    pub pages: i64,
    /// `reltuples` as the catalog has it: `Infinity`, `NaN`, or a number.
    pub rows: String,
}

impl ImpossibleRows {
    /// Schema and name.
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName { schema: self.schema.clone(), name: self.name.clone() }
    }
}
