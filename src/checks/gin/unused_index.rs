//! `gin/unused-index`, explained in the page beside this file.

use super::existing::existing;
use super::index::{GinTree, LeafIndex, trees};
use super::ledger::{SEARCH_CALLS_MIN, Sought, finds_rows};
use super::serving::{may_serve, operators};
use super::spelling::plain;
use crate::checks::number::float;
use crate::checks::{Check, Requirement};
use crate::model::observation::{IndexDetail, IndexPart, OperatorUse, Predicate};
use crate::model::rate::{UNUSED_WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, GapReason, Judgement, Object, Severity,
    Superpower, Threshold, Topic, Unit, counted, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::GIN,
        Topic::TABLE_ACTIVITY,
    ],
    uses: &[Topic::STATEMENTS],
    requires: &[Requirement::Counters],
    thresholds: &[&SCANS_MIN, &UNUSED_WINDOW_S_MIN, &SEARCH_CALLS_MIN, &TABLE_BYTES_MIN],
    page: include_str!("unused_index.md"),
    judge,
};

const ID: &str = "gin/unused-index";

static SCANS_MIN: Threshold = Threshold {
    name: "scans_min",
    default: 1000.0,
    unit: Unit::Count,
    reason: "fewer searches than that in a week hardly pay for keys written at every insert",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    seen.common.index_details.get()?;
    seen.common.table_activity.get()?;
    let mut judgement = Judgement::default();
    let mut too_early = None;
    for tree in trees(case)? {
        #[expect(clippy::cast_precision_loss, reason = "scans below 2^53")]
        let few = (tree.scans() as f64) < policy.get(&SCANS_MIN);
        let small = tree.table_bytes < policy.get(&TABLE_BYTES_MIN);
        // An invalid index serves no search; `plan/invalid-index` says so.
        if !few || small || tree.leaves.is_empty() || !tree.root.is_valid {
            continue;
        }
        let own = tree.leaves.iter().filter_map(|leaf| leaf.index.counting_since).max();
        let counted = Window::of_index(context, own)
            .and_then(|window| window.at_least("index_counters", &UNUSED_WINDOW_S_MIN, policy));
        match counted {
            Ok(window) => rarely_used(&mut judgement, &tree, window, case),
            Err(gap) => too_early = Some(gap),
        }
    }
    judgement.gaps.extend(too_early);
    Ok(judgement)
}

fn rarely_used(judgement: &mut Judgement, tree: &GinTree<'_>, window: Window, case: &Case<'_>) {
    let seen = case.snapshot;
    let object = tree.whole_object();
    let declined = |reason: &str, detail: String| Declined::new(ID, object.clone(), reason, detail);
    let scans = tree.scans();
    if seen.server.in_recovery {
        judgement.declined.push(declined(
            "this server is a standby",
            format!(
                "it searched the index {} times in {window}; the primary counts its own searches",
                grouped(float(scans))
            ),
        ));
        return;
    }
    let needed = seen.common.index_detail(tree.root.oid).and_then(|detail| needed_by(detail, tree));
    if let Some(reason) = needed {
        judgement.declined.push(declined(
            reason,
            format!("{} in {window}", counted(scans, "search", "searches")),
        ));
        return;
    }
    if let Some(calls) = searched(tree, case) {
        let detail = format!(
            "{} calls have a condition that it serves, and it was searched {} times in {window}: the planner prefers another way, or they ran elsewhere or before the index was built",
            grouped(float(calls)),
            grouped(float(scans))
        );
        judgement.declined.push(declined("the workload searches its column", detail));
        return;
    }
    if let Some(gap) = younger(tree, case) {
        judgement.gaps.push(gap);
        return;
    }
    let Some(mut old) = existing(tree, &object, seen) else {
        judgement.gaps.push(Gap::new(
            "index_details",
            GapReason::BudgetSpent,
            format!(
                "the definition of `{object}` was not read, so dropping it could not be undone"
            ),
        ));
        return;
    };
    old.caveats.push(
        "make sure that it was there all that time: PostgreSQL does not record when an index was built"
            .to_owned(),
    );
    old.caveats.push(
        "standbys count their own searches: look at pg_stat_user_indexes on each before you drop it"
            .to_owned(),
    );
    judgement.findings.push(finding(tree, object, window, case).action(Action::DropIndex(old)));
}

/// An index that is younger than the counters of its table: each row that is written reads a block of it at least, and fewer
/// were read than rows were written. Of one on a part of the rows that says nothing.
fn younger(tree: &GinTree<'_>, case: &Case<'_>) -> Option<Gap> {
    let is_younger = |leaf: &LeafIndex<'_>| {
        let (index, table) = (case.snapshot.gin.index(leaf.index.oid)?, leaf.activity?);
        Some(
            index.blocks_fetched
                < table.inserted_rows + table.updated_rows - table.hot_updated_rows,
        )
    };
    let found = tree.leaves.iter().filter(|leaf| !leaf.index.is_partial);
    let leaf = found.into_iter().find(|leaf| is_younger(leaf) == Some(true))?;
    let detail = format!(
        "fewer blocks of `{}` were read than rows were written to its table: it is younger than the counters, and how old is not recorded",
        leaf.index.qualified_name().to_sql()
    );
    let gap = Gap::new("index_counters", GapReason::NotEnoughHistory, detail);
    Some(gap.lifted_by("wait until it has been there for a week"))
}

