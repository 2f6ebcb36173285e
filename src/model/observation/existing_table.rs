//! Source `existing_tables`: what statements would make the tables that a migration names.

use serde::{Deserialize, Serialize};

/// A table of the target, as the statements that would make it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingTable {
    /// Its schema and name, as SQL writes them.
    pub name: String,
    /// Its columns, each as it is declared, with NOT NULL where every row is known to obey.
    pub columns: Vec<String>,
    /// What its partitions go by: `RANGE (day)`.
    pub partition_key: Option<String>,
    /// How many partitions it has, or tables that inherit from it.
    pub children: usize,
    /// The statements that make it part of others.
    pub parents: Vec<String>,
    /// The statements that add its constraints.
    pub constraints: Vec<String>,
    /// The statements that make its other indexes.
    pub indexes: Vec<String>,
}
