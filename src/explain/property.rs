//! Properties with a single value, by the names of the JSON format.

use smol_str::SmolStr;

use super::detail::{
    Bitmap, Buffers, Condition, Hash, HashAggregate, IoTimings, Memoize, Merge, RowStorage,
    RowsRemovedPerLoop, Sort, Space, WalUsage, Worker, Workers,
};
use super::plan::{Node, ParsedPlan};
use super::scalar::Scalar;

/// Sets a property of a node; false where it is not known.
pub(super) fn set(node: &mut Node, key: &str, value: &Scalar) -> bool {
    // What most lines hold is looked for first.
    figures(node, key, value)
        || buffers(&mut node.buffers, key, value)
        || names(node, key, value)
        || conditions(node, key, value)
        || flags(node, key, value)
        || sort(&mut node.sort, key, value)
        || hash(node, key, value)
        || memoize(node, key, value)
        || counts(node, key, value)
        || io(&mut node.io, key, value)
        || wal(&mut node.wal, key, value)
        || merge(node, key, value)
        // YAML prints an empty list as nothing.
        || (*value == Scalar::Null && matches!(key, "Plans" | "Workers" | "Target Tables" | "Group Key"))
}

/// Sets a property of a worker; false where it is not known. A worker has no names or conditions: `node_type` says whose
/// memory it is.
pub(super) fn set_worker(worker: &mut Worker, memoized: bool, key: &str, value: &Scalar) -> bool {
    match key {
        "Worker Number" => worker.number = value.whole().unwrap_or_default(),
        "Actual Startup Time" => worker.actual_startup_ms = value.float(),
        "Actual Total Time" => worker.actual_total_ms = value.float(),
        "Actual Rows" => worker.actual_rows = value.float(),
        "Actual Loops" => worker.actual_loops = value.whole(),
        "Exact Heap Blocks" => bitmap(&mut worker.bitmap).exact_blocks = value.whole().unwrap_or(0),
        "Lossy Heap Blocks" => bitmap(&mut worker.bitmap).lossy_blocks = value.whole().unwrap_or(0),
        _ if memoized => {
            let memoize = worker.memoize.get_or_insert_default();
            return cache(memoize, key, value) || common(worker, key, value);
        }
        _ => return common(worker, key, value) || table(&mut worker.hash_aggregate, key, value),
    }
    true
}

fn common(worker: &mut Worker, key: &str, value: &Scalar) -> bool {
    buffers(&mut worker.buffers, key, value)
        || sort(&mut worker.sort, key, value)
        || io(&mut worker.io, key, value)
        || wal(&mut worker.wal, key, value)
}

/// Sets a property of the statement.
pub(super) fn set_statement(plan: &mut ParsedPlan, key: &str, value: &Scalar) {
    match key {
        "Planning Time" => plan.planning_ms = value.float(),
        "Execution Time" | "Total Runtime" => plan.execution_ms = value.float(),
        "Query Text" => plan.statement = value.to_text().map(String::from),
        "Query Parameters" => plan.parameters = value.to_text().map(String::from),
        "Query Identifier" => plan.query_id = value.integer(),
        // YAML prints an empty list or object as nothing.
        _ if *value == Scalar::Null => (),
        _ => _ = plan.extra.insert(key.to_owned(), value.to_value()),
    }
}

fn figures(node: &mut Node, key: &str, value: &Scalar) -> bool {
    match key {
        "Startup Cost" => node.startup_cost = value.float(),
        "Total Cost" => node.total_cost = value.float(),
        "Plan Rows" => node.plan_rows = value.float(),
        "Plan Width" => node.plan_width = value.whole(),
        "Actual Startup Time" => node.actual_startup_ms = value.float(),
        "Actual Total Time" => node.actual_total_ms = value.float(),
        "Actual Rows" => node.actual_rows = value.float(),
        "Actual Loops" => node.actual_loops = value.whole(),
        _ => return false,
    }
    true
}

fn names(node: &mut Node, key: &str, value: &Scalar) -> bool {
    let field = match key {
        "Node Type" => {
            node.node_type = SmolStr::new(value.text());
            return true;
        }
        "Parent Relationship" => &mut node.parent_relationship,
        "Subplan Name" => &mut node.subplan_name,
        "Join Type" => &mut node.join_type,
        "Strategy" => &mut node.strategy,
        "Partial Mode" => &mut node.partial_mode,
        "Operation" => &mut node.operation,
        "Command" => &mut node.command,
        "Relation Name" => &mut node.relation,
        "Schema" => &mut node.schema,
        "Alias" => &mut node.alias,
        "Index Name" => &mut node.index,
        "Scan Direction" => &mut node.scan_direction,
        "CTE Name" => &mut node.cte,
        "Function Name" | "Table Function Name" => &mut node.function,
        "Tuplestore Name" => &mut node.tuplestore,
        "Custom Plan Provider" => &mut node.provider,
        _ => return false,
    };
    *field = value.to_text();
    true
}

