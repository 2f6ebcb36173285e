//! What the shape of a tree says that text does not print: how a node is related to its parent, and whether it is whole.

use super::super::error::StopReason;
use super::super::plan::{Node, ParsedPlan};
use super::list;

/// Sets how each node is related to its parent.
pub(super) fn relations(plan: &mut ParsedPlan) {
    let mut related = Vec::new();
    for id in 0..plan.nodes.len() {
        let node = &plan.nodes[id];
        let several = inputs(plan, node).nth(1).is_some();
        for (place, child) in inputs(plan, node).enumerate() {
            let relationship = match node.node_type.as_str() {
                "Append" | "Merge Append" | "BitmapAnd" | "BitmapOr" => "Member",
                "ModifyTable" if several => "Member",
                "Subquery Scan" => "Subquery",
                "Custom Scan" if several => "children",
                "Custom Scan" => "child",
                _ if place == 1 => "Inner",
                _ => "Outer",
            };
            related.push((child, relationship));
        }
        for (child, relationship) in related.drain(..) {
            plan.nodes[child].parent_relationship = Some(relationship.to_owned());
        }
        functions(&mut plan.nodes[id]);
    }
}

/// The children of a node that are no subplans.
fn inputs(plan: &ParsedPlan, node: &Node) -> impl Iterator<Item = usize> {
    let is_input = |child: &&usize| plan.nodes[**child].subplan_name.is_none();
    node.children.iter().filter(is_input).copied()
}

/// `Function Scan on r` names a function, or the alias of several.
fn functions(node: &mut Node) {
    if node.node_type == "Function Scan"
        && let Some(call) = node.extra.get("Function Call").and_then(|call| call.as_str())
        && list::split(call).len() > 1
    {
        node.function = None;
    }
}

/// Whether the last plan misses nodes that it must have.
pub(in super::super) fn cut(plans: &[ParsedPlan]) -> Option<StopReason> {
    let plan = plans.last()?;
    let misses =
        plan.nodes.iter().any(|node| inputs(plan, node).count() < inputs_min(&node.node_type));
    misses.then_some(StopReason::CutOff)
}

/// How many nodes a node reads at least.
fn inputs_min(node_type: &str) -> usize {
    match node_type {
        "Hash Join" | "Merge Join" | "Nested Loop" | "Recursive Union" => 2,
        "Hash" | "Sort" | "Incremental Sort" | "Aggregate" | "Group" | "Unique" | "Limit"
        | "Gather" | "Gather Merge" | "Materialize" | "Memoize" | "WindowAgg" | "LockRows"
        | "SetOp" | "ProjectSet" | "Subquery Scan" | "ModifyTable" | "Bitmap Heap Scan"
        | "BitmapAnd" | "BitmapOr" => 1,
        _ => 0,
    }
}
