//! Plans in logs, judged in passing by the checks of plans.

use std::sync::Arc;

use jiff::Timestamp;

use super::decoding::narrow;
use super::{Request, judge};
use crate::explain;
use crate::model::observation::{LoggedFinding, StatementPlan};
use crate::model::{Finding, PlanSource, Server, Snapshot, Superpower};
use crate::workload::JudgedPlan;

/// Judges plans by the defaults of the thresholds.
pub(super) struct PlanJudge {
    request: Request,
    now: Timestamp,
}

impl PlanJudge {
    pub(super) fn new() -> Self {
        let mut request = Request::new(Some(Superpower::Plan));
        narrow(&mut request).unwrap_or_else(|_| unreachable!("it names no other check"));
        Self { request, now: Timestamp::now() }
    }

    /// What a plan shows; nothing where it cannot be read.
    pub(super) fn judged(&self, text: &str) -> Option<JudgedPlan> {
        let plan = Arc::new(explain::read(text).ok()?.pop()?);
        let estimates_only = !plan.analyzed();
        let plan = StatementPlan { source: PlanSource::Logged, plan, statement: None };
        let server = Server { version: String::new(), major: 0, in_recovery: false };
        let snapshot = Snapshot::of_plans(vec![plan], server, self.now);
        let found = judge(&snapshot, &self.request).findings;
        Some(JudgedPlan { estimates_only, findings: found.into_iter().map(kept).collect() })
    }
}

fn kept(finding: Finding) -> LoggedFinding {
    let Finding { check, severity, confidence, object, message, evidence, .. } = finding;
    let check = check.to_owned();
    LoggedFinding { check, severity, confidence, object, message, evidence, plans: 1 }
}
