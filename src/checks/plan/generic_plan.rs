//! `plan/generic-plan`, explained in the page beside this file.

use super::tree::misestimate::{
    ESTIMATE_ERROR_MAX, ESTIMATE_FACTOR_MIN, EstimateBasis, Misestimate, is_read_for_any_value,
    misestimates,
};
use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, for_each_executed, removed, rows_read};
use super::unindexable_condition::{UNINDEXED_ROWS_MIN, UNINDEXED_SHARE_MIN};
use crate::checks::Check;
use crate::model::{
    Case, Confidence, Finding, Gap, Judgement, Severity, Superpower, Topic, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[
        &ESTIMATE_ERROR_MAX,
        &ESTIMATE_FACTOR_MIN,
        &UNINDEXED_ROWS_MIN,
        &UNINDEXED_SHARE_MIN,
        &TIME_SHARE_MIN,
        &TIME_MS_MIN,
    ],
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
    let Some(decision) = wrong.blamed(tree, case) else { return of_scan(tree, wrong, case) };
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
    Some(wrong.with_figures(tree, tree.finding(ID, decision.stake.at(wrong.node), message)))
}

/// A table that is read as a whole, as for the many rows of an average value, for the few of this one.
fn of_scan(tree: &Tree<'_>, wrong: &Misestimate, case: &Case<'_>) -> Option<Finding> {
    let node = tree.node(wrong.node);
    let unwanted = removed(node, "filter");
    let stake = tree.stake([node.id]);
    if !is_read_for_any_value(tree, node.id, case)
        || unwanted < case.policy.get(&UNINDEXED_ROWS_MIN)
        || unwanted < case.policy.get(&UNINDEXED_SHARE_MIN) * rows_read(node)
        || !stake.matters(case)
    {
        return None;
    }
    let message = format!(
        "{}: the plan is for any value of its parameter, so {} rows were expected and {} came, and all {} are read: {:.0} % of \
         the time; with the value, the server may find them by an index",
        tree.title(node.id),
        grouped(node.plan_rows?),
        grouped(node.actual_rows?),
        grouped(rows_read(node)),
        stake.share * 100.0
    );
    // Whether there is an index that serves the value is not in the plan.
    let finding = tree.finding(ID, stake.at(node.id), message).confidence(Confidence::Medium);
    Some(wrong.with_figures(tree, finding))
}
