//! Where the observations of the WAL Orchestrator come from, by major version.

use crate::observe::source::{NewerColumn, Source};

pub(super) static CHECKPOINTS: Source =
    Source::new("checkpoints", include_str!("sql/checkpoints.sql")).rewritten(&[
        (17, include_str!("sql/checkpoints.pg17.sql")),
        (18, include_str!("sql/checkpoints.pg18.sql")),
    ]);

pub(super) static WAL_WRITTEN: Source =
    Source::new("wal_written", include_str!("sql/wal_written.sql")).newer(&[NewerColumn {
        since: 19,
        name: "full_page_bytes",
        value: "w.wal_fpi_bytes::int8",
    }]);

pub(super) static ARCHIVER: Source = Source::new("archiver", include_str!("sql/archiver.sql"));

pub(super) static SLOTS: Source = Source::new("slots", include_str!("sql/slots.sql")).newer(&[
    NewerColumn { since: 17, name: "inactive_since", value: "s.inactive_since" },
    NewerColumn { since: 17, name: "invalidation_reason", value: "s.invalidation_reason" },
    NewerColumn { since: 17, name: "failover", value: "s.failover" },
    NewerColumn { since: 17, name: "synced", value: "s.synced" },
]);

pub(super) static SENDERS: Source = Source::new("senders", include_str!("sql/senders.sql"));

pub(super) static WAL_DIRECTORY: Source =
    Source::new("wal_directory", include_str!("sql/wal_directory.sql"));

pub(super) static TRANSACTIONS: Source =
    Source::new("transactions", include_str!("sql/transactions.sql"));

pub(super) static DATABASES: Source = Source::new("databases", include_str!("sql/databases.sql"));

pub(super) static MANAGER: Source = Source::new("manager", include_str!("sql/manager.sql"));

pub(super) static PARTITION_KEYS: Source =
    Source::new("partition_keys", include_str!("sql/partition_keys.sql"));

pub(super) static PARTITION_BOUNDS: Source =
    Source::new("partition_bounds", include_str!("sql/partition_bounds.sql"));

pub(super) static EXTENSION_SCHEMAS: Source =
    Source::new("extension_schemas", include_str!("sql/extension_schemas.sql"));

pub(super) static PARTMAN_SETS: Source =
    Source::new("partman_sets", include_str!("sql/partman_sets.sql"));

pub(super) static TABLE_ROLES: Source =
    Source::new("table_roles", include_str!("sql/table_roles.sql"));

pub(super) static TIME_COLUMNS: Source =
    Source::new("time_columns", include_str!("sql/time_columns.sql"));

pub(super) static BLOAT: Source = Source::new("bloat", include_str!("sql/bloat.sql"));

pub(super) static STAGING_TABLE: Source =
    Source::new("staging_table", include_str!("sql/staging_table.sql"));
