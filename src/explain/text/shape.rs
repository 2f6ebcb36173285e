//! What the shape of a tree says that text does not print: how a node is related to its parent, and whether it is whole.

use super::super::error::StopReason;
use super::super::plan::{Node, ParsedPlan};
use super::list;

/// What is wrong with a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeFault {
    /// A node misses nodes that it must have.
    TooFew,
    /// This node stands below one that reads no more nodes.
    TooMany(usize),
}

/// Sets how each node is related to its parent, and says what is wrong with the tree.
pub(super) fn relations(plan: &mut ParsedPlan) -> Option<ShapeFault> {
    let mut fault = None;
    let mut children = Vec::new();
    for id in 0..plan.nodes.len() {
        let node = &plan.nodes[id];
        children.clear();
        children.extend(inputs(plan, node));
        if let Some(more) = inputs_max(&node.node_type).and_then(|max| children.get(max)) {
            fault = fault.or(Some(ShapeFault::TooMany(*more)));
        } else if children.len() < inputs_min(&node.node_type) {
            fault = fault.or(Some(ShapeFault::TooFew));
        }
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
    fault
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

/// How many nodes a node reads at most; nothing of those of which that is not known.
fn inputs_max(node_type: &str) -> Option<usize> {
    match node_type {
        "Seq Scan"
        | "Sample Scan"
        | "Index Scan"
        | "Index Only Scan"
        | "Bitmap Index Scan"
        | "Tid Scan"
        | "Tid Range Scan"
        | "Function Scan"
        | "Table Function Scan"
        | "Values Scan"
        | "CTE Scan"
        | "WorkTable Scan"
        | "Named Tuplestore Scan" => Some(0),
        "Hash" | "Sort" | "Incremental Sort" | "Aggregate" | "Group" | "Unique" | "Limit"
        | "Gather" | "Gather Merge" | "Materialize" | "Memoize" | "WindowAgg" | "LockRows"
        | "ProjectSet" | "Subquery Scan" | "Bitmap Heap Scan" => Some(1),
        "Hash Join" | "Merge Join" | "Nested Loop" | "Recursive Union" => Some(2),
        _ => None,
    }
}
