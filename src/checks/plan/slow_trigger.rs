//! `plan/slow-trigger`, explained in the page beside this file.

use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, count, figure, for_each_executed};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::Trigger;
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit, grouped};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("slow_trigger.md"),
    judge,
};

const ID: &str = "plan/slow-trigger";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let slowest = tree.plan.triggers.iter().max_by(|a, b| ms(a).total_cmp(&ms(b)));
        judgement.findings.extend(slowest.and_then(|trigger| find(tree, trigger, case)));
    })
}

fn ms(trigger: &Trigger) -> f64 {
    trigger.ms.unwrap_or_default()
}

fn find(tree: &Tree<'_>, trigger: &Trigger, case: &Case<'_>) -> Option<Finding> {
    let stake = tree.stake_of_ms(ms(trigger));
    if !stake.matters(case) {
        return None;
    }
    let calls = count(Some(trigger.calls));
    let relation = trigger.relation.as_deref();
    let on = relation.map(|name| format!(" on `{}`", clipped(name))).unwrap_or_default();
    let (name, why) = match &trigger.constraint {
        Some(constraint) if deletes(tree) => (
            format!("Foreign key `{}`{on}", clipped(constraint)),
            "; each row searches the referencing table, which an index on its columns serves",
        ),
        Some(constraint) => (format!("Constraint `{}`{on}", clipped(constraint)), ""),
        None => (format!("Trigger `{}`{on}", clipped(&trigger.name)), ""),
    };
    let message = format!(
        "{name} takes {} ms in {} calls, {:.0} % of the time{why}",
        grouped(ms(trigger)),
        grouped(calls),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, (0, stake), message)
            .evidence(figure("calls", whole(calls), Unit::Count))
            .evidence(figure("ms_per_call", ms(trigger) / calls.max(1.0), Unit::Ms)),
    )
}

/// Whether rows that others may refer to go away or change.
fn deletes(tree: &Tree<'_>) -> bool {
    let operation = tree.nodes().iter().find_map(|node| node.operation.as_deref());
    matches!(operation, Some("Delete" | "Update"))
}
