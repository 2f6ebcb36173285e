//! Keys: typed, versioned, and covering everything an answer depends on.

use std::sync::Arc;

use serde::Serialize;

/// The key of an answer: `dbopt:<format>:<model_version>:<target>:<superpower>:<digest>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    text: Arc<str>,
}

/// What an answer depends on.
#[derive(Debug, Clone, Copy)]
pub struct KeyParts<'a, R> {
    /// The target's name.
    pub target: &'a str,
    /// The target's model version.
    pub model_version: &'a str,
    /// The target's revision.
    pub revision: i64,
    /// The superpower's name, `all`, or another kind of answer such as `capabilities`.
    pub superpower: &'a str,
    /// The whole request: scope, policy in force, how far to prove.
    pub request: R,
}

impl Key {
    /// The key of what `parts` ask for.
    pub fn new<R: Serialize>(parts: &KeyParts<'_, R>) -> Self {
        let _ = parts;
        unimplemented!("being written")
    }

    /// The key as Redis and `cache.key` show it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
