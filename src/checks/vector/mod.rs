//! Vector Navigator: searches by distance, and the indexes that serve them.

mod build;
mod change;
mod column;
mod distance;
mod few_probes;
mod in_force;
mod operand;
mod reads;
mod search;
mod selectivity;

checks! {
    known_defect,
    missing_index,
    operator_class_mismatch,
    limit_above_ef_search,
    filtered_search,
    low_recall,
    stale_lists,
    index_exceeds_memory,
    static_index_on_hot_table,
    wide_elements,
}
