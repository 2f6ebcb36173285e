//! What the WAL Orchestrator reads: checkpoints, WAL, slots, transactions, partitions.

mod partition;
mod replication;
mod server;

use serde::{Deserialize, Serialize};

use crate::model::{Observation, Topic};

pub use partition::{
    ExtensionSchema, PartitionBound, PartitionKey, PartmanSet, StagingTable, TableRoles, TimeColumn,
};
pub use replication::{Archiver, ReplicationSlot, Sender, WalDirectory};
pub use server::{Checkpoints, DatabaseAge, Manager, MeasuredBloat, OpenTransaction, WalWritten};

/// What the WAL Orchestrator reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wal {
    /// Checkpoints since their counters were reset.
    pub checkpoints: Observation<Checkpoints>,
    /// WAL written since its counters were reset.
    pub written: Observation<WalWritten>,
    /// The archiver.
    pub archiver: Observation<Archiver>,
    /// Replication slots.
    pub slots: Observation<Vec<ReplicationSlot>>,
    /// WAL senders.
    pub senders: Observation<Vec<Sender>>,
    /// What is in `pg_wal`.
    pub directory: Observation<WalDirectory>,
    /// Transactions that hold the horizon back most.
    pub transactions: Observation<Vec<OpenTransaction>>,
    /// Every database with the age of its transaction ids.
    pub databases: Observation<Vec<DatabaseAge>>,
    /// Who owns the configuration.
    pub manager: Observation<Manager>,
    /// How partitioned tables are divided.
    pub partition_keys: Observation<Vec<PartitionKey>>,
    /// Bounds of range partitions.
    pub partition_bounds: Observation<Vec<PartitionBound>>,
    /// Where extensions are that more is asked of.
    pub extensions: Observation<Vec<ExtensionSchema>>,
    /// What `pg_partman` maintains.
    pub partman_sets: Observation<Vec<PartmanSet>>,
    /// What stands against an unlogged table, for candidates.
    pub table_roles: Observation<Vec<TableRoles>>,
    /// Columns of time of large tables.
    pub time_columns: Observation<Vec<TimeColumn>>,
    /// Free and dead space of the largest tables, where `pgstattuple` measures it.
    pub bloat: Observation<Vec<MeasuredBloat>>,
}

impl Topic {
    /// Checkpoints, WAL, the archiver, slots, senders, `pg_wal`, and who owns the configuration.
    pub const WAL_SERVER: Self = Self("wal.server");
    /// Transactions, slots and standbys that hold the horizon back, and the age of every database.
    pub const WAL_HORIZON: Self = Self("wal.horizon");
    /// Keys and bounds of partitions, and what `pg_partman` maintains.
    pub const WAL_PARTITIONS: Self = Self("wal.partitions");
    /// What stands against an unlogged table.
    pub const WAL_STAGING: Self = Self("wal.table_roles");
    /// Columns of time of large tables.
    pub const WAL_TIME_COLUMNS: Self = Self("wal.time_columns");
    /// Free and dead space of large tables, measured.
    pub const WAL_BLOAT: Self = Self("wal.bloat");
}
