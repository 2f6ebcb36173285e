//! Each plan of a case is judged in turn; findings name the statement that they are about.

use super::Tree;
use crate::explain::ParsedPlan;
use crate::model::observation::{Workload, WorkloadStatement};
use crate::model::{
    Case, Evidence, Finding, Gap, GapReason, Grade, Judgement, Number, Topic, Unit, beginning,
};

/// Judges each plan that was executed.
pub(in crate::checks::plan) fn for_each_executed(
    case: &Case<'_>,
    judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    for_each_of(case, |_| false, judge)
}

/// Judges each plan that was executed, and each of a statement of the workload: the server counts its rows.
pub(in crate::checks::plan) fn for_each_executed_or_counted(
    case: &Case<'_>,
    judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    for_each_of(case, |tree| tree.statement.is_some(), judge)
}

/// Judges each plan that was executed or that is judged without; the others are gaps.
fn for_each_of(
    case: &Case<'_>,
    is_judged_unexecuted: impl Fn(&Tree<'_>) -> bool,
    mut judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    for_each_plan(case, |tree, judgement| {
        if tree.is_executed() || is_judged_unexecuted(tree) {
            judge(tree, judgement);
        } else {
            judgement.gaps.push(tree.not_executed());
        }
    })
}

/// Judges each plan, executed or not.
pub(in crate::checks::plan) fn for_each_plan(
    case: &Case<'_>,
    mut judge: impl FnMut(&Tree<'_>, &mut Judgement),
) -> Result<Judgement, Gap> {
    let plans = case.snapshot.plan.statements.get()?;
    let mut judgement = Judgement::default();
    for plan in plans {
        if let Some(gap) = too_large(&plan.plan) {
            judgement.gaps.push(gap);
            continue;
        }
        let tree = Tree::of(plan);
        let before = judgement.findings.len();
        judge(&tree, &mut judgement);
        if let Some(statement) = tree.statement {
            let found = judgement.findings.drain(before..).collect::<Vec<_>>();
            let of_statement = found.into_iter().map(|found| of_statement(found, statement));
            judgement.findings.extend(of_statement);
        }
    }
    Ok(judgement)
}

/// What the plan of a given statement shows. Where none was given, what the server counted of all statements, beside what the
/// plans of the workload's show.
pub(in crate::checks::plan) fn or_counted(
    case: &Case<'_>,
    plans: Result<Judgement, Gap>,
    counted: impl FnOnce(&Case<'_>) -> Result<Judgement, Gap>,
) -> Result<Judgement, Gap> {
    let statements = case.snapshot.plan.statements.get();
    if statements.is_ok_and(|all| all.iter().any(|plan| plan.statement.is_none())) {
        return plans;
    }
    let mut judgement = counted(case).unwrap_or_else(Judgement::from);
    judgement.merge(plans.unwrap_or_else(Judgement::from));
    Ok(judgement)
}

/// The statements of the workload, or what makes them visible.
pub(in crate::checks::plan) fn workload<'a>(case: &Case<'a>) -> Result<&'a Workload, Gap> {
    let workload = case.snapshot.workload.get()?;
    if !workload.statements.is_empty() {
        return Ok(workload);
    }
    let detail = "no statement is known that names a column of this database";
    let gap = Gap::new("workload.statements", GapReason::NotEnoughEvidence, detail);
    Err(gap.lifted_by("CREATE EXTENSION pg_stat_statements; or send statements: POST /v1/targets/{target}/workload, or --workload FILE"))
}

/// The finding with the statement that it is about.
pub(super) fn of_statement(finding: Finding, statement: &WorkloadStatement) -> Finding {
    let of = |name: &str, value: Number, unit: Unit| WORKLOAD.evidence(name, value, unit);
    let calls = i64::try_from(statement.calls).unwrap_or(i64::MAX);
    let finding = with_statement(finding, &statement.text)
        .evidence(of("calls", calls.into(), Unit::Count))
        .evidence(of("total_ms", statement.total_ms.into(), Unit::Ms));
    match statement.query_id {
        Some(id) => finding.evidence(of("query_id", Number::Name(id.to_string()), Unit::Name)),
        None => finding,
    }
}

/// The finding with the text of the statement.
pub(in crate::checks::plan) fn with_statement(finding: Finding, statement: &str) -> Finding {
    let text = beginning(statement, TEXT_CHARS_MAX);
    let message = format!("{}; statement {text}", finding.message);
    let statement = Number::Name(statement.to_owned());
    Finding { message, ..finding }.evidence(WORKLOAD.evidence("statement", statement, Unit::Name))
}

/// Where figures are from, and how they are known.
pub(in crate::checks::plan) struct EvidenceSource {
    pub(in crate::checks::plan) name: &'static str,
    pub(in crate::checks::plan) grade: Grade,
}

impl EvidenceSource {
    /// A figure from there.
    pub(in crate::checks::plan) fn evidence(
        &self,
        name: &str,
        value: Number,
        unit: Unit,
    ) -> Evidence {
        let (source, grade) = (self.name.to_owned(), self.grade);
        Evidence { name: name.to_owned(), value, unit, source, grade }
    }
}

/// What the server or the application counted of its statements.
const WORKLOAD: EvidenceSource = EvidenceSource { name: "workload", grade: Grade::Statistics };

/// Characters of a statement in a message.
pub(in crate::checks::plan) const TEXT_CHARS_MAX: usize = 80;

/// Nodes of a plan that is judged. The largest plan known has 9,001.
const NODES_MAX: usize = 20_000;

/// Levels of a plan that is judged: a wrong estimate is followed to the root. Joins of hundreds of tables are as deep.
const DEPTH_MAX: usize = 500;

fn too_large(plan: &ParsedPlan) -> Option<Gap> {
    let nodes = plan.nodes.len();
    let depth = plan.depths().into_iter().max().map_or(0, |above| above + 1);
    let detail = match () {
        () if nodes > NODES_MAX => {
            format!("The plan has {nodes} nodes; plans are judged up to {NODES_MAX}")
        }
        () if depth > DEPTH_MAX => {
            format!("The plan is {depth} levels deep; plans are judged up to {DEPTH_MAX}")
        }
        () => return None,
    };
    Some(Gap::new(Topic::PLANS.as_str(), GapReason::BudgetSpent, detail))
}
