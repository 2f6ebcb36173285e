//! `wal/dead-tuples`, explained in the page beside this file.

use super::lazy_autovacuum::LAZY_ROWS_MIN;
use super::tables::{LeafTable, forest, is_large, leaves, object, options};
use super::vacuum::VacuumTrigger;
use crate::checks::horizon::{Holder, PINNED_S_MIN, holder_of_most, report, uncertainty};
use crate::checks::number::{float, whole};
use crate::checks::{Check, Requirement};
use crate::model::rate::{WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Declined, Family, Finding, Gap, Judgement, Maintenance, MaintenanceVerb, Object,
    OptionsChange, Severity, Superpower, Threshold, Topic, Unit, counted, percent,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::SETTINGS, Topic::TABLE_ACTIVITY],
    uses: &[Topic::WAL_HORIZON],
    requires: &[Requirement::WriteCounters],
    thresholds: &[
        &DEAD_RATIO_MAX,
        &PINNED_S_MIN,
        &AUTOVACUUM_LATE,
        &VACUUM_AGE_S_MIN,
        &LAZY_ROWS_MIN,
        &WINDOW_S_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("dead_tuples.md"),
    judge,
};

const ID: &str = "wal/dead-tuples";

static DEAD_RATIO_MAX: Threshold = Threshold {
    name: "dead_ratio_max",
    default: 0.01,
    unit: Unit::Ratio,
    reason: "scans read dead rows with the living: more than one in a hundred is worth a vacuum",
};

static AUTOVACUUM_LATE: Threshold = Threshold {
    name: "autovacuum_late",
    default: 2.0,
    unit: Unit::Ratio,
    reason: "at twice the number of dead rows that autovacuum waits for, it is late or cannot clean",
};

/// The default scale factor: a larger share is no usual state.
const USUAL_RATIO_MAX: f64 = 0.2;

static VACUUM_AGE_S_MIN: Threshold = Threshold {
    name: "vacuum_age_s_min",
    default: 60.0,
    unit: Unit::S,
    reason: "sessions report what they changed late: what they delete and vacuum at once is counted as dead after the vacuum",
};

/// Why rows are dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// A vacuum that has just ended may have removed them.
    Vacuumed,
    /// Autovacuum comes at the next look.
    Due,
    /// It does not come for so few.
    Waiting,
    /// It should have come long ago.
    Late,
    /// It never comes.
    Never,
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    // When autovacuum comes is what the settings say.
    seen.common.settings.get()?;
    let mut judgement = Judgement::default();
    let (mut large, holder) = (false, holder_of_most(case));
    for family in forest(case)?.iter().filter(|family| is_large(family, policy)) {
        large = true;
        let leaves = leaves(case, family);
        let affected: Vec<(LeafTable<'_>, Why)> =
            leaves.iter().filter_map(|leaf| Some((*leaf, why(case, leaf)?))).collect();
        let (left, bad): (Vec<_>, Vec<_>) =
            affected.into_iter().partition(|(_, why)| matches!(why, Why::Vacuumed | Why::Due));
        if bad.is_empty() {
            judgement.declined.extend(left_alone(family, &left));
        } else {
            let holder = holder.as_ref();
            let finding = finding(family, &bad, holder);
            report(&mut judgement, finding, holder, |finding| vacuumed(case, finding, &bad));
        }
    }
    // Counters that were just reset know of no dead row.
    if judgement.findings.is_empty() && large {
        let window = Window::of_database(context);
        let long = window.and_then(|window| window.at_least("dead_rows", &WINDOW_S_MIN, policy));
        judgement.gaps.extend(long.err());
    }
    Ok(judgement)
}

fn why(case: &Case<'_>, leaf: &LeafTable<'_>) -> Option<Why> {
    let Case { snapshot: seen, policy, .. } = *case;
    let dead = float(leaf.activity.dead_rows);
    let live = leaf.rows().max(float(leaf.activity.live_rows)).max(1.0);
    let bytes = float(leaf.relation.bytes_at_least());
    if dead / live <= policy.get(&DEAD_RATIO_MAX) || bytes < policy.get(&TABLE_BYTES_MIN) {
        return None;
    }
    let now = seen.context.get().ok()?.now;
    let vacuumed = leaf.activity.last_vacuum.max(leaf.activity.last_autovacuum);
    let ago = vacuumed.map_or(f64::INFINITY, |at| float(now.as_second() - at.as_second()));
    if ago < policy.get(&VACUUM_AGE_S_MIN) {
        return Some(Why::Vacuumed);
    }
    let Some(waits_for) = VacuumTrigger::of(leaf, &seen.common, seen.server.major)?.dead_rows
    else {
        return Some(Why::Never);
    };
    Some(if dead > policy.get(&AUTOVACUUM_LATE) * waits_for {
        Why::Late
    } else if dead > waits_for {
        Why::Due
    } else {
        Why::Waiting
    })
}

