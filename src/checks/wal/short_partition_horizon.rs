//! `wal/short-partition-horizon`, explained in the page beside this file.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::bound::End;
use super::ranges::Divided;
use super::tables::{by_size, forest, partition, table};
use crate::checks::Check;
use crate::checks::existing::LEVELS_MAX;
use crate::checks::number::float;
use crate::model::observation::{PartmanSet, Relation};
use crate::model::rate::{UNUSED_WINDOW_S_MIN, Window, duration};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Confidence, Declined, Family, Finding, Gap, GapReason, Judgement, Object, Severity,
    Superpower, Threshold, Topic, Unit, quote_identifier, quote_literal,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TABLE_ACTIVITY, Topic::WAL_PARTITIONS],
    uses: &[],
    requires: &[],
    thresholds: &[&DAYS_AHEAD, &UNUSED_WINDOW_S_MIN, &TABLE_BYTES_MIN],
    page: include_str!("short_partition_horizon.md"),
    judge,
};

const ID: &str = "wal/short-partition-horizon";

static DAYS_AHEAD: Threshold = Threshold {
    name: "days_ahead",
    default: 30.0,
    unit: Unit::Count,
    reason: "a month to notice that no job creates partitions any more",
};

const DAY_S: f64 = 86_400.0;
/// A partition that begins a century later is one of values that mean never.
const NEVER_S: i64 = 100 * 366 * 86_400;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let context = case.snapshot.context.get()?;
    let families = forest(case)?;
    let mut judgement = Judgement::default();
    // Where pg_partman's configuration cannot be read, it is unknown how far ahead it makes partitions.
    case.snapshot.wal.partman_sets.get()?;
    missing_parents(case, &mut judgement);
    let all = Divided::all(case, families)?;
    let mut by_root: BTreeMap<i64, Vec<&Divided<'_>>> = BTreeMap::new();
    for divided in &all {
        if let Some(root) = families.root(divided.root.oid) {
            by_root.entry(root.oid).or_default().push(divided);
        }
    }
    for (root, divided) in by_root {
        let Some(family) = families.family(root) else { continue };
        judgement.merge(of_family(case, family, &divided, context.now));
    }
    Ok(judgement)
}

/// Judge a table and those of its partitions that are divided by ranges again: one finding where several of these are short.
fn of_family(
    case: &Case<'_>,
    family: &Family<'_>,
    all: &[&Divided<'_>],
    now: Timestamp,
) -> Judgement {
    let mut judgement = Judgement::default();
    let (mut short, mut unread) = (Vec::new(), 0_usize);
    let beneath = leaves_by_ancestor(family);
    for divided in all {
        let found = if divided.unread {
            unread += 1;
            None
        } else if divided.is_by_time() {
            by_time(case, divided, now)
        } else {
            by_number(divided)
        };
        let leaves = beneath.get(&divided.root.oid).map(Vec::as_slice).unwrap_or_default();
        match found {
            Some(_) if is_history(case, divided, leaves) => judgement.declined.push(Declined::new(
                ID,
                part_of(family, divided),
                "nothing is inserted into it",
                "none of its partitions was inserted into since the counters were reset",
            )),
            Some(found) => short.push((found, *divided)),
            None => {}
        }
    }
    if unread > 0 {
        let detail = format!(
            "the ranges of `{}` are neither of time nor of whole numbers in their first column",
            table(family.root)
        );
        judgement.gaps.push(Gap::new("partition_bounds", GapReason::NotVisibleInSql, detail));
    }
    report(case, family, short, &mut judgement);
    judgement
}

/// One finding, by the most urgent of those that are short.
fn report(
    case: &Case<'_>,
    family: &Family<'_>,
    mut short: Vec<(ShortHorizon, &Divided<'_>)>,
    judgement: &mut Judgement,
) {
    short.sort_by_key(|(found, divided)| (Reverse(found.severity), divided.root.oid));
    let count = short.len();
    let Some((worst, divided)) = short.into_iter().next() else { return };
    let object = if count > 1 { table(family.root) } else { part_of(family, divided) };
    let more = if count > 1 {
        format!(" (`{}` and {} more)", divided.root.name, count - 1)
    } else {
        String::new()
    };
    judgement.declined.push(how(case, divided, object.clone()));
    let message = format!("`{object}`{more}{}", worst.what);
    let severity = by_size(family, case.policy, worst.severity);
    let finding = Finding::new(ID, object, severity, message)
        .confidence(worst.confidence)
        .statistic("partition_bounds.partitions", float(divided.parts.len()), Unit::Count);
    judgement.findings.push(match worst.days_ahead {
        Some(days) => finding.statistic("partition_bounds.days_ahead", days, Unit::Count),
        None => finding,
    });
}

/// The table, or the partition that is divided again.
fn part_of(family: &Family<'_>, divided: &Divided<'_>) -> Object {
    if divided.root.oid == family.root.oid {
        table(family.root)
    } else {
        partition(family.root, divided.root)
    }
}

/// A table without a partition for what comes next.
struct ShortHorizon {
    severity: Severity,
    confidence: Confidence,
    /// What is wrong, behind the table's name.
    what: String,
    days_ahead: Option<f64>,
}

/// The members that hold rows, by each table above them.
fn leaves_by_ancestor<'a>(family: &Family<'a>) -> BTreeMap<i64, Vec<&'a Relation>> {
    let parents: BTreeMap<i64, i64> =
        family.members.iter().filter_map(|member| Some((member.oid, member.parent?))).collect();
    let mut beneath: BTreeMap<i64, Vec<&'a Relation>> = BTreeMap::new();
    for leaf in family.leaves() {
        let above = std::iter::successors(leaf.parent, |oid| parents.get(oid).copied());
        for oid in above.take(LEVELS_MAX) {
            beneath.entry(oid).or_default().push(leaf);
        }
    }
    beneath
}

