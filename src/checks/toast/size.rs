//! Thresholds that several checks of TOAST share.

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

/// Bytes of one column below which its storage raises nothing.
pub static COLUMN_BYTES_MIN: Threshold = Threshold {
    name: "column_bytes_min",
    default: 1_048_576.0,
    unit: Unit::Bytes,
    reason: "below 1 MiB stored, a column's CPU and I/O are lost in the noise",
};

/// How often the stored values must have been read back, on average, to count as read.
pub static READ_BACK_MIN: Threshold = Threshold {
    name: "read_back_min",
    default: 2.5,
    unit: Unit::Ratio,
    reason: "a dump and an export read every value twice, and may fall into any window, however short",
};

/// The same per day: a dump and an export a day read everything twice.
pub static READ_BACK_PER_DAY_MIN: Threshold = Threshold {
    name: "read_back_per_day_min",
    default: 2.5,
    unit: Unit::Ratio,
    reason: "a nightly dump and one export a day read every value back; queries must do more than that",
};

/// Seconds the counters must have run for before little use counts as little use.
pub static HISTORY_S_MIN: Threshold = Threshold {
    name: "history_s_min",
    default: 3600.0,
    unit: Unit::S,
    reason: "what was hardly used in the first minutes after a reset may be in constant use all the same",
};

/// The share of row reads that must have read the value back, too.
pub static HOT_READ_SHARE: Threshold = Threshold {
    name: "hot_read_share",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "inline, a value slows every read of its row that does not want it; most reads must want it",
};
