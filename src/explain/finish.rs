//! Makes plans of all formats alike: what one format prints and another leaves out.

use super::detail::{Buffers, HashAggregate, RowsRemovedPerLoop};
use super::plan::{Node, ParsedPlan};

/// Brings a plan that was read into the form that does not depend on its format.
///
/// A node has a kilobyte, and a large plan fits into no cache: each node is looked at once.
pub(super) fn finish(plan: &mut ParsedPlan) {
    let analyzed = plan.nodes.iter().any(|node| node.actual_loops.is_some());
    let measured = plan.nodes.iter().any(|node| used(node.buffers)) || used(plan.planning_buffers);
    let mut changing = Vec::new();
    for node in &mut plan.nodes {
        if node.node_type == "ModifyTable" {
            changing.push(node.id);
        }
        never_executed(node);
        if analyzed {
            rows_removed(node);
        }
        node.workers.sort_by_key(|worker| worker.number);
        details(node, analyzed);
        buffers(node, measured);
        zero(node);
    }
    single_member(plan, &changing);
    triggers(plan, &changing);
    no_zeros(&mut plan.planning_buffers);
    no_zeros(&mut plan.planning_io);
    if let Some(serialization) = &mut plan.serialization {
        no_zeros(&mut serialization.buffers);
        no_zeros(&mut serialization.io);
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
    if node.conditions.is_empty() {
        return node.rows_removed.sort_by_key(|removed| removed.kind);
    }
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
    no_zeros(&mut node.subplans_removed);
    no_zeros(&mut node.bitmap);
    hash_aggregate(&mut node.hash_aggregate);
    for worker in &mut node.workers {
        no_zeros(&mut worker.bitmap);
        hash_aggregate(&mut worker.hash_aggregate);
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

fn hash_aggregate(figures: &mut Option<Box<HashAggregate>>) {
    let Some(hash) = figures else { return };
    let HashAggregate { planned_partitions, batches, peak_memory_kb, disk_kb } = hash.as_mut();
    for figure in [planned_partitions, batches, peak_memory_kb, disk_kb] {
        no_zeros(figure);
    }
    no_zeros(figures);
}

/// Figures that are all 0 are none: text leaves them out.
fn no_zeros<T: Default + PartialEq>(figures: &mut Option<T>) {
    if figures.as_ref().is_some_and(|figures| *figures == T::default()) {
        *figures = None;
    }
}

/// Text names a trigger's table only where several are changed.
fn triggers(plan: &mut ParsedPlan, changing: &[usize]) {
    let [only] = changing else { return };
    for trigger in &mut plan.triggers {
        if trigger.relation.is_none() {
            trigger.relation.clone_from(&plan.nodes[*only].relation);
        }
    }
}

/// Before PostgreSQL 14 a `ModifyTable` called even its only child a member.
fn single_member(plan: &mut ParsedPlan, changing: &[usize]) {
    for id in changing {
        let children = plan.nodes[*id].children.iter().copied();
        let members: Vec<usize> = children.filter(|child| is_member(&plan.nodes[*child])).collect();
        if let [only] = members[..] {
            plan.nodes[only].parent_relationship = Some("Outer".into());
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
        no_zeros(&mut worker.buffers);
    }
}

/// Text leaves out times and WAL that are 0.
fn zero(node: &mut Node) {
    no_zeros(&mut node.io);
    no_zeros(&mut node.wal);
    for worker in &mut node.workers {
        no_zeros(&mut worker.io);
        no_zeros(&mut worker.wal);
    }
}
