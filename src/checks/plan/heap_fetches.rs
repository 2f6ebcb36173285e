//! `plan/heap-fetches`, explained in the page beside this file.

use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed, or_counted, removed, rows,
};
use crate::checks::horizon::{PINNED_S_MIN, holder_of_most, report, uncertainty};
use crate::checks::number::{float, whole};
use crate::checks::{Check, Requirement};
use crate::explain::Node;
use crate::model::observation::{Index, Relation};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Finding, Gap, Judgement, Maintenance, MaintenanceVerb, Object,
    Severity, Superpower, Threshold, Topic, Unit, grouped, percent,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS, Topic::RELATIONS, Topic::INDEXES, Topic::TABLE_ACTIVITY],
    uses: &[Topic::CONTEXT, Topic::WAL_HORIZON],
    requires: &[],
    thresholds: &[
        &HEAP_FETCHES_MIN,
        &HEAP_FETCH_SHARE_MAX,
        &PINNED_S_MIN,
        &TIME_SHARE_MIN,
        &TIME_MS_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("heap_fetches.md"),
    judge,
};

const ID: &str = "plan/heap-fetches";

static HEAP_FETCHES_MIN: Threshold = Threshold {
    name: "heap_fetches_min",
    default: 1000.0,
    unit: Unit::Rows,
    reason: "a thousand visits of the heap take a few milliseconds",
};

static HEAP_FETCH_SHARE_MAX: Threshold = Threshold {
    name: "heap_fetch_share_max",
    default: 0.1,
    unit: Unit::Ratio,
    reason: "rows changed since the last vacuum are fetched from the heap; up to a tenth is usual",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    or_counted(case, by_plans(case), by_counters)
}

/// Tables whose covering indexes are used, by how much of them vacuum has marked. The counters do not distinguish an
/// index-only scan from another, so an index counts that stores columns beside its keys, which serve no other scan.
fn by_counters(case: &Case<'_>) -> Result<Judgement, Gap> {
    let seen = case.snapshot;
    let context = seen.context.get()?;
    if let Some(gap) = Requirement::Counters.gap(context, seen.server.in_recovery) {
        return Err(gap);
    }
    let indexes = seen.common.indexes.get()?;
    seen.common.table_activity.get()?;
    let families = case.families()?;
    let mut judgement = Judgement::default();
    // A page with a row that died, or came, since someone began to look is not marked.
    let holder = holder_of_most(case);
    for family in families.iter().filter(|family| case.wants(family)) {
        let large =
            |leaf: &&Relation| float(leaf.bytes_at_least()) >= case.policy.get(&TABLE_BYTES_MIN);
        for leaf in family.leaves().filter(large) {
            let covering = indexes.iter().filter(|index| index.table_oid == leaf.oid);
            let used = covering.filter(|index| is_covering(index) && is_used(index, case));
            if let Some(index) = used.max_by_key(|index| index.scans) {
                let Some(finding) = unmarked(case, leaf, index) else { continue };
                report(&mut judgement, finding, holder.as_ref(), |one| {
                    one.action(vacuum(leaf, case))
                });
            }
        }
    }
    Ok(judgement)
}

fn is_covering(index: &Index) -> bool {
    index.is_valid && index.attributes.len() > index.key_count
}

fn is_used(index: &Index, case: &Case<'_>) -> bool {
    index.scans > 0 && float(index.tuples_read) >= case.policy.get(&HEAP_FETCHES_MIN)
}

fn unmarked(case: &Case<'_>, table: &Relation, index: &Index) -> Option<Finding> {
    let activity = case.snapshot.common.activity(table.oid)?;
    let share = 1.0 - float(activity.all_visible_pages) / float(table.pages.max(1));
    if share <= case.policy.get(&HEAP_FETCH_SHARE_MAX) {
        return None;
    }
    let object = Object::Table { schema: table.schema.clone(), table: table.name.clone() };
    let message = format!(
        "{} of the pages of `{object}` are not marked all-visible: index-only scans of `{}` fetch their rows from the heap",
        percent(share),
        index.qualified_name().to_sql()
    );
    Some(
        Finding::new(ID, object, Severity::Low, message)
            .confidence(Confidence::Low)
            .statistic("table_activity.not_all_visible_share", share, Unit::Ratio)
            .statistic("indexes.scans", index.scans, Unit::Count),
    )
}

fn vacuum(table: &Relation, case: &Case<'_>) -> Action {
    let later = "what changes later has to be vacuumed again: see wal/lazy-autovacuum";
    Action::Maintain(Maintenance {
        object: Object::Table { schema: table.schema.clone(), table: table.name.clone() },
        verb: MaintenanceVerb::Vacuum,
        tables: vec![table.qualified_name()],
        preconditions: Vec::new(),
        caveats: std::iter::once(later.to_owned()).chain(uncertainty(case)).collect(),
    })
}

fn by_plans(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        judgement.findings.extend(tree.nodes().iter().filter_map(|node| find(tree, node, case)));
    })
}

pub(super) fn find(tree: &Tree<'_>, node: &Node, case: &Case<'_>) -> Option<Finding> {
    let fetches = count(node.heap_fetches.filter(|_| node.node_type == "Index Only Scan"));
    let read = rows(node) + removed(node, "filter") + removed(node, "index_recheck");
    let share = fetches / read.max(fetches).max(1.0);
    let stake = tree.stake([node.id]);
    if fetches < case.policy.get(&HEAP_FETCHES_MIN)
        || share <= case.policy.get(&HEAP_FETCH_SHARE_MAX)
        || !stake.matters(case)
    {
        return None;
    }
    let message = format!(
        "{} fetches {} of {} rows from the heap, for vacuum has not marked its pages all-visible: {:.0} % of the time",
        tree.title(node.id),
        grouped(fetches),
        grouped(read.max(fetches)),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, stake.at(node.id), message)
            .evidence(figure("heap_fetches", whole(fetches), Unit::Rows))
            .evidence(figure("heap_fetch_share", share, Unit::Ratio)),
    )
}
