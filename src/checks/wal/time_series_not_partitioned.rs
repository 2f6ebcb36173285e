//! `wal/time-series-not-partitioned`, explained in the page beside this file.

use super::load::size;
use super::tables::{LeafTable, forest, leaves, table};
use crate::checks::number::float;
use crate::checks::{Check, Requirement};
use crate::model::observation::{TimeColumn, UsePlace};
use crate::model::rate::{DAY_WINDOW_S_MIN, Window};
use crate::model::size::UNPARTITIONED_BYTES_MIN;
use crate::model::{
    Case, Confidence, Declined, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic,
    Unit, rounded,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::TABLE_ACTIVITY,
        Topic::WAL_TIME_COLUMNS,
        Topic::STATEMENTS,
    ],
    uses: &[],
    requires: &[Requirement::WriteCounters, Requirement::ColumnStatistics],
    thresholds: &[
        &UNPARTITIONED_BYTES_MIN,
        &TIME_CORRELATION_MIN,
        &UPDATE_SHARE_MAX,
        &DAY_WINDOW_S_MIN,
    ],
    page: include_str!("time_series_not_partitioned.md"),
    judge,
};

const ID: &str = "wal/time-series-not-partitioned";

static TIME_CORRELATION_MIN: Threshold = Threshold {
    name: "time_correlation_min",
    default: 0.9,
    unit: Unit::Ratio,
    reason: "rows that lie in the order of a time are appended as it passes",
};

static UPDATE_SHARE_MAX: Threshold = Threshold {
    name: "update_share_max",
    default: 0.1,
    unit: Unit::Ratio,
    reason: "a time series is written once",
};

/// NULLs a column of time may hold.
const NULL_SHARE_MAX: f64 = 0.01;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let columns = seen.wal.time_columns.get()?;
    let context = seen.context.get()?;
    let mut judgement = Judgement::default();
    let mut candidates = Vec::new();
    for family in forest(case)?.iter().filter(|family| !family.is_partitioned()) {
        let [leaf] = leaves(case, family)[..] else { continue };
        let bytes = float(leaf.relation.bytes_at_least());
        if bytes < policy.get(&UNPARTITIONED_BYTES_MIN) {
            continue;
        }
        let of_table = columns.iter().filter(|column| column.oid == leaf.relation.oid);
        if let Some(column) =
            of_table.filter(|column| is_order(case, column)).max_by(|one, other| {
                let calls = |column: &TimeColumn| range_calls(case, &leaf, column);
                calls(one).cmp(&calls(other)).then_with(|| by_order(one, other))
            })
        {
            candidates.push((leaf, column.clone()));
        }
    }
    if candidates.is_empty() {
        return Ok(judgement);
    }
    let window = Window::of_database(context)?;
    let window = window.at_least("inserts", &DAY_WINDOW_S_MIN, policy)?;
    for (leaf, column) in candidates {
        if let Some(finding) = finding(case, &leaf, &column, window) {
            let calls = match range_calls(case, &leaf, &column) {
                Some(0) => ", and no statement of the workload filters by a range of it",
                _ => "",
            };
            judgement.declined.push(Declined::new(
                ID,
                finding.object.clone(),
                "partitioning is a migration, not a statement",
                format!(
                    "by range of `{}`: the key then has to be part of every unique index, and queries that do not filter \
                     by it read every partition{calls}",
                    column.name
                ),
            ));
            judgement.findings.push(finding);
        }
    }
    Ok(judgement)
}

fn is_order(case: &Case<'_>, column: &TimeColumn) -> bool {
    column.correlation.is_some_and(|one| one >= case.policy.get(&TIME_CORRELATION_MIN))
        && column.null_share.is_none_or(|share| share <= NULL_SHARE_MAX)
}

/// Calls of statements that ask for a range of the column; absent where no statement is known.
fn range_calls(case: &Case<'_>, leaf: &LeafTable<'_>, column: &TimeColumn) -> Option<u64> {
    let workload = case.snapshot.workload.get().ok().filter(|known| !known.usage.is_empty())?;
    let (schema, name) = (&leaf.relation.schema, &leaf.relation.name);
    let usage = workload.usage_of(schema, name, &column.name);
    Some(usage.map_or(0, |usage| {
        usage.calls_where(|one| {
            let operator = one.operator.as_deref().unwrap_or_default();
            one.place == UsePlace::Where
                && !one.under_not
                && ["<", "<=", ">", ">=", "between"].contains(&operator)
        })
    }))
}

fn by_order(one: &TimeColumn, other: &TimeColumn) -> std::cmp::Ordering {
    one.correlation.partial_cmp(&other.correlation).unwrap_or(std::cmp::Ordering::Equal)
}

