//! What statements do with the columns of GIN indexes.

use super::index::GinTree;
use crate::model::observation::{ColumnUsage, OperatorUse, UsePlace, Workload};
use crate::model::{Case, Gap, GapReason, Threshold, Unit};

/// Calls below which an index is not worth its writes.
pub(super) static SEARCH_CALLS_MIN: Threshold = Threshold {
    name: "search_calls_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "a GIN index costs every insert; fewer searches than that in the workload do not pay for one",
};

/// The workload with its columns, or what makes it visible.
pub(super) fn workload<'a>(case: &Case<'a>) -> Result<&'a Workload, Gap> {
    let workload = case.snapshot.workload.get().map_err(Clone::clone)?;
    if !workload.usage.is_empty() {
        return Ok(workload);
    }
    let detail = "no statement is known that names a column of this database";
    let gap = Gap::new("workload.statements", GapReason::NotEnoughEvidence, detail);
    Err(gap.lifted_by("CREATE EXTENSION pg_stat_statements; or send statements: POST /v1/targets/{target}/workload, or --workload FILE"))
}

/// How statements use the column of an index of one column, and its name; none where it has more, or an expression.
pub(super) fn column_usage<'a>(
    tree: &GinTree<'_>,
    case: &Case<'a>,
    workload: &'a Workload,
) -> Option<(&'a str, &'a ColumnUsage)> {
    let detail = case.snapshot.common.index_detail(tree.root.oid)?;
    let [part] = detail.parts.as_slice() else { return None };
    let column = part.column.as_deref()?;
    let usage = workload.usage_of(&tree.table.schema, &tree.table.name, column)?;
    Some((column, usage))
}

/// Whether a use of the column itself finds rows by an operator.
pub(super) fn searches(one: &OperatorUse, operators: &[&str]) -> bool {
    one.expression.is_none()
        && !one.within
        && finds_rows(one)
        && one.operator.as_deref().is_some_and(|operator| operators.contains(&operator))
}

/// Whether a use finds rows.
pub(super) fn finds_rows(one: &OperatorUse) -> bool {
    matches!(one.place, UsePlace::Where | UsePlace::Join) && !one.under_not
}

/// Calls of searches of a column by operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonbSearches {
    /// `@>`.
    pub(super) contains: u64,
    /// `?`, `?|` and `?&`.
    pub(super) keys: u64,
    /// `@?` and `@@`: whether a class serves them depends on the path.
    pub(super) paths: u64,
}

impl JsonbSearches {
    pub(super) fn of(usage: &ColumnUsage) -> Self {
        let calls = |operators: &[&str]| usage.calls_where(|one| searches(one, operators));
        Self {
            contains: calls(&["@>"]),
            keys: calls(&["?", "?|", "?&"]),
            paths: calls(&["@?", "@@"]),
        }
    }

    pub(super) fn all(self) -> u64 {
        self.contains + self.keys + self.paths
    }
}
