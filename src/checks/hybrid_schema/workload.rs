//! How the documents of columns are used, as far as it is known.

use super::table::DocumentColumn;
use crate::checks::number::float;
use crate::model::observation::{ColumnWorkload, Workload};
use crate::model::{Finding, Gap, GapReason, Policy, Snapshot, Threshold, Topic, Unit, counted};

/// Calls of a column's documents that are enough to judge by.
pub(super) static WORKLOAD_CALLS_MIN: Threshold = Threshold {
    name: "workload_calls_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "a share of 0.8 among 100 calls is between 0.71 and 0.87 with 95 % confidence",
};

/// Executions seen one by one that are enough where there are fewer calls.
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

/// The workload; a gap where none is known.
pub(super) fn workload(snapshot: &Snapshot) -> Result<&Workload, Gap> {
    snapshot.workload.get().map_err(Clone::clone)
}

/// Texts of statements that are needed before a server's own counts are shared among keys.
pub(super) static WORKLOAD_SAMPLES_MIN: Threshold = Threshold {
    name: "workload_samples_min",
    default: 20.0,
    unit: Unit::Count,
    reason: "a key that 20 of 20 texts name is used by more than 0.83 of the calls with 95 % confidence",
};

/// How a column is used: none where no statement uses it, gaps where that is too little to judge by. What was sent
/// comes first; what the server counts takes its place where that is not enough.
pub(super) fn of<'a>(
    workload: &'a Workload,
    column: &DocumentColumn<'_>,
    policy: &Policy,
) -> Option<Result<&'a ColumnWorkload, Vec<Gap>>> {
    let root = column.table.root;
    let known = workload.columns.iter().filter(|used| {
        used.schema == root.schema && used.table == root.name && used.column == column.layout.name
    });
    let object = column.object().to_string();
    let mut gaps = Vec::new();
    for used in known {
        match enough(used, &object, policy) {
            Ok(used) => return Some(Ok(used)),
            Err(gap) => gaps.push(gap),
        }
    }
    // What the server did not show is the reason for what is not known.
    gaps.extend(workload.unseen.iter().cloned());
    (!gaps.is_empty()).then_some(Err(gaps))
}

/// What is known of a column, where that is enough to judge by.
fn enough<'a>(
    used: &'a ColumnWorkload,
    object: &str,
    policy: &Policy,
) -> Result<&'a ColumnWorkload, Gap> {
    let gap = |detail: String| {
        Err(Gap::new(Topic::WORKLOAD.as_str(), GapReason::NotEnoughEvidence, detail).lifted_by(
            "send more of the workload: POST /v1/targets/{target}/workload, or --workload FILE",
        ))
    };
    let few = float(used.calls) < policy.get(&WORKLOAD_CALLS_MIN)
        && float(used.executions) < policy.get(&WORKLOAD_EXECUTIONS_MIN);
    if few {
        let calls = counted(used.calls, "call is", "calls are");
        return gap(format!("only {calls} known that use `{object}`, too few for shares"));
    }
    if used.attributed_ratio < policy.get(&WORKLOAD_COVERAGE_MIN) {
        let percent = crate::model::percent(used.attributed_ratio);
        return gap(format!(
            "of the calls that use `{object}`, or may, the keys of only {percent} are known"
        ));
    }
    let texts = used.sample_size.unwrap_or(f64::INFINITY);
    if texts < policy.get(&WORKLOAD_SAMPLES_MIN) {
        return gap(format!(
            "which keys the calls that use `{object}` name is known from texts worth only {texts:.1} of them"
        ));
    }
    Ok(used)
}

/// A finding with the sources that it rests on.
pub(super) fn with_sources(finding: Finding, used: &ColumnWorkload) -> Finding {
    let sources = used.sources.join(", ");
    let finding = finding.statistic("workload.sources", sources.as_str(), Unit::Name);
    match used.sample_size {
        None => finding,
        Some(texts) => finding.statistic("workload.sample_size", texts, Unit::Count),
    }
}
