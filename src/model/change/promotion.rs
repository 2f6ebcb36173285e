//! A key of documents that becomes a column.

use serde::{Deserialize, Serialize};

use crate::model::action::Change;
use crate::model::observation::KeyShape;
use crate::model::{Object, QualifiedName};

/// A table beneath a partitioned one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// The table.
    pub name: QualifiedName,
    /// The partitioned table it is a part of.
    pub parent: QualifiedName,
    /// Whether it is partitioned itself, and holds no rows.
    pub partitioned: bool,
}

/// A key of a column's documents that becomes a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The key as reported.
    pub object: Object,
    /// The table.
    pub table: QualifiedName,
    /// Its partitions where it is partitioned, each after the one it is a part of.
    pub partitions: Vec<Partition>,
    /// The column of its documents.
    pub document: String,
    /// The key's path, from the top.
    pub path: Vec<String>,
    /// The new column.
    pub column: String,
    /// Its type.
    pub type_sql: String,
    /// Rows that will be written again, as estimated from the sample.
    pub rows: i64,
    /// Bytes of these.
    pub bytes: i64,
    /// What statements do with the key, as far as it is known.
    pub shapes: Vec<KeyShape>,
}

impl Change for Promotion {
    fn object(&self) -> &Object {
        &self.object
    }
}
