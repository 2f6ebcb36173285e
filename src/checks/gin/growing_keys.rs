//! `gin/growing-keys` and what it shares with `gin/bloated-index`, explained in the pages beside this file.

use super::existing::existing;
use super::index::{GinTree, trees};
use super::window::window;
use crate::checks::number::{float, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::{ColumnDocuments, Documents};
use crate::model::rate::{DAY_WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Action, Case, Confidence, Evidence, Finding, Gap, GapReason, Grade, Judgement, Number, Object,
    Observation, Severity, Superpower, Threshold, Topic, Unit, counted, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::Medium,
    needs: NEEDS,
    uses: &[],
    requires: &[Requirement::Counters],
    thresholds: THRESHOLDS,
    page: include_str!("growing_keys.md"),
    judge: |case| judge(case, GrowthKind::Growing),
};

const ID: &str = "gin/growing-keys";

/// What both checks need.
pub(super) const NEEDS: &[Topic] = &[
    Topic::CONTEXT,
    Topic::RELATIONS,
    Topic::INDEXES,
    Topic::INDEX_DETAILS,
    Topic::GIN,
    Topic::GIN_KEYS,
    Topic::DOCUMENTS,
    Topic::TABLE_ACTIVITY,
];

/// What both checks compare with.
pub(super) const THRESHOLDS: &[&Threshold] =
    &[&STALE_KEYS_FACTOR, &TURNOVER_PER_DAY_MIN, &DAY_WINDOW_S_MIN, &TABLE_BYTES_MIN];

static STALE_KEYS_FACTOR: Threshold = Threshold {
    name: "stale_keys_factor",
    default: 2.0,
    unit: Unit::Ratio,
    reason: "keys in the index per key that its rows can have: at 2 a rebuild halves the index",
};

static TURNOVER_PER_DAY_MIN: Threshold = Threshold {
    name: "turnover_per_day_min",
    default: 0.05,
    unit: Unit::Ratio,
    reason: "share of the rows replaced a day; at a twentieth the keys of gone rows double the index again within weeks",
};

/// Scalars that a sample may have missed at each key: null, true, false, an empty object or array.
const UNCOUNTED_PER_KEY: f64 = 5.0;
/// Bytes of a new index that a build writes in a second: 10 to 38 MB for documents, arrays and text, measured on 14 and 18.
const BUILT_BYTES_PER_S: f64 = 10e6;
/// The share of the index that may be pending before the planner's count of keys is too coarse.
const PENDING_SHARE_MAX: f64 = 0.1;

/// Which of both checks judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrowthKind {
    /// Rows are replaced all the time, and their keys stay.
    Growing,
    /// They were once.
    Bloated,
}

pub(super) fn judge(case: &Case<'_>, kind: GrowthKind) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    seen.gin.keys.get()?;
    seen.common.index_details.get()?;
    seen.common.table_activity.get()?;
    let documents = seen.documents.get()?;
    let mut judgement = Judgement::default();
    let (mut unknown, mut too_early) = (0_usize, None);
    for tree in trees(case)?.iter().filter(|tree| tree.root.is_valid) {
        if tree.table_bytes < policy.get(&TABLE_BYTES_MIN) {
            continue;
        }
        let Some(stale) = stale(tree, documents, case) else {
            unknown += 1;
            continue;
        };
        // An index without keys has none to lose.
        if stale.keys < policy.get(&STALE_KEYS_FACTOR) * stale.needed.max(1.0) {
            continue;
        }
        match window(context, &DAY_WINDOW_S_MIN, policy) {
            Ok(window) if of(tree, window, case) == kind => {
                judgement.findings.push(finding(kind, window, &stale, case));
            }
            Ok(_) => {}
            Err(gap) => too_early = Some(gap),
        }
    }
    judgement.gaps.extend(too_early);
    judgement.gaps.extend((unknown > 0).then(|| unjudged(unknown)));
    Ok(judgement)
}

fn unjudged(indexes: usize) -> Gap {
    let detail = format!(
        "the keys of {} cannot be compared with their rows: only those on a whole jsonb column that was sampled can",
        counted(indexes, "GIN index", "GIN indexes")
    );
    Gap::new("gin_keys", GapReason::NotEnoughEvidence, detail)
}

/// Keys that an index holds and does not need.
struct StaleKeys<'t, 'a> {
    tree: &'t GinTree<'a>,
    /// Keys in the index, at the least.
    keys: f64,
    /// Keys that its rows can have, at the most.
    needed: f64,
    bytes: f64,
}

fn stale<'t, 'a>(
    tree: &'t GinTree<'a>,
    documents: &[ColumnDocuments],
    case: &Case<'_>,
) -> Option<StaleKeys<'t, 'a>> {
    let seen = case.snapshot;
    let detail = seen.common.index_detail(tree.root.oid)?;
    let [part] = detail.parts.as_slice() else { return None };
    let class = seen.common.operator_class(*tree.root.classes.first()?)?;
    let paths = match class.name.as_str() {
        "jsonb_ops" => false,
        "jsonb_path_ops" => true,
        _ => return None,
    };
    let column = part.column.as_ref().filter(|_| detail.predicate.is_none())?;
    let of = documents.iter().find(|of| of.oid == tree.table.oid && of.column == *column)?;
    let Observation::Seen(sample) = &of.sample else { return None };
    let (mut keys, mut bytes) = (0.0, 0.0);
    for leaf in &tree.leaves {
        let count = seen.gin.keys(leaf.index.oid)?;
        let now = float(seen.common.index_bytes(leaf.index));
        let pages = now / float(BLOCK_BYTES);
        if count.is_invented(pages) || float(count.pending_pages) > PENDING_SHARE_MAX * pages {
            return None;
        }
        keys += count.least(pages);
        bytes += now;
    }
    let needed = needed(sample, paths, float(tree.leaves.len()))?;
    Some(StaleKeys { tree, keys, needed, bytes })
}

