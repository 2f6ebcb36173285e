//! Counts and estimates.

/// A count or a size as a float: all are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn float(count: impl TryInto<i64>) -> f64 {
    count.try_into().map_or(f64::MAX, |count| count as f64)
}

/// An estimate as a count.
#[expect(clippy::cast_possible_truncation, reason = "estimates are far below 2^53")]
pub fn whole(estimate: f64) -> i64 {
    estimate.round() as i64
}
