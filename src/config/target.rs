//! A target as configuration and the registry write it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::model::Policy;

/// Where a target's DSN comes from.
#[derive(Debug, Clone)]
pub enum DsnSource {
    /// The DSN itself; encrypted when stored.
    Inline(SecretString),
    /// The environment variable that holds it, read at use.
    Env(String),
    /// The file that holds it, read at use.
    File(PathBuf),
}

/// One entry of `[targets]`.
#[derive(Debug, Clone)]
pub struct TargetConfig {
    /// Where its DSN comes from.
    pub dsn: DsnSource,
    /// A database where experiments may write.
    pub lab: Option<SecretString>,
    /// Labels of the operator's choice.
    pub labels: BTreeMap<String, String>,
    /// Threshold overrides.
    pub policy: Policy,
    /// Its model version; absent keeps the registered one.
    pub model_version: Option<String>,
}

/// Whether `name` can name a target: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn is_target_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=63).contains(&bytes.len())
        && plain(bytes[0])
        && bytes.iter().all(|c| plain(*c) || *c == b'-')
}
