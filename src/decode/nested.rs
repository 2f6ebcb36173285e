//! The tree of a plan, each node holding those below it, to a depth that no reader of it has to fear.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::explain::derive::{Derived, DerivedNode, Direction};
use crate::explain::{Buffers, Node, ParsedPlan};
use crate::model::{EstimateDirection, PlanCondition, PlanNode, RowsRemoved};

/// Levels of the tree that are shown. Each is two levels of JSON, of which readers take a thousand at most.
pub(super) const DEPTH_MAX: usize = 200;

/// The root with all below it, and how many nodes are too deep to be shown.
pub(super) fn nested(plan: &ParsedPlan, derived: &Derived) -> (PlanNode, usize) {
    let depths = plan.depths();
    // Each node comes before those below it: from the end, they are complete when it is made.
    let mut waiting: Vec<Vec<PlanNode>> = plan.nodes.iter().map(|_| Vec::new()).collect();
    let (mut root, mut left_out) = (PlanNode::default(), 0);
    for (node, figures) in plan.nodes.iter().zip(&derived.nodes).rev() {
        if depths[node.id] >= DEPTH_MAX {
            left_out += 1;
            continue;
        }
        let mut children = std::mem::take(&mut waiting[node.id]);
        children.reverse();
        let made = PlanNode { children, ..shown(node, figures) };
        match node.parent {
            Some(parent) => waiting[parent].push(made),
            None => root = made,
        }
    }
    (root, left_out)
}

fn shown(node: &Node, figures: &DerivedNode) -> PlanNode {
    let conditions = node.conditions.iter();
    let removed = node.rows_removed.iter();
    PlanNode {
        id: u32::try_from(node.id).unwrap_or(u32::MAX),
        node_type: node.node_type.to_string(),
        join_type: node.join_type.as_ref().map(ToString::to_string),
        parent_relationship: node.parent_relationship.as_ref().map(ToString::to_string),
        schema: node.schema.as_ref().map(ToString::to_string),
        relation: node.relation.as_ref().map(ToString::to_string),
        alias: node.alias.as_ref().map(ToString::to_string),
        index: node.index.as_ref().map(ToString::to_string),
        startup_cost: node.startup_cost,
        total_cost: node.total_cost,
        plan_rows: node.plan_rows,
        plan_width: node.plan_width,
        actual_startup_ms: node.actual_startup_ms,
        actual_total_ms: node.actual_total_ms,
        actual_rows: node.actual_rows,
        actual_loops: node.actual_loops,
        never_executed: node.never_executed,
        exclusive_ms: figures.exclusive_ms.map(|ms| (ms * 1e3).round() / 1e3),
        estimate_factor: figures.estimate_factor.map(|factor| (factor * 1e2).round() / 1e2),
        estimate_direction: figures.estimate_direction.map(|direction| match direction {
            Direction::Over => EstimateDirection::Over,
            Direction::Under => EstimateDirection::Under,
        }),
        conditions: conditions
            .map(|one| PlanCondition { kind: one.kind.to_owned(), text: one.text.clone() })
            .collect(),
        rows_removed: removed
            .map(|one| RowsRemoved { kind: one.kind.to_owned(), rows: one.rows })
            .collect(),
        buffers: node.buffers.as_ref().map(blocks).unwrap_or_default(),
        exclusive_buffers: figures.exclusive_buffers.as_ref().map(blocks).unwrap_or_default(),
        workers: node.workers.iter().map(|worker| members(value(worker))).collect(),
        extra: extra(node),
        children: Vec::new(),
    }
}

/// Blocks by kind: those of shared buffers always, others where there were any.
fn blocks(buffers: &Buffers) -> BTreeMap<String, u64> {
    let all = members(value(buffers)).into_iter();
    let counted = all.filter_map(|(kind, blocks)| Some((kind, blocks.as_u64()?)));
    let kept = |kind: &str| matches!(kind, "shared_hit" | "shared_read");
    counted.filter(|(kind, blocks)| *blocks > 0 || kept(kind)).collect()
}

/// What else was printed of a node: by the names of the contract what is known, by the server's what is not.
fn extra(node: &Node) -> BTreeMap<String, Value> {
    let known = [
        ("subplan_name", value(&node.subplan_name)),
        ("strategy", value(&node.strategy)),
        ("partial_mode", value(&node.partial_mode)),
        ("operation", value(&node.operation)),
        ("command", value(&node.command)),
        ("parallel_aware", flag(node.parallel_aware)),
        ("async_capable", flag(node.async_capable)),
        ("disabled", flag(node.disabled)),
        ("single_copy", flag(node.single_copy)),
        ("inner_unique", value(&node.inner_unique)),
        ("scan_direction", value(&node.scan_direction)),
        ("cte", value(&node.cte)),
        ("function", value(&node.function)),
        ("tuplestore", value(&node.tuplestore)),
        ("provider", value(&node.provider)),
        ("output", value(&node.output)),
        ("sort_key", value(&node.sort_key)),
        ("presorted_key", value(&node.presorted_key)),
        ("group_key", value(&node.group_key)),
        ("grouping_sets", value(&node.grouping_sets)),
        ("io", value(&node.io)),
        ("wal", value(&node.wal)),
        ("gather", value(&node.gather)),
        ("sort", value(&node.sort)),
        ("incremental_sort", value(&node.incremental_sort)),
        ("hash", value(&node.hash)),
        ("hash_aggregate", value(&node.hash_aggregate)),
        ("memoize", value(&node.memoize)),
        ("bitmap", value(&node.bitmap)),
        ("storage", value(&node.storage)),
        ("heap_fetches", value(&node.heap_fetches)),
        ("index_searches", value(&node.index_searches)),
        ("subplans_removed", value(&node.subplans_removed)),
        ("merge", value(&node.merge)),
        ("target_tables", value(&node.target_tables)),
    ];
    let known = known.into_iter().map(|(name, value)| (name.to_owned(), without_nulls(value)));
    let known = known.filter(|(_, value)| !is_empty(value));
    known.chain(node.extra.clone()).collect()
}

/// A flag that is set.
fn flag(set: bool) -> Value {
    if set { Value::Bool(true) } else { Value::Null }
}

/// Figures of the reader's own as JSON.
pub(super) fn value(figures: &impl Serialize) -> Value {
    serde_json::to_value(figures).unwrap_or_default()
}

fn members(value: Value) -> BTreeMap<String, Value> {
    match without_nulls(value) {
        Value::Object(members) => members.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// What was not printed is left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(_, value)| !is_empty(value)).collect())
        }
        value => value,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
