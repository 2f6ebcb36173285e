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
}

impl Superpower {
    /// Every superpower, in the order of the public contract.
    pub const ALL: &[Self] = &[Self::HybridSchema, Self::Toast];

    /// The name in paths, ids and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HybridSchema => "hybrid-schema",
            Self::Toast => "toast",
        }
    }

    /// What the superpower is called in prose.
    pub fn title(self) -> &'static str {
        match self {
            Self::HybridSchema => "Hybrid Schema Engineer",
            Self::Toast => "TOAST Whisperer",
        }
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
