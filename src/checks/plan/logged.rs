//! Findings in plans that logs held: they were judged when the log was sent, and are said again with their statement.

use super::tree::{EvidenceSource, with_statement};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::observation::{LoggedFinding, LoggedPlans, Workload};
use crate::model::{Finding, Gap, GapReason, Grade, Judgement, Object, Topic, Unit};

/// What EXPLAIN measured in plans of a log.
const LOG: EvidenceSource = EvidenceSource { name: "log", grade: Grade::Measured };

/// What checks found in plans of a log.
pub(in crate::checks) fn judgement(workload: &Workload, checks: &[&'static Check]) -> Judgement {
    let mut judgement = Judgement::default();
    for plans in &workload.logged_plans {
        for found in &plans.findings {
            if let Some(check) = checks.iter().find(|check| check.id == found.check) {
                judgement.findings.push(said(plans, found, check));
            }
        }
        if plans.estimates_only > 0 && plans.estimates_only == plans.judged {
            judgement.gaps.push(estimates_only());
        }
    }
    judgement
}

fn said(plans: &LoggedPlans, found: &LoggedFinding, check: &Check) -> Finding {
    let object = match found.object.clone() {
        Object::PlanNode { node, schema, table, .. } => {
            let statement = Some(plans.fingerprint.clone());
            Object::PlanNode { node, schema, table, statement }
        }
        object => object,
    };
    let mut finding = Finding::new(check.id, object, found.severity, found.message.clone());
    finding.confidence = found.confidence;
    finding.evidence.clone_from(&found.evidence);
    for evidence in &mut finding.evidence {
        "log".clone_into(&mut evidence.source);
    }
    let of_log = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let finding = with_statement(finding, &plans.text);
    [
        ("logged_plans", of_log(plans.plans).into(), Unit::Count),
        ("judged_plans", of_log(plans.judged).into(), Unit::Count),
        ("found_in_plans", of_log(found.plans).into(), Unit::Count),
        ("logged_ms", whole(plans.total_ms).into(), Unit::Ms),
    ]
    .into_iter()
    .fold(finding, |finding, (name, value, unit)| finding.evidence(LOG.evidence(name, value, unit)))
}

fn estimates_only() -> Gap {
    let detail = "Plans of the log hold estimates alone: rows, times and spills were not judged";
    Gap::new(Topic::PLANS.as_str(), GapReason::NotEnoughEvidence, detail).lifted_by(
        "auto_explain.log_analyze = on and auto_explain.log_buffers = on; auto_explain.log_timing = off keeps their cost low",
    )
}
