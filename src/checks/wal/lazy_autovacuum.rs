//! `wal/lazy-autovacuum`, explained in the page beside this file.

use super::setting;
use super::tables::{LeafTable, by_size, forest, is_large, leaves, object, options};
use super::vacuum::VacuumTrigger;
use crate::checks::number::{float, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::Setting;
use crate::model::rate::{DAY_WINDOW_S_MIN, Rate, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Family, Finding, Gap, Judgement, Object, OptionsChange, Policy, Severity,
    Superpower, Threshold, Topic, Unit, grouped, rounded,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::SETTINGS, Topic::TABLE_ACTIVITY],
    uses: &[Topic::WAL_SERVER],
    requires: &[],
    thresholds: &[
        &SCALE_FACTOR,
        &UPDATES_PER_DAY,
        &LAZY_ROWS_MIN,
        &DAY_WINDOW_S_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("lazy_autovacuum.md"),
    judge,
};

const ID: &str = "wal/lazy-autovacuum";

/// The scale factor of a table that is written a lot.
pub(super) static SCALE_FACTOR: Threshold = Threshold {
    name: "scale_factor",
    default: 0.02,
    unit: Unit::Ratio,
    reason: "the default of 0.2 lets a fifth of a table die before it is vacuumed",
};

static UPDATES_PER_DAY: Threshold = Threshold {
    name: "updates_per_day",
    default: 1_000_000.0,
    unit: Unit::Rows,
    reason: "a table with fewer dead rows a day is vacuumed soon enough",
};

/// The rows from which on a scale factor matters.
pub(super) static LAZY_ROWS_MIN: Threshold = Threshold {
    name: "lazy_rows_min",
    default: 1_000_000.0,
    unit: Unit::Rows,
    reason: "of a small table 2 % are a handful of rows: autovacuum would come all the time",
};

const DAY_S: f64 = 86_400.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    for (name, what) in [
        ("autovacuum", "dead rows stay, and tables are vacuumed only against wraparound"),
        ("track_counts", "nothing is counted, so autovacuum comes only against wraparound"),
    ] {
        switched_off_here(case, setting::seen(case, name)?, what, &mut judgement);
    }
    let context = case.snapshot.context.get()?;
    // Zeros that were never counted say nothing of a table.
    let in_recovery = case.snapshot.server.in_recovery;
    if let Some(gap) = Requirement::WriteCounters.gap(context, in_recovery) {
        judgement.gaps.push(gap);
        // What a table says of autovacuum itself, a standby has from its primary.
        if in_recovery {
            for family in forest(case)?.iter() {
                let leaves = leaves(case, family);
                judgement.findings.extend(switched_off(case, family, &leaves, false));
            }
        }
        return Ok(judgement);
    }
    let window = Window::of_database(context)
        .and_then(|window| window.at_least("table_updates", &DAY_WINDOW_S_MIN, case.policy));
    let mut is_too_early = false;
    for family in forest(case)?.iter() {
        let leaves = leaves(case, family);
        let lazy = lazy(case, &leaves);
        let hot = window.as_ref().map(|window| dying_fast(case, &lazy, *window));
        is_too_early |= hot.is_err() && !lazy.is_empty();
        let (off, on): (Vec<Lazy<'_>>, _) =
            hot.unwrap_or_default().into_iter().partition(|one| one.off_here);
        judgement.findings.extend(switched_off(case, family, &leaves, !off.is_empty()));
        if let Ok(window) = &window {
            judgement.findings.extend(hot_finding(case, family, &on, *window));
        }
    }
    judgement.gaps.extend(window.err().filter(|_| is_too_early));
    Ok(judgement)
}

/// A setting of the server without which autovacuum does not come to any table.
fn switched_off_here(case: &Case<'_>, setting: &Setting, what: &str, judgement: &mut Judgement) {
    if setting.is_on() {
        return;
    }
    let object = Object::Setting { name: setting.name.clone() };
    let (severity, what) = if case.snapshot.server.in_recovery {
        (Severity::Low, "autovacuum does not come once this standby is promoted")
    } else {
        (Severity::High, what)
    };
    let finding = Finding::new(ID, object, severity, format!("`{}` is off: {what}", setting.name));
    let wanted = setting::WantedSetting { setting, value: "on".to_owned(), caveats: Vec::new() };
    let (finding, declined) = setting::advise(case, finding, wanted);
    judgement.findings.push(finding);
    judgement.declined.extend(declined);
}

/// Tables that autovacuum is kept from, though their rows die. Where they die fast, it would come late as well.
fn switched_off(
    case: &Case<'_>,
    family: &Family<'_>,
    leaves: &[LeafTable<'_>],
    is_hot: bool,
) -> Option<Finding> {
    let Case { snapshot: seen, policy, .. } = *case;
    let is_off = |leaf: &&LeafTable<'_>| {
        let trigger = VacuumTrigger::of(leaf, &seen.common, seen.server.major);
        let rows_die = leaf.activity.updated_rows + leaf.activity.deleted_rows > 0;
        trigger.is_some_and(|trigger| trigger.off_here) && (rows_die || is_large(family, policy))
    };
    let off: Vec<LeafTable<'_>> = leaves.iter().filter(is_off).copied().collect();
    if off.is_empty() {
        return None;
    }
    let relations: Vec<_> = off.iter().map(|leaf| leaf.relation).collect();
    let object = object(family, &relations);
    let message = format!("`{object}` has autovacuum disabled");
    let title = format!("Let autovacuum come to `{object}`");
    let change = OptionsChange {
        set: if is_hot { vec![scale_factor(policy)] } else { Vec::new() },
        reset: vec!["autovacuum_enabled".to_owned()],
        ..options(&object, &off, title, "autovacuum_enabled")
    };
    let dead: i64 = off.iter().map(|leaf| leaf.activity.dead_rows).sum();
    let severity = by_size(family, policy, Severity::Medium);
    // A standby counts none.
    let is_counted = !seen.server.in_recovery;
    Some(
        Finding::new(ID, object, severity, message)
            .known_statistic("table_activity.dead_rows", is_counted.then_some(dead), Unit::Rows)
            .action(Action::SetOptions(change)),
    )
}

/// A large leaf for which autovacuum waits longer than it should, or would if it came.
#[derive(Clone, Copy)]
struct Lazy<'a> {
    leaf: LeafTable<'a>,
    waits_for: f64,
    off_here: bool,
}