/// What is left to autovacuum, and what was vacuumed a moment ago.
fn left_alone(family: &Family<'_>, left: &[(LeafTable<'_>, Why)]) -> Option<Declined> {
    let relations: Vec<_> = left.iter().map(|(leaf, _)| leaf.relation).collect();
    let dead: i64 = left.iter().map(|(leaf, _)| leaf.activity.dead_rows).sum();
    let (reason, what) = if left.iter().any(|(_, why)| *why == Why::Due) {
        ("autovacuum is due", "more than autovacuum waits for: it comes by itself")
    } else {
        (
            "it was vacuumed less than a minute ago",
            "and the vacuum may have removed them: sessions report what they changed late. Look again in a minute",
        )
    };
    (!left.is_empty()).then(|| {
        Declined::new(
            ID,
            object(family, &relations),
            reason,
            format!("{} counted as dead, {what}", counted(dead, "row is", "rows are")),
        )
    })
}

/// With the vacuum that clears it.
fn vacuumed(case: &Case<'_>, finding: Finding, bad: &[(LeafTable<'_>, Why)]) -> Finding {
    let object = finding.object.clone();
    let vacuum = Maintenance {
        object: object.clone(),
        verb: MaintenanceVerb::Vacuum,
        tables: bad.iter().map(|(leaf, _)| leaf.relation.qualified_name()).collect(),
        preconditions: Vec::new(),
        caveats: vec![uncertainty(case).unwrap_or_else(|| {
            "rows that a transaction may still see stay: see wal/pinned-horizon".to_owned()
        })],
    };
    let finding = match attended(case, &object, bad, &vacuum) {
        Some(change) => finding.action(Action::SetOptions(change)),
        None => finding,
    };
    finding.action(Action::Maintain(vacuum))
}

fn finding(family: &Family<'_>, bad: &[(LeafTable<'_>, Why)], holder: Option<&Holder>) -> Finding {
    let relations: Vec<_> = bad.iter().map(|(leaf, _)| leaf.relation).collect();
    let object = object(family, &relations);
    let dead: i64 = bad.iter().map(|(leaf, _)| leaf.activity.dead_rows).sum();
    let live: f64 = bad.iter().map(|(leaf, _)| leaf.rows()).sum();
    let ratio = float(dead) / live.max(1.0);
    let worst = bad.iter().map(|(_, why)| *why).max().unwrap_or(Why::Waiting);
    let pinned = holder.map(|holder| format!("{} holds back vacuum", holder.culprit));
    let reason = match (worst, pinned) {
        (Why::Late, Some(pinned)) => pinned,
        (Why::Late, None) => "autovacuum is late, or something holds the horizon back".to_owned(),
        (_, pinned) => {
            let why = if worst == Why::Never {
                "autovacuum never comes to it"
            } else {
                "too few for autovacuum to come"
            };
            pinned.map_or_else(|| why.to_owned(), |pinned| format!("{why}, and {pinned}"))
        }
    };
    let severity = match worst {
        Why::Never | Why::Late if ratio > USUAL_RATIO_MAX => Severity::Medium,
        _ => Severity::Low,
    };
    let of_living = if ratio <= 1.0 {
        format!("{} of the living", percent(ratio))
    } else if live < 1.0 {
        "and no living one".to_owned()
    } else {
        format!("{ratio:.1} times the living")
    };
    let rows = counted(dead, "dead row", "dead rows");
    let message = format!("`{object}` has {rows}, {of_living}: {reason}");
    Finding::new(ID, object, severity, message)
        .statistic("table_activity.dead_ratio", ratio, Unit::Ratio)
        .statistic("table_activity.dead_rows", dead, Unit::Rows)
        .statistic("relations.rows", whole(live), Unit::Rows)
}

