//! `toast/vector-out-of-line`, explained in the page beside this file.

use super::remedy::{column_object, inline, out_of_line};
use super::size::{COLUMN_BYTES_MIN, TABLE_BYTES_MIN};
use super::table::{ToastedTable, is_vector, sample_gaps, tables, whole};
use crate::checks::Check;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Policy, Severity, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[],
    thresholds: &[&VECTOR_OUT_OF_LINE_SHARE_MAX, &COLUMN_BYTES_MIN, &TABLE_BYTES_MIN],
    page: include_str!("vector_out_of_line.md"),
    judge,
};

const ID: &str = "toast/vector-out-of-line";

static VECTOR_OUT_OF_LINE_SHARE_MAX: Threshold = Threshold {
    name: "vector_out_of_line_share_max",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "vectors of one column are equally wide: either nearly all are out of line or nearly none",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(case)? {
        for column in vectors(&table) {
            judgement.extend(find(&table, column, policy));
        }
    }
    Ok(judgement)
}

fn vectors<'a>(table: &ToastedTable<'a>) -> Vec<&'a str> {
    let is_vector = |name: &&str| table.nodes.iter().filter_map(|n| n.column(name)).any(is_vector);
    table.column_names().into_iter().filter(is_vector).collect()
}

fn find(
    table: &ToastedTable<'_>,
    column: &str,
    policy: &Policy,
) -> Option<Result<Finding, Declined>> {
    let estimate = table.estimate(column);
    let share = estimate.out_of_line_values / estimate.values.max(1.0);
    if out_of_line(table, column).leaves.is_empty()
        || share <= policy.get(&VECTOR_OUT_OF_LINE_SHARE_MAX)
        || estimate.out_of_line_bytes < policy.get(&COLUMN_BYTES_MIN)
    {
        return None;
    }
    Some(inline(ID, table, column).map(|actions| {
        let object = column_object(table, column);
        let message =
            format!("`{object}` stores its vectors out of line, where they would fit the row");
        let finding = Finding::new(ID, object, Severity::Medium, message)
            .measured("out_of_line_share", share, Unit::Ratio)
            .measured("out_of_line_values", whole(estimate.out_of_line_values), Unit::Count)
            .measured("out_of_line_bytes", whole(estimate.out_of_line_bytes), Unit::Bytes);
        let times = table.counted_reads().map_or(0.0, |reads| reads.times);
        let finding = finding.statistic("toast_tables.read_back_times", times, Unit::Ratio);
        actions.into_iter().fold(finding, Finding::action)
    }))
}
