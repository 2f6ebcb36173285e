//! `VACUUM` and `ANALYZE`.

use serde::{Deserialize, Serialize};

use crate::model::action::Change;
use crate::model::{Object, QualifiedName};

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenanceVerb {
    /// `VACUUM`.
    Vacuum,
    /// `VACUUM (FREEZE)`.
    VacuumFreeze,
    /// `VACUUM (ANALYZE)`.
    VacuumAnalyze,
    /// `VACUUM (FULL)`.
    VacuumFull,
    /// `ANALYZE`.
    Analyze,
}

impl MaintenanceVerb {
    /// The name in identities.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vacuum => "vacuum",
            Self::VacuumFreeze => "vacuum_freeze",
            Self::VacuumAnalyze => "vacuum_analyze",
            Self::VacuumFull => "vacuum_full",
            Self::Analyze => "analyze",
        }
    }
}

/// Maintenance of tables, which changes no row and has no undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// What the finding is about.
    pub object: Object,
    /// What to run.
    pub verb: MaintenanceVerb,
    /// On which tables.
    pub tables: Vec<QualifiedName>,
    /// What must hold before, from the check.
    pub preconditions: Vec<String>,
    /// What to know before, from the check.
    pub caveats: Vec<String>,
}

impl Change for Maintenance {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        self.verb.as_str()
    }
}
