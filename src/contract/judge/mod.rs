//! Documents against a registered contract: a JSON Schema made ready once, and each document judged in bounded steps. Pure.

mod compile;
mod decimal;
mod format;
mod key_rule;
mod path;
mod pattern;
mod reference;
mod rules;
mod same;
#[cfg(test)]
mod tests;
mod value;
mod verdicts;

use std::sync::Arc;

use serde_json::Value;

use crate::model::observation::KeySample;
use rules::SchemaNode;

pub use compile::{DEPTH_MAX, PATTERNS_MAX, SCHEMA_BYTES_MAX, SCHEMAS_MAX};
pub use verdicts::{Verdicts, names};

/// What is wrong with a schema, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFault {
    /// JSON pointer into the schema.
    pub pointer: String,
    /// What is wrong there, and what would be right. No value of the schema but names of keywords and keys.
    pub detail: String,
}

/// A JSON Schema that documents can be judged by.
#[derive(Debug, Clone)]
pub struct Contract {
    /// As it was registered.
    schema: Value,
    nodes: Vec<SchemaNode>,
}

impl Contract {
    /// Read a schema as text.
    ///
    /// # Errors
    /// Every fault, with its place and its correction.
    pub fn parse(text: &str) -> Result<Self, Vec<SchemaFault>> {
        compile::compile(text)
    }
}

/// The same schema makes the same contract.
impl PartialEq for Contract {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
    }
}

/// The contract of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The table's schema.
    pub schema: String,
    /// The table; the root of a partitioned one.
    pub table: String,
    /// The column.
    pub column: String,
    /// What its documents promise.
    pub contract: Arc<Contract>,
    /// The earlier sample that new and vanished keys are found against, where there is one.
    pub before: Option<KeySample>,
}
