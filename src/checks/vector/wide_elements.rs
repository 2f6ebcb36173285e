//! `vector/wide-elements`, explained in the page beside this file.

use super::build::{M, bytes, estimated, hnsw, ivfflat_bytes};
use super::change::{ProposedIndex, dimensions_max, existing_index};
use super::column::{AnnIndex, IndexMethod, VectorField, columns};
use super::operand::VectorOperand;
use crate::checks::Check;
use crate::checks::number::float;
use crate::model::observation::VectorKind;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, Judgement, NewIndex, Object, Severity,
    Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Vector,
    worst: Severity::Low,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::SETTINGS,
        Topic::VECTOR,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&DIMENSIONS_MIN, &TABLE_BYTES_MIN],
    page: include_str!("wide_elements.md"),
    judge,
};

const ID: &str = "vector/wide-elements";
/// The least share of an index that is worth a change of statements.
const SAVED_SHARE_MIN: f64 = 0.25;

static DIMENSIONS_MIN: Threshold = Threshold {
    name: "dimensions_min",
    default: 512.0,
    unit: Unit::Count,
    reason: "below, links and headers are most of an index, and half the bytes of an element save little",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    for column in &columns(case)? {
        if column.table_bytes < case.policy.get(&TABLE_BYTES_MIN) {
            continue;
        }
        for index in column.indexes.iter().filter(|index| index.is_usable()) {
            match of_index(case, column, index) {
                Some(finding) if has_half(column, index) => {
                    judgement.declined.push(built_already(ID, finding.object));
                }
                found => judgement.findings.extend(found),
            }
        }
    }
    Ok(judgement)
}

/// Whether another index serves the same distance at half precision: what is left to do is to change the statements. One that
/// is at half precision itself has none to wait for.
pub(super) fn has_half(column: &VectorField<'_>, index: &AnnIndex<'_>) -> bool {
    let is_half = |one: &AnnIndex<'_>| column.shape_of(&one.operand).0 == VectorKind::Halfvec;
    !is_half(index)
        && column
            .indexes
            .iter()
            .any(|other| other.is_usable() && other.metric == index.metric && is_half(other))
}

pub(super) fn built_already(check: &str, object: Object) -> Declined {
    let detail =
        format!("drop `{object}` once no statement orders by the column at full precision");
    let reason = "an index at half precision is there".to_owned();
    Declined::new(check, object, reason, detail)
}

fn of_index(case: &Case<'_>, column: &VectorField<'_>, index: &AnnIndex<'_>) -> Option<Finding> {
    let (kind, dimensions) = column.shape_of(&index.operand);
    let dimensions = dimensions.filter(|_| kind == VectorKind::Vector)?;
    if float(dimensions) < case.policy.get(&DIMENSIONS_MIN) {
        return None;
    }
    let object = column.index_object(index);
    let half = half_precision(case, column, index, object.clone())?;
    let saved = float(index.bytes) - half.bytes;
    if saved < float(index.bytes) * SAVED_SHARE_MIN {
        return None;
    }
    let message = format!(
        "`{object}` stores {dimensions} elements of 4 bytes for each row: halfvec would save about {} of {}",
        bytes(saved),
        bytes(float(index.bytes))
    );
    let finding = Finding::new(ID, object, Severity::Low, message)
        .confidence(Confidence::Medium)
        .statistic("vector_columns.dimensions", dimensions, Unit::Count)
        .statistic("index_sizes.index_bytes", index.bytes, Unit::Bytes);
    Some(estimated(finding, "saved_bytes", saved, Unit::Bytes).action(Action::BuildIndex(half.new)))
}

/// The same index at half precision.
pub(super) struct Half {
    pub(super) new: NewIndex,
    pub(super) bytes: f64,
}

/// An index at half precision beside one of `vector`, which stays until no statement needs it.
pub(super) fn half_precision(
    case: &Case<'_>,
    column: &VectorField<'_>,
    index: &AnnIndex<'_>,
    object: Object,
) -> Option<Half> {
    let (kind, dimensions) = column.shape_of(&index.operand);
    let known = |n: &i64| kind == VectorKind::Vector && *n <= dimensions_max(VectorKind::Halfvec);
    let n = dimensions.filter(known)?;
    let metric = index.metric?;
    let m = index.index.option("m").and_then(|m| m.parse().ok()).unwrap_or(M);
    // What the index has now shows the rows that it holds better than the table does.
    let share = match index.method {
        IndexMethod::Hnsw => {
            hnsw(1e6, VectorKind::Halfvec, n, m).bytes / hnsw(1e6, VectorKind::Vector, n, m).bytes
        }
        IndexMethod::IvfFlat => {
            ivfflat_bytes(1e6, VectorKind::Halfvec, n) / ivfflat_bytes(1e6, VectorKind::Vector, n)
        }
        IndexMethod::Foreign => return None,
    };
    let detail = case.snapshot.common.index_detail(index.index.oid)?;
    let options = index.index.options.iter().filter_map(|option| option.split_once('='));
    let rewrite = format!(
        "serves only statements that order by `{0}::halfvec({n}) {1} $1::halfvec({n})`: change them before the old index is dropped",
        column.definition.name,
        metric.operator()
    );
    let proposal = ProposedIndex {
        method: index.method,
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        predicate: detail.predicate.clone(),
        ..ProposedIndex::hnsw(
            VectorOperand::Cast(VectorKind::Halfvec, Some(n)),
            metric,
            "half-precision index",
        )
    }
    .caveat(rewrite)
    .caveat("elements above 65,504 do not fit halfvec: the build fails; compare recall with your query vectors");
    let old = existing_index(case, column, index, &object)?;
    let new = proposal.index(case, column, object)?;
    let new = NewIndex { instead_of: Some(Box::new(old)), ..new };
    Some(Half { new, bytes: float(index.bytes) * share })
}
