//! What the documents of a JSONB column hold, counted over a sample. No value of any is in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AffectedObject, Cost, Gap, Object, Server};

/// A count in the sample, extrapolated to the whole table with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Extrapolated {
    /// The estimate; the count itself where every row was read.
    pub estimate: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end. Rows of one page resemble each other, so the truth may lie further out.
    pub high: f64,
}

/// One key path of a column's documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentKey {
    /// The path: `a.b`, `a[]` for the elements of an array, quoted where a key is no plain word.
    #[schema(example = "derivedFeatures.sessionBehaviour")]
    pub path: String,
    /// The key itself; absent for the elements of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sessionBehaviour")]
    pub name: Option<String>,
    /// Whether the key is data and no name: one of very many below its parent, most of them in few objects or made
    /// of digits.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_data: bool,
    /// Objects and arrays around its value.
    pub depth: u64,
    /// The share of documents that have it.
    pub presence_ratio: f64,
    /// How often it occurs in the whole table, elements of arrays each counted.
    pub instances: Extrapolated,
    /// Its values in the sample by JSON type.
    pub types: BTreeMap<String, u64>,
    /// Strings among them that are numbers.
    #[serde(default)]
    pub numeric_strings: u64,
    /// The narrowest type of column that takes every value of the sample; absent where all are null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "bigint")]
    pub fits: Option<String>,
    /// Bytes of the key's name, stored again with each instance; 0 for the elements of an array.
    pub key_bytes: u64,
    /// Bytes of an average value as stored uncompressed.
    pub value_bytes_mean: f64,
    /// Bytes of the largest value in the sample.
    pub value_bytes_max: u64,
    /// Different scalars in the sample: exact for a few, within a few per cent for many.
    pub distinct: u64,
    /// Elements of an average array here; absent where there is no array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements_mean: Option<f64>,
    /// Elements of the longest array here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements_max: Option<u64>,
}

/// What was read of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentSample {
    /// Rows read.
    pub rows: u64,
    /// Those without a document.
    pub null_rows: u64,
    /// Bytes of the documents' text, as received.
    pub text_bytes: u64,
    /// Rows of the whole table, by its statistics.
    pub of_rows: f64,
    /// Whether every row was read.
    pub complete: bool,
}

/// How the documents of a column are built and stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentTotals {
    /// Bytes of an average document as stored.
    pub stored_bytes_mean: f64,
    /// Bytes of an average document uncompressed.
    pub uncompressed_bytes_mean: f64,
    /// Documents in the sample that are stored compressed.
    pub compressed: u64,
    /// Those stored out of line; absent before PostgreSQL 17, which does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_line: Option<u64>,
    /// The deepest nesting of objects and arrays in the sample.
    pub depth_max: u64,
    /// Documents in the sample by the JSON type at their top.
    pub tops: BTreeMap<String, u64>,
}

/// What the documents of a JSONB column hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentReport {
    /// The target's name.
    pub target: String,
    /// The column.
    #[schema(value_type = AffectedObject)]
    pub object: Object,
    /// When it was looked at.
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Timestamp,
    /// The server.
    pub server: Server,
    /// What it cost the target.
    pub cost: Cost,
    /// What was read.
    pub sample: DocumentSample,
    /// How the documents are built and stored.
    pub documents: DocumentTotals,
    /// Every key path, in the order they were met.
    pub keys: Vec<DocumentKey>,
    /// The key that each code of the documents stands for, where they were given codes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, String>,
    /// Occurrences of keys beyond those counted separately.
    pub keys_left_out: u64,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
}
