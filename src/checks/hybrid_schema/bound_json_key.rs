//! `hybrid-schema/bound-json-key`, explained in the page beside this file.

use super::table::{columns, tables};
use super::workload::{
    self, WORKLOAD_CALLS_MIN, WORKLOAD_COVERAGE_MIN, WORKLOAD_EXECUTIONS_MIN, WORKLOAD_SAMPLES_MIN,
};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::{
    Case, Finding, Gap, Judgement, Policy, Severity, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS, Topic::WORKLOAD],
    uses: &[],
    requires: &[],
    thresholds: &[&BOUND_SHARE_MAX, &WORKLOAD_CALLS_MIN, &WORKLOAD_EXECUTIONS_MIN],
    page: include_str!("bound_json_key.md"),
    judge,
};

const ID: &str = "hybrid-schema/bound-json-key";

static BOUND_SHARE_MAX: Threshold = Threshold {
    name: "bound_share_max",
    default: 0.1,
    unit: Unit::Ratio,
    reason: "a tenth of the calls is a code path, and not a person's question",
};

/// The same policy for any coverage, and any number of texts: one shows it for all calls of its statement.
fn lenient(policy: &Policy) -> Policy {
    let mut lenient = policy.clone();
    for floor in [&WORKLOAD_COVERAGE_MIN, &WORKLOAD_SAMPLES_MIN] {
        lenient.0.insert(floor.name.to_owned(), 0.0);
    }
    lenient
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let workload = workload::workload(seen)?;
    let tables = tables(case)?;
    let (columns, gaps) = columns(seen, &tables)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for column in &columns {
        // Bound keys are what keeps calls from being attributed: a gap of that kind is the finding itself.
        let Some(used) = workload::of(workload, column, &lenient(policy)) else { continue };
        let used = match used {
            Ok(used) => used,
            Err(gaps) => {
                judgement.gaps.extend(gaps);
                continue;
            }
        };
        let share = float(used.bound_calls) / float(used.calls).max(1.0);
        if share <= policy.get(&BOUND_SHARE_MAX) {
            continue;
        }
        let indexed = column.layout.pins.iter().any(|pin| pin == "an index");
        let object = column.object();
        let percent = crate::model::percent(share);
        let (severity, consequence) = if indexed {
            (Severity::Medium, ", where a generic plan cannot use its indexes on expressions")
        } else {
            (Severity::Low, "")
        };
        let message = format!(
            "{percent} of the calls that read `{object}` send the key as a parameter{consequence}"
        );
        let finding = Finding::new(ID, object, severity, message)
            .statistic("workload.bound_share", share, Unit::Ratio)
            .statistic("workload.calls", whole(float(used.calls)), Unit::Count);
        judgement.findings.push(workload::with_sources(finding, used));
    }
    Ok(judgement)
}
