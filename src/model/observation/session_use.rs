//! What statements leave in their session, and lose where a pooler gives the session to someone else in between.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a statement keeps in its session beyond its transaction.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SessionNeed {
    /// `SET` and `set_config` that are not local to the transaction.
    Set,
    /// `SET LOCAL` and `set_config` that end with it: nothing is kept, but it is known that the application sets this.
    SetLocal,
    /// `pg_advisory_lock` and its like, not those of the transaction.
    AdvisoryLock,
    /// `LISTEN`.
    Listen,
    /// A temporary table that is not dropped at commit.
    TemporaryTable,
    /// `PREPARE`; not the prepared statements of the protocol.
    Prepare,
    /// A cursor `WITH HOLD`.
    HoldCursor,
    /// `LOAD`.
    Load,
}

/// Statements that keep something in their session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionUse {
    /// What they keep there.
    pub need: SessionNeed,
    /// The setting, of `SET`, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// Their calls.
    pub calls: u64,
}

impl SessionNeed {
    /// As prose names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Set => "SET",
            Self::SetLocal => "SET LOCAL",
            Self::AdvisoryLock => "session-level advisory locks",
            Self::Listen => "LISTEN",
            Self::TemporaryTable => "temporary tables",
            Self::Prepare => "PREPARE",
            Self::HoldCursor => "WITH HOLD cursors",
            Self::Load => "LOAD",
        }
    }
}
