//! `wal/unarchived-partition`, explained in the page beside this file.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::bound::End;
use super::ranges::{Divided, RangePartition};
use super::tables::{by_size, partition, table};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Declined, Family, Finding, Gap, GapReason, Judgement, Object, Severity, Superpower,
    Threshold, Topic, Unit, counted,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::WAL_PARTITIONS],
    uses: &[],
    requires: &[],
    thresholds: &[&RETENTION_DAYS, &TABLE_BYTES_MIN],
    page: include_str!("unarchived_partition.md"),
    judge,
};

const ID: &str = "wal/unarchived-partition";

static RETENTION_DAYS: Threshold = Threshold {
    name: "retention_days",
    default: 0.0,
    unit: Unit::Count,
    reason: "how long rows are kept is yours to say: 0 takes it from pg_partman, and judges no other table",
};

const DAY_S: f64 = 86_400.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let context = case.snapshot.context.get()?;
    let families = case.families()?;
    let mut judgement = Judgement::default();
    let mut unknown = 0_u32;
    if case.policy.get(&RETENTION_DAYS) <= 0.0 {
        case.snapshot.wal.partman_sets.get()?;
    }
    let all = Divided::all(case, families)?;
    let mut by_root: BTreeMap<i64, ExpiredParts<'_>> = BTreeMap::new();
    for divided in all.iter().filter(|divided| divided.is_by_time()) {
        let Some(days) = retention(case, divided) else {
            unknown += 1;
            continue;
        };
        let Some(root) = families.root(divided.root.oid) else { continue };
        let parts = by_root.entry(root.oid).or_default();
        parts.days = days;
        parts.all += divided.parts.len();
        parts.old.extend(divided.parts.iter().filter(|part| is_past(part, days, context.now)));
    }
    for (root, parts) in by_root {
        let Some(family) = families.family(root).filter(|_| !parts.old.is_empty()) else {
            continue;
        };
        judgement.declined.push(Declined::new(
            ID,
            parts.object(family),
            "archive before you detach",
            "copy each to its archive, check the copy, then DETACH PARTITION … CONCURRENTLY and drop it",
        ));
        judgement.findings.push(finding(case, family, &parts));
    }
    if unknown > 0 {
        let detail = format!(
            "no retention is known of {}",
            counted(unknown, "table divided by time", "tables divided by time")
        );
        let gap = Gap::new("partition_retention", GapReason::NotEnoughEvidence, detail);
        judgement.gaps.push(
            gap.lifted_by("give the threshold retention_days, or set pg_partman's retention"),
        );
    }
    Ok(judgement)
}

/// Partitions of one table, on every level, and those of them that are past its retention.
#[derive(Default)]
struct ExpiredParts<'a> {
    days: f64,
    all: usize,
    old: Vec<&'a RangePartition<'a>>,
}

impl ExpiredParts<'_> {
    fn object(&self, family: &Family<'_>) -> Object {
        match self.old.as_slice() {
            [one] => partition(family.root, one.relation),
            _ => table(family.root),
        }
    }
}

fn finding(case: &Case<'_>, family: &Family<'_>, parts: &ExpiredParts<'_>) -> Finding {
    let object = parts.object(family);
    let bytes: i64 = parts.old.iter().map(|part| part.relation.bytes_at_least()).sum();
    let message = format!(
        "`{object}`: {} of {} partitions ended more than {:.0} days ago and are still there",
        parts.old.len(),
        parts.all,
        parts.days
    );
    Finding::new(ID, object, by_size(family, case.policy, Severity::Medium), message)
        .statistic("partition_bounds.past_retention", float(parts.old.len()), Unit::Count)
        .statistic("relations.bytes", bytes, Unit::Bytes)
        .statistic("retention_days", whole(parts.days), Unit::Count)
}

fn is_past(part: &RangePartition<'_>, days: f64, now: Timestamp) -> bool {
    let End::Time(end) = part.range.to else { return false };
    float(now.as_second() - end.as_second()) > days * DAY_S
}

/// Days for which rows are kept, by `pg_partman` or by what the caller says.
fn retention(case: &Case<'_>, divided: &Divided<'_>) -> Option<f64> {
    let said = case.policy.get(&RETENTION_DAYS);
    if said > 0.0 {
        return Some(said);
    }
    // Maintenance that runs once a day is as much late.
    Some(days(divided.partman(case)?.retention.as_deref()?)? + 1.0)
}

/// An interval as people write it: `90 days`, `6 months`, `1 year 2 mons`. A month is taken to be as long as one can be.
fn days(interval: &str) -> Option<f64> {
    let mut words = interval.split_whitespace();
    let mut days = None;
    while let Some(number) = words.next() {
        let number: f64 = number.parse().ok()?;
        let unit = words.next()?.trim_end_matches('s');
        let of_unit = match unit {
            "day" => 1.0,
            "week" => 7.0,
            "mon" | "month" => 31.0,
            "year" => 366.0,
            "hour" => 1.0 / 24.0,
            _ => return None,
        };
        days = Some(days.unwrap_or(0.0) + number * of_unit);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, divided, edit, snapshot};
    use super::*;
    use crate::model::observation::PartmanSet;
    use crate::model::{Policy, Snapshot};

    fn seen(retention: Option<&str>) -> Snapshot {
        let mut seen = snapshot();
        let parts = [
            ("old", "FOR VALUES FROM ('2025-01-01') TO ('2025-02-01')", 500_000),
            ("new", "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')", 10),
        ];
        divided(&mut seen, "events", &parts);
        if let Some(retention) = retention {
            edit(&mut seen.wal.partman_sets).push(PartmanSet {
                parent_table: "ml.events".to_owned(),
                premake: 4,
                retention: Some(retention.to_owned()),
                retention_keep_table: true,
                automatic_maintenance: "on".to_owned(),
                infinite: false,
                parent_exists: true,
                last_run: None,
            });
        }
        seen
    }

    fn run(snapshot: &Snapshot, policy: &Policy) -> Judgement {
        CHECK.run(&case(snapshot, policy)).unwrap_or_else(|gap| unreachable!("{gap:?}"))
    }

    #[test]
    fn a_partition_past_the_retention_of_pg_partman_is_found_by_its_name() {
        let judgement = run(&seen(Some("6 months")), &Policy::default());
        let expected =
            "`ml.old`: 1 of 2 partitions ended more than 187 days ago and are still there";
        assert_eq!(judgement.findings[0].message, expected);
        assert_eq!(judgement.findings[0].severity, Severity::Medium);
        assert_eq!(run(&seen(Some("2 years")), &Policy::default()), Judgement::default());
    }

    #[test]
    fn without_a_retention_that_is_a_gap_until_the_caller_says_one() {
        let judgement = run(&seen(None), &Policy::default());
        assert!(judgement.findings.is_empty() && judgement.gaps.len() == 1);
        let said = Policy([("retention_days".to_owned(), 90.0)].into());
        assert_eq!(run(&seen(None), &said).findings.len(), 1);
    }

    #[test]
    fn intervals_are_read_as_people_write_them() {
        let read = ["90 days", "1 year 2 mons", "36 hours", "soon", "3", "100000"].map(days);
        assert_eq!(read, [Some(90.0), Some(428.0), Some(1.5), None, None, None]);
    }
}
