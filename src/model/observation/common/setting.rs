//! Sources `settings`, `written_settings` and `role_settings`.

use serde::{Deserialize, Serialize};

/// When a setting can change, as `pg_settings.context` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingContext {
    /// Fixed when the server was built or initialised.
    #[serde(rename = "internal")]
    Internal,
    /// Only by a restart.
    #[serde(rename = "postmaster")]
    Postmaster,
    /// By a reload.
    #[serde(rename = "sighup")]
    Sighup,
    /// For new connections, by a superuser.
    #[serde(rename = "superuser-backend")]
    SuperuserBackend,
    /// For new connections.
    #[serde(rename = "backend")]
    Backend,
    /// In a session, by a superuser.
    #[serde(rename = "superuser")]
    Superuser,
    /// In any session.
    #[serde(rename = "user")]
    User,
}

/// A setting as `pg_settings` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What a session of our role in this database begins with, in `unit`.
    pub reset_value: Option<String>,
    /// What the server has it from when nothing sets it, in `unit`.
    pub boot_value: Option<String>,
    /// The unit of both: `kB`, `8kB`, `ms`, `s`, `min`, `MB`, `B`.
    pub unit: Option<String>,
    /// `bool`, `integer`, `real`, `string` or `enum`.
    pub kind: String,
    /// When it can change.
    pub context: SettingContext,
    /// Where the value is from: `default`, `configuration file`, `command line`, `database`, `user`, `session`.
    pub source: String,
    /// Whether `ALTER SYSTEM` wrote it; absent where our role is not shown the file.
    pub set_by_alter_system: Option<bool>,
    /// What `ALTER SYSTEM` wrote, as it stands in the file; absent where it wrote none, or our role may not read it.
    #[serde(default)]
    pub written: Option<String>,
    /// Whether the file has another value that waits for a restart.
    pub pending_restart: bool,
    /// Values of an `enum`.
    pub choices: Vec<String>,
}

impl Setting {
    /// The value as text; empty where it is not set.
    pub fn value(&self) -> &str {
        self.reset_value.as_deref().unwrap_or_default()
    }

    /// The value as a number in the setting's own unit.
    pub fn number(&self) -> Option<f64> {
        self.value().parse().ok()
    }

    /// The value in bytes, for settings of memory and disk; absent for others and for -1.
    pub fn bytes(&self) -> Option<f64> {
        let of_unit = match self.unit.as_deref()? {
            "B" => 1.0,
            "kB" => 1024.0,
            "8kB" => 8192.0,
            "MB" => 1_048_576.0,
            "16MB" => 16_777_216.0,
            "GB" => 1_073_741_824.0,
            _ => return None,
        };
        self.number().filter(|number| *number >= 0.0).map(|number| number * of_unit)
    }

    /// The value in seconds, for settings of time; absent for others and for -1.
    pub fn seconds(&self) -> Option<f64> {
        let of_unit = match self.unit.as_deref()? {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        self.number().filter(|number| *number >= 0.0).map(|number| number * of_unit)
    }

    /// Whether it is on, for a `bool`.
    pub fn is_on(&self) -> bool {
        self.value() == "on"
    }
}

/// A setting as `ALTER SYSTEM` wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenSetting {
    /// The setting.
    pub name: String,
    /// Its value, as it was written.
    pub value: String,
}

impl Setting {
    /// With what the file says of it: that may not be loaded yet.
    #[must_use]
    pub fn written_as(self, written: &[WrittenSetting]) -> Self {
        let found = written.iter().find(|one| one.name.eq_ignore_ascii_case(&self.name));
        let value = found.map(|one| one.value.clone());
        Self { set_by_alter_system: Some(value.is_some()), written: value, ..self }
    }
}

/// A setting that a database, a role, or a role in a database has of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSetting {
    /// The database; absent for all.
    pub database: Option<String>,
    /// The role; absent for all.
    pub role: Option<String>,
    /// The setting.
    pub name: String,
    /// Its value, as it was written.
    pub value: String,
}
