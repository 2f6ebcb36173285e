//! Where the observations of the WAL Orchestrator come from, by major version.

use crate::observe::source::Source;

pub(super) static CHECKPOINTS: Source = Source {
    name: "checkpoints",
    variants: &[
        (14, include_str!("sql/checkpoints.sql")),
        (17, include_str!("sql/checkpoints.pg17.sql")),
        (18, include_str!("sql/checkpoints.pg18.sql")),
    ],
};

pub(super) static WAL_WRITTEN: Source = Source {
    name: "wal_written",
    variants: &[
        (14, include_str!("sql/wal_written.sql")),
        (19, include_str!("sql/wal_written.pg19.sql")),
    ],
};

pub(super) static ARCHIVER: Source =
    Source { name: "archiver", variants: &[(14, include_str!("sql/archiver.sql"))] };

pub(super) static SLOTS: Source = Source {
    name: "slots",
    variants: &[(14, include_str!("sql/slots.sql")), (17, include_str!("sql/slots.pg17.sql"))],
};

pub(super) static SENDERS: Source =
    Source { name: "senders", variants: &[(14, include_str!("sql/senders.sql"))] };

pub(super) static WAL_DIRECTORY: Source =
    Source { name: "wal_directory", variants: &[(14, include_str!("sql/wal_directory.sql"))] };

pub(super) static TRANSACTIONS: Source =
    Source { name: "transactions", variants: &[(14, include_str!("sql/transactions.sql"))] };

pub(super) static DATABASES: Source =
    Source { name: "databases", variants: &[(14, include_str!("sql/databases.sql"))] };

pub(super) static MANAGER: Source =
    Source { name: "manager", variants: &[(14, include_str!("sql/manager.sql"))] };

pub(super) static PARTITION_KEYS: Source =
    Source { name: "partition_keys", variants: &[(14, include_str!("sql/partition_keys.sql"))] };

pub(super) static PARTITION_BOUNDS: Source = Source {
    name: "partition_bounds",
    variants: &[(14, include_str!("sql/partition_bounds.sql"))],
};

pub(super) static EXTENSION_SCHEMAS: Source = Source {
    name: "extension_schemas",
    variants: &[(14, include_str!("sql/extension_schemas.sql"))],
};

pub(super) static PARTMAN_SETS: Source =
    Source { name: "partman_sets", variants: &[(14, include_str!("sql/partman_sets.sql"))] };

pub(super) static TABLE_ROLES: Source =
    Source { name: "table_roles", variants: &[(14, include_str!("sql/table_roles.sql"))] };

pub(super) static TIME_COLUMNS: Source =
    Source { name: "time_columns", variants: &[(14, include_str!("sql/time_columns.sql"))] };

pub(super) static BLOAT: Source =
    Source { name: "bloat", variants: &[(14, include_str!("sql/bloat.sql"))] };

pub(super) static STAGING_TABLE: Source =
    Source { name: "staging_table", variants: &[(14, include_str!("sql/staging_table.sql"))] };
