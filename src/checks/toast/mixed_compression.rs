//! `toast/mixed-compression`, explained in the page beside this file.

use super::estimate::StorageEstimate;
use super::remedy::AffectedColumn;
use super::size::{COLUMN_BYTES_MIN, TABLE_BYTES_MIN};
use super::table::{RelationNode, ToastedTable, effective, sample_gaps, storage, tables, whole};
use crate::checks::Check;
use crate::model::observation::Context;
use crate::model::{
    Action, Case, Compression, Declined, Finding, Gap, Judgement, Policy, RewriteOf, Severity,
    Storage, StoredRewrite, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Low,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[],
    thresholds: &[&MIXED_SHARE_MIN, &COLUMN_BYTES_MIN, &TABLE_BYTES_MIN],
    page: include_str!("mixed_compression.md"),
    judge,
};

const ID: &str = "toast/mixed-compression";

static MIXED_SHARE_MIN: Threshold = Threshold {
    name: "mixed_methods_share_min",
    default: 0.05,
    unit: Unit::Ratio,
    reason: "a few per cent of old values are gone by ordinary churn before a rewrite pays",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(case)? {
        for column in table.column_names() {
            let found = find(&table, column, context, policy).map(|found| match found {
                Ok(finding) if table.is_materialized_view() => Err(declined(finding)),
                found => found,
            });
            judgement.extend(found);
        }
    }
    Ok(judgement)
}

fn find(
    table: &ToastedTable<'_>,
    column: &str,
    context: &Context,
    policy: &Policy,
) -> Option<Result<Finding, Declined>> {
    let leaves: Vec<&RelationNode<'_>> =
        table.leaves().filter(|node| holds_pglz_under_lz4(node, column, context)).collect();
    let estimate = StorageEstimate::of(column, &leaves);
    let share = estimate.pglz_values / estimate.compressed_values().max(1.0);
    if leaves.is_empty()
        || share < policy.get(&MIXED_SHARE_MIN)
        || estimate.pglz_bytes < policy.get(&COLUMN_BYTES_MIN)
    {
        return None;
    }
    let affected = AffectedColumn { table, column, leaves };
    let object = affected.object();
    let message = format!("`{object}` is set to lz4 and still holds values compressed with pglz");
    let of = RewriteOf::NotCompressedBy(Compression::Lz4);
    Some(affected.rewrite(ID, of).map(|rewrite| {
        Finding::new(ID, object.clone(), Severity::Low, message)
            .measured("pglz_share", share, Unit::Ratio)
            .measured("pglz_values", whole(estimate.pglz_values), Unit::Count)
            .measured("pglz_bytes", whole(estimate.pglz_bytes), Unit::Bytes)
            .measured("lz4_values", whole(estimate.lz4_values), Unit::Count)
            .action(Action::RewriteColumn(StoredRewrite { object, rewrite }))
    }))
}

/// Values in pglz under a setting of pglz are `toast/pglz-on-wide-values`'s matter. A partition that was
/// not sampled is taken to be like those that were.
fn holds_pglz_under_lz4(node: &RelationNode<'_>, column: &str, context: &Context) -> bool {
    let set = node.column(column).is_some_and(|column| {
        matches!(storage(column), Storage::Extended | Storage::Main)
            && effective(column, context) == Compression::Lz4
    });
    let stored = node.sample.and_then(|sample| sample.column(column));
    set && stored.is_none_or(|stored| stored.pglz_values > 0)
}

fn declined(finding: Finding) -> Declined {
    Declined::new(
        ID,
        finding.object,
        "rows of a materialized view cannot be updated",
        format!(
            "{}; REFRESH copies the values as they are compressed in the tables below it: rewrite these",
            finding.message
        ),
    )
}
