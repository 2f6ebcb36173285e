//! `hybrid-schema/deep-nesting`, explained in the page beside this file.

use super::table::{DocumentColumn, columns, tables};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::{
    Case, DocumentKey, Finding, Gap, Judgement, Policy, Severity, Superpower, Threshold, Topic,
    Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Low,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS],
    uses: &[],
    requires: &[],
    thresholds: &[&DEPTH_MAX, &DEEP_SHARE_MAX, &DOCUMENTS_MIN],
    page: include_str!("deep_nesting.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "hybrid-schema/deep-nesting";

pub(in crate::checks) static DEPTH_MAX: Threshold = Threshold {
    name: "depth_max",
    default: 3.0,
    unit: Unit::Count,
    reason: "an object, a group in it, and a list or pair in that is what a reader keeps in mind",
};

static DEEP_SHARE_MAX: Threshold = Threshold {
    name: "deep_share_max",
    default: 0.01,
    unit: Unit::Ratio,
    reason: "one strange document in a hundred is an accident of the writer and not the shape of the column",
};

static DOCUMENTS_MIN: Threshold = Threshold {
    name: "documents_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "a shape that fewer documents show may be that of a test or a seed",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let tables = tables(case)?;
    let (columns, gaps) = columns(seen, &tables)?;
    let findings = columns.iter().filter_map(|column| find(column, policy)).collect();
    Ok(Judgement { findings, gaps, ..Judgement::default() })
}

fn find(column: &DocumentColumn<'_>, policy: &Policy) -> Option<Finding> {
    let depth_max = policy.get(&DEPTH_MAX);
    let depths = column.documents.depths.iter().enumerate();
    let deep: u64 = depths.filter(|(depth, _)| float(*depth) > depth_max).map(|(_, n)| n).sum();
    let (count, share) = (column.count(), float(deep) / float(column.count()).max(1.0));
    if float(count) < policy.get(&DOCUMENTS_MIN) || share <= policy.get(&DEEP_SHARE_MAX) {
        return None;
    }
    let object = column.object();
    let deepest = deepest(&column.documents.keys)?;
    let depth = column.documents.totals.depth_max;
    let message = format!("`{object}` nests its documents {depth} deep, at `{}`", deepest.path);
    Some(
        Finding::new(ID, object, Severity::Low, message)
            .measured("depth_max", whole(float(depth)), Unit::Count)
            .measured("deep_share", share, Unit::Ratio)
            .measured("documents", whole(float(count)), Unit::Count)
            .measured("deepest_path", deepest.path.as_str(), Unit::Name),
    )
}

/// The deepest path, of several the one in most documents.
fn deepest(keys: &[DocumentKey]) -> Option<&DocumentKey> {
    let rank = |key: &&DocumentKey| (key.depth, key.presence_ratio.to_bits());
    keys.iter().max_by_key(rank)
}
