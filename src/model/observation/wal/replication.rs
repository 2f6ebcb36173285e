//! Sources `archiver`, `slots`, `senders` and `wal_directory`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The archiver since its counters were reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archiver {
    /// WAL files archived.
    pub archived: i64,
    /// When the last one was.
    pub last_archived: Option<Timestamp>,
    /// Attempts that failed.
    pub failed: i64,
    /// When the last one did.
    pub last_failed: Option<Timestamp>,
    /// Since when they are counted.
    pub counting_since: Option<Timestamp>,
}

/// A replication slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a view, and not a state")]
pub struct ReplicationSlot {
    /// Its name.
    pub name: String,
    /// `physical` or `logical`.
    pub kind: String,
    /// The output plugin of a logical one.
    pub plugin: Option<String>,
    /// The database of a logical one.
    pub database: Option<String>,
    /// Whether it is gone with its session.
    pub temporary: bool,
    /// Whether someone streams from it now.
    pub active: bool,
    /// `reserved`, `extended`, `unreserved` or `lost`; absent where it never reserved WAL.
    pub wal_status: Option<String>,
    /// WAL between what it needs and the present; absent where it needs none.
    pub retained_bytes: Option<i64>,
    /// WAL that can be written until it is lost; absent without `max_slot_wal_keep_size`.
    pub safe_bytes: Option<i64>,
    /// Since when no one has streamed from it; absent before 17.
    pub inactive_since: Option<Timestamp>,
    /// Why it is of no use any more.
    pub invalidation_reason: Option<String>,
    /// Transactions begun since the oldest that vacuum keeps for it.
    pub xmin_age: Option<i64>,
    /// The same for the catalogs alone.
    pub catalog_xmin_age: Option<i64>,
    /// Whether it is a logical one of another database.
    #[serde(default)]
    pub elsewhere: bool,
    /// Whether it decodes prepared transactions as they are prepared.
    #[serde(default)]
    pub two_phase: bool,
    /// Whether it is copied to standbys.
    #[serde(default)]
    pub failover: bool,
    /// Whether it is the copy of one of the primary.
    #[serde(default)]
    pub synced: bool,
}

impl ReplicationSlot {
    /// Whether its consumer cannot continue from it: it holds nothing back any more.
    pub fn is_lost(&self) -> bool {
        self.wal_status.as_deref() == Some("lost") || self.invalidation_reason.is_some()
    }
}

/// A WAL sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// The process.
    pub pid: i64,
    /// What the standby calls itself.
    pub application: Option<String>,
    /// `streaming` and the like; absent where our role is not shown it.
    pub state: Option<String>,
    /// `async`, `sync`, `quorum` or `potential`.
    pub sync_state: Option<String>,
    /// Transactions begun since the oldest that vacuum keeps for it.
    pub xmin_age: Option<i64>,
    /// WAL that was sent and not yet replayed.
    pub replay_lag_bytes: Option<i64>,
    /// Whether it is one of a standby, as far as the server shows it.
    #[serde(default = "assumed")]
    pub is_standby: bool,
}

/// Snapshots of earlier versions do not say it.
fn assumed() -> bool {
    true
}

/// What is in `pg_wal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalDirectory {
    /// Bytes of all files.
    pub bytes: i64,
    /// Files.
    pub files: i64,
    /// Files that wait for the archiver.
    pub ready: i64,
}
