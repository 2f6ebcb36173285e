//! Thresholds that all superpowers share.

use crate::model::{Threshold, Unit};

/// Bytes of a table with TOAST and indexes below which nothing is said of what would save bytes or reads; a partitioned
/// table counts as a whole. What is a mistake is reported at any size, below at `low`.
pub static TABLE_BYTES_MIN: Threshold = Threshold {
    name: "table_bytes_min",
    default: 10_485_760.0,
    unit: Unit::Bytes,
    reason: "10 MiB with TOAST and indexes stay in any shared_buffers, so nothing about their storage is worth a lock",
};

/// Bytes from which on a table of time series is worth partitioning.
pub static UNPARTITIONED_BYTES_MIN: Threshold = Threshold {
    name: "unpartitioned_bytes_min",
    default: 10_737_418_240.0,
    unit: Unit::Bytes,
    reason: "below 10 GiB its indexes stay in memory, and old rows can be deleted in minutes",
};
