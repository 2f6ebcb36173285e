//! Nested loops: whether the planner had another way to join, and whether the inner side was executed often enough for it
//! to be the better one.

use std::collections::HashSet;

use super::{Tree, condition, count, removed, rows};
use crate::explain::Node;
use crate::model::{Case, Threshold, Unit};

pub(in crate::checks::plan) static NESTED_LOOPS_MIN: Threshold = Threshold {
    name: "nested_loops_min",
    default: 5000.0,
    unit: Unit::Count,
    reason: "measured on 18.6: of 96 joins that looked rows up by an index 20 to 3,000 times, none was faster by the plan that \
             correct estimates led to",
};

/// Nodes that the inner side of a join cannot be without: with conditions of the outer side beneath them it is LATERAL, and
/// no other join computes it.
const BARRIERS: [&str; 6] =
    ["Aggregate", "Limit", "WindowAgg", "Unique", "SetOp", "Recursive Union"];

/// Whether the inner side was executed so often that another join is likely to take less time, and there is one.
pub(in crate::checks::plan) fn another_join_is_better(
    tree: &Tree<'_>,
    id: usize,
    case: &Case<'_>,
) -> bool {
    tree.once("it is executed often", id, || is_executed_often(tree, id, case))
        && has_another_join(tree, id)
}

fn is_executed_often(tree: &Tree<'_>, id: usize, case: &Case<'_>) -> bool {
    let Some(inner) = tree.child(id, "Inner") else { return false };
    let enough = if finds_by_index(tree, inner) { case.policy.get(&NESTED_LOOPS_MIN) } else { 2.0 };
    // Beneath what caches rows by their keys only the keys that are new are looked for.
    let executions = count(tree.node(scanned(tree, inner.id)).actual_loops);
    let kept = inner.node_type == "Materialize";
    let executions = if kept { count(inner.actual_loops) } else { executions };
    executions >= enough
}

/// Whether the rows can be joined otherwise: by hashing or merging, which compare for equality, or by a scan whose rows are
/// kept.
pub(in crate::checks::plan) fn has_another_join(tree: &Tree<'_>, id: usize) -> bool {
    tree.once("there is another join", id, || can_be_joined_otherwise(tree, id))
}

fn can_be_joined_otherwise(tree: &Tree<'_>, id: usize) -> bool {
    let (Some(outer), Some(inner)) = (tree.child(id, "Outer"), tree.child(id, "Inner")) else {
        return false;
    };
    let filter = tree.node(id).condition("join_filter").unwrap_or_default();
    if condition::clauses(filter).into_iter().any(condition::compares_two) {
        return true;
    }
    let filters = !matches!(inner.node_type.as_str(), "Materialize" | "Memoize")
        && removed(inner, "filter") > rows(inner);
    let aliases: HashSet<&str> = std::iter::once(outer)
        .chain(tree.below(outer.id))
        .filter_map(|node| node.alias.as_deref().or(node.relation.as_deref()))
        .collect();
    let of_outer = |text: &str| condition::qualifiers(text).any(|name| aliases.contains(&*name));
    let all = || std::iter::once(inner).chain(tree.below(inner.id));
    let clauses =
        || all().flat_map(|node| &node.conditions).flat_map(|c| condition::clauses(&c.text));
    if !clauses().any(of_outer) {
        // It returns the same rows each time.
        return filters;
    }
    let is_lateral = all().any(|node| BARRIERS.contains(&node.node_type.as_str()));
    !is_lateral && clauses().any(|clause| condition::compares_two(clause) && of_outer(clause))
}

/// Whether all that the inner side scans is found by an index.
fn finds_by_index(tree: &Tree<'_>, inner: &Node) -> bool {
    let mut scans =
        std::iter::once(inner).chain(tree.below(inner.id)).filter(|node| node.children.is_empty());
    inner.node_type != "Materialize"
        && scans.all(|node| node.condition("index_cond").is_some() || node.node_type == "Tid Scan")
}

/// The scan of the inner side, beneath what keeps or caches its rows.
pub(in crate::checks::plan) fn scanned(tree: &Tree<'_>, inner: usize) -> usize {
    let keeps = |id: &usize| {
        matches!(tree.node(*id).node_type.as_str(), "Memoize" | "Materialize" | "Hash" | "Sort")
    };
    let next = |id: &usize| keeps(id).then(|| tree.node(*id).children.first().copied()).flatten();
    std::iter::successors(Some(inner), next).last().unwrap_or(inner)
}
