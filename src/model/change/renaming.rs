//! Keys of documents that become codes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::action::Change;
use crate::model::{Object, QualifiedName};

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
