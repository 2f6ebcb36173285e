//! Targets as they are registered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{DsnSource, TargetConfig};
use crate::model::Policy;

/// Where a target's DSN is kept; never the DSN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum DsnReference {
    /// Encrypted in the store.
    Stored,
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(String),
}

/// A registered target; never its DSN.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetRecord {
    /// Its name.
    pub name: String,
    /// Where its DSN is kept.
    pub dsn: DsnReference,
    /// How many replicas it has.
    pub replicas: u32,
    /// Whether it has a database where experiments may write.
    pub lab: bool,
    /// Labels of the operator's choice.
    pub labels: BTreeMap<String, String>,
    /// Threshold overrides.
    pub policy: Policy,
    /// Its model version, part of every cache key.
    pub model_version: String,
    /// Changes whenever the way to connect changes; part of the cache key's digest.
    pub revision: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A target to register.
#[derive(Debug, Clone)]
pub struct NewTarget {
    /// Its name: `[a-z0-9][a-z0-9-]{0,62}`.
    pub name: String,
    /// Where its DSN comes from.
    pub dsn: DsnSource,
    /// DSNs of its replicas.
    pub replicas: Vec<SecretString>,
    /// DSN of a database where experiments may write.
    pub lab: Option<SecretString>,
    /// Labels of the operator's choice.
    pub labels: BTreeMap<String, String>,
    /// Threshold overrides.
    pub policy: Policy,
    /// Its model version; `v1` if absent.
    pub model_version: Option<String>,
}

impl NewTarget {
    /// The target `name` as the configuration has it.
    pub fn configured(name: &str, target: &TargetConfig) -> Self {
        let TargetConfig { dsn, replicas, lab, labels, policy, model_version } = target.clone();
        Self { name: name.to_owned(), dsn, replicas, lab, labels, policy, model_version }
    }
}

/// What to change of a target; absent leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct TargetChange {
    /// Where its DSN comes from.
    pub dsn: Option<DsnSource>,
    /// DSNs of its replicas; all of them are replaced.
    pub replicas: Option<Vec<SecretString>>,
    /// The database where experiments may write.
    pub lab: LabChange,
    /// Labels; all of them are replaced.
    pub labels: Option<BTreeMap<String, String>>,
    /// Threshold overrides; all of them are replaced.
    pub policy: Option<Policy>,
    /// Its model version.
    pub model_version: Option<String>,
}

/// What becomes of a target's lab. Debug shows no secret.
#[derive(Debug, Clone, Default)]
pub enum LabChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// The target has none any more.
    Remove,
    /// It is the one of this DSN.
    Use(SecretString),
}

impl LabChange {
    /// The DSN to keep, if there is a new one.
    pub(super) fn dsn(&self) -> Option<&SecretString> {
        if let Self::Use(dsn) = self { Some(dsn) } else { None }
    }
}

impl From<Option<SecretString>> for LabChange {
    /// This one, or none.
    fn from(lab: Option<SecretString>) -> Self {
        lab.map_or(Self::Remove, Self::Use)
    }
}

/// How to connect to a target, read from where it is kept. Debug shows no secret.
#[derive(Debug, Clone)]
pub struct ResolvedDsn {
    /// The DSN.
    pub dsn: SecretString,
    /// DSN of a database where experiments may write.
    pub lab: Option<SecretString>,
    /// DSNs of its replicas.
    pub replicas: Vec<SecretString>,
    /// Differs whenever one of these differs, also when only the environment or the file changed.
    pub revision: String,
}

/// A target's DSNs as they are kept.
pub(super) struct StoredDsns {
    pub(super) dsn: KeptDsn,
    pub(super) lab: Option<Vec<u8>>,
    pub(super) replicas: Vec<Vec<u8>>,
    pub(super) revision: i64,
}

/// Where a DSN is kept.
pub(super) enum KeptDsn {
    /// Encrypted in the store.
    Sealed(Vec<u8>),
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(String),
}

impl KeptDsn {
    /// As the columns `dsn_kind`, `dsn_reference` and `dsn_sealed` hold it.
    pub(super) fn columns(&self) -> (&'static str, Option<&str>, Option<&[u8]>) {
        match self {
            Self::Sealed(sealed) => ("stored", None, Some(sealed)),
            Self::Env(variable) => ("env", Some(variable), None),
            Self::File(file) => ("file", Some(file), None),
        }
    }
}
