//! `gin/pending-list-backlog`, explained in the page beside this file.

use super::drainer::{Drainer, drainer};
use super::index::{GinTree, LeafIndex, trees, vacuum};
use super::limit::PENDING_PAGES_MIN;
use super::window::window;
use crate::checks::number::{float, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::{Pending, PendingReader};
use crate::model::rate::{Rate, WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Evidence, Finding, Gap, GapReason, Grade, Judgement,
    Member, Number, Object, Observation, OptionsChange, OptionsOf, Severity, Superpower, Threshold,
    Topic, Unit, counted, rounded,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::High,
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
    requires: &[Requirement::Counters],
    thresholds: &[
        &PENDING_PAGES_MIN,
        &VAIN_BUFFERS_MIN,
        &PENDING_SHARE_MIN,
        &WINDOW_S_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("pending_list_backlog.md"),
    judge,
};

const ID: &str = "gin/pending-list-backlog";

/// Pages of the entry tree and of posting lists that a search reads beside the list, by the planner's own estimate.
const SEARCH_PAGES: f64 = 4.0;
/// Rows inserted between two vacuums at the least: a vacuum reads every page that is not all-visible.
const INSERT_THRESHOLD_MIN: f64 = 1000.0;
/// Buffers a second from which on it is worth doing soon: 80 MB/s of memory bandwidth and a good part of a core.
const VAIN_BUFFERS_HIGH: f64 = 10_000.0;

static VAIN_BUFFERS_MIN: Threshold = Threshold {
    name: "vain_buffers_per_second_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "pending pages times searches per second; below it the cost is not noticeable",
};

static PENDING_SHARE_MIN: Threshold = Threshold {
    name: "pending_share_min",
    default: 0.25,
    unit: Unit::Ratio,
    reason: "share of the buffers of an average search; a search that reads ten thousand rows does not feel a short list",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    seen.gin.pending.get()?;
    seen.common.settings.get()?;
    seen.common.table_activity.get()?;
    let mut judgement = Judgement::default();
    let (mut left_out, mut too_early) = (0_usize, None);
    for tree in trees(case)? {
        if tree.table_bytes < policy.get(&TABLE_BYTES_MIN) {
            continue;
        }
        let mut affected = Vec::new();
        for leaf in &tree.leaves {
            match seen.gin.pending(leaf.index.oid) {
                Some(Observation::Seen(pending)) if is_long(pending, case) => {
                    match window(context, &WINDOW_S_MIN, policy) {
                        Ok(window) => affected.extend(backlog(leaf, *pending, window, case)),
                        Err(gap) => too_early = Some(gap),
                    }
                }
                Some(Observation::Seen(_)) => {}
                Some(Observation::Unseen(gap)) => judgement.gaps.push(gap.clone()),
                None => left_out += 1,
            }
        }
        report(&mut judgement, &tree, affected, case);
    }
    judgement.gaps.extend(too_early);
    if left_out > 0 {
        let detail = format!(
            "{} not read: there are others that are searched more",
            counted(left_out, "pending list was", "pending lists were")
        );
        judgement.gaps.push(
            Gap::new("gin_pending", GapReason::BudgetSpent, detail)
                .lifted_by("narrow the analysis with `schema` or `table`"),
        );
    }
    Ok(judgement)
}

fn is_long(pending: &Pending, case: &Case<'_>) -> bool {
    float(pending.pages_min()) >= case.policy.get(&PENDING_PAGES_MIN)
}

/// What is wrong with one list.
struct Backlog<'t, 'a> {
    leaf: &'t LeafIndex<'a>,
    pending: Pending,
    searches: Rate,
    /// Share of the buffers of an average search.
    share: f64,
    drainer: Drainer,
}

fn backlog<'t, 'a>(
    leaf: &'t LeafIndex<'a>,
    pending: Pending,
    window: Window,
    case: &Case<'_>,
) -> Option<Backlog<'t, 'a>> {
    let scans = float(leaf.index.scans);
    let (pages, searches) = (float(pending.pages_min()), window.rate(leaf.index.scans));
    let rows = float(leaf.index.tuples_read) / scans.max(1.0);
    let share = pages / (pages + SEARCH_PAGES + rows);
    let policy = case.policy;
    (pages * searches.per_second >= policy.get(&VAIN_BUFFERS_MIN)
        && share >= policy.get(&PENDING_SHARE_MIN))
    .then(|| Backlog {
        leaf,
        pending,
        searches,
        share,
        drainer: drainer(leaf, &case.snapshot.common),
    })
}

impl Backlog<'_, '_> {
    fn vain(&self) -> f64 {
        float(self.pending.pages) * self.searches.per_second
    }
}

fn report(
    judgement: &mut Judgement,
    tree: &GinTree<'_>,
    affected: Vec<Backlog<'_, '_>>,
    case: &Case<'_>,
) {
    let (due, affected): (Vec<_>, Vec<_>) =
        affected.into_iter().partition(|backlog| backlog.drainer == Drainer::Due);
    if !affected.is_empty() {
        judgement.findings.push(finding(tree, &affected, case));
    } else if let Some(longest) = due.iter().max_by_key(|backlog| backlog.pending.pages) {
        let leaves: Vec<&LeafIndex<'_>> = due.iter().map(|backlog| backlog.leaf).collect();
        judgement.declined.push(Declined::new(
            ID,
            tree.object(&leaves),
            "autovacuum is due and drains the list",
            format!(
                "{} pages are pending; the table has changed by more than autovacuum waits for",
                longest.pending.pages
            ),
        ));
    }
}

fn finding(tree: &GinTree<'_>, affected: &[Backlog<'_, '_>], case: &Case<'_>) -> Finding {
    let leaves: Vec<&LeafIndex<'_>> = affected.iter().map(|backlog| backlog.leaf).collect();
    let object = tree.object(&leaves);
    let vain: f64 = affected.iter().map(Backlog::vain).sum();
    let searches: f64 = affected.iter().map(|backlog| backlog.searches.per_second).sum();
    let worst = affected
        .iter()
        .reduce(|one, other| if other.pending.pages > one.pending.pages { other } else { one });
    let Some(worst) = worst else { unreachable!("called with at least one") };
    let severity = if vain >= VAIN_BUFFERS_HIGH { Severity::High } else { Severity::Medium };
    let message = format!(
        "`{object}` makes each search read {} pending pages, {} buffers a second over {}; {}",
        worst.pending.pages,
        rounded(vain),
        worst.searches.window,
        worst.drainer.reason()
    );
    let limit_kb = worst.leaf.limit_kb(case.snapshot.common.setting("gin_pending_list_limit"));
    let finding = Finding::new(ID, object.clone(), severity, message)
        .confidence(Confidence::Medium)
        .evidence(pending_pages(&worst.pending))
        .statistic("indexes.searches_per_second", searches, Unit::Count)
        .statistic("indexes.vain_buffers_per_second", vain, Unit::Count)
        .statistic("indexes.pending_share_of_search", worst.share, Unit::Ratio)
        .statistic("settings.pending_list_limit_bytes", whole(limit_kb * 1024.0), Unit::Bytes);
    let finding = last_drained(finding, worst.leaf);
    remedies(&object, affected, &leaves, case).into_iter().fold(finding, Finding::action)
}

/// When the table was last visited by what drains a list in the background.
fn last_drained(finding: Finding, leaf: &LeafIndex<'_>) -> Finding {
    let Some(activity) = leaf.activity else { return finding };
    let visits = [
        ("table_activity.last_vacuum", activity.last_vacuum),
        ("table_activity.last_autovacuum", activity.last_autovacuum),
        ("table_activity.last_autoanalyze", activity.last_autoanalyze),
    ];
    visits.into_iter().fold(finding, |finding, (name, at)| {
        let at = at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        finding.statistic(name, &*at, Unit::Name)
    })
}

/// How many pages are pending, and how that was read.
pub(super) fn pending_pages(pending: &Pending) -> Evidence {
    let (source, grade) = match pending.read_by {
        PendingReader::Pgstatginindex => ("pgstatginindex", Grade::Measured),
        PendingReader::Explain => ("explain", Grade::WhatIf),
    };
    Evidence {
        name: "pending_pages".to_owned(),
        value: Number::Whole(pending.pages),
        unit: Unit::Count,
        source: source.to_owned(),
        grade,
    }
}

/// By cause, the best first.
fn remedies(
    object: &Object,
    affected: &[Backlog<'_, '_>],
    leaves: &[&LeafIndex<'_>],
    case: &Case<'_>,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let drain = vacuum(object, leaves);
    let pages_min = case.policy.get(&PENDING_PAGES_MIN);
    let off = affected.iter().any(|backlog| backlog.drainer == Drainer::OffForServer);
    // Switched off for the server, no option of a table helps.
    actions.extend(
        table_options(object, affected, pages_min).filter(|_| !off).map(Action::SetOptions),
    );
    let setting = case.snapshot.common.setting("gin_pending_list_limit");
    let limit_kb = (pages_min * 8.0).max(64.0);
    if leaves.iter().all(|leaf| leaf.fastupdate() && leaf.limit_kb(setting) > 2.0 * limit_kb) {
        actions.push(Action::SetOptions(OptionsChange {
            then: Some(drain.clone()),
            title: format!("Limit the pending list of `{object}` to {limit_kb:.0} kB"),
            caveats: vec![
                "inserts then drain the list more often, each time for less: the session whose insert passes the limit waits for it".to_owned(),
            ],
            set: vec![("gin_pending_list_limit".to_owned(), format!("{limit_kb:.0}"))],
            ..index_options(object, leaves, "smaller limit")
        }));
    }
    if leaves.iter().any(|leaf| leaf.fastupdate()) {
        actions.push(Action::SetOptions(OptionsChange {
            then: Some(drain.clone()),
            title: format!("Switch off the pending list of `{object}`"),
            caveats: vec![
                "every insert then writes each of its keys to the index itself: measure your inserts at their real concurrency before and after".to_owned(),
            ],
            set: vec![("fastupdate".to_owned(), "off".to_owned())],
            ..index_options(object, leaves, "no pending list")
        }));
    }
    let mut first_aid = drain;
    first_aid.caveats.push(if off {
        "autovacuum is off for the server: the list grows again".to_owned()
    } else {
        "the list grows again unless its cause is removed".to_owned()
    });
    actions.push(Action::Maintain(first_aid));
    actions
}

/// A change of options of these indexes, which sets none yet.
fn index_options(object: &Object, leaves: &[&LeafIndex<'_>], purpose: &str) -> OptionsChange {
    OptionsChange {
        object: object.clone(),
        of: OptionsOf::Indexes,
        members: leaves.iter().map(|leaf| leaf.index_member()).collect(),
        set: Vec::new(),
        reset: Vec::new(),
        then: None,
        title: String::new(),
        purpose: purpose.to_owned(),
        caveats: Vec::new(),
    }
}

/// Options that bring autovacuum to the tables before their lists are as long again.
fn table_options(
    object: &Object,
    affected: &[Backlog<'_, '_>],
    pages_min: f64,
) -> Option<OptionsChange> {
    let members: Option<Vec<Member<Vec<String>>>> =
        affected.iter().map(|backlog| backlog.leaf.table_member()).collect();
    let mut set = Vec::new();
    if affected.iter().any(|backlog| backlog.drainer == Drainer::OffForTable) {
        set.push(("autovacuum_enabled".to_owned(), "true".to_owned()));
    }
    // Rows that fill the shortest list worth a finding.
    let rows = affected.iter().filter_map(|backlog| {
        let inserted = float(backlog.leaf.activity?.inserted_since_vacuum);
        (inserted > 0.0).then(|| inserted * pages_min / float(backlog.pending.pages.max(1)))
    });
    let threshold = rows.reduce(f64::min).map(f64::round);
    if let Some(threshold) = threshold.filter(|threshold| *threshold >= INSERT_THRESHOLD_MIN) {
        set.push(("autovacuum_vacuum_insert_scale_factor".to_owned(), "0".to_owned()));
        set.push(("autovacuum_vacuum_insert_threshold".to_owned(), format!("{threshold:.0}")));
    }
    let leaves: Vec<&LeafIndex<'_>> = affected.iter().map(|backlog| backlog.leaf).collect();
    (!set.is_empty()).then_some(())?;
    Some(OptionsChange {
        object: object.clone(),
        of: OptionsOf::Tables,
        members: members?,
        set,
        reset: Vec::new(),
        then: Some(vacuum(object, &leaves)),
        title: format!("Have autovacuum drain the pending list of `{object}`"),
        purpose: "autovacuum".to_owned(),
        caveats: vec![
            "it then visits the table about as often as the list is that long; nothing else drains it in the background".to_owned(),
        ],
    })
}
