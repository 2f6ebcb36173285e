//! A target as configuration and the registry write it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use toml::{Table, Value};

use super::Error;
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
    /// DSNs of its replicas.
    pub replicas: Vec<SecretString>,
    /// A database where experiments may write.
    pub lab: Option<SecretString>,
    /// Labels of the operator's choice.
    pub labels: BTreeMap<String, String>,
    /// Threshold overrides.
    pub policy: Policy,
    /// Its model version; absent keeps the registered one.
    pub model_version: Option<String>,
}

impl TargetConfig {
    /// A target of which nothing but the DSN is said.
    pub fn new(dsn: DsnSource) -> Self {
        Self {
            dsn,
            replicas: Vec::new(),
            lab: None,
            labels: BTreeMap::new(),
            policy: Policy::default(),
            model_version: None,
        }
    }
}

/// Whether a name has its schema before it.
pub fn is_qualified_name(name: &str) -> bool {
    name.split_once('.').is_some_and(|(schema, name)| !schema.is_empty() && !name.is_empty())
}

/// Whether `name` can name a target: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn is_target_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=63).contains(&bytes.len())
        && plain(bytes[0])
        && bytes.iter().all(|c| plain(*c) || *c == b'-')
}

/// Whether `version` can name a model version, which stands in cache keys between colons.
pub fn is_model_version(version: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=63).contains(&version.len())
        && version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.chars().all(plain)
}

/// `[targets]`: each a DSN, or a table with exactly one of `dsn`, `dsn_env` and `dsn_file`.
pub(super) fn read(value: Value) -> Result<BTreeMap<String, TargetConfig>, Error> {
    let Value::Table(targets) = value else {
        return Err(Error::Value {
            key: "targets".to_owned(),
            origin: "the configuration file".to_owned(),
            expected: "a table of targets by name".to_owned(),
        });
    };
    targets
        .into_iter()
        .map(|(name, value)| match target(&name, value) {
            Ok(target) => Ok((name, target)),
            Err(problem) => Err(Error::Target { name, problem }),
        })
        .collect()
}

fn target(name: &str, value: Value) -> Result<TargetConfig, String> {
    if !is_target_name(name) {
        return Err(
            "a name is 1 to 63 lower-case letters, digits and hyphens, no hyphen first".into()
        );
    }
    match value {
        Value::String(dsn) => Ok(TargetConfig::new(DsnSource::Inline(dsn.into()))),
        Value::Table(table) => from_table(table),
        _ => Err("must be a DSN or a table with dsn, dsn_env or dsn_file".into()),
    }
}

fn from_table(table: Table) -> Result<TargetConfig, String> {
    let mut sources = Vec::new();
    let mut rest = TargetConfig::new(DsnSource::Env(String::new()));
    for (key, value) in table {
        let expects = |what: &str| format!("`{key}` must be {what}");
        let text = |value: Value| match value {
            Value::String(text) if !text.is_empty() => Ok(text),
            _ => Err(expects("text")),
        };
        match key.as_str() {
            "dsn" => sources.push(DsnSource::Inline(text(value)?.into())),
            "dsn_env" => sources.push(DsnSource::Env(text(value)?)),
            "dsn_file" => sources.push(DsnSource::File(text(value)?.into())),
            "lab" => rest.lab = Some(text(value)?.into()),
            "model_version" => rest.model_version = Some(text(value)?),
            // What these fail with may quote a value, so it is not repeated.
            "replicas" => {
                let dsns: Vec<String> = value.try_into().map_err(|_| expects("a list of DSNs"))?;
                rest.replicas = dsns.into_iter().map(SecretString::from).collect();
            }
            "labels" => rest.labels = value.try_into().map_err(|_| expects("a table of texts"))?,
            "policy" => {
                rest.policy = value.try_into().map_err(|_| expects("a table of numbers"))?;
            }
            _ => return Err(format!("unknown key `{key}`; known are {KEYS}")),
        }
    }
    match (sources.pop(), sources.is_empty()) {
        (Some(dsn), true) => Ok(TargetConfig { dsn, ..rest }),
        _ => Err("give exactly one of dsn, dsn_env and dsn_file".into()),
    }
}

const KEYS: &str = "dsn, dsn_env, dsn_file, replicas, lab, labels, policy, model_version";
