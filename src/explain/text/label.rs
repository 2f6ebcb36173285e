//! The line above a subplan.

use super::super::plan::Node;

/// Applies `InitPlan 1 (returns $0)`, `SubPlan 2` or `CTE totals` to the subplan's first node.
pub(super) fn apply(node: &mut Node, label: &str) {
    let relationship = if label.starts_with("SubPlan") { "SubPlan" } else { "InitPlan" };
    node.parent_relationship = Some(relationship.into());
    node.subplan_name = Some(label.into());
}
