//! Primary keys.

use serde::{Deserialize, Serialize};

use crate::model::action::Change;
use crate::model::{Object, QualifiedName};

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
