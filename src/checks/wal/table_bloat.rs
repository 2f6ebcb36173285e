//! `wal/table-bloat`, explained in the page beside this file.

use super::load::size;
use super::tables::{LeafTable, forest, is_large, leaves, object};
use crate::checks::Check;
use crate::checks::horizon::{PINNED_S_MIN, holder_of_most, uncertainty};
use crate::checks::number::{float, whole};
use crate::checks::row::{Item, Widths, bytes};
use crate::model::observation::{Layout, Relation, RelationKind};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Action, Case, Confidence, Family, Finding, Gap, Judgement, Maintenance, MaintenanceVerb,
    Severity, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::TABLE_ACTIVITY,
        Topic::LAYOUTS,
        Topic::WAL_BLOAT,
    ],
    uses: &[Topic::WAL_HORIZON],
    requires: &[],
    thresholds: &[&BLOAT_RATIO_MAX, &PINNED_S_MIN, &TABLE_BYTES_MIN],
    page: include_str!("table_bloat.md"),
    judge,
};

const ID: &str = "wal/table-bloat";

static BLOAT_RATIO_MAX: Threshold = Threshold {
    name: "bloat_ratio_max",
    default: 0.2,
    unit: Unit::Ratio,
    reason: "updates need about a fifth of free space; more is read for nothing",
};

/// A table of which this share holds nothing is worth a rewrite.
const REWRITE_RATIO: f64 = 0.5;
/// A page without its header.
const PAGE_BYTES: f64 = 8168.0;
/// A line pointer.
const POINTER_BYTES: f64 = 4.0;

