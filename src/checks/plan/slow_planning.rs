//! `plan/slow-planning`, explained in the page beside this file.

use super::tree::{Stake, Tree, figure, for_each_executed};
use crate::checks::Check;
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&PLANNING_SHARE_MAX, &PLANNING_MS_MIN],
    page: include_str!("slow_planning.md"),
    judge,
};

const ID: &str = "plan/slow-planning";

static PLANNING_SHARE_MAX: Threshold = Threshold {
    name: "planning_share_max",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "a statement that is planned for longer than it runs gains from a kept plan",
};

static PLANNING_MS_MIN: Threshold = Threshold {
    name: "planning_ms_min",
    default: 10.0,
    unit: Unit::Ms,
    reason: "most statements are planned within a millisecond; the first of a session takes a few",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| judgement.findings.extend(find(tree, case)))
}

fn find(tree: &Tree<'_>, case: &Case<'_>) -> Option<Finding> {
    let (planning, execution) = (tree.plan.planning_ms?, tree.execution_ms()?);
    let share = planning / (planning + execution).max(f64::EPSILON);
    if planning < case.policy.get(&PLANNING_MS_MIN) || share < case.policy.get(&PLANNING_SHARE_MAX)
    {
        return None;
    }
    let scans = tree.nodes().iter().filter(|node| node.relation.is_some()).count();
    let message = format!(
        "Planning takes {planning:.0} ms and execution {execution:.1} ms: {:.0} % of both, for a plan that reads {scans} relations",
        share * 100.0
    );
    let stake = Stake::of_part(planning, planning + execution);
    Some(
        tree.finding(ID, stake.at(0), message)
            .evidence(figure("planning_ms", planning, Unit::Ms))
            .evidence(figure("execution_ms", execution, Unit::Ms)),
    )
}