fn flags(node: &mut Node, key: &str, value: &Scalar) -> bool {
    let flag = value.bool().unwrap_or_default();
    match key {
        "Parallel Aware" => node.parallel_aware = flag,
        "Async Capable" => node.async_capable = flag,
        "Disabled" => node.disabled = flag,
        "Single Copy" => node.single_copy = flag,
        "Inner Unique" => node.inner_unique = value.bool(),
        _ => return false,
    }
    true
}

/// The kind of a condition, by its name.
pub(super) fn condition_kind(key: &str) -> Option<&'static str> {
    Some(match key {
        "Filter" => "filter",
        "Index Cond" => "index_cond",
        "Hash Cond" => "hash_cond",
        "Join Filter" => "join_filter",
        "Recheck Cond" => "recheck_cond",
        "Merge Cond" => "merge_cond",
        "One-Time Filter" => "one_time_filter",
        "Order By" => "order_by",
        "TID Cond" => "tid_cond",
        "Run Condition" => "run_condition",
        "Conflict Filter" => "conflict_filter",
        _ => return None,
    })
}

fn conditions(node: &mut Node, key: &str, value: &Scalar) -> bool {
    if let Some(kind) = condition_kind(key) {
        node.conditions.push(Condition { kind, text: value.text().to_owned() });
        return true;
    }
    let kind = match key {
        "Rows Removed by Filter" => "filter",
        "Rows Removed by Join Filter" => "join_filter",
        "Rows Removed by Index Recheck" => "index_recheck",
        "Rows Removed by Conflict Filter" => "conflict_filter",
        _ => return false,
    };
    let rows = value.float().unwrap_or_default();
    node.rows_removed.push(RowsRemovedPerLoop { kind, rows });
    true
}

pub(super) fn buffers(target: &mut Option<Buffers>, key: &str, value: &Scalar) -> bool {
    let Some(name) = key.strip_suffix(" Blocks") else { return false };
    let read = |field: &dyn Fn(&mut Buffers) -> &mut u64, target: &mut Option<Buffers>| {
        *field(target.get_or_insert_default()) = value.whole().unwrap_or_default();
        true
    };
    match name {
        "Shared Hit" => read(&|b| &mut b.shared_hit, target),
        "Shared Read" => read(&|b| &mut b.shared_read, target),
        "Shared Dirtied" => read(&|b| &mut b.shared_dirtied, target),
        "Shared Written" => read(&|b| &mut b.shared_written, target),
        "Local Hit" => read(&|b| &mut b.local_hit, target),
        "Local Read" => read(&|b| &mut b.local_read, target),
        "Local Dirtied" => read(&|b| &mut b.local_dirtied, target),
        "Local Written" => read(&|b| &mut b.local_written, target),
        "Temp Read" => read(&|b| &mut b.temp_read, target),
        "Temp Written" => read(&|b| &mut b.temp_written, target),
        _ => false,
    }
}

pub(super) fn io(target: &mut Option<Box<IoTimings>>, key: &str, value: &Scalar) -> bool {
    if !key.ends_with(" Time") || !key.contains("I/O ") {
        return false;
    }
    let io = target.get_or_insert_default();
    let field = match key {
        "I/O Read Time" | "Shared I/O Read Time" => &mut io.shared_read_ms,
        "I/O Write Time" | "Shared I/O Write Time" => &mut io.shared_write_ms,
        "Local I/O Read Time" => &mut io.local_read_ms,
        "Local I/O Write Time" => &mut io.local_write_ms,
        "Temp I/O Read Time" => &mut io.temp_read_ms,
        "Temp I/O Write Time" => &mut io.temp_write_ms,
        _ => return false,
    };
    *field = value.float().unwrap_or_default();
    true
}

pub(super) fn wal(target: &mut Option<Box<WalUsage>>, key: &str, value: &Scalar) -> bool {
    let Some(name) = key.strip_prefix("WAL ") else { return false };
    let wal = target.get_or_insert_default();
    let field = match name {
        "Records" => &mut wal.records,
        "FPI" => &mut wal.full_page_images,
        "Bytes" => &mut wal.bytes,
        "FPI Bytes" => &mut wal.full_page_image_bytes,
        "Buffers Full" => &mut wal.buffers_full,
        _ => return false,
    };
    *field = value.whole().unwrap_or_default();
    true
}

fn sort(target: &mut Option<Sort>, key: &str, value: &Scalar) -> bool {
    match key {
        "Sort Method" => target.get_or_insert_default().method = value.to_text(),
        "Sort Space Used" => target.get_or_insert_default().space_kb = value.whole(),
        "Sort Space Type" => target.get_or_insert_default().space = space(value),
        _ => return false,
    }
    true
}

fn space(value: &Scalar) -> Option<Space> {
    match value.text() {
        "Memory" => Some(Space::Memory),
        "Disk" => Some(Space::Disk),
        _ => None,
    }
}

