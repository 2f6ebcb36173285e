//! What a caller asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Severity, UnknownName};

/// How far to go in proving a recommendation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProveMode {
    /// Run no experiment.
    None,
    /// Run what needs no write and takes under a second.
    #[default]
    Cheap,
    /// Run every experiment within the budget, and wait.
    Full,
}

impl std::str::FromStr for ProveMode {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "none" => Ok(Self::None),
            "cheap" => Ok(Self::Cheap),
            "full" => Ok(Self::Full),
            _ => Err(UnknownName::new("proof", name, ["none", "cheap", "full"])),
        }
    }
}

/// The objects, checks and severities an analysis is narrowed to. Empty lists mean all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// Schemas to look at.
    pub schemas: Vec<String>,
    /// Tables to look at: `table` in any schema, or `schema.table`.
    pub tables: Vec<String>,
    /// Checks to run, by id.
    pub checks: Vec<String>,
    /// The least severity to report.
    pub severity_min: Option<Severity>,
}

impl Scope {
    /// Whether the relation was asked for. A partition is also meant by its root's name.
    pub fn holds(&self, schema: &str, name: &str) -> bool {
        let named = |table: &String| match table.strip_prefix(schema) {
            Some(rest) if rest.strip_prefix('.') == Some(name) => true,
            _ => table == name,
        };
        (self.schemas.is_empty() || self.schemas.iter().any(|listed| listed == schema))
            && (self.tables.is_empty() || self.tables.iter().any(named))
    }

    /// Whether it names schemas or tables at all.
    pub fn is_narrowed(&self) -> bool {
        !self.schemas.is_empty() || !self.tables.is_empty()
    }

    /// Whether the check was asked for.
    pub fn wants(&self, check: &str) -> bool {
        self.checks.is_empty() || self.checks.iter().any(|id| id == check)
    }
}