fn lazy<'a>(case: &Case<'_>, leaves: &[LeafTable<'a>]) -> Vec<Lazy<'a>> {
    let Case { snapshot: seen, policy, .. } = *case;
    let lazy = leaves.iter().filter_map(|leaf| {
        let rows = leaf.rows();
        let VacuumTrigger { waits_for, threshold, off_here, .. } =
            VacuumTrigger::of(leaf, &seen.common, seen.server.major)?;
        let allowed = threshold.max(50.0) + policy.get(&SCALE_FACTOR) * rows;
        (rows >= policy.get(&LAZY_ROWS_MIN) && waits_for > 1.1 * allowed).then_some(Lazy {
            leaf: *leaf,
            waits_for,
            off_here,
        })
    });
    lazy.collect()
}

/// The parameter, and its value, that brings autovacuum in time.
fn scale_factor(policy: &Policy) -> (String, String) {
    ("autovacuum_vacuum_scale_factor".to_owned(), policy.get(&SCALE_FACTOR).to_string())
}

fn dying(leaf: &LeafTable<'_>, window: Window) -> Rate {
    window.rate(leaf.activity.updated_rows + leaf.activity.deleted_rows)
}

/// Those of them whose rows die fast.
fn dying_fast<'a>(case: &Case<'_>, lazy: &[Lazy<'a>], window: Window) -> Vec<Lazy<'a>> {
    let least = case.policy.get(&UPDATES_PER_DAY);
    lazy.iter().filter(|one| dying(&one.leaf, window).per_day() >= least).copied().collect()
}

fn hot_finding(
    case: &Case<'_>,
    family: &Family<'_>,
    hot: &[Lazy<'_>],
    window: Window,
) -> Option<Finding> {
    let policy = case.policy;
    let Lazy { leaf: first, waits_for, .. } = hot.first()?;
    let affected: Vec<LeafTable<'_>> = hot.iter().map(|one| one.leaf).collect();
    let relations: Vec<_> = affected.iter().map(|leaf| leaf.relation).collect();
    let object = object(family, &relations);
    let rate: f64 = affected.iter().map(|leaf| dying(leaf, window).per_day()).sum();
    let message = format!(
        "`{object}` has {} updates and deletes a day over {window}, and autovacuum waits for {} dead rows",
        rounded(rate),
        grouped(*waits_for)
    );
    let title = format!("Vacuum `{object}` at {} % dead rows", policy.get(&SCALE_FACTOR) * 100.0);
    let change = OptionsChange {
        set: vec![scale_factor(policy)],
        ..options(&object, &affected, title, "scale_factor")
    };
    let severity = by_size(family, policy, severity(case, &affected, window));
    Some(
        Finding::new(ID, object, severity, message)
            .statistic("table_activity.updates_per_day", whole(rate), Unit::Rows)
            .statistic("table_activity.window_s", whole(window.seconds()), Unit::S)
            .statistic("vacuum.waits_for_rows", whole(*waits_for), Unit::Rows)
            .statistic("relations.rows", whole(first.rows()), Unit::Rows)
            .statistic("table_activity.dead_rows", float(first.activity.dead_rows), Unit::Rows)
            .action(Action::SetOptions(change)),
    )
}

/// A burst of less than a day is no habit, and what HOT updates leave is pruned as pages are read.
fn severity(case: &Case<'_>, affected: &[LeafTable<'_>], window: Window) -> Severity {
    let lasting: f64 = affected
        .iter()
        .map(|leaf| {
            let activity = leaf.activity;
            let kept = activity.updated_rows - activity.hot_updated_rows + activity.deleted_rows;
            window.rate(kept).per_day()
        })
        .sum();
    let is_habit = window.seconds() >= DAY_S;
    if is_habit && lasting >= case.policy.get(&UPDATES_PER_DAY) {
        Severity::Medium
    } else {
        Severity::Low
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, set, short, snapshot, table};
    use super::*;
    use crate::model::{GapReason, Snapshot};

    fn hot_table(rows: i64, updates: i64) -> Snapshot {
        let mut seen = snapshot();
        table(&mut seen, 1, "events", (rows, 0)).1.updated_rows = updates;
        seen
    }

    fn run(snapshot: &Snapshot) -> Judgement {
        CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_else(|gap| unreachable!("{gap:?}"))
    }

    #[test]
    fn a_large_table_with_a_million_updates_a_day_is_found_and_its_scale_factor_clears_it() {
        let mut seen = hot_table(5_000_000, 20_000_000);
        let judgement = run(&seen);
        let finding = &judgement.findings[0];
        let expected = "`ml.events` has 2,000,000 updates and deletes a day over at most 10 days, and autovacuum waits for 1,000,050 dead rows";
        assert_eq!((finding.severity, finding.message.as_str()), (Severity::Medium, expected));
        let sql = short(&finding.actions[0]);
        assert!(sql.contains("autovacuum_vacuum_scale_factor = 0.02"), "{sql}");
        edit(&mut seen.common.table_activity)[0].options =
            vec!["autovacuum_vacuum_scale_factor=0.02".to_owned()];
        assert_eq!(run(&seen), Judgement::default());
    }

    #[test]
    fn hot_updates_and_an_hour_of_load_are_no_more_than_low() {
        let mut hot = hot_table(5_000_000, 20_000_000);
        edit(&mut hot.common.table_activity)[0].hot_updated_rows = 19_000_000;
        assert_eq!(run(&hot).findings[0].severity, Severity::Low);
        let mut hour = hot_table(5_000_000, 20_000_000);
        edit(&mut hour.context).counting_since = "2026-03-01T11:00:00Z".parse().ok();
        assert_eq!(run(&hour).findings[0].severity, Severity::Low);
    }

    #[test]
    fn small_tables_and_quiet_ones_are_left_alone() {
        assert_eq!(run(&hot_table(900_000, 100_000_000)), Judgement::default());
        assert_eq!(run(&hot_table(5_000_000, 9_000_000)), Judgement::default());
    }

    #[test]
    fn counters_of_half_an_hour_are_a_gap_where_a_table_may_be_concerned() {
        let mut seen = hot_table(5_000_000, 20_000_000);
        edit(&mut seen.context).counting_since = "2026-03-01T11:30:00Z".parse().ok();
        let judgement = run(&seen);
        assert!(judgement.findings.is_empty());
        assert_eq!(judgement.gaps[0].reason, GapReason::NotEnoughHistory);
        let mut small = hot_table(1000, 1);
        edit(&mut small.context).counting_since = "2026-03-01T11:30:00Z".parse().ok();
        assert_eq!(run(&small), Judgement::default());
    }

    #[test]
    fn autovacuum_that_is_off_is_found_at_the_server_and_at_the_table() {
        let mut seen = hot_table(5_000_000, 10);
        set(&mut seen, "autovacuum", "off");
        assert_eq!(run(&seen).findings[0].severity, Severity::High);
        seen.server.in_recovery = true;
        assert_eq!(run(&seen).findings[0].severity, Severity::Low, "a standby vacuums nothing");
        assert_eq!(run(&seen).gaps[0].reason, GapReason::InRecovery, "and counts no update");
        let mut seen = hot_table(5_000_000, 10);
        set(&mut seen, "track_counts", "off");
        let settings = &mut edit(&mut seen.context).settings;
        settings.insert("track_counts".to_owned(), "off".to_owned());
        let judgement = run(&seen);
        assert_eq!(short(&judgement.findings[0].actions[0]), "track_counts = on");
        assert_eq!(judgement.gaps.len(), 1, "and the tables are not judged");
        let mut seen = hot_table(5_000_000, 10);
        edit(&mut seen.common.table_activity)[0].options =
            vec!["autovacuum_enabled=off".to_owned()];
        let judgement = run(&seen);
        let sql = short(&judgement.findings[0].actions[0]);
        assert_eq!(sql, "reset autovacuum_enabled");
    }

    #[test]
    fn of_a_hot_table_that_is_switched_off_the_scale_factor_is_advised_at_once() {
        let mut seen = hot_table(5_000_000, 20_000_000);
        edit(&mut seen.common.table_activity)[0].options =
            vec!["autovacuum_enabled=off".to_owned()];
        let judgement = run(&seen);
        let [finding] = judgement.findings.as_slice() else { unreachable!("{judgement:?}") };
        let sql = short(&finding.actions[0]);
        assert!(sql.contains("scale_factor = 0.02") && sql.contains("autovacuum_enabled"), "{sql}");
        set(&mut seen, "autovacuum", "off");
        assert_eq!(run(&seen).findings.len(), 2, "at the server, and at the table");
    }
}
