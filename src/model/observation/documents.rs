//! Source `documents`: what the documents of a JSON column hold, counted in one pass over a bounded sample.

use serde::{Deserialize, Serialize};

use crate::model::{DocumentKey, DocumentSample, DocumentTotals, Observation};

/// What was counted. No value of any document is in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// What was read.
    pub sample: DocumentSample,
    /// How the documents are built and stored.
    pub totals: DocumentTotals,
    /// Documents by how deep they nest objects and arrays: scalars first.
    pub depths: Vec<u64>,
    /// Every key path, in the order they were met.
    pub keys: Vec<DocumentKey>,
    /// Occurrences of keys beyond those told apart.
    pub keys_left_out: u64,
    /// Documents of type `json` that `jsonb` would refuse, or would not keep whole: `\u0000`, keys given twice.
    pub lost: u64,
    /// Those that it would print otherwise than they were written: spaces, the order of keys.
    pub reprinted: u64,
}

/// A JSON column of a table, and its sample or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDocuments {
    /// `pg_class.oid` of the table: the root's for a partitioned one.
    pub oid: i64,
    /// The column.
    pub column: String,
    /// The sample.
    pub sample: Observation<Documents>,
}
