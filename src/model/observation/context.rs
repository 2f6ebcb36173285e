//! Source `context`: one row about the server, the database and our role.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{ExtensionInfo, Privileges};

/// Settings, privileges, extensions and the age of the counters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The build, from `version()`: compiler and machine.
    pub platform: String,
    /// When the server answered.
    pub now: Timestamp,
    /// When the server was started.
    pub started_at: Timestamp,
    /// Since when the database's counters count; absent if the server does not know.
    pub counting_since: Option<Timestamp>,
    /// The role that is connected.
    #[serde(default)]
    pub role: String,
    /// What our role may do.
    pub privileges: Privileges,
    /// Extensions of the database.
    pub extensions: Vec<ExtensionInfo>,
    /// Settings that limit what can be seen or advised, by name, as `SHOW` prints them.
    pub settings: BTreeMap<String, String>,
    /// Compression methods the server was built with.
    pub toast_compressions: Vec<String>,
    /// Values that roles have of their own for `default_toast_compression`, in this database or in all.
    pub role_compressions: Vec<String>,
}

impl Context {
    /// Days the counters have run for; absent if the server does not know.
    #[expect(clippy::cast_precision_loss, reason = "seconds below 2^53")]
    pub fn counting_days(&self) -> Option<f64> {
        let since = self.counting_since?;
        Some((self.now.as_second() - since.as_second()).max(1) as f64 / 86_400.0)
    }

    /// A setting as a number, where it is one.
    pub fn number(&self, setting: &str) -> Option<f64> {
        self.settings.get(setting)?.parse().ok()
    }

    /// A setting's text; empty where it was not read.
    pub fn setting(&self, setting: &str) -> &str {
        self.settings.get(setting).map_or("", String::as_str)
    }
}
