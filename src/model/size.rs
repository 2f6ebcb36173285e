//! Thresholds that all superpowers share.

use crate::model::{Threshold, Unit};

/// Rows below which a table raises nothing.
pub static TABLE_ROWS_MIN: Threshold = Threshold {
    name: "table_rows_min",
    default: 10_000.0,
    unit: Unit::Rows,
    reason: "a smaller table is read whole in no time, however its values are stored",
};

/// Bytes below which a table raises nothing.
pub static TABLE_BYTES_MIN: Threshold = Threshold {
    name: "table_bytes_min",
    default: 10_485_760.0,
    unit: Unit::Bytes,
    reason: "10 MiB stay in any shared_buffers, so nothing about their storage is worth a lock",
};

/// Bytes from which on a table of time series is worth partitioning.
pub static UNPARTITIONED_BYTES_MIN: Threshold = Threshold {
    name: "unpartitioned_bytes_min",
    default: 10_737_418_240.0,
    unit: Unit::Bytes,
    reason: "below 10 GiB its indexes stay in memory, and old rows can be deleted in minutes",
};
