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
    /// Standard error of the mean of the stored bytes per row.
    pub stored_bytes_error: f64,
    /// Values stored out of line.
    pub out_of_line_values: u64,
    /// Bytes stored out of line.
    pub out_of_line_bytes: u64,
    /// TOAST chunks these take.
    pub out_of_line_chunks: u64,
    /// Values compressed by pglz.
    pub pglz_values: u64,
    /// Bytes these take.
    pub pglz_bytes: u64,
    /// Values compressed by lz4.
    pub lz4_values: u64,
    /// Bytes these take.
    pub lz4_bytes: u64,
    /// Values too wide to stay uncompressed in a row, and uncompressed all the same.
    pub wide_uncompressed_values: u64,
    /// Bytes these take.
    pub wide_uncompressed_bytes: u64,
    /// Compressed values whose uncompressed size could be had without reading the TOAST table.
    pub ratio_values: u64,
    /// Bytes these take.
    pub ratio_stored_bytes: u64,
    /// Bytes these would take uncompressed.
    pub ratio_raw_bytes: u64,
}

/// A sample of one relation's rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSample {
    /// Rows sampled.
    pub rows: u64,
    /// The share of the heap's pages that was looked at; 0 where that is not known.
    pub pages_share: f64,
    /// Bytes of the values looked at, as stored.
    pub bytes: u64,
    /// Whether every row was looked at.
    pub complete: bool,
    /// Whether the server said which values are out of line (17 and newer); before, it is worked out from
    /// their sizes the way the server decides.
    pub placement_exact: bool,
    /// Rows with a value out of line.
    pub rows_out_of_line: u64,
    /// Those that, all inline, would be at most a quarter wider than the TOAST threshold.
    pub rows_just_above: u64,
    /// Those that, all inline, would still fit a page.
    pub rows_fitting_page: u64,
    /// Bytes of the widest row that fits a page, all inline.
    pub fitting_row_bytes_max: u64,
    /// Each column.
    pub columns: Vec<StoredColumn>,
}

impl StoredSample {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&StoredColumn> {
        self.columns.iter().find(|column| column.column == name)
    }
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
