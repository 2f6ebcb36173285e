//! `wal/short-partition-horizon`, explained in the page beside this file.

use jiff::Timestamp;

use super::bound::End;
use super::ranges::Divided;
use super::tables::{by_size, forest, leaves, table};
use crate::checks::Check;
use crate::checks::number::float;
use crate::model::observation::PartmanSet;
use crate::model::rate::{UNUSED_WINDOW_S_MIN, Window, duration};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Confidence, Declined, Family, Finding, Gap, GapReason, Judgement, Severity, Superpower,
    Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TABLE_ACTIVITY, Topic::WAL_PARTITIONS],
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
    reason: "a month in which somebody notices that nothing makes partitions any more",
};

const DAY_S: f64 = 86_400.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let context = case.snapshot.context.get().map_err(Clone::clone)?;
    let families = forest(case)?;
    let mut judgement = Judgement::default();
    for divided in Divided::all(case, &families)? {
        let Some(family) = families.family(divided.root.oid) else { continue };
        if divided.unread {
            let detail = format!(
                "the ranges of `{}` are neither of time nor of whole numbers",
                table(divided.root)
            );
            judgement.gaps.push(Gap::new("partition_bounds", GapReason::NotVisibleInSql, detail));
            continue;
        }
        let found = if divided.is_by_time() {
            by_time(case, &divided, family, context.now)
        } else {
            by_number(case, &divided, family)
        };
        match found {
            Some(_) if is_history(case, family, &divided) => {
                judgement.declined.push(Declined {
                    check: ID.to_owned(),
                    object: table(divided.root),
                    reason: "nothing is inserted into it".to_owned(),
                    detail:
                        "none of its partitions was inserted into since the counters were reset"
                            .to_owned(),
                });
            }
            Some(finding) => {
                judgement.declined.push(how(case, &divided));
                judgement.findings.push(finding);
            }
            None => {}
        }
    }
    Ok(judgement)
}

/// Whether it holds rows, and nothing was inserted for as long as it takes to call something unused.
fn is_history(case: &Case<'_>, family: &Family<'_>, divided: &Divided<'_>) -> bool {
    let Ok(context) = case.snapshot.context.get() else { return false };
    let long = Window::of_database(context)
        .and_then(|window| window.at_least("inserts", &UNUSED_WINDOW_S_MIN, case.policy));
    let counted = leaves(case, family);
    long.is_ok()
        && !divided.parts.is_empty()
        && counted.len() == family.leaves().count()
        && counted.iter().all(|leaf| leaf.activity.inserted_rows == 0)
}

fn by_time(
    case: &Case<'_>,
    divided: &Divided<'_>,
    family: &Family<'_>,
    now: Timestamp,
) -> Option<Finding> {
    let last = divided.parts.last()?;
    let End::Time(end) = last.range.to else { return None };
    let seconds = end.as_second() - now.as_second();
    let days = float(seconds) / DAY_S;
    let needed = case.policy.get(&DAYS_AHEAD);
    if days >= needed {
        return None;
    }
    let object = table(divided.root);
    let ends = if seconds > 0 {
        format!("end in {}", duration(float(seconds)))
    } else {
        format!("ended {} ago", duration(float(-seconds)))
    };
    let then = if divided.has_default() {
        "later rows go to the default partition"
    } else {
        "later rows are refused"
    };
    let message = format!("`{object}`: partitions {ends}, {needed} days ahead are wanted: {then}");
    let severity = match (days, divided.has_default()) {
        (days, false) if days < 2.0 => Severity::High,
        (days, _) if days < 7.0 => Severity::Medium,
        _ => Severity::Low,
    };
    Some(
        Finding::new(ID, object, by_size(family, case.policy, severity), message)
            .statistic("partition_bounds.days_ahead", days, Unit::Count)
            .statistic("partition_bounds.partitions", float(divided.parts.len()), Unit::Count),
    )
}

/// Ids have no clock: the last range is in use once it holds a row.
fn by_number(case: &Case<'_>, divided: &Divided<'_>, family: &Family<'_>) -> Option<Finding> {
    let last = divided.parts.last()?;
    let End::Number(end) = last.range.to else { return None };
    if last.relation.rows_now(None) < 1.0 {
        return None;
    }
    let object = table(divided.root);
    let then = if divided.has_default() { "go to the default partition" } else { "are refused" };
    let message = format!("`{object}` already fills its last partition: rows from {end} on {then}");
    let severity = if divided.has_default() { Severity::Low } else { Severity::Medium };
    Some(
        Finding::new(ID, object, by_size(family, case.policy, severity), message)
            .confidence(Confidence::Medium)
            .statistic("partition_bounds.partitions", float(divided.parts.len()), Unit::Count),
    )
}

/// What makes partitions.
fn how(case: &Case<'_>, divided: &Divided<'_>) -> Declined {
    let (reason, detail) = match divided.partman(case) {
        Some(set) => ("pg_partman makes its partitions".to_owned(), by_partman(set)),
        None => (
            "no tool is known that makes its partitions".to_owned(),
            "create those of the next months, and schedule that: pg_partman, pg_cron, or your deployment"
                .to_owned(),
        ),
    };
    Declined { check: ID.to_owned(), object: table(divided.root), reason, detail }
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

    fn found(seen: &Snapshot) -> Option<(Severity, String)> {
        let judgement = CHECK.run(&case(seen, &Policy::default())).unwrap_or_default();
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
    fn ids_are_short_of_partitions_once_the_last_one_holds_rows() {
        let [first, last] = ["FOR VALUES FROM (1) TO (1000)", "FOR VALUES FROM (1000) TO (2000)"];
        assert_eq!(found(&seen(&[("a", first, LARGE), ("b", last, 0)])), None);
        let expected =
            "`ml.events` already fills its last partition: rows from 2000 on are refused";
        let filled = found(&seen(&[("a", first, LARGE), ("b", last, 1)]));
        assert_eq!(filled, Some((Severity::Medium, expected.to_owned())));
    }

    #[test]
    fn ranges_of_text_are_a_gap() {
        let text = seen(&[("a", "FOR VALUES FROM ('a') TO ('m')", 1)]);
        let judgement = CHECK.run(&case(&text, &Policy::default())).unwrap_or_default();
        assert!(judgement.findings.is_empty() && judgement.gaps.len() == 1);
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
