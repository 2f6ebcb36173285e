//! Source `stored_values`: how values are stored, counted in one pass over a bounded sample.

use serde::{Deserialize, Serialize};

use crate::model::Observation;

/// How the sampled values of one column are stored. All bytes are as stored, without tuple headers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredColumn {
    /// The column.
    pub column: String,
    /// Values that are not NULL.
    pub values: u64,
    /// Bytes these take, inline and out of line.
    pub stored_bytes: u64,
    /// Bytes they would take uncompressed.
    pub raw_bytes: u64,
    /// Values stored out of line.
    pub out_of_line_values: u64,
    /// Bytes stored out of line.
    pub out_of_line_bytes: u64,
    /// TOAST chunks these take.
    pub out_of_line_chunks: u64,
    /// Values compressed by pglz.
    pub pglz_values: u64,
    /// Bytes these would take uncompressed.
    pub pglz_raw_bytes: u64,
    /// Values compressed by lz4.
    pub lz4_values: u64,
    /// Bytes these would take uncompressed.
    pub lz4_raw_bytes: u64,
    /// Values wide enough for TOAST when not compressed.
    pub wide_values: u64,
    /// Those of them that are stored uncompressed all the same.
    pub wide_uncompressed_values: u64,
    /// Standard error of the mean of the stored bytes per row.
    pub stored_bytes_error: f64,
}

/// A sample of one relation's rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSample {
    /// Rows sampled.
    pub rows: u64,
    /// Bytes of the values looked at, as stored.
    pub bytes: u64,
    /// Whether every row was looked at.
    pub complete: bool,
    /// Rows with a value out of line that would stand in the heap at their full stored width:
    /// at most a quarter above the TOAST threshold.
    pub rows_just_above: u64,
    /// Rows with a value out of line whose full stored width fits a page.
    pub rows_fitting_page: u64,
    /// Rows with a value out of line.
    pub rows_out_of_line: u64,
    /// Each column.
    pub columns: Vec<StoredColumn>,
}

/// A relation, and its sample or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredValues {
    /// `pg_class.oid` of the relation.
    pub oid: i64,
    /// The sample.
    pub sample: Observation<StoredSample>,
}
