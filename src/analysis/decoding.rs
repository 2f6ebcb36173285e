//! Plans that were sent as text: read, judged by the checks that need nothing else, and compared.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{Request, judge_snapshot};
use crate::checks;
use crate::decode::{NotCompared, compare, decoded};
use crate::explain::{self, ParsedPlan};
use crate::model::observation::StatementPlan;
use crate::model::{
    Analysis, DecodedPlan, DecodedPlans, Gap, GapReason, Number, Object, PlanSource,
    ReportedFinding, Server, Snapshot, Topic,
};

/// Findings of a plan where the caller does not say how many.
pub const FINDINGS_MAX: usize = 5;

/// Plans read at once: each may take some hundred megabytes.
const AT_ONCE_MAX: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// Output of EXPLAIN, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanText {
    /// The output, as it was printed or copied.
    pub plan: String,
    /// Output of an earlier EXPLAIN of the same statement, to compare with.
    pub before: Option<String>,
    /// Whether a text that is cut off is answered as far as it can be read.
    pub partial: bool,
    /// Findings of each plan at most.
    pub findings_max: usize,
}

/// Why a text was not decoded. Holds no piece of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It cannot be read.
    #[error("`{field}`, line {line}, column {column}: {reason}")]
    Unreadable {
        /// `plan` or `before`.
        field: &'static str,
        /// The line, from 1.
        line: usize,
        /// The column, in characters from 1.
        column: usize,
        /// What was expected there.
        reason: explain::StopReason,
    },
    /// Several plans were given where one is compared with one.
    #[error("`{field}` holds {plans} plans; one plan is compared with one")]
    Several {
        /// `plan` or `before`.
        field: &'static str,
        /// How many.
        plans: usize,
    },
    /// A check that was asked for judges no plan.
    #[error("`{check}` does not judge plans")]
    NotOfPlans {
        /// The check.
        check: String,
    },
    /// A bug of ours.
    #[error("the plan could not be judged")]
    Failed,
}

impl DecodeError {
    /// The field of the request that it is about.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable { field, .. } | Self::Several { field, .. } => Some(field),
            Self::NotOfPlans { .. } | Self::Failed => None,
        }
    }
}

/// Read and judge plans, on a thread where that may take its time.
///
/// # Errors
/// Where the text holds no plan that can be read.
pub async fn decode(mut request: Request, text: PlanText) -> Result<DecodedPlans, DecodeError> {
    narrow(&mut request)?;
    let now = Timestamp::now();
    let Ok(slot) = SLOTS.acquire().await else { return Err(DecodeError::Failed) };
    let work = spawn_blocking(move || {
        let decoded = decode_text(&request, &text, now);
        drop(slot);
        decoded
    });
    work.await.unwrap_or(Err(DecodeError::Failed))
}

/// Only checks that judge plans are run.
pub(super) fn narrow(request: &mut Request) -> Result<(), DecodeError> {
    let of_plans = || checks::all().filter(|check| check.needs.contains(&Topic::PLANS));
    let other = |id: &&String| !of_plans().any(|check| check.id == id.as_str());
    if let Some(check) = request.scope.checks.iter().find(other) {
        return Err(DecodeError::NotOfPlans { check: check.clone() });
    }
    if request.scope.checks.is_empty() {
        request.scope.checks = of_plans().map(|check| check.id.to_owned()).collect();
    }
    Ok(())
}

fn decode_text(
    request: &Request,
    text: &PlanText,
    now: Timestamp,
) -> Result<DecodedPlans, DecodeError> {
    let (plans, cut) = read("plan", &text.plan, text.partial)?;
    let before = match &text.before {
        None => None,
        Some(before) => Some(single("before", read("before", before, false)?.0)?),
    };
    if before.is_some() && plans.len() > 1 {
        return Err(DecodeError::Several { field: "plan", plans: plans.len() });
    }
    let last = plans.len().saturating_sub(1);
    let each = plans.into_iter().enumerate().map(|(position, plan)| {
        let mut answer = judged(
            request,
            SourcedPlan { plan: Arc::new(plan), source: PlanSource::Pasted, read_at: now },
            text.findings_max,
        );
        answer.1.gaps.extend(cut.clone().filter(|_| position == last));
        if let Some(before) = &before {
            match compare(before, &answer.0) {
                Ok(comparison) => answer.1.comparison = Some(comparison),
                Err(reason) => answer.1.gaps.push(not_compared(reason)),
            }
        }
        answer.1
    });
    let mut plans: Vec<DecodedPlan> = each.collect();
    Ok(match (plans.pop(), plans.is_empty()) {
        (Some(plan), true) => DecodedPlans::One(Box::new(plan)),
        (last, _) => DecodedPlans::Several { plans: plans.into_iter().chain(last).collect() },
    })
}

