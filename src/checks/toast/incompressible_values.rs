//! `toast/incompressible-values`, explained in the page beside this file.

use super::estimate::StorageEstimate;
use super::remedy::AffectedColumn;
use super::size::{COLUMN_BYTES_MIN, TABLE_BYTES_MIN};
use super::table::{RelationNode, ToastedTable, is_vector, sample_gaps, storage, tables, whole};
use crate::checks::Check;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Object, Policy, Severity, Storage, Superpower,
    Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Low,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[],
    thresholds: &[
        &INCOMPRESSIBLE_SHARE_MIN,
        &SAMPLED_VALUES_MIN,
        &COLUMN_BYTES_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("incompressible_values.md"),
    judge,
};

const ID: &str = "toast/incompressible-values";

static INCOMPRESSIBLE_SHARE_MIN: Threshold = Threshold {
    name: "incompressible_share_min",
    default: 0.95,
    unit: Unit::Ratio,
    reason: "EXTERNAL gives up compression for every value, so next to none may profit from it",
};

static SAMPLED_VALUES_MIN: Threshold = Threshold {
    name: "sampled_values_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "100 wide values bound the share of compressible ones within 3 %",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(case)? {
        for column in table.column_names() {
            judgement.extend(find(&table, column, policy));
        }
    }
    Ok(judgement)
}

fn find(
    table: &ToastedTable<'_>,
    column: &str,
    policy: &Policy,
) -> Option<Result<Finding, Declined>> {
    let leaves: Vec<&RelationNode<'_>> =
        table.leaves().filter(|node| tries_in_vain(node, column)).collect();
    let estimate = StorageEstimate::of(column, &leaves);
    let wide = estimate.wide_uncompressed_values + estimate.compressed_values();
    let share = estimate.wide_uncompressed_values / wide.max(1.0);
    let sampled: u64 = leaves
        .iter()
        .filter_map(|node| Some(node.sample?.column(column)?.wide_uncompressed_values))
        .sum();
    let too_few = super::table::float(sampled) < policy.get(&SAMPLED_VALUES_MIN);
    if too_few
        || share < policy.get(&INCOMPRESSIBLE_SHARE_MIN)
        || estimate.wide_uncompressed_bytes < policy.get(&COLUMN_BYTES_MIN)
    {
        return None;
    }
    let affected = AffectedColumn { table, column, leaves };
    let object = affected.object();
    let indexed =
        |node: &RelationNode<'_>| node.column(column).is_some_and(|c| !c.index_storages.is_empty());
    if table.nodes.iter().any(indexed) {
        return Some(Err(indexed_column(object)));
    }
    let message = format!("`{object}` tries to compress wide values that do not compress");
    Some(Ok(Finding::new(ID, object, Severity::Low, message)
        .measured("incompressible_share", share, Unit::Ratio)
        .measured("incompressible_values", whole(estimate.wide_uncompressed_values), Unit::Count)
        .measured("incompressible_bytes", whole(estimate.wide_uncompressed_bytes), Unit::Bytes)
        .action(affected.set_storage(Storage::External, None))))
}

fn indexed_column(object: Object) -> Declined {
    Declined::new(
        ID,
        object,
        "an index holds its values",
        "SET STORAGE reaches the index, which would store no value compressed any more and refuse those that \
                 fit it only so; undone, it would not be as it was",
    )
}

fn tries_in_vain(node: &RelationNode<'_>, column: &str) -> bool {
    let extended = node
        .column(column)
        .is_some_and(|column| storage(column) == Storage::Extended && !is_vector(column));
    let stored = node.sample.and_then(|sample| sample.column(column));
    extended && stored.is_none_or(|stored| stored.wide_uncompressed_values > 0)
}
