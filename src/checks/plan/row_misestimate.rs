//! `plan/row-misestimate`, explained in the page beside this file.

use super::tree::misestimate::{
    ESTIMATE_ERROR_MAX, ESTIMATE_FACTOR_MIN, EstimateBasis, Misestimate, PlannerDecision,
    misestimates,
};
use super::tree::nested_loop::NESTED_LOOPS_MIN;
use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, figure, for_each_executed};
use crate::checks::Check;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit, grouped,
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
        &NESTED_LOOPS_MIN,
        &TIME_SHARE_MIN,
        &TIME_MS_MIN,
    ],
    page: include_str!("row_misestimate.md"),
    judge,
};

const ID: &str = "plan/row-misestimate";

/// Wrong estimates without effect that are named.
const HARMLESS_MAX: usize = 3;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let mut without_effect = Vec::new();
        for wrong in misestimates(tree, case) {
            if !matches!(wrong.cause(tree), EstimateBasis::Other | EstimateBasis::Join) {
                continue;
            }
            match wrong.blamed(tree, case) {
                Some(decision) => judgement.findings.push(finding(tree, &wrong, decision)),
                None if is_said_of_a_loop(&wrong, case) => (),
                None => without_effect.push(wrong),
            }
        }
        without_effect.sort_by(|a, b| b.factor.total_cmp(&a.factor));
        let worst = without_effect.iter().take(HARMLESS_MAX);
        judgement.declined.extend(worst.map(|wrong| harmless(tree, wrong)));
    })
}

/// Whether the loop that was chosen by the estimate of a join is what a finding blames.
fn is_said_of_a_loop(wrong: &Misestimate, case: &Case<'_>) -> bool {
    let decision = wrong.decision.as_ref().filter(|decision| decision.stake.matters(case));
    wrong.counted_with.is_none() && decision.is_some()
}

fn finding(tree: &Tree<'_>, wrong: &Misestimate, decision: &PlannerDecision) -> Finding {
    let (expected, came) = counts(tree, wrong);
    let chosen = match decision.nodes.len() - 1 {
        0 => "was chosen by that and takes".to_owned(),
        1 => "and another one were chosen by that and take".to_owned(),
        more => format!("and {more} more were chosen by that and take"),
    };
    let message = format!(
        "{}: {expected} rows expected, {came} came; node {} ({}) {chosen} {:.0} % of the time",
        tree.title(wrong.node),
        decision.node,
        tree.node(decision.node).node_type,
        decision.stake.share * 100.0
    );
    wrong.with_figures(tree, tree.finding(ID, decision.stake.at(wrong.node), message))
}

/// Nothing was decided by it that costs time.
fn harmless(tree: &Tree<'_>, wrong: &Misestimate) -> Declined {
    let (expected, came) = counts(tree, wrong);
    let reason = match wrong.counted_with {
        Some(node) => {
            format!("counted with the estimate of node {node}, which led to the same choice")
        }
        None => "no costly decision depends on the estimate".to_owned(),
    };
    Declined::new(
        ID,
        tree.object(wrong.node),
        reason,
        format!("{}: {expected} rows expected, {came} came", tree.title(wrong.node)),
    )
}

/// Rows expected and rows that came, for each loop.
fn counts(tree: &Tree<'_>, wrong: &Misestimate) -> (String, String) {
    let node = tree.node(wrong.node);
    (grouped(node.plan_rows.unwrap_or_default()), grouped(node.actual_rows.unwrap_or_default()))
}

impl Misestimate {
    /// The finding with the figures that all checks of estimates give.
    pub(super) fn with_figures(&self, tree: &Tree<'_>, finding: Finding) -> Finding {
        let node = tree.node(self.node);
        let error = 1.0 - 1.0 / self.factor.max(1.0);
        finding
            .evidence(figure("expected_rows", node.plan_rows.unwrap_or_default(), Unit::Rows))
            .evidence(figure("actual_rows", node.actual_rows.unwrap_or_default(), Unit::Rows))
            .evidence(figure("estimate_factor", self.factor, Unit::Ratio))
            .evidence(figure("estimate_error", error, Unit::Ratio))
    }
}