/// Calls of the workload that the index serves, where these are enough to pay for one.
fn searched(tree: &GinTree<'_>, case: &Case<'_>) -> Option<u64> {
    let common = &case.snapshot.common;
    let workload = case.snapshot.workload.get().ok()?;
    let table = tree.searched_table(case)?;
    let detail = common.index_detail(tree.root.oid)?;
    let sought = Sought::new(table, tree.heap_bytes, workload, case);
    let of_part = |(part, class): (&IndexPart, &i64)| {
        let known = common.operator_class(*class).and_then(operators);
        let serves = |operator: &str| known.is_none_or(|known| known.contains(&operator));
        let is_key = |one: &OperatorUse| match (&part.column, &one.expression) {
            (Some(_), expression) => expression.is_none(),
            (None, Some(expression)) => plain(expression) == plain(&part.sql),
            (None, None) => false,
        };
        let columns = workload.usage.iter().filter(|usage| {
            (&usage.schema, &usage.table) == (&table.schema, &table.name)
                && part.column.as_ref().is_none_or(|column| *column == usage.column)
        });
        let calls = columns.map(|usage| {
            usage.calls_where(|one| {
                is_key(one) && finds_rows(one) && one.operator.as_deref().is_some_and(serves)
            })
        });
        let calls = calls.fold(0, u64::saturating_add);
        let uses = |one: &Predicate| match &part.column {
            Some(column) => sought.column(one) == Some(column),
            None => plain(&one.subject.expression) == plain(&part.sql),
        };
        if may_serve(detail, &sought, &uses, calls) { calls } else { 0 }
    };
    let calls = detail.parts.iter().zip(&tree.root.classes).map(of_part);
    let calls = calls.fold(0, u64::saturating_add);
    let least = case.policy.get(&SEARCH_CALLS_MIN);
    let enough = float(calls) >= least;
    (enough && !is_served_by_another(tree, detail, case)).then_some(calls)
}

/// Whether another index has a key of this one and is searched: it serves the calls.
fn is_served_by_another(tree: &GinTree<'_>, detail: &IndexDetail, case: &Case<'_>) -> bool {
    let common = &case.snapshot.common;
    let indexes = common.indexes.get().map(Vec::as_slice).unwrap_or_default();
    let same = |other: &IndexPart| {
        detail.parts.iter().any(|part| match (&part.column, &other.column) {
            (Some(column), Some(other)) => column == other,
            (None, None) => plain(&part.sql) == plain(&other.sql),
            _ => false,
        })
    };
    tree.leaves.iter().any(|leaf| {
        let mut others = indexes.iter().filter(|other| {
            other.table_oid == leaf.table.oid
                && other.oid != leaf.index.oid
                && !matches!(other.method.as_str(), "btree" | "hash" | "brin")
                && float(other.scans) >= case.policy.get(&SEARCH_CALLS_MIN)
        });
        others.any(|other| {
            common.index_detail(other.oid).is_some_and(|detail| detail.parts.iter().any(same))
        })
    })
}

/// What needs an index that is not searched.
fn needed_by(detail: &IndexDetail, tree: &GinTree<'_>) -> Option<&'static str> {
    if detail.constraint_name.is_some() || tree.root.is_unique {
        return Some("a constraint rests on it");
    }
    detail.belongs_to_extension.then_some("an extension owns it")
}

fn finding(tree: &GinTree<'_>, object: Object, window: Window, case: &Case<'_>) -> Finding {
    let (scans, bytes) = (tree.scans(), tree.bytes(case));
    let (severity, confidence, times) = match scans {
        0 => (Severity::Medium, Confidence::Medium, "was never searched".to_owned()),
        1 => (Severity::Low, Confidence::Low, "was searched once".to_owned()),
        _ => (
            Severity::Low,
            Confidence::Low,
            format!("was searched {} times", grouped(float(scans))),
        ),
    };
    let written: i64 = tree
        .leaves
        .iter()
        .filter_map(|leaf| leaf.activity)
        .map(|table| table.inserted_rows + table.updated_rows - table.hot_updated_rows)
        .sum();
    let read: i64 = tree.leaves.iter().map(|leaf| leaf.index.tuples_read).sum();
    let message = format!(
        "`{object}` {times} in {window} and takes {:.0} MB; {} rows were written to it",
        float(bytes) / 1e6,
        grouped(float(written))
    );
    let mut finding = Finding::new(ID, object, severity, message)
        .confidence(confidence)
        .statistic("indexes.scans", scans, Unit::Count)
        .statistic("indexes.window_s", window.seconds(), Unit::S)
        .statistic("index_sizes.index_bytes", bytes, Unit::Bytes)
        .statistic("table_activity.written_rows", written, Unit::Rows);
    if scans > 0 {
        let per_scan = float(read) / float(scans);
        finding = finding.statistic("indexes.tuples_per_scan", per_scan, Unit::Rows);
    }
    finding
}
