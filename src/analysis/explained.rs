//! The plans of the statements that take most time, as the checks get them.

use std::sync::Arc;

use super::Request;
use crate::explain;
use crate::model::observation::{StatementPlan, WorkloadStatement};
use crate::model::{Gap, GapReason, Observation, Snapshot, Topic};
use crate::observe::{ExplainedStatement, ExplainedStatements};

/// The statements of the workload that was sent; the visit explains those of them that take most time.
#[expect(clippy::cast_precision_loss, reason = "a mean has no such precision")]
pub(super) fn from_workload(request: &Request) -> Vec<WorkloadStatement> {
    let sent = request.workload.iter().flat_map(|workload| &workload.statements);
    let statements = sent.map(|sent| WorkloadStatement {
        fingerprint: String::new(),
        text: sent.text.clone(),
        query_id: sent.query_id,
        calls: sent.calls,
        total_ms: sent.total_ms,
        rows_per_call: sent.counters.map(|counted| counted.rows as f64 / sent.calls.max(1) as f64),
    });
    statements.collect()
}

/// The plans that were made, and why others were not.
pub(super) fn add(snapshot: &mut Snapshot, explained: Option<ExplainedStatements>) {
    let Some(ExplainedStatements { explained, mut gaps }) = explained else { return };
    let plans = explained.into_iter().filter_map(|explained| {
        let ExplainedStatement { statement, source, output } = explained;
        let Some(plan) = explain::read(&output).ok().and_then(|mut plans| plans.pop()) else {
            gaps.push(unread());
            return None;
        };
        let statement = Some(Arc::new(statement));
        Some(StatementPlan { source, plan: Arc::new(plan), statement })
    });
    snapshot.plan.statements = Observation::Seen(plans.collect());
    snapshot.left_out.append(&mut gaps);
}

fn unread() -> Gap {
    let detail = "The server printed a plan that could not be read";
    Gap::new(Topic::PLANS.as_str(), GapReason::NotVisibleInSql, detail)
}
