//! Makes plans of all formats alike: what one format prints and another leaves out.

use super::detail::{Buffers, RowsRemoved};
use super::plan::{Node, Plan};

/// Brings a plan that was read into the form that does not depend on its format.
pub(super) fn finish(plan: &mut Plan) {
    let analyzed = plan.nodes.iter().any(|node| node.actual_loops.is_some());
    for node in &mut plan.nodes {
        never_executed(node);
        if analyzed {
            rows_removed(node);
        }
        node.workers.sort_by_key(|worker| worker.number);
    }
    single_member(plan);
    buffers(plan);
    zero(plan);
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
        node.rows_removed.push(RowsRemoved { kind, rows: 0.0 });
    }
}

/// Before PostgreSQL 14 a ModifyTable called even its only child a member.
fn single_member(plan: &mut Plan) {
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
fn buffers(plan: &mut Plan) {
    let none = Buffers::default();
    let used = |buffers: &Option<Buffers>| buffers.is_some_and(|buffers| buffers != none);
    let asked = plan.nodes.iter().any(|node| used(&node.buffers)) || used(&plan.planning_buffers);
    for node in &mut plan.nodes {
        node.buffers = if asked { Some(node.buffers.unwrap_or_default()) } else { None };
        for worker in &mut node.workers {
            let timed = worker.actual_loops.is_some();
            worker.buffers = worker.buffers.filter(|buffers| timed && *buffers != none);
        }
    }
    plan.planning_buffers = plan.planning_buffers.filter(|buffers| *buffers != none);
}

/// Text leaves out times and WAL that are 0.
fn zero(plan: &mut Plan) {
    for node in &mut plan.nodes {
        node.io = node.io.filter(|io| *io != Default::default());
        node.wal = node.wal.filter(|wal| *wal != Default::default());
        for worker in &mut node.workers {
            worker.io = worker.io.filter(|io| *io != Default::default());
            worker.wal = worker.wal.filter(|wal| *wal != Default::default());
        }
    }
    plan.planning_io = plan.planning_io.filter(|io| *io != Default::default());
}
