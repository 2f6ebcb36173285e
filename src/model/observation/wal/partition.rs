//! Sources `partition_keys`, `partition_bounds`, `extension_schemas`, `partman_sets`, `table_roles` and `time_columns`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a partitioned table is divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionKey {
    /// The partitioned table.
    pub oid: i64,
    /// `r` by range, `l` by list, `h` by hash.
    pub strategy: char,
    /// Columns and expressions of the key.
    pub key_columns: i64,
    /// The first column; absent where the key begins with an expression.
    pub first_column: Option<String>,
    /// Its type; the base type's for a domain.
    pub first_type: Option<String>,
    /// Its default partition.
    pub default_partition: Option<i64>,
    /// Why rows of the default partition cannot be moved by DELETE and INSERT: `partitioned`, `referred_to`, `triggers` or
    /// `no_replica_identity`.
    #[serde(default)]
    pub default_stays: Option<String>,
    /// The share of its rows whose key is NULL, as last analyzed.
    #[serde(default)]
    pub default_null_share: Option<f64>,
    /// Whether statistics of the default partition's key are not shown to our role, so that the share stays unknown.
    #[serde(default)]
    pub default_nulls_hidden: bool,
}

/// The bound of a range partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionBound {
    /// The partition.
    pub oid: i64,
    /// The partitioned table it is a part of.
    pub parent: i64,
    /// Its bound, as SQL writes it.
    pub bound: Option<String>,
}

/// An extension that more is asked of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionSchema {
    /// `pg_partman` or `pgstattuple`.
    pub name: String,
    /// The schema it is in.
    pub schema: String,
    /// Its release.
    pub version: String,
    /// The oid of the table `part_config`, where it is the extension's.
    #[serde(default)]
    pub configuration: Option<i64>,
}

/// A table that `pg_partman` maintains: what `part_config` says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartmanSet {
    /// The table, as `schema.table`, unquoted.
    pub parent_table: String,
    /// Partitions it makes ahead.
    pub premake: i64,
    /// How long rows are kept, as an interval or a number; absent for ever.
    pub retention: Option<String>,
    /// Whether a partition that is past it stays as a table of its own.
    pub retention_keep_table: bool,
    /// `on`, `off` or `none`.
    pub automatic_maintenance: String,
    /// Whether partitions are made while no rows come.
    pub infinite: bool,
    /// Whether there is a partitioned table of that name.
    pub parent_exists: bool,
    /// When maintenance last ran for it; absent in 4.
    pub last_run: Option<Timestamp>,
}

/// What stands against an unlogged table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a row of the catalog, and not a state")]
pub struct TableRoles {
    /// The table.
    pub oid: i64,
    /// Whether it is unlogged already.
    pub is_unlogged: bool,
    /// Whether it is a partition.
    pub is_partition: bool,
    /// Whether a foreign key of it refers to a logged table, which is no hindrance.
    pub references_logged: bool,
    /// Whether a foreign key of a logged table refers to it, which PostgreSQL refuses.
    pub referenced_by_logged: bool,
    /// Whether a publication sends it.
    pub published: bool,
    /// Whether it inherits or is inherited from.
    pub inheritance: bool,
    /// Whether a subscription fills it.
    #[serde(default)]
    pub subscribed: bool,
}

/// A column of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeColumn {
    /// The table.
    pub oid: i64,
    /// The column.
    pub name: String,
    /// `date`, `timestamp` or `timestamptz`.
    pub type_name: String,
    /// How far the order of rows follows it; absent where it was never analyzed.
    pub correlation: Option<f64>,
    /// The share of NULLs.
    pub null_share: Option<f64>,
}

/// What is asked of one staging table: source `staging_table`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagingTable {
    /// Whether a crash empties it.
    pub is_unlogged: bool,
    /// Whether its partitions hold its rows.
    pub partitioned: bool,
    /// Bytes of its heap.
    pub heap_bytes: i64,
    /// Whether the server is a hot standby.
    pub in_recovery: bool,
    /// When the server was started, recovered from a crash, or had its counters reset last.
    pub restarted_at: Timestamp,
}