/// Whether it has partitions, and nothing was inserted into them for as long as it takes to call something unused.
fn is_history(case: &Case<'_>, divided: &Divided<'_>, leaves: &[&Relation]) -> bool {
    let Ok(context) = case.snapshot.context.get() else { return false };
    // A standby counts no insert.
    if case.snapshot.server.in_recovery {
        return false;
    }
    let long = Window::of_database(context)
        .and_then(|window| window.at_least("inserts", &UNUSED_WINDOW_S_MIN, case.policy));
    let is_still = |leaf: &&Relation| {
        case.snapshot.common.activity(leaf.oid).is_some_and(|activity| activity.inserted_rows == 0)
    };
    long.is_ok() && !divided.parts.is_empty() && leaves.iter().all(is_still)
}

fn by_time(case: &Case<'_>, divided: &Divided<'_>, now: Timestamp) -> Option<ShortHorizon> {
    let (end, then_from) = first_gap(divided, now)?;
    let seconds = end.as_second() - now.as_second();
    let days = float(seconds) / DAY_S;
    let needed = case.policy.get(&DAYS_AHEAD);
    let keeps_up = || divided.partman(case).is_some_and(|set| keeps_up(set, divided, now));
    if days >= needed || then_from.is_none() && keeps_up() {
        return None;
    }
    let ends = match (seconds > 0, then_from) {
        (true, None) => format!("end in {}", duration(float(seconds))),
        (false, None) => format!("ended {} ago", duration(float(-seconds))),
        (true, Some(from)) => format!(
            "have a gap of {} in {}",
            duration(float(from.as_second() - end.as_second())),
            duration(float(seconds))
        ),
        (false, Some(from)) => format!(
            "ended {} ago, and the next begins in {}",
            duration(float(-seconds)),
            duration(float(from.as_second() - now.as_second()))
        ),
    };
    let which = if then_from.is_some() { "rows in between" } else { "later rows" };
    let then = if divided.has_default() { "go to the default partition" } else { "are refused" };
    let severity = match (days, divided.has_default()) {
        (days, false) if days < 2.0 => Severity::High,
        (days, _) if days < 7.0 => Severity::Medium,
        _ => Severity::Low,
    };
    Some(ShortHorizon {
        severity,
        confidence: Confidence::High,
        what: format!(": partitions {ends}, {needed} days ahead are wanted: {which} {then}"),
        days_ahead: Some(days),
    })
}

/// From when on there is no partition, and from when on there is one again. Absent where there always is one, or where all
/// begin later: nothing is inserted yet.
fn first_gap(divided: &Divided<'_>, now: Timestamp) -> Option<(Timestamp, Option<Timestamp>)> {
    let ends = divided.parts.iter().map(|part| part.range.to);
    let end = divided
        .covered_until(End::Time(now))
        .or_else(|| ends.filter(|end| *end <= End::Time(now)).max())?;
    let End::Time(end) = end else { return None };
    let begins = divided.parts.iter().filter_map(|part| match part.range.from {
        End::Time(from) if from > end && from.as_second() - end.as_second() < NEVER_S => Some(from),
        _ => None,
    });
    Some((end, begins.min()))
}

