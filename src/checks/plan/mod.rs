//! Plan Decoder: plans, and the indexes and statistics they rest on.

mod disk_sort;
mod invalid_index;
mod json_default_selectivity;
mod large_nested_loop;
mod large_seq_scan;
mod redundant_index;
mod row_misestimate;
mod stale_statistics;
mod table;
mod tree;
mod unused_index;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &invalid_index::CHECK,
    &redundant_index::CHECK,
    &unused_index::CHECK,
    &stale_statistics::CHECK,
    &large_seq_scan::CHECK,
    &row_misestimate::CHECK,
    &json_default_selectivity::CHECK,
    &large_nested_loop::CHECK,
    &disk_sort::CHECK,
];