fn hash(node: &mut Node, key: &str, value: &Scalar) -> bool {
    if key == "Peak Memory Usage" {
        return match node.node_type.as_str() {
            "Hash" => {
                node.hash.get_or_insert_default().peak_memory_kb = value.whole();
                true
            }
            "Memoize" => cache(node.memoize.get_or_insert_default(), key, value),
            _ => table(&mut node.hash_aggregate, key, value),
        };
    }
    let whole = value.whole();
    let set = |hash: &mut Hash| match key {
        "Hash Buckets" => hash.buckets = whole,
        "Original Hash Buckets" => hash.original_buckets = whole,
        "Hash Batches" => hash.batches = whole,
        _ => hash.original_batches = whole,
    };
    if matches!(
        key,
        "Hash Buckets" | "Original Hash Buckets" | "Hash Batches" | "Original Hash Batches"
    ) {
        set(node.hash.get_or_insert_default());
        return true;
    }
    table(&mut node.hash_aggregate, key, value)
}

fn table(target: &mut Option<Box<HashAggregate>>, key: &str, value: &Scalar) -> bool {
    match key {
        "Planned Partitions" => target.get_or_insert_default().planned_partitions = value.whole(),
        "HashAgg Batches" => target.get_or_insert_default().batches = value.whole(),
        "Peak Memory Usage" => target.get_or_insert_default().peak_memory_kb = value.whole(),
        "Disk Usage" => target.get_or_insert_default().disk_kb = value.whole(),
        _ => return false,
    }
    true
}

fn memoize(node: &mut Node, key: &str, value: &Scalar) -> bool {
    node.node_type == "Memoize" && {
        let memoize = node.memoize.get_or_insert_default();
        cache(memoize, key, value)
    }
}

fn cache(memoize: &mut Memoize, key: &str, value: &Scalar) -> bool {
    match key {
        "Cache Key" => memoize.key = value.to_text(),
        "Cache Mode" => memoize.mode = value.to_text(),
        "Cache Hits" => memoize.hits = value.whole(),
        "Cache Misses" => memoize.misses = value.whole(),
        "Cache Evictions" => memoize.evictions = value.whole(),
        "Cache Overflows" => memoize.overflows = value.whole(),
        "Peak Memory Usage" => memoize.peak_memory_kb = value.whole(),
        "Estimated Capacity" => memoize.estimated_capacity = value.float(),
        "Estimated Distinct Lookup Keys" => memoize.estimated_distinct_keys = value.float(),
        "Estimated Lookups" => memoize.estimated_lookups = value.float(),
        "Estimated Hit Percent" => memoize.estimated_hit_percent = value.float(),
        _ => return false,
    }
    true
}

fn bitmap(target: &mut Option<Bitmap>) -> &mut Bitmap {
    target.get_or_insert_default()
}

fn counts(node: &mut Node, key: &str, value: &Scalar) -> bool {
    let whole = value.whole();
    match key {
        "Exact Heap Blocks" => bitmap(&mut node.bitmap).exact_blocks = whole.unwrap_or_default(),
        "Lossy Heap Blocks" => bitmap(&mut node.bitmap).lossy_blocks = whole.unwrap_or_default(),
        "Heap Fetches" => node.heap_fetches = whole,
        "Index Searches" => node.index_searches = whole,
        "Subplans Removed" => node.subplans_removed = whole,
        "Workers Planned" => node.gather.get_or_insert_with(Workers::default).planned = whole,
        "Workers Launched" => node.gather.get_or_insert_with(Workers::default).launched = whole,
        "Storage" => {
            let Some(space) = space(value) else { return false };
            let maximum_kb = node.storage.map_or(0, |storage| storage.maximum_kb);
            node.storage = Some(RowStorage { space, maximum_kb });
        }
        "Maximum Storage" => {
            let space = node.storage.map_or(Space::Memory, |storage| storage.space);
            node.storage = whole.map(|maximum_kb| RowStorage { space, maximum_kb });
        }
        _ => return false,
    }
    true
}

fn merge(node: &mut Node, key: &str, value: &Scalar) -> bool {
    let float = value.float();
    let set = |merge: &mut Merge| match key {
        "Conflict Resolution" => merge.conflict_resolution = value.to_text(),
        "Tuples Inserted" => merge.inserted = float,
        "Conflicting Tuples" => merge.conflicting = float,
        "Tuples Updated" => merge.updated = float,
        "Tuples Deleted" => merge.deleted = float,
        _ => merge.skipped = float,
    };
    let known = matches!(
        key,
        "Conflict Resolution"
            | "Tuples Inserted"
            | "Conflicting Tuples"
            | "Tuples Updated"
            | "Tuples Deleted"
            | "Tuples Skipped"
    );
    if known {
        set(node.merge.get_or_insert_default());
    }
    known
}