/// The plans of a text, and where it breaks off if that is allowed.
fn read(
    field: &'static str,
    text: &str,
    partial: bool,
) -> Result<(Vec<ParsedPlan>, Option<Gap>), DecodeError> {
    match explain::read(text) {
        Ok(plans) => Ok((plans, None)),
        Err(error) => {
            let explain::ReadError { line, column, reason, partial: mut read } = error;
            read.retain(|plan| !plan.nodes.is_empty());
            if !partial || read.is_empty() {
                return Err(DecodeError::Unreadable { field, line, column, reason });
            }
            let detail = format!("The plan was read up to line {line}, column {column}: {reason}");
            let gap = Gap::new("plan.text", GapReason::NotEnoughEvidence, detail);
            Ok((read, Some(gap.lifted_by("send the whole output of EXPLAIN"))))
        }
    }
}

fn single(field: &'static str, mut plans: Vec<ParsedPlan>) -> Result<ParsedPlan, DecodeError> {
    match (plans.pop(), plans.len()) {
        (Some(plan), 0) => Ok(plan),
        (_, more) => Err(DecodeError::Several { field, plans: more + 1 }),
    }
}

fn not_compared(why: NotCompared) -> Gap {
    let gap = |reason| Gap::new("plan.comparison", reason, why.to_string());
    match why {
        NotCompared::TooLarge => gap(GapReason::BudgetSpent),
        NotCompared::NothingShared => {
            gap(GapReason::NotEnoughEvidence).lifted_by("send two plans of one statement")
        }
    }
}

/// A plan, with where it comes from and when it was read.
pub(super) struct SourcedPlan {
    pub(super) plan: Arc<ParsedPlan>,
    pub(super) source: PlanSource,
    pub(super) read_at: Timestamp,
}

/// A plan with what was found in it.
pub(super) fn judged(
    request: &Request,
    sourced: SourcedPlan,
    findings_max: usize,
) -> (Arc<ParsedPlan>, DecodedPlan) {
    let SourcedPlan { plan, source, read_at } = sourced;
    let mut answer = decoded(&plan, source);
    let server = Server { version: String::new(), major: 0, in_recovery: false };
    let statement = StatementPlan { source, plan: Arc::clone(&plan), statement: None };
    let snapshot = Snapshot::of_plans(vec![statement], server, read_at);
    let analysis = judge_snapshot(source.as_str(), request, &snapshot);
    report(&mut answer, analysis, findings_max);
    (plan, answer)
}

/// What was found, the most time at stake first, and no more than was asked for.
fn report(answer: &mut DecodedPlan, analysis: Analysis, findings_max: usize) {
    let Analysis { mut findings, recommendations, declined, gaps, .. } = analysis;
    // With as much at stake the deeper node comes first, which is the cause.
    findings
        .sort_by(|a, b| at_stake(b).total_cmp(&at_stake(a)).then_with(|| node(b).cmp(&node(a))));
    let left_out = findings.len().saturating_sub(findings_max);
    findings.truncate(findings_max);
    let advised: BTreeSet<&String> = findings.iter().flat_map(|f| &f.recommendations).collect();
    let advised = recommendations.into_iter().filter(|r| advised.contains(&r.id)).collect();
    answer.recommendations = advised;
    answer.findings = findings;
    answer.declined = declined;
    answer.gaps.extend(gaps);
    if left_out > 0 {
        let detail = format!("{left_out} findings with less time at stake are not shown");
        let gap = Gap::new("plan.findings", GapReason::BudgetSpent, detail);
        answer.gaps.push(gap.lifted_by("a larger `findings_max`"));
    }
}

fn node(finding: &ReportedFinding) -> Option<u32> {
    match &finding.object {
        Object::PlanNode { node, .. } => Some(*node),
        _ => None,
    }
}

/// The share of the statement's time that a finding is about.
fn at_stake(finding: &ReportedFinding) -> f64 {
    let share = finding.evidence.iter().find(|evidence| evidence.name == "time_share");
    share.and_then(|evidence| Number::as_f64(&evidence.value)).unwrap_or_default()
}
