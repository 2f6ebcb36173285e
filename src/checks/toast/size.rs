//! Thresholds that several checks of TOAST share.

use crate::model::{Threshold, Unit};

pub(super) use crate::model::size::TABLE_BYTES_MIN;

/// Bytes of one column below which its storage raises nothing.
pub(super) static COLUMN_BYTES_MIN: Threshold = Threshold {
    name: "column_bytes_min",
    default: 1_048_576.0,
    unit: Unit::Bytes,
    reason: "below 1 MiB stored, a column's CPU and I/O are lost in the noise",
};

/// How often the stored values must have been read back, on average, to count as read.
pub(super) static READ_BACK_MIN: Threshold = Threshold {
    name: "read_back_min",
    default: 2.5,
    unit: Unit::Ratio,
    reason: "a dump and an export read every value twice, and may fall into any window, however short",
};

/// The same per day: a dump and an export a day read everything twice.
pub(super) static READ_BACK_PER_DAY_MIN: Threshold = Threshold {
    name: "read_back_per_day_min",
    default: 2.5,
    unit: Unit::Ratio,
    reason: "a nightly dump and one export a day read every value back; queries must do more than that",
};

/// Seconds the counters must have run for before little use counts as little use.
pub(super) static HISTORY_S_MIN: Threshold = Threshold {
    name: "history_s_min",
    default: 3600.0,
    unit: Unit::S,
    reason: "what was hardly used in the first minutes after a reset may be in constant use all the same",
};

/// The share of row reads that must have read the value back, too.
pub(super) static HOT_READ_SHARE: Threshold = Threshold {
    name: "hot_read_share",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "inline, a value slows every read of its row that does not want it; most reads must want it",
};
