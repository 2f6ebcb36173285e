//! `toast/pglz-on-wide-values`, explained in the page beside this file.

use super::estimate::StorageEstimate;
use super::size::{COLUMN_BYTES_MIN, TABLE_BYTES_MIN};
use super::table::{RelationNode, ToastedTable, effective, set_by_name, storage, tables, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::Context;
use crate::model::{
    Action, Case, Compression, CompressionSetting, Declined, Finding, Gap, Judgement, Object,
    Policy, Severity, Storage, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[Requirement::Lz4],
    thresholds: &[&COLUMN_BYTES_MIN, &LARGE_COLUMN_BYTES, &TABLE_BYTES_MIN],
    page: include_str!("pglz_on_wide_values.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "toast/pglz-on-wide-values";

static LARGE_COLUMN_BYTES: Threshold = Threshold {
    name: "large_column_bytes",
    default: 1_073_741_824.0,
    unit: Unit::Bytes,
    reason: "from 1 GiB of compressed values on, their CPU time is worth planning for soon",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    seen.stored_values.get()?;
    let mut judgement = Judgement::default();
    for table in tables(case)? {
        for column in table.column_names() {
            judgement.extend(find(&table, column, context, policy));
        }
    }
    // Without lz4 there is nothing to advise; that there would be is still worth saying.
    if let (Some(gap), count @ 1..) =
        (Requirement::Lz4.gap(context, false), judgement.findings.len())
    {
        let detail =
            format!("{}; columns that compress wide values with pglz: {count}", gap.detail);
        return Err(Gap { detail, ..gap });
    }
    Ok(judgement)
}

fn find(
    table: &ToastedTable<'_>,
    column: &str,
    context: &Context,
    policy: &Policy,
) -> Option<Result<Finding, Declined>> {
    let affected: Vec<&RelationNode<'_>> =
        table.leaves().filter(|node| compresses_with_pglz(node, column, context)).collect();
    let estimate = StorageEstimate::of(column, &affected);
    if affected.is_empty() || estimate.compressed_bytes() < policy.get(&COLUMN_BYTES_MIN) {
        return None;
    }
    let object = table.column_of(column, &affected);
    if writers_choose_lz4(&affected, column, &estimate) {
        return Some(Err(written_with_lz4(object, context, &estimate)));
    }
    let severity = if estimate.compressed_bytes() >= policy.get(&LARGE_COLUMN_BYTES) {
        Severity::High
    } else {
        Severity::Medium
    };
    let message = format!("`{object}` compresses its wide values with pglz");
    let finding = evidence(Finding::new(ID, object.clone(), severity, message), &estimate);
    let set_here =
        table.reach(&affected).into_iter().filter(|node| setting_is_pglz(node, column, context));
    Some(Ok(finding.action(Action::SetColumnCompression(CompressionSetting {
        object,
        column: column.to_owned(),
        to: Compression::Lz4,
        members: set_here
            .filter_map(|node| Some(node.member(set_by_name(node.column(column)?))))
            .collect(),
    }))))
}

/// Whether nearly all of what is stored came with lz4 although no method is set by name: its writers set it for
/// themselves, or copy values that are compressed already, which stay as they are.
fn writers_choose_lz4(
    affected: &[&RelationNode<'_>],
    column: &str,
    estimate: &StorageEstimate,
) -> bool {
    let by_default = |node: &&RelationNode<'_>| node.column(column).and_then(set_by_name).is_none();
    affected.iter().all(by_default) && estimate.pglz_values < 0.05 * estimate.compressed_values()
}

fn written_with_lz4(object: Object, context: &Context, estimate: &StorageEstimate) -> Declined {
    let why = if context.role_compressions.iter().any(|method| method == "lz4") {
        "a role has default_toast_compression = lz4"
    } else {
        "values that are copied stay compressed as they are"
    };
    Declined::new(
        ID,
        object,
        "its writers choose lz4",
        format!(
            "no method is set by name, {why}, and {:.0} of {:.0} compressed values are stored with lz4",
            estimate.lz4_values,
            estimate.compressed_values()
        ),
    )
}

/// The column's setting is judged; what was stored before it is `toast/mixed-compression`'s matter.
fn setting_is_pglz(node: &RelationNode<'_>, column: &str, context: &Context) -> bool {
    node.column(column).is_some_and(|column| {
        matches!(storage(column), Storage::Extended | Storage::Main)
            && effective(column, context) == Compression::Pglz
    })
}

/// A partition that was not sampled is taken to be like those that were.
fn compresses_with_pglz(node: &RelationNode<'_>, column: &str, context: &Context) -> bool {
    let compressed = node
        .sample
        .and_then(|sample| sample.column(column))
        .is_none_or(|stored| stored.pglz_values + stored.lz4_values > 0);
    compressed && setting_is_pglz(node, column, context)
}

fn evidence(finding: Finding, estimate: &StorageEstimate) -> Finding {
    let finding = finding
        .measured("compressed_bytes", whole(estimate.compressed_bytes()), Unit::Bytes)
        .measured("compressed_values", whole(estimate.compressed_values()), Unit::Count)
        .measured("pglz_values", whole(estimate.pglz_values), Unit::Count);
    match estimate.ratio() {
        Some(ratio) => finding.measured("compression_ratio", ratio, Unit::Ratio),
        None => finding,
    }
}
