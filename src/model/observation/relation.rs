//! Source `relations`: every table and materialized view, from the raw catalogs.

use serde::{Deserialize, Serialize};

use crate::model::QualifiedName;

/// Kinds of relations that hold rows, or whose partitions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RelationKind {
    /// A table.
    #[serde(rename = "r")]
    Table,
    /// A partitioned table, which holds no rows itself.
    #[serde(rename = "p")]
    PartitionedTable,
    /// A materialized view.
    #[serde(rename = "m")]
    MaterializedView,
}

/// A relation as `pg_class` describes it. Sizes are as of the last vacuum or analyze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// `pg_class.oid`.
    pub oid: i64,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// The partitioned table it is a partition of.
    pub parent: Option<i64>,
    /// Pages of the heap when last counted.
    pub pages: i64,
    /// Rows when last counted; absent if never.
    pub rows: Option<f64>,
    /// Whether it may have a TOAST table: a partitioned table's partitions may.
    pub toastable: bool,
    /// Whether it has a primary key.
    pub primary_key: bool,
    /// Rows the cumulative statistics believe to be alive.
    pub live_rows: i64,
    /// Pages of the TOAST table when last counted.
    pub toast_pages: i64,
    /// Whether these were ever counted, which only a vacuum does.
    pub toast_counted: bool,
    /// Chunks the cumulative statistics believe to be alive in the TOAST table.
    pub toast_live_chunks: i64,
}

impl Relation {
    /// Schema and name.
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName { schema: self.schema.clone(), name: self.name.clone() }
    }
}
