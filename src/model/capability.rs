//! What can be seen and done on a target.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Gap, Server};

/// How much the role we log in with may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "what a role may, and not a state")]
pub struct Privileges {
    /// `superuser`, `monitor` (member of `pg_monitor`) or `connect`.
    #[schema(example = "monitor")]
    pub tier: String,
    /// Whether it is shown what other roles' sessions do (`pg_read_all_stats`, which `pg_monitor` has, or superuser).
    #[serde(default)]
    pub reads_all_stats: bool,
    /// Whether it has the privileges of roles that it is made a member of, where no more is said (`INHERIT`).
    #[serde(default = "usual")]
    pub inherits: bool,
    /// Whether it may read every table (`pg_read_all_data` or superuser).
    pub reads_all_data: bool,
    /// Whether it may create temporary tables, which experiments on the target need.
    pub creates_temporary_tables: bool,
    /// Whether it may read the configuration files (`pg_file_settings`), which show a setting as it was written.
    #[serde(default)]
    pub reads_configuration: bool,
}

/// What roles are unless they were created otherwise.
fn usual() -> bool {
    true
}

impl Privileges {
    /// Whether it is shown what other roles' sessions do.
    pub fn sees_sessions(&self) -> bool {
        self.reads_all_stats || matches!(self.tier.as_str(), "superuser" | "monitor")
    }
}

/// An extension the database has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionInfo {
    /// Its name.
    pub name: String,
    /// Its installed version.
    pub version: String,
}

/// Whether a check can be judged on a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckReadiness {
    /// The check.
    pub check: String,
    /// Whether all it needs can be seen.
    pub ready: bool,
    /// What cannot be seen, and what would lift it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// What can be seen and done on a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Capabilities {
    /// The target.
    pub target: String,
    /// Its server.
    pub server: Server,
    /// What the operating system or provider says, from `version()`.
    #[schema(example = "x86_64-pc-linux-gnu")]
    pub platform: String,
    /// The role's privileges.
    pub privileges: Privileges,
    /// Extensions of the database.
    pub extensions: Vec<ExtensionInfo>,
    /// Settings that limit what can be seen, by name.
    pub settings: std::collections::BTreeMap<String, String>,
    /// For each check: ready, or the gap and what would lift it.
    pub checks: Vec<CheckReadiness>,
}
