//! Source `table_activity`: the cumulative statistics of the largest tables.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::observation::toast_table::value;

/// What the cumulative statistics say of one table since they were reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableActivity {
    /// The table.
    pub oid: i64,
    /// `UNLOGGED`.
    pub is_unlogged: bool,
    /// Storage parameters as they are written, in their order.
    pub options: Vec<String>,
    /// Pages the visibility map has as all-visible, when last counted.
    pub all_visible_pages: i64,
    /// Pages it has as all-frozen, when last counted; from PostgreSQL 18 on.
    #[serde(default)]
    pub frozen_pages: Option<i64>,
    /// Transactions since `relfrozenxid`; absent for partitioned tables.
    pub xid_age: Option<i64>,
    /// Multixacts since `relminmxid`; absent for partitioned tables.
    pub multixact_age: Option<i64>,
    /// Sequential scans begun.
    pub sequential_scans: i64,
    /// Rows they returned.
    pub sequential_rows: i64,
    /// Rows inserted.
    pub inserted_rows: i64,
    /// Rows updated, HOT or not.
    pub updated_rows: i64,
    /// Rows updated without a new index entry.
    pub hot_updated_rows: i64,
    /// Rows deleted.
    pub deleted_rows: i64,
    /// Rows believed to be alive.
    pub live_rows: i64,
    /// Rows believed to be dead.
    pub dead_rows: i64,
    /// Rows changed since the last analyze.
    pub changed_since_analyze: i64,
    /// Rows inserted since the last vacuum.
    pub inserted_since_vacuum: i64,
    /// The last manual vacuum.
    pub last_vacuum: Option<Timestamp>,
    /// The last vacuum by autovacuum.
    pub last_autovacuum: Option<Timestamp>,
    /// The last manual analyze.
    pub last_analyze: Option<Timestamp>,
    /// The last analyze by autovacuum.
    pub last_autoanalyze: Option<Timestamp>,
    /// Manual vacuums.
    pub vacuums: i64,
    /// Vacuums by autovacuum.
    pub autovacuums: i64,
    /// Manual analyzes.
    pub analyzes: i64,
    /// Analyzes by autovacuum.
    pub autoanalyzes: i64,
}

impl TableActivity {
    /// A storage parameter's value as it was written.
    pub fn option(&self, name: &str) -> Option<&str> {
        value(&self.options, name)
    }
}
