//! The groups of checks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::UnknownName;

/// A group of checks, named after what it looks into.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Superpower {
    /// Tables, and the documents in their columns.
    HybridSchema,
    /// Values stored compressed or out of line.
    Toast,
    /// GIN indexes: pending lists, operator classes, growth.
    Gin,
    /// Vector columns and their indexes.
    Vector,
    /// Plans, and the indexes and statistics they rest on.
    Plan,
    /// WAL, checkpoints, vacuum and partitions.
    Wal,
    /// Connections, pools and sessions.
    Concurrency,
}

impl Superpower {
    /// Every superpower, in the order of the public contract.
    pub const ALL: &[Self] = &[
        Self::HybridSchema,
        Self::Toast,
        Self::Gin,
        Self::Vector,
        Self::Plan,
        Self::Wal,
        Self::Concurrency,
    ];

    /// The name in paths, ids and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HybridSchema => "hybrid-schema",
            Self::Toast => "toast",
            Self::Gin => "gin",
            Self::Vector => "vector",
            Self::Plan => "plan",
            Self::Wal => "wal",
            Self::Concurrency => "concurrency",
        }
    }

    /// What the superpower is called in prose.
    pub fn title(self) -> &'static str {
        match self {
            Self::HybridSchema => "Hybrid Schema Engineer",
            Self::Toast => "TOAST Whisperer",
            Self::Gin => "GIN Index Tuner",
            Self::Vector => "Vector Navigator",
            Self::Plan => "Plan Decoder",
            Self::Wal => "WAL Orchestrator",
            Self::Concurrency => "Concurrency Architect",
        }
    }

    /// What it looks into, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::HybridSchema => "tables, and the documents in their columns",
            Self::Toast => "values stored compressed or out of line",
            Self::Gin => "GIN indexes: pending lists, operator classes, growth",
            Self::Vector => "vector columns and their indexes",
            Self::Plan => "plans, and the indexes and statistics they rest on",
            Self::Wal => "WAL, checkpoints, vacuum and partitions",
            Self::Concurrency => "connections, pools and sessions",
        }
    }

    /// The name of its operation in the API's document.
    pub fn operation_id(self) -> String {
        self.as_str().replace('-', "_")
    }
}

impl std::fmt::Display for Superpower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Superpower {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|superpower| superpower.as_str() == name).ok_or_else(|| {
            UnknownName::new("superpower", name, Self::ALL.iter().map(|s| s.as_str()))
        })
    }
}
