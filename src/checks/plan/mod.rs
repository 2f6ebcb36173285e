//! Plan Decoder: plans, and the indexes and statistics they rest on.

mod logged;
mod table;
mod tree;

pub(super) use logged::judgement as in_logs;

checks! {
    invalid_index,
    redundant_index,
    unused_index,
    stale_statistics,
    large_seq_scan,
    unindexable_condition,
    unselective_index_scan,
    row_misestimate,
    json_default_selectivity,
    generic_plan,
    large_nested_loop,
    disk_sort,
    hash_batches,
    lossy_bitmap,
    heap_fetches,
    unpruned_partitions,
    materialized_cte,
    low_buffer_hit,
    costly_jit,
    slow_planning,
    slow_trigger,
}
