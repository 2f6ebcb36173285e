//! `plan/generic-plan`, explained in the page beside this file.

use super::tree::misestimate::{
    ESTIMATE_ERROR_MAX, ESTIMATE_FACTOR_MIN, EstimateBasis, Misestimate, misestimates,
};
use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, for_each_executed};
use crate::checks::Check;
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Topic, grouped};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&ESTIMATE_ERROR_MAX, &ESTIMATE_FACTOR_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("generic_plan.md"),
    judge,
};

const ID: &str = "plan/generic-plan";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let wrong = misestimates(tree, case);
        let generic = wrong.iter().filter(|wrong| wrong.cause(tree) == EstimateBasis::Parameter);
        judgement.findings.extend(generic.filter_map(|wrong| find(tree, wrong, case)));
    })
}

fn find(tree: &Tree<'_>, wrong: &Misestimate, case: &Case<'_>) -> Option<Finding> {
    let decision = wrong.decision.filter(|decision| decision.stake.matters(case))?;
    let node = tree.node(wrong.node);
    let message = format!(
        "{}: the plan is for any value of its parameter, so {} rows were expected and {} came; node {} ({}) was chosen by \
         that: {:.0} % of the time",
        tree.title(wrong.node),
        grouped(node.plan_rows?),
        grouped(node.actual_rows?),
        decision.node,
        tree.node(decision.node).node_type,
        decision.stake.share * 100.0
    );
    Some(wrong.with_figures(tree, tree.finding(ID, (wrong.node, decision.stake), message)))
}
