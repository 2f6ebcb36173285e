//! A key of documents that is indexed where it is.

use serde::{Deserialize, Serialize};

use super::Partition;
use crate::model::action::Change;
use crate::model::observation::KeyShape;
use crate::model::{KeyExpression, Object, QualifiedName};

/// An index on a key of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedKey {
    /// The key as reported.
    pub object: Object,
    /// The table.
    pub table: QualifiedName,
    /// Its partitions where it is partitioned, each after the one it is a part of.
    pub partitions: Vec<Partition>,
    /// What the index is called after the name of its table.
    pub suffix: String,
    /// What it is on.
    pub expression: KeyExpression,
    /// The type of column that takes every value of the sample.
    pub type_sql: String,
    /// Rows of the table.
    pub rows: i64,
    /// What statements do with the key.
    pub shapes: Vec<KeyShape>,
}

impl Change for IndexedKey {
    fn object(&self) -> &Object {
        &self.object
    }
}