/// Parameters with which autovacuum would have come; none where these are small tables, or it is late anyway.
fn attended(
    case: &Case<'_>,
    object: &Object,
    bad: &[(LeafTable<'_>, Why)],
    vacuum: &Maintenance,
) -> Option<OptionsChange> {
    let policy = case.policy;
    let never: Vec<LeafTable<'_>> = bad
        .iter()
        .filter(|(leaf, why)| {
            *why == Why::Never && leaf.activity.option("autovacuum_enabled").is_some()
        })
        .map(|(leaf, _)| *leaf)
        .collect();
    let waiting: Vec<LeafTable<'_>> = bad
        .iter()
        .filter(|(leaf, why)| *why == Why::Waiting && leaf.rows() >= policy.get(&LAZY_ROWS_MIN))
        .map(|(leaf, _)| *leaf)
        .collect();
    let (leaves, set, reset) = if never.len() == bad.len() {
        (never, Vec::new(), vec!["autovacuum_enabled".to_owned()])
    } else if waiting.len() == bad.len() {
        let factor = policy.get(&DEAD_RATIO_MAX).to_string();
        (waiting, vec![("autovacuum_vacuum_scale_factor".to_owned(), factor)], Vec::new())
    } else {
        return None;
    };
    let title = format!("Let autovacuum come to `{object}`, and vacuum it");
    let then = Some(vacuum.clone());
    Some(OptionsChange { set, reset, then, ..options(object, &leaves, title, "autovacuum") })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, set, short, snapshot, table, transaction};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn seen(live: i64, dead: i64, options: &[&str]) -> Snapshot {
        let mut seen = snapshot();
        table(&mut seen, 1, "events", (live, dead)).1.options =
            options.iter().map(|option| (*option).to_owned()).collect();
        seen
    }

    fn run(snapshot: &Snapshot) -> Judgement {
        CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_else(|gap| unreachable!("{gap:?}"))
    }

    fn statements(judgement: &Judgement) -> Vec<String> {
        let actions = judgement.findings.iter().flat_map(|finding| &finding.actions);
        actions.map(short).collect()
    }

    #[test]
    fn what_autovacuum_does_not_come_for_is_low_and_what_it_never_comes_for_is_medium() {
        let waiting = run(&seen(500_000, 50_000, &[]));
        assert_eq!(waiting.findings[0].severity, Severity::Low);
        assert_eq!(statements(&waiting), ["vacuum"]);
        let never = run(&seen(500_000, 150_000, &["autovacuum_enabled=false"]));
        assert_eq!(never.findings[0].severity, Severity::Medium);
        let sql = statements(&never);
        assert_eq!(sql, ["reset autovacuum_enabled, then vacuum", "vacuum"]);
    }

    #[test]
    fn of_a_large_table_the_scale_factor_is_advised_too() {
        let sql = statements(&run(&seen(5_000_000, 500_000, &[])));
        assert!(sql[0].contains("autovacuum_vacuum_scale_factor = 0.01"), "{sql:?}");
    }

    #[test]
    fn what_autovacuum_is_due_for_is_left_to_it_until_it_is_late() {
        let due = run(&seen(500_000, 150_000, &[]));
        assert!(due.findings.is_empty() && due.declined.len() == 1, "{due:?}");
        let late = run(&seen(500_000, 250_000, &[]));
        assert_eq!(late.findings[0].severity, Severity::Medium);
    }

    #[test]
    fn what_was_vacuumed_a_moment_ago_is_declined_until_its_counters_are_those_after_the_vacuum() {
        for (vacuumed, declined) in [("2026-03-01T11:59:30Z", 1), ("2026-03-01T11:58:00Z", 0)] {
            let mut seen = seen(500_000, 250_000, &[]);
            edit(&mut seen.common.table_activity)[0].last_vacuum = vacuumed.parse().ok();
            let judgement = run(&seen);
            assert_eq!(
                (judgement.declined.len(), judgement.findings.len()),
                (declined, 1 - declined)
            );
        }
    }

    #[test]
    fn while_something_holds_the_horizon_back_it_is_named_and_no_vacuum_is_advised() {
        for (age_s, xids, actions) in [(59.0, 9, 1), (61.0, 0, 1), (61.0, 1, 0)] {
            let mut seen = seen(500_000, 250_000, &[]);
            edit(&mut seen.wal.transactions).push(transaction(age_s, xids));
            let judgement = run(&seen);
            assert_eq!(judgement.findings[0].actions.len(), actions, "{age_s} {xids}");
            assert_eq!(judgement.declined.len(), 1 - actions);
            if actions == 0 {
                let culprit = "Process 7 of mage (idle in transaction) holds back vacuum";
                assert!(judgement.findings[0].message.ends_with(culprit));
                let first = "end its transaction, or pg_terminate_backend(7); then vacuum";
                assert_eq!(judgement.declined[0].detail, first);
            }
        }
    }

    #[test]
    fn a_standby_counts_no_dead_row_and_is_no_pass() {
        let mut seen = seen(500_000, 0, &[]);
        seen.server.in_recovery = true;
        let gap = CHECK.run(&case(&seen, &Policy::default())).err();
        assert_eq!(gap.map(|gap| gap.reason), Some(crate::model::GapReason::InRecovery));
    }

    #[test]
    fn a_standby_that_is_a_little_behind_is_named_beside_the_vacuum() {
        let mut seen = seen(500_000, 250_000, &[]);
        let sender = serde_json::json!({
            "pid": 9, "application": "replica", "state": "streaming", "sync_state": "async",
            "xmin_age": 4, "replay_lag_bytes": 0,
        });
        let sender = serde_json::from_value(sender).unwrap_or_else(|error| unreachable!("{error}"));
        edit(&mut seen.wal.senders).push(sender);
        let judgement = run(&seen);
        let Some(Action::Maintain(vacuum)) = judgement.findings[0].actions.last() else {
            unreachable!("{judgement:?}")
        };
        assert!(vacuum.caveats[0].starts_with("standby `replica` was 4 transactions behind"));
    }

    #[test]
    fn few_dead_rows_and_small_tables_are_silent() {
        assert_eq!(run(&seen(500_000, 5_000, &[])), Judgement::default());
        assert_eq!(run(&seen(5_000, 5_000, &[])), Judgement::default());
    }

    #[test]
    fn counters_that_were_just_reset_are_a_gap_and_no_pass() {
        let mut seen = seen(500_000, 0, &[]);
        edit(&mut seen.context).counting_since = "2026-03-01T11:59:00Z".parse().ok();
        assert_eq!(run(&seen).gaps.len(), 1);
        set(&mut seen, "autovacuum", "off");
        assert!(run(&seen).findings.is_empty());
    }
}