/// Whether `pg_partman` has made all partitions ahead that it is configured to make. Its maintenance may be due for the one that just
/// began. Unless it is configured otherwise it counts from the last row, not from now.
fn keeps_up(set: &PartmanSet, divided: &Divided<'_>, now: Timestamp) -> bool {
    let parts = &divided.parts;
    let ahead = parts.iter().filter(|part| part.range.from > End::Time(now)).count();
    let empty = parts.iter().rev().take_while(|part| part.relation.rows_now(None) < 1.0).count();
    let made = if set.infinite { ahead } else { ahead.max(empty) };
    set.automatic_maintenance == "on" && float(made) >= float((set.premake - 1).max(1))
}

/// What `pg_partman` is configured to maintain and does not exist: before 5.5 its maintenance ends there.
fn missing_parents(case: &Case<'_>, judgement: &mut Judgement) {
    let Ok(sets) = case.snapshot.wal.partman_sets.get() else { return };
    let extension = case
        .snapshot
        .wal
        .extensions
        .get()
        .ok()
        .and_then(|all| all.iter().find(|extension| extension.name == "pg_partman"));
    let skips = extension.is_some_and(|found| skips_missing_parents(&found.version));
    let gone = |set: &&PartmanSet| !set.parent_exists && set.automatic_maintenance == "on";
    for set in sets.iter().filter(gone) {
        let Some((schema, name)) = set.parent_table.split_once('.') else { continue };
        let object = Object::Table { schema: schema.to_owned(), table: name.to_owned() };
        let (then, severity) = if skips {
            ("its maintenance warns of it each time", Severity::Low)
        } else {
            ("its maintenance fails there, and no table gets partitions", Severity::Medium)
        };
        let message = format!(
            "pg_partman is configured to maintain `{object}`, which does not exist: {then}"
        );
        let schema = extension.map_or("partman", |found| &found.schema);
        judgement.declined.push(Declined::new(
            ID,
            object.clone(),
            "only you know whether it was dropped on purpose",
            format!(
                "if it was: DELETE FROM {}.part_config WHERE parent_table = {};",
                quote_identifier(schema),
                quote_literal(&set.parent_table)
            ),
        ));
        judgement.findings.push(Finding::new(ID, object, severity, message).statistic(
            "partman_sets.premake",
            set.premake,
            Unit::Count,
        ));
    }
}

/// From 5.5 on, a set that fails is skipped with a warning.
fn skips_missing_parents(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let release = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    release >= (5, 5)
}

/// Ids have no clock: the last range is in use once it holds a row.
fn by_number(divided: &Divided<'_>) -> Option<ShortHorizon> {
    // A partition for the last values that there are is far from the others.
    let last = divided.parts.iter().rfind(|part| matches!(part.range.to, End::Number(_)))?;
    let End::Number(end) = last.range.to else { return None };
    let is_covered = divided.covered_until(last.range.to).is_some();
    if is_covered || last.relation.rows_now(None) < 1.0 {
        return None;
    }
    let then = if divided.has_default() { "go to the default partition" } else { "are refused" };
    Some(ShortHorizon {
        severity: if divided.has_default() { Severity::Low } else { Severity::Medium },
        confidence: Confidence::Medium,
        what: format!(" already fills its last partition: rows from {end} on {then}"),
        days_ahead: None,
    })
}

/// What makes partitions.
fn how(case: &Case<'_>, divided: &Divided<'_>, object: Object) -> Declined {
    let (reason, detail) = match divided.partman(case) {
        Some(set) => ("pg_partman makes its partitions".to_owned(), by_partman(set)),
        None => (
            "no tool is known that makes its partitions".to_owned(),
            "create those of the next months, and schedule that: pg_partman, pg_cron, or your deployment"
                .to_owned(),
        ),
    };
    Declined::new(ID, object, reason, detail)
}

