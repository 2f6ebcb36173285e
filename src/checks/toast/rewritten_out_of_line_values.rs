//! `toast/rewritten-out-of-line-values`, explained in the page beside this file.

use super::remedy::hides_columns;
use super::size::TABLE_BYTES_MIN;
use super::table::{ToastedTable, float, sample_gaps, tables, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::Context;
use crate::model::{
    Case, Confidence, Declined, Finding, Gap, Judgement, Policy, Severity, Superpower, Threshold,
    Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[Requirement::WriteCounters],
    thresholds: &[
        &REWRITTEN_TIMES_MIN,
        &REWRITTEN_PER_DAY_MIN,
        &REWRITTEN_SHARE_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("rewritten_out_of_line_values.md"),
    judge,
};

const ID: &str = "toast/rewritten-out-of-line-values";

static REWRITTEN_TIMES_MIN: Threshold = Threshold {
    name: "rewritten_times_min",
    default: 2.5,
    unit: Unit::Ratio,
    reason: "a backfill and its repeat, or a rewrite we advised and its undo, are no habit; the third is",
};

static REWRITTEN_PER_DAY_MIN: Threshold = Threshold {
    name: "rewritten_per_day_min",
    default: 1.0,
    unit: Unit::Ratio,
    reason: "a value written once a day by a nightly load is what it is stored for",
};

static REWRITTEN_SHARE_MIN: Threshold = Threshold {
    name: "rewritten_share_min",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "updates that leave the wide value alone do not write it again",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(case)? {
        let Some(finding) = find(&table, context, policy) else { continue };
        judgement.declined.push(Declined::new(
            ID,
            finding.object.clone(),
            "no SQL statement fixes this",
            "move what changes out of the wide value, into a column of its own or a narrow table",
        ));
        judgement.findings.push(finding);
    }
    Ok(judgement)
}

fn find(table: &ToastedTable<'_>, context: &Context, policy: &Policy) -> Option<Finding> {
    let (mut chunks, mut values) = (0.0, 0.0);
    for name in table.column_names() {
        let estimate = table.estimate(name);
        chunks += estimate.out_of_line_chunks;
        values += estimate.out_of_line_values;
    }
    // What a column that our role may not read takes with it is in the counters, and not in the sample.
    if values < 1.0 || hides_columns(table) {
        return None;
    }
    let chunks_a_value = chunks / values;
    let updated = float(table.total(|toast| toast.rows_updated));
    // A deleted row takes its values with it; what is left was replaced by updates.
    let replaced = float(table.total(|toast| toast.chunks_deleted)) / chunks_a_value
        - float(table.total(|toast| toast.rows_deleted)) * values_a_row(table);
    let times = replaced / values;
    let share = (replaced / updated.max(1.0)).min(1.0);
    let days = context.counting_days().unwrap_or(0.0);
    if times < policy.get(&REWRITTEN_TIMES_MIN)
        || times < policy.get(&REWRITTEN_PER_DAY_MIN) * days
        || share < policy.get(&REWRITTEN_SHARE_MIN)
    {
        return None;
    }
    let object = table.object();
    let message = format!("`{object}` writes its out-of-line values again with most updates");
    Some(
        Finding::new(ID, object, Severity::Medium, message)
            .confidence(Confidence::Medium)
            .statistic("toast_tables.rewritten_times", times, Unit::Ratio)
            .statistic("toast_tables.rewritten_share_of_updates", share, Unit::Ratio)
            .statistic("toast_tables.rows_updated", whole(updated), Unit::Rows)
            .measured("out_of_line_values", whole(values), Unit::Count),
    )
}

/// Values out of line in a row that has any.
fn values_a_row(table: &ToastedTable<'_>) -> f64 {
    let samples = || table.leaves().filter_map(|leaf| leaf.sample);
    let columns = samples().flat_map(|sample| &sample.columns);
    let values: u64 = columns.map(|column| column.out_of_line_values).sum();
    let rows: u64 = samples().map(|sample| sample.rows_out_of_line).sum();
    float(values) / float(rows).max(1.0)
}
