//! `plan/slow-trigger`, explained in the page beside this file.

use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, count, figure, for_each_executed};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::Trigger;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic, Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&TIME_SHARE_MIN, &TIME_MS_MIN, &CHECK_MS_MIN],
    page: include_str!("slow_trigger.md"),
    judge,
};

const ID: &str = "plan/slow-trigger";

static CHECK_MS_MIN: Threshold = Threshold {
    name: "check_ms_min",
    default: 0.5,
    unit: Unit::Ms,
    reason: "measured on 18.6: deleting the 30 rows that refer to a key takes 0.13 ms with an index, and 6.5 ms of 60,000 \
             rows without",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let slowest = tree.plan.triggers.iter().max_by(|a, b| ms(a).total_cmp(&ms(b)));
        let Some((trigger, found)) =
            slowest.and_then(|trigger| Some((trigger, find(tree, trigger, case)?)))
        else {
            return;
        };
        if is_foreign_key(trigger) && ms_per_call(trigger) < case.policy.get(&CHECK_MS_MIN) {
            judgement.declined.push(quick(trigger, found));
        } else {
            judgement.findings.push(found);
        }
    })
}

/// Why a foreign key whose checks are many and quick is no finding.
fn quick(trigger: &Trigger, found: Finding) -> Declined {
    Declined::new(
        ID,
        found.object,
        "each check is quick",
        format!(
            "{}: {:.2} ms in each of {} calls, as long as a lookup by an index takes",
            name(trigger),
            ms_per_call(trigger),
            grouped(count(Some(trigger.calls)))
        ),
    )
}

fn ms_per_call(trigger: &Trigger) -> f64 {
    ms(trigger) / count(Some(trigger.calls)).max(1.0)
}

/// The trigger as messages name it: a constraint's by the constraint.
fn name(trigger: &Trigger) -> String {
    let on = trigger.relation.as_deref().map(|name| format!(" on `{}`", clipped(name)));
    let on = on.unwrap_or_default();
    match &trigger.constraint {
        Some(key) => format!("Foreign key `{}`{on}", clipped(key)),
        None => format!("Trigger `{}`{on}", clipped(&trigger.name)),
    }
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
    let why = if is_foreign_key(trigger) && deletes(tree) {
        "; each row searches the referencing table, as a whole where no index on the foreign key's columns is there"
    } else {
        ""
    };
    let message = format!(
        "{} takes {} ms in {} calls, {:.0} % of the time{why}",
        name(trigger),
        grouped(ms(trigger)),
        grouped(calls),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, stake.at(0), message)
            .evidence(figure("calls", whole(calls), Unit::Count))
            .evidence(figure("ms_per_call", ms_per_call(trigger), Unit::Ms)),
    )
}

/// Whether it is a constraint's: the reader keeps the constraint's name alone, and nearly all of them are foreign keys.
fn is_foreign_key(trigger: &Trigger) -> bool {
    trigger.constraint.is_some()
}

/// Whether rows that others may refer to go away or change.
fn deletes(tree: &Tree<'_>) -> bool {
    let operation = tree.nodes().iter().find_map(|node| node.operation.as_deref());
    matches!(operation, Some("Delete" | "Update"))
}
