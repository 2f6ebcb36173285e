//! How the documents of columns are used, as far as it is known.

use super::table::Column;
use crate::checks::number::float;
use crate::model::observation::{ColumnWorkload, Workload};
use crate::model::{Gap, GapReason, Policy, Snapshot, Threshold, Topic, Unit};

/// As many calls of a column's documents are enough.
pub(super) static WORKLOAD_CALLS_MIN: Threshold = Threshold {
    name: "workload_calls_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "a share of 0.8 among 100 calls is between 0.71 and 0.87 with 95 % confidence",
};

/// As many executions that were seen one by one are enough, where there are fewer calls.
pub(super) static WORKLOAD_EXECUTIONS_MIN: Threshold = Threshold {
    name: "workload_executions_min",
    default: 20.0,
    unit: Unit::Count,
    reason: "a key that 20 of 20 executions use is used by more than 0.83 of all with 95 % confidence",
};

/// The share of calls that must have been attributed before shares of them count.
pub(super) static WORKLOAD_COVERAGE_MIN: Threshold = Threshold {
    name: "workload_coverage_min",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "where most calls cannot be attributed, they may use any key",
};

/// The workload; a gap where nobody told any.
pub(super) fn told(seen: &Snapshot) -> Result<&Workload, Gap> {
    seen.workload.get().map_err(Clone::clone)
}

/// How a column is used: none where no statement uses it, a gap where that is too little to judge by.
pub(super) fn of<'a>(
    workload: &'a Workload,
    column: &Column<'_>,
    policy: &Policy,
) -> Option<Result<&'a ColumnWorkload, Gap>> {
    let root = column.table.root;
    let used = workload.columns.iter().find(|used| {
        used.schema == root.schema && used.table == root.name && used.column == column.layout.name
    })?;
    let object = column.object();
    let gap = |detail: String| {
        Err(Gap::new(Topic::Workload.as_str(), GapReason::NotEnoughEvidence, detail).lifted_by(
            "tell more of the workload: POST /v1/targets/{target}/workload, or --workload FILE",
        ))
    };
    let few = float(used.calls) < policy.get(&WORKLOAD_CALLS_MIN)
        && float(used.executions) < policy.get(&WORKLOAD_EXECUTIONS_MIN);
    if few {
        let calls = used.calls;
        return Some(gap(format!(
            "only {calls} calls that use `{object}` are known, too few for shares"
        )));
    }
    if used.attributed_ratio < policy.get(&WORKLOAD_COVERAGE_MIN) {
        let percent = used.attributed_ratio * 100.0;
        return Some(gap(format!(
            "of the calls that use `{object}`, or may, the keys of only {percent:.0} % are known"
        )));
    }
    Some(Ok(used))
}
