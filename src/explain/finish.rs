//! Makes plans of all formats alike: what one format prints and another leaves out.

use super::detail::{Bitmap, Buffers, HashAggregate, IoTimings, RowsRemovedPerLoop, WalUsage};
use super::plan::{Node, ParsedPlan};

/// Brings a plan that was read into the form that does not depend on its format.
///
/// A node has a kilobyte, and a large plan fits into no cache: each node is looked at once.
pub(super) fn finish(plan: &mut ParsedPlan) {
    let analyzed = plan.nodes.iter().any(|node| node.actual_loops.is_some());
    let measured = plan.nodes.iter().any(|node| used(node.buffers)) || used(plan.planning_buffers);
    for node in &mut plan.nodes {
        never_executed(node);
        if analyzed {
            rows_removed(node);
        }
        node.workers.sort_by_key(|worker| worker.number);
        details(node, analyzed);
        buffers(node, measured);
        zero(node);
    }
    single_member(plan);
    triggers(plan);
    plan.planning_buffers = plan.planning_buffers.filter(|buffers| *buffers != Buffers::default());
    plan.planning_io = plan.planning_io.filter(|io| *io != IoTimings::default());
    if let Some(serialization) = &mut plan.serialization {
        serialization.buffers =
            serialization.buffers.filter(|buffers| *buffers != Buffers::default());
        serialization.io = serialization.io.filter(|io| *io != IoTimings::default());
    }
}

fn used(buffers: Option<Buffers>) -> bool {
    buffers.is_some_and(|buffers| buffers != Buffers::default())
}

/// Text says `never executed`, the other formats print zeros.
fn never_executed(node: &mut Node) {
    if node.actual_loops == Some(0) {
        node.never_executed = true;
        node.actual_startup_ms = None;
        node.actual_total_ms = None;
        node.actual_rows = None;
    }
}

/// Text leaves out conditions that removed no row.
fn rows_removed(node: &mut Node) {
    for (condition, kind) in [
        ("filter", "filter"),
        ("join_filter", "join_filter"),
        ("conflict_filter", "conflict_filter"),
    ] {
        add_removed(node, condition, kind);
    }
    match node.node_type.as_str() {
        "Bitmap Heap Scan" => add_removed(node, "recheck_cond", "index_recheck"),
        "Index Scan" | "Index Only Scan" => add_removed(node, "index_cond", "index_recheck"),
        _ => (),
    }
    node.rows_removed.sort_by_key(|removed| removed.kind);
}

fn add_removed(node: &mut Node, condition: &str, kind: &'static str) {
    if node.condition(condition).is_some() && node.rows_removed_by(kind).is_none() {
        node.rows_removed.push(RowsRemovedPerLoop { kind, rows: 0.0 });
    }
}

/// Text leaves out counts that are 0, and original figures that are those of the end.
fn details(node: &mut Node, analyzed: bool) {
    // Text says it with VERBOSE, and only where it is so.
    node.inner_unique = node.inner_unique.filter(|unique| *unique);
    if node.extra.get("I/O Count").and_then(serde_json::Value::as_u64) == Some(0) {
        for key in ["I/O Count", "I/O Waits", "Average I/O Size", "Average I/Os In Progress"] {
            node.extra.remove(key);
        }
    }
    node.subplans_removed = node.subplans_removed.filter(|removed| *removed > 0);
    node.bitmap = node.bitmap.filter(|bitmap| *bitmap != Bitmap::default());
    node.hash_aggregate =
        node.hash_aggregate.map(without_zero).filter(|hash| *hash != HashAggregate::default());
    for worker in &mut node.workers {
        worker.bitmap = worker.bitmap.filter(|bitmap| *bitmap != Bitmap::default());
        worker.hash_aggregate = worker
            .hash_aggregate
            .map(without_zero)
            .filter(|hash| *hash != HashAggregate::default());
    }
    if let Some(hash) = &mut node.hash {
        hash.original_buckets = hash.original_buckets.or(hash.buckets);
        hash.original_batches = hash.original_batches.or(hash.batches);
    }
    if node.operation.as_deref() == Some("Merge") && analyzed {
        let merge = node.merge.get_or_insert_default();
        for count in
            [&mut merge.inserted, &mut merge.updated, &mut merge.deleted, &mut merge.skipped]
        {
            count.get_or_insert(0.0);
        }
    }
}

fn without_zero(hash: HashAggregate) -> HashAggregate {
    let some = |figure: Option<u64>| figure.filter(|figure| *figure > 0);
    HashAggregate {
        planned_partitions: some(hash.planned_partitions),
        batches: some(hash.batches),
        peak_memory_kb: some(hash.peak_memory_kb),
        disk_kb: some(hash.disk_kb),
    }
}

/// Text names a trigger's table only where several are changed.
fn triggers(plan: &mut ParsedPlan) {
    if plan.triggers.is_empty() {
        return;
    }
    let mut changed = plan.nodes.iter().filter(|node| node.node_type == "ModifyTable");
    let (only, more) = (changed.next(), changed.next());
    if let (Some(only), None) = (only, more) {
        for trigger in &mut plan.triggers {
            if trigger.relation.is_none() {
                trigger.relation.clone_from(&only.relation);
            }
        }
    }
}

/// Before PostgreSQL 14 a `ModifyTable` called even its only child a member.
fn single_member(plan: &mut ParsedPlan) {
    for id in 0..plan.nodes.len() {
        let node = &plan.nodes[id];
        if node.node_type != "ModifyTable" {
            continue;
        }
        let members: Vec<usize> =
            node.children.iter().copied().filter(|child| is_member(&plan.nodes[*child])).collect();
        if let [only] = members[..] {
            plan.nodes[only].parent_relationship = Some("Outer".to_owned());
        }
    }
}

fn is_member(node: &Node) -> bool {
    node.parent_relationship.as_deref() == Some("Member")
}

/// Text leaves out buffers that are 0. Where no node has any, they were not asked for.
fn buffers(node: &mut Node, measured: bool) {
    node.buffers = if measured { Some(node.buffers.unwrap_or_default()) } else { None };
    for worker in &mut node.workers {
        worker.buffers = worker.buffers.filter(|buffers| *buffers != Buffers::default());
    }
}

/// Text leaves out times and WAL that are 0.
fn zero(node: &mut Node) {
    node.io = node.io.filter(|io| *io != IoTimings::default());
    node.wal = node.wal.filter(|wal| *wal != WalUsage::default());
    for worker in &mut node.workers {
        worker.io = worker.io.filter(|io| *io != IoTimings::default());
        worker.wal = worker.wal.filter(|wal| *wal != WalUsage::default());
    }
}
