//! `gin/small-pending-limit`, explained in the page beside this file.

use super::index::{GinTree, LeafIndex, trees};
use super::limit::{FLUSH_INTERVAL_S_MIN, ROW_BYTES_MIN};
use super::window::window;
use crate::checks::number::{float, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::Setting;
use crate::model::rate::{Rate, WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Action, Case, Confidence, Declined, Evidence, Finding, Gap, Grade, Judgement, Number, Object,
    Observation, OptionsChange, OptionsOf, Severity, Superpower, Threshold, Topic, Unit, rounded,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::GIN,
        Topic::GIN_PENDING,
        Topic::SETTINGS,
        Topic::TABLE_ACTIVITY,
    ],
    uses: &[],
    requires: &[Requirement::WriteCounters],
    thresholds: &[&FLUSH_INTERVAL_S_MIN, &LIST_READS_MAX, &WINDOW_S_MIN, &TABLE_BYTES_MIN],
    page: include_str!("small_pending_limit.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "gin/small-pending-limit";
/// A larger list is not advised: as much as is flushed without a pause that is felt, of tables that are written much.
const LIMIT_KB_MAX: f64 = 16_384.0;

static LIST_READS_MAX: Threshold = Threshold {
    name: "list_reads_per_second_max",
    default: 1000.0,
    unit: Unit::Count,
    reason: "pages of a larger list, half full, times searches a second: what searches would pay for cheaper inserts",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    seen.gin.pending.get()?;
    seen.common.settings.get()?;
    seen.common.table_activity.get()?;
    let setting = seen.common.setting("gin_pending_list_limit");
    let mut judgement = Judgement::default();
    let mut too_early = None;
    for tree in trees(case)? {
        if tree.table_bytes < policy.get(&TABLE_BYTES_MIN) {
            continue;
        }
        let below =
            |leaf: &&LeafIndex<'_>| leaf.fastupdate() && leaf.limit_kb(setting) < LIMIT_KB_MAX;
        for leaf in tree.leaves.iter().filter(below) {
            match window(context, &WINDOW_S_MIN, policy) {
                Ok(window) => {
                    // Nothing was inserted, or it is not known how much: there is no interval.
                    let Some(filling) = filling(&tree, leaf, window, case) else { continue };
                    judge_leaf(&mut judgement, &filling, case);
                }
                Err(gap) => too_early = Some(gap),
            }
        }
    }
    judgement.gaps.extend(too_early);
    Ok(judgement)
}

/// How the list of an index fills.
struct Filling<'t, 'a> {
    tree: &'t GinTree<'a>,
    leaf: &'t LeafIndex<'a>,
    /// Rows written.
    rows: Rate,
    searches: Rate,
    /// Bytes of one of them in the list, and how that is known.
    row_bytes: (f64, Grade),
    limit_kb: f64,
}

impl Filling<'_, '_> {
    fn object(&self) -> Object {
        self.tree.object(&[self.leaf])
    }

    fn bytes_per_second(&self) -> f64 {
        self.rows.per_second * self.row_bytes.0
    }

    /// Seconds between two flushes.
    fn interval(&self) -> f64 {
        self.limit_kb * 1024.0 / self.bytes_per_second()
    }
}

fn filling<'t, 'a>(
    tree: &'t GinTree<'a>,
    leaf: &'t LeafIndex<'a>,
    window: Window,
    case: &Case<'_>,
) -> Option<Filling<'t, 'a>> {
    let table = leaf.activity?;
    let written = table.inserted_rows + table.updated_rows - table.hot_updated_rows;
    let seen = case.snapshot;
    let pending = match seen.gin.pending(leaf.index.oid) {
        Some(Observation::Seen(pending)) => Some(pending),
        Some(Observation::Unseen(_)) | None => None,
    };
    let measured = pending.and_then(|pending| {
        let tuples = pending.tuples.filter(|tuples| *tuples >= 100)?;
        Some((float(pending.pages * BLOCK_BYTES) / float(tuples), Grade::Measured))
    });
    Some(Filling {
        tree,
        leaf,
        rows: window.rate(written),
        searches: window.rate(leaf.index.scans),
        row_bytes: measured.unwrap_or((ROW_BYTES_MIN, Grade::Heuristic)),
        limit_kb: leaf.limit_kb(seen.common.setting("gin_pending_list_limit")),
    })
}

fn judge_leaf(judgement: &mut Judgement, filling: &Filling<'_, '_>, case: &Case<'_>) {
    let least = case.policy.get(&FLUSH_INTERVAL_S_MIN);
    if filling.interval() >= least {
        return;
    }
    let wanted = filling.bytes_per_second() * least / 1024.0;
    let limit_kb = wanted.max(filling.limit_kb * 2.0).log2().ceil().exp2().min(LIMIT_KB_MAX);
    let searches = filling.searches.per_second;
    let reads = searches * limit_kb / 8.0 / 2.0;
    if reads > case.policy.get(&LIST_READS_MAX) {
        judgement.declined.push(Declined::new(
            ID,
            filling.object(),
            "searches would read the longer list",
            format!(
                "{searches:.1} searches a second would read {} pages a second of a list of {limit_kb:.0} kB, half full",
                rounded(reads)
            ),
        ));
        return;
    }
    judgement.findings.push(finding(filling, limit_kb, case));
}

fn finding(filling: &Filling<'_, '_>, limit_kb: f64, case: &Case<'_>) -> Finding {
    let object = filling.object();
    let work_mem = case.snapshot.common.setting("work_mem").and_then(Setting::bytes);
    let message = format!(
        "`{object}` drains its pending list of {:.0} kB every {:.1} s, in the middle of an insert, over {}",
        filling.limit_kb,
        filling.interval(),
        filling.rows.window
    );
    let mut caveats = vec![
        "every search reads the list: a larger one makes them slower until it is drained"
            .to_owned(),
    ];
    if let Some(bytes) = work_mem.filter(|bytes| *bytes < limit_kb * 1024.0) {
        caveats.push(format!(
            "an insert drains the list within work_mem, which is {:.0} kB: a longer list takes several passes",
            bytes / 1024.0
        ));
    }
    let mut finding = Finding::new(ID, object.clone(), Severity::Medium, message)
        .confidence(Confidence::Medium)
        .statistic("table_activity.rows_per_second", filling.rows.per_second, Unit::Rows)
        .evidence(Evidence {
            name: "pending_row_bytes".to_owned(),
            value: Number::from(filling.row_bytes.0),
            unit: Unit::Bytes,
            source: "gin_pending".to_owned(),
            grade: filling.row_bytes.1,
        })
        .statistic(
            "settings.pending_list_limit_bytes",
            whole(filling.limit_kb * 1024.0),
            Unit::Bytes,
        )
        .statistic("settings.flush_interval_s", filling.interval(), Unit::S);
    if let Some(bytes) = work_mem {
        finding = finding.statistic("settings.work_mem_bytes", whole(bytes), Unit::Bytes);
    }
    finding.action(Action::SetOptions(OptionsChange {
        of: OptionsOf::Indexes,
        members: vec![filling.leaf.index_member()],
        set: vec![("gin_pending_list_limit".to_owned(), format!("{limit_kb:.0}"))],
        reset: Vec::new(),
        then: None,
        title: format!("Raise the limit of the pending list of `{object}` to {limit_kb:.0} kB"),
        object,
        purpose: "larger limit".to_owned(),
        caveats,
    }))
}