/// How much of a heap holds nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
struct HeapBloat {
    bytes: f64,
    of_bytes: f64,
    measured: bool,
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let layouts = case.snapshot.layouts.get()?;
    let mut judgement = Judgement::default();
    let tables = forest(case)?;
    // A rewrite copies the rows that someone may still see, dead as they are.
    let is_pinned = holder_of_most(case).is_some() || uncertainty(case).is_some();
    for family in tables.iter().filter(|family| is_large(family, case.policy)) {
        let bloated: Vec<(LeafTable<'_>, HeapBloat)> = leaves(case, family)
            .into_iter()
            .filter_map(|leaf| Some((leaf, bloat(case, &leaf, is_pinned, layouts)?)))
            .collect();
        judgement.findings.extend(finding(case, family, &bloated));
    }
    Ok(judgement)
}

/// Measured where the server has the extension, else estimated by the width of rows.
fn bloat(
    case: &Case<'_>,
    leaf: &LeafTable<'_>,
    is_pinned: bool,
    layouts: &[Layout],
) -> Option<HeapBloat> {
    let LeafTable { relation, activity } = leaf;
    let fillfactor = activity.option("fillfactor").and_then(|value| value.parse::<f64>().ok());
    let filled = fillfactor.unwrap_or(100.0) / 100.0;
    let measured = case.snapshot.wal.bloat.get().ok();
    let measured = measured.and_then(|all| all.iter().find(|one| one.oid == relation.oid));
    let bloat = if let Some(one) = measured {
        let on_purpose = (1.0 - filled) * float(one.bytes);
        let dead_bytes = if is_pinned { 0.0 } else { one.dead_bytes };
        let bytes = (one.free_bytes + dead_bytes - on_purpose).max(0.0);
        HeapBloat { bytes, of_bytes: float(one.bytes), measured: true }
    } else {
        let layout = layouts.iter().find(|layout| layout.oid == relation.oid)?;
        let dead_rows = if is_pinned { float(activity.dead_rows) } else { 0.0 };
        estimated(relation, relation.rows? + dead_rows, layout, filled)?
    };
    let is_bloated = bloat.bytes > case.policy.get(&BLOAT_RATIO_MAX) * bloat.of_bytes
        && bloat.bytes >= case.policy.get(&TABLE_BYTES_MIN);
    is_bloated.then_some(bloat)
}

/// Pages beside what the rows would take that were last counted, each as wide as the average of its columns.
fn estimated(relation: &Relation, rows: f64, layout: &Layout, filled: f64) -> Option<HeapBloat> {
    let items: Option<Vec<Item>> = layout.columns.iter().map(Item::of).collect();
    let dropped = usize::try_from(layout.dropped_columns).ok()?;
    let row_bytes = bytes(&items?, dropped, Widths::Equal) + POINTER_BYTES;
    let per_page = (PAGE_BYTES * filled / row_bytes).floor().max(1.0);
    let needed = (rows / per_page).ceil();
    let pages = float(relation.pages);
    Some(HeapBloat {
        bytes: (pages - needed).max(0.0) * float(BLOCK_BYTES),
        of_bytes: float(relation.pages * BLOCK_BYTES),
        measured: false,
    })
}

fn finding(
    case: &Case<'_>,
    family: &Family<'_>,
    bloated: &[(LeafTable<'_>, HeapBloat)],
) -> Option<Finding> {
    let relations: Vec<&Relation> = bloated.iter().map(|(leaf, _)| leaf.relation).collect();
    let wasted: f64 = bloated.iter().map(|(_, bloat)| bloat.bytes).sum();
    let all: f64 = bloated.iter().map(|(_, bloat)| bloat.of_bytes).sum();
    if relations.is_empty() {
        return None;
    }
    let (share, measured) = (wasted / all.max(1.0), bloated.iter().all(|(_, one)| one.measured));
    let object = object(family, &relations);
    let (how, about) =
        if measured { ("measured", "") } else { ("by the width of its rows", "about ") };
    let message = format!(
        "`{object}` holds {about}{} of free and dead space, {} of its heap, {how}",
        size(wasted),
        crate::model::percent(share)
    );
    let severity = if share >= REWRITE_RATIO { Severity::Medium } else { Severity::Low };
    let finding = Finding::new(ID, object.clone(), severity, message).confidence(if measured {
        Confidence::High
    } else {
        Confidence::Low
    });
    let finding = if measured {
        finding.measured("bloat_ratio", share, Unit::Ratio).measured(
            "bloat_bytes",
            whole(wasted),
            Unit::Bytes,
        )
    } else {
        finding.statistic("layouts.bloat_ratio", share, Unit::Ratio).statistic(
            "layouts.bloat_bytes",
            whole(wasted),
            Unit::Bytes,
        )
    };
    let is_view = family.root.kind == RelationKind::MaterializedView;
    let mut caveats = vec![
        "free space is used again by inserts and updates: rewrite only what will not grow back"
            .to_owned(),
        format!("needs {} of disk until it ends, and writes as much WAL", size(all - wasted)),
    ];
    if !is_view {
        caveats.push(without_lock(case.snapshot.server.major).to_owned());
    }
    Some(finding.action(Action::Maintain(Maintenance {
        object,
        verb: MaintenanceVerb::VacuumFull,
        tables: relations.iter().map(|relation| relation.qualified_name()).collect(),
        preconditions: vec!["readers and writers can wait until it ends".to_owned()],
        caveats,
    })))
}

/// What does the same without keeping readers out.
fn without_lock(major: u32) -> &'static str {
    if major >= 19 {
        "REPACK (CONCURRENTLY) does the same while the table is read and written; it needs a replication slot"
    } else {
        "the extension pg_repack does the same while the table is read and written"
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, snapshot, table, transaction};
    use super::*;
    use crate::model::observation::MeasuredBloat;
    use crate::model::{Policy, Snapshot};

    /// A table of one column of 8 bytes: 36 bytes a row, 226 rows a page.
    fn seen(rows: i64, pages: i64, options: &[&str]) -> Snapshot {
        let mut seen = snapshot();
        let (relation, activity) = table(&mut seen, 1, "events", (rows, 0));
        relation.pages = pages;
        activity.options = options.iter().map(|option| (*option).to_owned()).collect();
        let layout: Layout = serde_json::from_value(serde_json::json!({
            "oid": 1, "unlogged": false, "inheritance": false, "row_type_used": false,
            "published": false, "updates_refused": null, "replica_identity": "d",
            "row_security": false, "dropped_columns": 0, "toast_tuple_target": null,
            "columns": [{
                "name": "id", "type_name": "int8", "type_sql": "bigint", "built_in": true, "length": 8,
                "alignment": "d", "storage": "p", "compression": null, "not_null": true, "default": null,
                "generated": null, "identity": false, "inherited": false, "readable": true,
                "null_share": 0.0, "width": 8.0, "distinct": -1.0, "pins": [],
            }],
            "keys": [], "heap_bytes": null, "toast_bytes": null,
        }))
        .unwrap_or_else(|error| unreachable!("{error}"));
        edit(&mut seen.layouts).push(layout);
        seen
    }

    fn found(snapshot: &Snapshot) -> Option<(Severity, Confidence, String)> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        judgement.findings.into_iter().next().map(|f| (f.severity, f.confidence, f.message))
    }

    #[test]
    fn a_heap_that_is_as_large_as_its_rows_is_silent_and_one_three_times_as_large_is_found() {
        assert_eq!(found(&seen(2_260_000, 10_000, &[])), None);
        assert_eq!(found(&seen(2_260_000, 12_000, &[])), None, "a sixth");
        let expected = "`ml.events` holds about 156 MB of free and dead space, 67 % of its heap, by the width of its rows";
        let medium = (Severity::Medium, Confidence::Low, expected.to_owned());
        assert_eq!(found(&seen(2_260_000, 30_000, &[])), Some(medium));
    }

    #[test]
    fn space_that_a_fillfactor_leaves_is_left_on_purpose() {
        assert_eq!(found(&seen(1_130_000, 10_000, &["fillfactor=50"])), None);
    }

    #[test]
    fn what_is_measured_is_believed_before_what_is_estimated() {
        let mut seen = seen(2_260_000, 30_000, &[]);
        let measured = |free_bytes: f64| MeasuredBloat {
            oid: 1,
            bytes: 30_000 * BLOCK_BYTES,
            free_bytes,
            dead_bytes: 0.0,
        };
        edit(&mut seen.wal.bloat).push(measured(1e6));
        assert_eq!(found(&seen), None);
        edit(&mut seen.wal.bloat)[0] = measured(1e8);
        let (severity, confidence, message) = found(&seen).unwrap_or_else(|| unreachable!());
        assert_eq!((severity, confidence), (Severity::Low, Confidence::High));
        assert!(message.ends_with("measured"), "{message}");
    }

    #[test]
    fn dead_rows_that_someone_may_still_see_are_no_space_that_a_rewrite_frees() {
        let mut seen = seen(2_260_000, 30_000, &[]);
        edit(&mut seen.common.table_activity)[0].dead_rows = 4_520_000;
        assert!(found(&seen).is_some());
        edit(&mut seen.wal.transactions).push(transaction(3000.0, 12));
        assert_eq!(found(&seen), None);
        edit(&mut seen.common.table_activity)[0].dead_rows = 0;
        assert!(found(&seen).is_some());
    }

    #[test]
    fn a_table_that_was_never_counted_is_not_estimated() {
        let mut seen = seen(0, 30_000, &[]);
        edit(&mut seen.relations)[0].rows = None;
        assert_eq!(found(&seen), None);
    }
}
