//! A statement a person can run, and what running it costs the others.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A table-level lock, in the words of PostgreSQL's manual, the weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// Locks no table.
    None,
    /// Writes rows.
    RowExclusive,
    /// Blocks other DDL and VACUUM.
    ShareUpdateExclusive,
    /// Blocks writes.
    Share,
    /// Blocks writes and other DDL.
    ShareRowExclusive,
    /// Blocks everything, reads included.
    AccessExclusive,
}

impl Lock {
    /// Its name in SQL.
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::None => "no table",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// Whom the lock keeps waiting.
    pub fn blocks(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::RowExclusive => "writers of the same rows, one batch at a time; not reads",
            Self::ShareUpdateExclusive => {
                "other DDL and VACUUM on the table; neither reads nor writes"
            }
            Self::Share => "writes; not reads",
            Self::ShareRowExclusive => "writes and other DDL; not reads",
            Self::AccessExclusive => "reads and writes",
        }
    }
}

/// One statement of a recommendation or of its undo. It runs as printed, alone and in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    /// The SQL.
    #[schema(example = "ALTER TABLE ml.features ALTER COLUMN payload SET COMPRESSION lz4;")]
    pub sql: String,
    /// The strongest table lock it takes.
    pub lock: Lock,
    /// Whom that keeps waiting, and for how long.
    #[schema(example = "reads and writes, briefly")]
    pub blocks: String,
    /// Whether it rewrites the table.
    pub rewrites: bool,
    /// Whether it may run inside a transaction block.
    pub transactional: bool,
    /// The `lock_timeout` to run it under, in milliseconds; on a timeout try again later.
    pub timeout_ms: u64,
}
