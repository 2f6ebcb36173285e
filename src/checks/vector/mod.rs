//! Vector Navigator: searches by distance, and the indexes that serve them.

mod build;
mod change;
mod column;
mod distance;
mod few_probes;
mod filtered_search;
mod in_force;
mod index_exceeds_memory;
mod known_defect;
mod limit_above_ef_search;
mod low_recall;
mod missing_index;
mod operand;
mod operator_class_mismatch;
mod reads;
mod search;
mod selectivity;
mod stale_lists;
mod static_index_on_hot_table;
mod wide_elements;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &known_defect::CHECK,
    &missing_index::CHECK,
    &operator_class_mismatch::CHECK,
    &limit_above_ef_search::CHECK,
    &filtered_search::CHECK,
    &low_recall::CHECK,
    &stale_lists::CHECK,
    &index_exceeds_memory::CHECK,
    &static_index_on_hot_table::CHECK,
    &wide_elements::CHECK,
];
