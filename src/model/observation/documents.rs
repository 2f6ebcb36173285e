//! Source `documents`: what the documents of a JSON column hold, counted in one pass over a bounded sample.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Drift;
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
    /// Occurrences of keys beyond those counted separately.
    pub keys_left_out: u64,
    /// Documents of type `json` that `jsonb` would refuse, or would not keep whole: `\u0000`, keys given twice.
    pub lost: u64,
    /// Values of a column of text that are no JSON objects or arrays.
    #[serde(default)]
    pub no_documents: u64,
    /// Those that it would print otherwise than they were written: spaces, the order of keys.
    pub reprinted: u64,
    /// What they would take under shorter keys.
    pub renamed: RenamedDocuments,
}

/// The first documents of the sample under keys of at most three bytes, worked out as the server stores them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenamedDocuments {
    /// A code for each key that is longer.
    pub codes: BTreeMap<String, String>,
    /// Documents that were priced.
    pub documents: u64,
    /// Bytes of these as stored.
    pub stored_bytes: u64,
    /// Bytes of these as they would be stored. What compression makes of the others is not known: a document that
    /// would still be compressed counts as it is.
    pub renamed_stored_bytes: u64,
    /// Bytes that their rows would take less, at least; negative where they would take more. A row ends at a multiple
    /// of 8, and that eats small differences.
    pub saved_bytes: i64,
    /// Bytes of these uncompressed.
    pub uncompressed_bytes: u64,
    /// Bytes of these uncompressed, as they would be.
    pub renamed_uncompressed_bytes: u64,
    /// Those of them that are stored compressed.
    pub compressed: u64,
    /// Those of them that would be too short to be compressed any more.
    pub no_longer_compressed: u64,
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
    /// How they keep the column's contract, where one is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}
