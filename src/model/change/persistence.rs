//! `SET LOGGED` and `SET UNLOGGED`.

use serde::{Deserialize, Serialize};

use crate::model::action::Change;
use crate::model::{Object, QualifiedName};

/// Whether changes of a table are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// It survives a crash.
    Logged,
    /// A crash empties it.
    Unlogged,
}

/// A table whose changes are to be logged, or are no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistenceChange {
    /// What the finding is about.
    pub object: Object,
    /// The table.
    pub table: QualifiedName,
    /// What it is to be; it was the other before.
    pub to: Persistence,
    /// Bytes that are written again.
    pub bytes: i64,
}

impl Change for PersistenceChange {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        self.to.as_str()
    }
}

impl Persistence {
    /// The name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logged => "LOGGED",
            Self::Unlogged => "UNLOGGED",
        }
    }

    /// What it was before.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Logged => Self::Unlogged,
            Self::Unlogged => Self::Logged,
        }
    }
}
