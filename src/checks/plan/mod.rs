//! Plan Decoder: plans, and the indexes and statistics they rest on.

mod invalid_index;
mod redundant_index;
mod stale_statistics;
mod table;
mod unused_index;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &invalid_index::CHECK,
    &redundant_index::CHECK,
    &unused_index::CHECK,
    &stale_statistics::CHECK,
];
