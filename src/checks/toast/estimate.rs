//! How a column's values are stored in a whole table, extrapolated from samples.

use super::table::{RelationNode, float};
use crate::model::observation::StoredColumn;

/// How a column's values are stored in a whole table, as far as a sample shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct StorageEstimate {
    /// Values in the samples, not extrapolated.
    pub(super) sampled_values: u64,
    pub(super) values: f64,
    pub(super) stored_bytes: f64,
    pub(super) out_of_line_values: f64,
    pub(super) out_of_line_bytes: f64,
    pub(super) out_of_line_chunks: f64,
    pub(super) pglz_values: f64,
    pub(super) pglz_bytes: f64,
    pub(super) lz4_values: f64,
    pub(super) lz4_bytes: f64,
    pub(super) wide_uncompressed_values: f64,
    pub(super) wide_uncompressed_bytes: f64,
    ratio_stored_bytes: f64,
    ratio_raw_bytes: f64,
}

impl StorageEstimate {
    /// The values of a column in these leaves, from the samples of them.
    pub(super) fn of(column: &str, leaves: &[&RelationNode<'_>]) -> Self {
        let mut sum = Self::default();
        let mut sampled_rows = 0.0;
        for node in leaves {
            let Some(sample) = node.sample.filter(|sample| sample.rows > 0) else { continue };
            sampled_rows += node.rows();
            if let Some(stored) = sample.column(column) {
                sum.add(stored, node.rows() / float(sample.rows));
                sum.sampled_values += stored.values;
            }
        }
        // The largest partitions speak for those that were not sampled.
        let rows: f64 = leaves.iter().map(|leaf| leaf.rows()).sum();
        if sampled_rows > 0.0 { sum.scaled(rows / sampled_rows) } else { sum }
    }

    fn fields(&mut self) -> [&mut f64; 13] {
        [
            &mut self.values,
            &mut self.stored_bytes,
            &mut self.out_of_line_values,
            &mut self.out_of_line_bytes,
            &mut self.out_of_line_chunks,
            &mut self.pglz_values,
            &mut self.pglz_bytes,
            &mut self.lz4_values,
            &mut self.lz4_bytes,
            &mut self.wide_uncompressed_values,
            &mut self.wide_uncompressed_bytes,
            &mut self.ratio_stored_bytes,
            &mut self.ratio_raw_bytes,
        ]
    }

    fn add(&mut self, stored: &StoredColumn, scale: f64) {
        let counts = [
            stored.values,
            stored.stored_bytes,
            stored.out_of_line_values,
            stored.out_of_line_bytes,
            stored.out_of_line_chunks,
            stored.pglz_values,
            stored.pglz_bytes,
            stored.lz4_values,
            stored.lz4_bytes,
            stored.wide_uncompressed_values,
            stored.wide_uncompressed_bytes,
            stored.ratio_stored_bytes,
            stored.ratio_raw_bytes,
        ];
        for (field, count) in self.fields().into_iter().zip(counts) {
            *field += float(count) * scale;
        }
    }

    fn scaled(mut self, factor: f64) -> Self {
        for field in self.fields() {
            *field *= factor;
        }
        self
    }

    pub(super) fn compressed_values(&self) -> f64 {
        self.pglz_values + self.lz4_values
    }

    pub(super) fn compressed_bytes(&self) -> f64 {
        self.pglz_bytes + self.lz4_bytes
    }

    /// Uncompressed bytes for each stored one, where it could be seen.
    pub(super) fn ratio(&self) -> Option<f64> {
        (self.ratio_stored_bytes > 0.0).then(|| self.ratio_raw_bytes / self.ratio_stored_bytes)
    }
}
