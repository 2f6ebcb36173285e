//! Primary keys, and keys of documents that are promoted, indexed or shortened.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Compression, Storage};
use crate::model::action::Change;
use crate::model::observation::KeyShape;
use crate::model::{KeyExpression, Object, QualifiedName};

/// A unique index that becomes a primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedKey {
    /// The table as reported.
    pub object: Object,
    /// Its name.
    pub table: QualifiedName,
    /// Its name, and that of the constraint.
    pub index: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Those of them that take NULL so far.
    pub nullable: Vec<String>,
    /// What makes the index again, and its comment; absent where it is not there yet.
    pub before: Option<(String, Option<String>)>,
}

impl Change for AdoptedKey {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        &self.index
    }
}

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

/// The keys of a column's documents, which become codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Renaming {
    /// The column as reported.
    pub object: Object,
    /// The table.
    pub table: QualifiedName,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// The column of the documents.
    pub column: String,
    /// A code for each key.
    pub codes: BTreeMap<String, String>,
    /// The key that occurs most often at the top.
    pub example: String,
    /// Rows that will be written again, as estimated from the sample.
    pub rows: i64,
    /// Bytes of these.
    pub bytes: i64,
    /// The share of the relation that it must save to be worth it.
    pub saving_ratio_min: f64,
}

impl Change for Renaming {
    fn object(&self) -> &Object {
        &self.object
    }
}

/// An identity column that becomes the primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedIdentity {
    /// The table as reported.
    pub object: Object,
    /// Its name.
    pub table: QualifiedName,
    /// The column.
    pub column: String,
    /// Bytes that are rewritten.
    pub bytes: i64,
}

impl Change for AddedIdentity {
    fn object(&self) -> &Object {
        &self.object
    }
}

/// A column of `json`, or of text, that becomes one of `jsonb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonbConversion {
    /// The column as reported.
    pub object: Object,
    /// The table's name.
    pub table: QualifiedName,
    /// The column's.
    pub column: String,
    /// Its type, as PostgreSQL prints it.
    pub from: String,
    /// Its default, as SQL writes it.
    pub default: Option<String>,
    /// Its storage strategy where that is not the type's own.
    pub storage: Option<Storage>,
    /// Its compression method where that is not the default.
    pub compression: Option<Compression>,
    /// Whether `jsonb` prints each document of the sample as it was written.
    pub reversible: bool,
    /// Bytes that are rewritten.
    pub bytes: i64,
}

impl Change for JsonbConversion {
    fn object(&self) -> &Object {
        &self.object
    }
}
