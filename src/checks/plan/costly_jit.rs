//! `plan/costly-jit`, explained in the page beside this file.

use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, figure, for_each_executed};
use crate::checks::Check;
use crate::checks::number::float;
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("costly_jit.md"),
    judge,
};

const ID: &str = "plan/costly-jit";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| judgement.findings.extend(find(tree, case)))
}

fn find(tree: &Tree<'_>, case: &Case<'_>) -> Option<Finding> {
    let jit = tree.plan.jit.as_deref()?;
    let parts = [jit.generation_ms, jit.inlining_ms, jit.optimization_ms, jit.emission_ms];
    let ms = jit.total_ms.unwrap_or_else(|| parts.into_iter().flatten().sum());
    let stake = tree.stake_of_ms(ms);
    if !stake.matters(case) {
        return None;
    }
    let message = format!(
        "Just-in-time compilation of {} functions takes {ms:.0} ms, {:.0} % of the time: the statement is cheaper than its cost \
         suggests",
        jit.functions,
        stake.share * 100.0
    );
    let cost = tree.plan.root().and_then(|root| root.total_cost).unwrap_or_default();
    let functions = float(jit.functions);
    Some(
        tree.finding(ID, stake.at(0), message)
            .evidence(figure("functions", functions, Unit::Count))
            .evidence(figure("total_cost", cost, Unit::Count)),
    )
}
