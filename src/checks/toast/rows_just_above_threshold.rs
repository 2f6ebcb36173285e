//! `toast/rows-just-above-threshold`, explained in the page beside this file.

use super::hot_column_out_of_line::judge_hot;
use super::reads::Reads;
use super::remedy::{only_column, out_of_line};
use super::size::{
    HISTORY_S_MIN, HOT_READ_SHARE, READ_BACK_MIN, READ_BACK_PER_DAY_MIN, TABLE_BYTES_MIN,
};
use super::table::{ToastedTable, float, is_vector};
use crate::checks::{Check, Requirement};
use crate::model::toast::TOAST_THRESHOLD_BYTES;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Policy, RewriteOf, Severity, Superpower, Threshold,
    Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Low,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[Requirement::Counters],
    thresholds: &[
        &JUST_ABOVE_SHARE_MIN,
        &READ_BACK_MIN,
        &READ_BACK_PER_DAY_MIN,
        &HOT_READ_SHARE,
        &HISTORY_S_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("rows_just_above_threshold.md"),
    judge,
};

const ID: &str = "toast/rows-just-above-threshold";

/// A quarter above the threshold.
const JUST_ABOVE_BYTES: u64 = 2540;

static JUST_ABOVE_SHARE_MIN: Threshold = Threshold {
    name: "just_above_share_min",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "where fewer rows are just above the threshold, a higher target mostly widens the others",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    judge_hot(case, find)
}

fn find(
    table: &ToastedTable<'_>,
    reads: Reads,
    policy: &Policy,
) -> Option<Result<Finding, Declined>> {
    let column = only_column(table)?;
    if table.nodes.iter().filter_map(|node| node.column(column)).any(is_vector) {
        return None;
    }
    let affected = out_of_line(table, column);
    let sampled = || affected.leaves.iter().filter_map(|node| node.sample);
    let rows: u64 = sampled().map(|sample| sample.rows).sum();
    let just_above: u64 = sampled().map(|sample| sample.rows_just_above).sum();
    let share = float(just_above) / float(rows).max(1.0);
    if just_above == 0 || share < policy.get(&JUST_ABOVE_SHARE_MIN) {
        return None;
    }
    let object = table.object_of(&affected.leaves);
    let message = format!("`{object}` has rows just too wide to keep `{column}` inline");
    Some(affected.rewrite(ID, RewriteOf::OutOfLine).map(|rewrite| {
        let finding = Finding::new(ID, object, Severity::Low, message);
        reads
            .on(finding)
            .measured("just_above_share", share, Unit::Ratio)
            .measured("toast_threshold_bytes", i64::from(TOAST_THRESHOLD_BYTES), Unit::Bytes)
            .action(affected.set_target(JUST_ABOVE_BYTES, rewrite))
    }))
}
