//! Plan Decoder: plans, and the indexes and statistics they rest on.

mod costly_jit;
mod disk_sort;
mod generic_plan;
mod hash_batches;
mod heap_fetches;
mod invalid_index;
mod json_default_selectivity;
mod large_nested_loop;
mod large_seq_scan;
mod logged;
mod lossy_bitmap;
mod low_buffer_hit;
mod materialized_cte;
mod redundant_index;
mod row_misestimate;
mod slow_planning;
mod slow_trigger;
mod stale_statistics;
mod table;
mod tree;
mod unindexable_condition;
mod unpruned_partitions;
mod unselective_index_scan;
mod unused_index;

use super::Check;

pub(super) use logged::judgement as in_logs;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &invalid_index::CHECK,
    &redundant_index::CHECK,
    &unused_index::CHECK,
    &stale_statistics::CHECK,
    &large_seq_scan::CHECK,
    &unindexable_condition::CHECK,
    &unselective_index_scan::CHECK,
    &row_misestimate::CHECK,
    &json_default_selectivity::CHECK,
    &generic_plan::CHECK,
    &large_nested_loop::CHECK,
    &disk_sort::CHECK,
    &hash_batches::CHECK,
    &lossy_bitmap::CHECK,
    &heap_fetches::CHECK,
    &unpruned_partitions::CHECK,
    &materialized_cte::CHECK,
    &low_buffer_hit::CHECK,
    &costly_jit::CHECK,
    &slow_planning::CHECK,
    &slow_trigger::CHECK,
];
