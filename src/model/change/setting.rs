//! Settings of the server, of a database, of a role.

use serde::{Deserialize, Serialize};

use crate::model::action::Change;
use crate::model::{Object, QualifiedName};

/// Where a setting is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingScope {
    /// `ALTER SYSTEM`.
    System,
    /// `ALTER DATABASE`.
    Database(String),
    /// `ALTER ROLE`, in all databases.
    Role(String),
    /// `ALTER ROLE … IN DATABASE`.
    RoleInDatabase {
        /// The role.
        role: String,
        /// The database.
        database: String,
    },
}

/// A setting to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    /// What the finding is about.
    pub object: Object,
    /// The setting.
    pub name: String,
    /// The value to set, as `SET` takes it.
    pub value: String,
    /// Where.
    pub scope: SettingScope,
    /// The value set there before, which undo sets again; absent where none was, which undo resets.
    pub before: Option<String>,
    /// A type of the library that defines the setting: only a session that has loaded it knows the setting.
    pub known_by: Option<QualifiedName>,
    /// Whether it takes effect only when the server restarts.
    pub needs_restart: bool,
    /// What to know before, from the check.
    pub caveats: Vec<String>,
}

impl Change for SettingChange {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        self.scope.as_str()
    }

    fn is_of_server(&self) -> bool {
        self.scope == SettingScope::System
    }
}

impl SettingScope {
    /// What distinguishes it from the other scopes of one setting.
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "system",
            Self::Database(database) => database,
            Self::Role(role) | Self::RoleInDatabase { role, .. } => role,
        }
    }
}
