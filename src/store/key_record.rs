//! API keys.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::UnknownName;

/// What a caller with the key may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// See analyses.
    Read,
    /// Let the service run experiments and EXPLAIN ANALYZE.
    Probe,
    /// Run DDL.
    Apply,
    /// Manage targets and keys.
    Admin,
}

impl KeyScope {
    /// Every scope, the weakest first.
    pub const ALL: &[Self] = &[Self::Read, Self::Probe, Self::Apply, Self::Admin];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Probe => "probe",
            Self::Apply => "apply",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for KeyScope {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.iter().map(|scope| scope.as_str());
        Self::ALL
            .iter()
            .copied()
            .find(|scope| scope.as_str() == name)
            .ok_or_else(|| UnknownName::new("scope", name, known))
    }
}

/// An API key as it is kept: never the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyRecord {
    /// Its identity.
    #[schema(example = "k_5c1f0b7a9d3e2c46")]
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<KeyScope>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last presented, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

impl KeyRecord {
    /// Whether the key allows `scope`. `admin` allows everything.
    pub fn allows(&self, scope: KeyScope) -> bool {
        self.scopes.iter().any(|granted| *granted == scope || *granted == KeyScope::Admin)
    }
}
