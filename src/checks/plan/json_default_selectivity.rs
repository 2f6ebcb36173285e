//! `plan/json-default-selectivity`, explained in the page beside this file.

use super::tree::misestimate::{
    ESTIMATE_ERROR_MAX, ESTIMATE_FACTOR_MIN, EstimateBasis, Misestimate, default_selectivity,
    misestimates,
};
use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, figure, for_each_executed};
use crate::checks::Check;
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit, grouped};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&ESTIMATE_ERROR_MAX, &ESTIMATE_FACTOR_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("json_default_selectivity.md"),
    judge,
};

const ID: &str = "plan/json-default-selectivity";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let wrong = misestimates(tree, case);
        let json = wrong.iter().filter(|wrong| wrong.cause(tree) == EstimateBasis::Json);
        judgement.findings.extend(json.filter_map(|wrong| find(tree, wrong, case)));
    })
}

fn find(tree: &Tree<'_>, wrong: &Misestimate, case: &Case<'_>) -> Option<Finding> {
    let decision = wrong.blamed(tree, case)?;
    let assumed = default_selectivity(tree, wrong.node)?;
    let node = tree.node(wrong.node);
    let message = format!(
        "{}: no statistics on its JSON condition, so {assumed} was assumed: {} rows expected, {} came; node {} ({}) was \
         chosen by that",
        tree.title(wrong.node),
        grouped(node.plan_rows?),
        grouped(node.actual_rows?),
        decision.node,
        tree.node(decision.node).node_type,
    );
    let finding = tree.finding(ID, decision.stake.at(wrong.node), message);
    Some(wrong.with_figures(tree, finding).evidence(figure(
        "assumed_selectivity",
        assumed,
        Unit::Name,
    )))
}