/// Keys that the rows can have at the most: each path's different values in the sample, in proportion to the table. Values
/// that repeat are then counted too often, and none too seldom.
fn needed(documents: &Documents, paths: bool, parts: f64) -> Option<f64> {
    let sample = &documents.sample;
    if sample.rows == 0 || documents.keys_left_out > 0 {
        return None;
    }
    let scale = if sample.complete { 1.0 } else { sample.of_rows / float(sample.rows) };
    let of_key = |key: &crate::model::DocumentKey| {
        let each = float(key.distinct) * scale.max(1.0) * parts;
        each.min(key.instances.high.max(float(key.distinct))) + UNCOUNTED_PER_KEY * parts
    };
    let values: f64 = documents.keys.iter().map(of_key).sum();
    // Names of keys are entries of their own for jsonb_ops.
    let names = if paths { 0.0 } else { float(documents.keys.len()) * parts };
    Some(values + names)
}

/// Whether rows are still replaced.
fn of(tree: &GinTree<'_>, window: Window, case: &Case<'_>) -> GrowthKind {
    let tables = tree.leaves.iter().filter_map(|leaf| leaf.activity);
    let replaced: i64 = tables.map(|t| t.deleted_rows + t.updated_rows - t.hot_updated_rows).sum();
    let rows: f64 = tree.leaves.iter().map(|leaf| leaf.table.rows_now(None)).sum();
    let turnover = window.rate(replaced).per_day() / rows.max(1.0);
    if turnover >= case.policy.get(&TURNOVER_PER_DAY_MIN) {
        GrowthKind::Growing
    } else {
        GrowthKind::Bloated
    }
}

impl StaleKeys<'_, '_> {
    /// Bytes that a rebuild frees, if keys take their share.
    fn freed(&self) -> f64 {
        self.bytes * (1.0 - self.needed / self.keys.max(1.0))
    }
}

fn finding(
    kind: GrowthKind,
    window: Window,
    stale: &StaleKeys<'_, '_>,
    case: &Case<'_>,
) -> Finding {
    let object = stale.tree.whole_object();
    let factor = stale.keys / stale.needed.max(1.0);
    let (id, message) = match kind {
        GrowthKind::Growing => (
            ID,
            format!(
                "`{object}` holds {} keys, {factor:.1} times those of its rows, and rows are still replaced ({window})",
                grouped(stale.keys)
            ),
        ),
        GrowthKind::Bloated => (
            super::bloated_index::ID,
            format!(
                "`{object}` holds {} keys, {factor:.1} times those of its rows: about {:.0} MB of it serve no row",
                grouped(stale.keys),
                stale.freed() / 1e6
            ),
        ),
    };
    let grown = |name: &str, value: f64, grade: Grade| Evidence {
        name: name.to_owned(),
        value: Number::Whole(whole(value)),
        unit: Unit::Count,
        source: "gin_keys".to_owned(),
        grade,
    };
    let finding = Finding::new(id, object.clone(), Severity::Medium, message)
        .confidence(Confidence::Medium)
        .evidence(grown("keys_at_least", stale.keys, Grade::WhatIf))
        .evidence(grown("keys_needed_at_most", stale.needed, Grade::Measured))
        .statistic("index_sizes.index_bytes", whole(stale.bytes), Unit::Bytes)
        .statistic("index_sizes.freed_bytes", whole(stale.freed()), Unit::Bytes);
    let fresh = stale.bytes - stale.freed();
    let estimated = |name: &str, value: f64, unit: Unit| Evidence {
        name: name.to_owned(),
        value: Number::Whole(whole(value)),
        unit,
        source: "estimate".to_owned(),
        grade: Grade::Heuristic,
    };
    // Until a rebuild ends the old index is there, too.
    let finding = finding
        .evidence(estimated("rebuild_bytes", fresh, Unit::Bytes))
        .evidence(estimated("rebuild_s", (fresh / BUILT_BYTES_PER_S).max(1.0), Unit::S));
    rebuild(kind, stale.tree, &object, case).into_iter().fold(finding, Finding::action)
}

fn rebuild(
    kind: GrowthKind,
    tree: &GinTree<'_>,
    object: &Object,
    case: &Case<'_>,
) -> Option<Action> {
    let mut old = existing(tree, object, case.snapshot)?;
    if kind == GrowthKind::Growing {
        old.caveats.push(
            "the index grows again: keep ids and times out of it, by an index on the part of the document that is searched"
                .to_owned(),
        );
    }
    Some(Action::RebuildIndex(old))
}
