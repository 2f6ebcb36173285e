//! `plan/heap-fetches`, explained in the page beside this file.

use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed, removed, rows,
};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::Node;
use crate::model::{Case, Finding, Gap, Judgement, Superpower, Threshold, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    needs: &[Topic::PLANS],
    requires: &[],
    thresholds: &[&HEAP_FETCHES_MIN, &HEAP_FETCH_SHARE_MAX, &TIME_SHARE_MIN, &TIME_MS_MIN],
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
    for_each_executed(case, |tree, judgement| {
        judgement.findings.extend(tree.nodes().iter().filter_map(|node| find(tree, node, case)));
    })
}

fn find(tree: &Tree<'_>, node: &Node, case: &Case<'_>) -> Option<Finding> {
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
        whole(fetches),
        whole(read.max(fetches)),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, (node.id, stake), message)
            .evidence(figure("heap_fetches", whole(fetches), Unit::Rows))
            .evidence(figure("heap_fetch_share", share, Unit::Ratio)),
    )
}