fn finding(
    case: &Case<'_>,
    leaf: &LeafTable<'_>,
    column: &TimeColumn,
    window: Window,
) -> Option<Finding> {
    let (activity, bytes) = (leaf.activity, float(leaf.relation.bytes_at_least()));
    let inserted = float(activity.inserted_rows);
    let is_appended = activity.inserted_rows > 0
        && float(activity.updated_rows) <= case.policy.get(&UPDATE_SHARE_MAX) * inserted;
    if !is_appended {
        return None;
    }
    let object = table(leaf.relation);
    let rate = window.rate(activity.inserted_rows);
    let message = format!(
        "`{object}` takes {} and grows by {} rows a day over {window} in the order of `{}`, in one piece",
        size(bytes),
        rounded(rate.per_day()),
        column.name
    );
    let range_calls = range_calls(case, leaf, column);
    // What is deleted row by row would be dropped with its partition.
    let deletes = float(activity.deleted_rows) > 0.1 * inserted;
    let severity = if deletes { Severity::Medium } else { Severity::Low };
    let finding = Finding::new(ID, object, severity, message)
        .confidence(Confidence::Medium)
        .statistic("relations.bytes", bytes, Unit::Bytes)
        .statistic("table_activity.inserts_per_day", rate.per_day(), Unit::Rows)
        .statistic("table_activity.deleted_rows", activity.deleted_rows, Unit::Rows)
        .statistic("time_columns.correlation", column.correlation.unwrap_or(0.0), Unit::Ratio);
    Some(match range_calls {
        Some(calls) => finding.statistic("workload.range_calls", calls.cast_signed(), Unit::Count),
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, snapshot, table};
    use super::*;
    use crate::model::observation::{ColumnUsage, OperatorUse, Workload};
    use crate::model::{Observation, Policy, Snapshot};

    fn seen(correlation: f64) -> Snapshot {
        let mut seen = snapshot();
        table(&mut seen, 1, "events", (100_000_000, 0));
        edit(&mut seen.wal.time_columns).push(TimeColumn {
            oid: 1,
            name: "at".to_owned(),
            type_name: "timestamptz".to_owned(),
            correlation: Some(correlation),
            null_share: Some(0.0),
        });
        seen
    }

    fn found(snapshot: &Snapshot) -> Option<Severity> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        judgement.findings.first().map(|finding| finding.severity)
    }

    #[test]
    fn a_large_table_that_grows_in_the_order_of_a_time_is_found() {
        assert_eq!(found(&seen(0.99)), Some(Severity::Low));
        let mut deleted = seen(0.99);
        edit(&mut deleted.common.table_activity)[0].deleted_rows = 50_000_000;
        assert_eq!(found(&deleted), Some(Severity::Medium));
    }

    #[test]
    fn one_that_is_updated_one_in_another_order_and_one_of_a_gigabyte_are_silent() {
        let mut updated = seen(0.99);
        edit(&mut updated.common.table_activity)[0].updated_rows = 50_000_000;
        assert_eq!(found(&updated), None);
        assert_eq!(found(&seen(0.5)), None);
        let mut small = seen(0.99);
        let relation = &mut edit(&mut small.relations)[0];
        (relation.pages, relation.live_rows) = (131_072, 9_000_000);
        assert_eq!(found(&small), None);
    }

    #[test]
    fn of_two_columns_the_one_that_statements_ask_ranges_of_is_the_key() {
        let mut seen = seen(0.99);
        let at = edit(&mut seen.wal.time_columns)[0].clone();
        edit(&mut seen.wal.time_columns).push(TimeColumn {
            name: "day".to_owned(),
            correlation: Some(0.95),
            ..at
        });
        let named = |seen: &Snapshot| {
            let judgement = CHECK.run(&case(seen, &Policy::default())).unwrap_or_default();
            judgement.declined[0].detail.clone()
        };
        assert!(named(&seen).starts_with("by range of `at`"), "{}", named(&seen));
        let usage = ColumnUsage {
            schema: "ml".to_owned(),
            table: "events".to_owned(),
            column: "day".to_owned(),
            calls: 9,
            uses: vec![OperatorUse {
                operator: Some(">=".to_owned()),
                place: UsePlace::Where,
                calls: 9,
                ..OperatorUse::default()
            }],
            ..ColumnUsage::default()
        };
        let workload = Workload { usage: vec![usage], ..Workload::default() };
        seen.workload = Observation::Seen(workload);
        assert!(named(&seen).starts_with("by range of `day`"), "{}", named(&seen));
        let Observation::Seen(workload) = &mut seen.workload else { unreachable!() };
        workload.usage[0].column = "id".to_owned();
        assert!(named(&seen).ends_with("filters by a range of it"), "{}", named(&seen));
    }

    #[test]
    fn counters_of_a_minute_are_a_gap() {
        let mut young = seen(0.99);
        edit(&mut young.context).counting_since = "2026-03-01T11:59:00Z".parse().ok();
        assert!(CHECK.run(&case(&young, &Policy::default())).is_err());
    }
}
