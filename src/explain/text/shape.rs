//! What the shape of a tree says that text does not print: how a node is related to its parent, and whether it is whole.

use super::super::error::StopReason;
use super::super::plan::{Node, ParsedPlan};
use super::list;

/// Sets how each node is related to its parent, and says whether the plan misses nodes that it must have.
pub(super) fn relations(plan: &mut ParsedPlan) -> bool {
    let mut misses = false;
    let mut children = Vec::new();
    for id in 0..plan.nodes.len() {
        let node = &plan.nodes[id];
        children.clear();
        children.extend(inputs(plan, node));
        misses |= children.len() < inputs_min(&node.node_type);
        let several = children.len() > 1;
        for (place, child) in children.iter().enumerate() {
            let relationship = match plan.nodes[id].node_type.as_str() {
                "Append" | "Merge Append" | "BitmapAnd" | "BitmapOr" => "Member",
                "ModifyTable" if several => "Member",
                "Subquery Scan" => "Subquery",
                "Custom Scan" if several => "children",
                "Custom Scan" => "child",
                _ if place == 1 => "Inner",
                _ => "Outer",
            };
            plan.nodes[*child].parent_relationship = Some(relationship.into());
        }
        functions(&mut plan.nodes[id]);
    }
    misses
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