/// One call for one table: the procedure for all stops at the first that fails.
fn by_partman(set: &PartmanSet) -> String {
    let name = set.parent_table.replace('\'', "''");
    let stopped =
        if set.automatic_maintenance == "on" { "" } else { "; its automatic_maintenance is off" };
    format!(
        "raise premake (it is {}), and call run_maintenance('{name}'): called for one table, the failure of another does \
         not stop it{stopped}",
        set.premake
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, divided, edit, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    const FEBRUARY: &str =
        "FOR VALUES FROM ('2026-02-01 00:00:00+00') TO ('2026-03-01 00:00:00+00')";
    const MARCH: &str = "FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00')";
    const APRIL: &str = "FOR VALUES FROM ('2026-04-01 00:00:00+00') TO ('2026-05-01 00:00:00+00')";
    const LARGE: i64 = 500_000;

    fn seen(parts: &[(&str, &str, i64)]) -> Snapshot {
        let mut seen = snapshot();
        divided(&mut seen, "events", parts);
        seen
    }

    fn found(snapshot: &Snapshot) -> Option<(Severity, String)> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        judgement.findings.into_iter().next().map(|f| (f.severity, f.message))
    }

    #[test]
    fn a_month_ahead_is_enough_and_less_is_more_urgent_the_nearer_it_ends() {
        assert_eq!(found(&seen(&[("m", MARCH, LARGE), ("a", APRIL, 0)])), None);
        assert_eq!(found(&seen(&[("m", MARCH, LARGE)])), None, "it ends in 31 days");
        let ended = "`ml.events`: partitions ended 12 hours ago, 30 days ahead are wanted: later rows are refused";
        let found_february = found(&seen(&[("f", FEBRUARY, LARGE)]));
        assert_eq!(found_february, Some((Severity::High, ended.to_owned())));
        let with_default = found(&seen(&[("f", FEBRUARY, LARGE), ("d", "DEFAULT", 0)]));
        assert_eq!(with_default.map(|(severity, _)| severity), Some(Severity::Medium));
        let small = found(&seen(&[("f", FEBRUARY, 10)]));
        assert_eq!(small.map(|(severity, _)| severity), Some(Severity::Low));
    }

    #[test]
    fn an_endless_partition_and_a_table_that_nothing_is_inserted_into_are_silent() {
        let endless = "FOR VALUES FROM ('2026-02-01') TO (MAXVALUE)";
        assert_eq!(found(&seen(&[("f", endless, LARGE)])), None);
        let mut history = seen(&[("f", FEBRUARY, LARGE)]);
        edit(&mut history.common.table_activity)[0].inserted_rows = 0;
        let judgement = CHECK.run(&case(&history, &Policy::default())).unwrap_or_default();
        assert!(judgement.findings.is_empty() && judgement.declined.len() == 1);
    }

    #[test]
    fn a_gap_between_partitions_is_found_where_it_comes_soon_and_a_catch_all_hides_none() {
        let ended = "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')";
        let far = "FOR VALUES FROM ('9999-12-01') TO ('10000-01-01')";
        let at_infinity = "FOR VALUES FROM ('infinity') TO (MAXVALUE)";
        for (parts, expected) in [
            (&[("f", FEBRUARY, LARGE), ("m", MARCH, 0), ("x", at_infinity, 9)][..], None),
            (
                &[
                    ("m", "FOR VALUES FROM ('2026-02-01') TO ('2026-03-05')", LARGE),
                    ("a", APRIL, 0),
                ],
                Some(
                    "`ml.events`: partitions have a gap of 27 days in 4 days, 30 days ahead are wanted: rows in between are refused",
                ),
            ),
            (
                &[("j", ended, LARGE), ("a", APRIL, 0)],
                Some(
                    "`ml.events`: partitions ended 29 days ago, and the next begins in 31 days, 30 days ahead are wanted: rows in between are refused",
                ),
            ),
            (
                &[("f", FEBRUARY, LARGE), ("x", at_infinity, 9)],
                Some(
                    "`ml.events`: partitions ended 12 hours ago, 30 days ahead are wanted: later rows are refused",
                ),
            ),
            (
                &[("f", FEBRUARY, LARGE), ("x", far, 9)],
                Some(
                    "`ml.events`: partitions ended 12 hours ago, 30 days ahead are wanted: later rows are refused",
                ),
            ),
            // Nothing is inserted before the first begins.
            (&[("a", APRIL, 0)], None),
        ] {
            assert_eq!(found(&seen(parts)).map(|(_, message)| message).as_deref(), expected);
        }
    }

    #[test]
    fn ids_are_short_of_partitions_once_the_last_one_holds_rows() {
        let [first, last] = ["FOR VALUES FROM (1) TO (1000)", "FOR VALUES FROM (1000) TO (2000)"];
        assert_eq!(found(&seen(&[("a", first, LARGE), ("b", last, 0)])), None);
        let expected =
            "`ml.events` already fills its last partition: rows from 2000 on are refused";
        let filled = found(&seen(&[("a", first, LARGE), ("b", last, 1)]));
        assert_eq!(filled, Some((Severity::Medium, expected.to_owned())));
        let end = "FOR VALUES FROM ('9223372036854775000') TO (MAXVALUE)";
        let filled = found(&seen(&[("a", first, LARGE), ("b", last, 1), ("c", end, 1)]));
        assert_eq!(filled, Some((Severity::Medium, expected.to_owned())));
        let rest = "FOR VALUES FROM (2000) TO (MAXVALUE)";
        assert_eq!(found(&seen(&[("a", first, LARGE), ("b", last, 1), ("c", rest, 0)])), None);
    }

    #[test]
    fn ranges_of_text_are_a_gap() {
        let text = seen(&[("a", "FOR VALUES FROM ('a') TO ('m')", 1)]);
        let judgement = CHECK.run(&case(&text, &Policy::default())).unwrap_or_default();
        assert!(judgement.findings.is_empty() && judgement.gaps.len() == 1);
    }

    fn maintained(premake: i64, infinite: bool) -> PartmanSet {
        PartmanSet {
            parent_table: "ml.events".to_owned(),
            premake,
            retention: None,
            retention_keep_table: true,
            automatic_maintenance: "on".to_owned(),
            infinite,
            parent_exists: true,
            last_run: None,
        }
    }

    #[test]
    fn pg_partman_keeps_up_while_it_has_made_what_it_is_told_to_make() {
        let day =
            |day: u32| format!("FOR VALUES FROM ('2026-03-0{day}') TO ('2026-03-0{}')", day + 1);
        let [today, tomorrow, then] = [day(1), day(2), day(3)];
        let short = [("a", today.as_str(), LARGE), ("b", tomorrow.as_str(), 0)];
        let full = [short[0], short[1], ("c", then.as_str(), 0)];
        for (parts, set, is_found) in [
            (&full[..], maintained(3, true), false),
            (&short[..], maintained(3, true), true),
            // It may be due for the partition that just began.
            (&short[..], maintained(2, true), false),
            (
                &full[..],
                PartmanSet { automatic_maintenance: "off".to_owned(), ..maintained(3, true) },
                true,
            ),
        ] {
            let mut seen = seen(parts);
            edit(&mut seen.wal.partman_sets).push(set.clone());
            assert_eq!(found(&seen).is_some(), is_found, "{set:?}");
        }
        // No rows come, so it makes no more.
        let old = [
            "FOR VALUES FROM ('2026-01-01') TO ('2026-01-02')",
            "FOR VALUES FROM ('2026-01-02') TO ('2026-01-03')",
        ];
        let mut resting = seen(&[("a", old[0], LARGE), ("b", old[1], 0)]);
        edit(&mut resting.wal.partman_sets).push(maintained(2, false));
        assert_eq!(found(&resting), None);
        edit(&mut resting.wal.partman_sets)[0].infinite = true;
        assert!(found(&resting).is_some());
    }

    #[test]
    fn what_pg_partman_maintains_and_is_not_there_stops_it_before_5_5() {
        for (version, expected) in
            [("4.7.2", Severity::Medium), ("5.2.4", Severity::Medium), ("5.5.0", Severity::Low)]
        {
            let mut seen = snapshot();
            edit(&mut seen.wal.extensions).push(crate::model::observation::ExtensionSchema {
                name: "pg_partman".to_owned(),
                schema: "partman".to_owned(),
                version: version.to_owned(),
                configuration: None,
            });
            let gone = PartmanSet {
                parent_table: "ml.it's".to_owned(),
                parent_exists: false,
                ..maintained(4, false)
            };
            edit(&mut seen.wal.partman_sets).push(gone);
            let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
            assert_eq!(judgement.findings[0].severity, expected, "{version}");
            let detail = &judgement.declined[0].detail;
            assert!(
                detail.ends_with("partman.part_config WHERE parent_table = 'ml.it''s';"),
                "{detail}"
            );
        }
    }

    #[test]
    fn where_pg_partman_makes_partitions_its_call_for_that_table_is_named() {
        let mut seen = seen(&[("f", FEBRUARY, LARGE)]);
        edit(&mut seen.wal.partman_sets).push(PartmanSet {
            parent_table: "ml.events".to_owned(),
            premake: 4,
            retention: None,
            retention_keep_table: true,
            automatic_maintenance: "off".to_owned(),
            infinite: false,
            parent_exists: true,
            last_run: None,
        });
        let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
        let detail = &judgement.declined[0].detail;
        assert!(
            detail.contains("run_maintenance('ml.events')") && detail.ends_with("is off"),
            "{detail}"
        );
    }
}
