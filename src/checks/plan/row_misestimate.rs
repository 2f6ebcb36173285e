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
            if wrong.cause(tree) != EstimateBasis::Other {
                continue;
            }
            match wrong.decision.filter(|decision| decision.stake.matters(case)) {
                Some(decision) => judgement.findings.push(finding(tree, &wrong, decision)),
                None => without_effect.push(wrong),
            }
        }
        without_effect.sort_by(|a, b| b.factor.total_cmp(&a.factor));
        let worst = without_effect.iter().take(HARMLESS_MAX);
        judgement.declined.extend(worst.map(|wrong| harmless(tree, wrong)));
    })
}

fn finding(tree: &Tree<'_>, wrong: &Misestimate, decision: PlannerDecision) -> Finding {
    let (expected, came) = counts(tree, wrong);
    let message = format!(
        "{}: {expected} rows expected, {came} came; node {} ({}) was chosen by that and takes {:.0} % of the time",
        tree.title(wrong.node),
        decision.node,
        tree.node(decision.node).node_type,
        decision.stake.share * 100.0
    );
    wrong.with_figures(tree, tree.finding(ID, (wrong.node, decision.stake), message))
}

/// Nothing was decided by it that costs time.
fn harmless(tree: &Tree<'_>, wrong: &Misestimate) -> Declined {
    let (expected, came) = counts(tree, wrong);
    Declined {
        check: ID.to_owned(),
        object: tree.object(wrong.node),
        reason: "no costly decision depends on the estimate".to_owned(),
        detail: format!("{}: {expected} rows expected, {came} came", tree.title(wrong.node)),
    }
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
