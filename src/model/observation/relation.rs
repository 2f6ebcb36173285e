//! Source `relations`: every table and materialized view, from the raw catalogs.

use serde::{Deserialize, Serialize};

use crate::model::QualifiedName;
use crate::model::toast::BLOCK_BYTES;

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
    /// Pages of its indexes when last counted.
    #[serde(default)]
    pub index_pages: i64,
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

#[cfg(test)]
impl Relation {
    /// A table without rows.
    pub(crate) fn empty(oid: i64, schema: &str, name: &str) -> Self {
        Self {
            oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind: RelationKind::Table,
            parent: None,
            pages: 0,
            rows: None,
            live_rows: 0,
            toastable: true,
            primary_key: true,
            toast_pages: 0,
            toast_counted: true,
            toast_live_chunks: 0,
            index_pages: 0,
        }
    }
}

/// How far the counters may be ahead of the last count before they are believed instead: rows that were loaded by
/// the session that then vacuumed are counted twice.
const AHEAD_MAX: f64 = 2.1;

impl Relation {
    /// Rows it holds: as last counted, in proportion to how its file has grown since where that is known; where it
    /// was never counted, or long ago, as the counters believe.
    #[expect(clippy::cast_precision_loss, reason = "rows and bytes below 2^53")]
    pub fn rows_now(&self, heap_bytes: Option<i64>) -> f64 {
        let live = self.live_rows as f64;
        let Some(counted) = self.rows else { return live };
        match heap_bytes {
            Some(bytes) if self.pages > 0 => {
                counted * (bytes as f64 / BLOCK_BYTES as f64 / self.pages as f64)
            }
            _ if live > AHEAD_MAX * counted + 1.0 => live,
            _ => counted,
        }
    }

    /// Schema and name.
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName { schema: self.schema.clone(), name: self.name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "products of whole numbers")]
    fn rows_are_those_of_the_last_count_as_far_as_the_file_has_grown() {
        let counted = Relation {
            oid: 1,
            schema: "ml".to_owned(),
            name: "t".to_owned(),
            kind: RelationKind::Table,
            parent: None,
            pages: 100,
            rows: Some(1000.0),
            toastable: true,
            primary_key: true,
            live_rows: 2000,
            toast_pages: 0,
            toast_counted: true,
            toast_live_chunks: 0,
            index_pages: 0,
        };
        assert_eq!(counted.rows_now(Some(200 * 8192)), 2000.0);
        assert_eq!(counted.rows_now(None), 1000.0, "the counters counted them twice");
        let grown = Relation { live_rows: 50_000, ..counted.clone() };
        assert_eq!(grown.rows_now(None), 50_000.0);
        let never = Relation { rows: None, pages: 0, ..counted };
        assert_eq!(never.rows_now(Some(8192)), 2000.0);
    }
}
