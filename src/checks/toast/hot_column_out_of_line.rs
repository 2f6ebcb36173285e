//! `toast/hot-column-out-of-line`, explained in the page beside this file.

use super::reads::{Reads, too_early};
use super::remedy::{column_object, inline, no_column_alone, only_column};
use super::size::{
    COLUMN_BYTES_MIN, HISTORY_S_MIN, HOT_READ_SHARE, READ_BACK_MIN, READ_BACK_PER_DAY_MIN,
    TABLE_BYTES_MIN,
};
use super::table::{ToastedTable, is_vector, sample_gaps, tables, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::Context;
use crate::model::{
    Case, Confidence, Declined, Finding, Gap, Judgement, Policy, Severity, Snapshot, Superpower,
    Topic, Unit, percent,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[Requirement::Counters],
    thresholds: &[
        &READ_BACK_MIN,
        &READ_BACK_PER_DAY_MIN,
        &HOT_READ_SHARE,
        &HISTORY_S_MIN,
        &COLUMN_BYTES_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("hot_column_out_of_line.md"),
    judge,
};

const ID: &str = "toast/hot-column-out-of-line";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    judge_hot(case, find)
}

/// Judge the tables most of whose row reads want a value out of line, too.
pub(super) fn judge_hot(
    case: &Case<'_>,
    find: fn(&ToastedTable<'_>, Reads, &Policy) -> Option<Result<Finding, Declined>>,
) -> Result<Judgement, Gap> {
    let Case { snapshot, policy, .. } = *case;
    let context = snapshot.context.get()?;
    let mut judgement = Judgement { gaps: sample_gaps(snapshot)?, ..Judgement::default() };
    for table in tables(case)? {
        let Some(reads) = hot(&table, snapshot, context, policy) else {
            judgement.gaps.extend(table.reads(snapshot).and(too_early(context, policy)));
            continue;
        };
        judgement.extend(find(&table, reads, policy));
    }
    Ok(judgement)
}

/// The reads of a table most of whose row reads want the value, too.
fn hot(
    table: &ToastedTable<'_>,
    seen: &Snapshot,
    context: &Context,
    policy: &Policy,
) -> Option<Reads> {
    table.reads(seen).filter(|reads| {
        let by_counters =
            reads.are_many(context, policy) && reads.share_of_rows >= policy.get(&HOT_READ_SHARE);
        by_counters || reads.are_wanted(policy)
    })
}

fn find(
    table: &ToastedTable<'_>,
    reads: Reads,
    policy: &Policy,
) -> Option<Result<Finding, Declined>> {
    let Some(column) = only_column(table) else {
        return Some(Err(no_column_alone(ID, table)));
    };
    // Vectors have a check of their own.
    if table.nodes.iter().filter_map(|node| node.column(column)).any(is_vector) {
        return None;
    }
    let estimate = table.estimate(column);
    if estimate.out_of_line_bytes < policy.get(&COLUMN_BYTES_MIN) {
        return None;
    }
    Some(inline(ID, table, column).map(|actions| {
        let object = column_object(table, column);
        let often = match reads.share_of_calls.filter(|_| reads.are_wanted(policy)) {
            Some(share) => format!("by {} of the calls", percent(share)),
            None => "with most rows".to_owned(),
        };
        let message = format!("`{object}` is stored out of line and read back {often}");
        let finding =
            Finding::new(ID, object, Severity::Medium, message).confidence(Confidence::Medium);
        let finding = reads
            .on(finding)
            .measured("out_of_line_values", whole(estimate.out_of_line_values), Unit::Count)
            .measured("out_of_line_bytes", whole(estimate.out_of_line_bytes), Unit::Bytes);
        actions.into_iter().fold(finding, Finding::action)
    }))
}
