//! `plan/unselective-index-scan`, explained in the page beside this file.

use super::large_seq_scan::{an_index_could_serve, no_index, scans, share_shown};
use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, figure, for_each_executed, removed, rows_read,
};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::Node;
use crate::model::{
    Case, Confidence, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic, Unit,
    grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&DISCARDED_ROWS_MIN, &DISCARDED_SHARE_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("unselective_index_scan.md"),
    judge,
};

const ID: &str = "plan/unselective-index-scan";

static DISCARDED_ROWS_MIN: Threshold = Threshold {
    name: "discarded_rows_min",
    default: 10_000.0,
    unit: Unit::Rows,
    reason: "ten thousand rows are fetched through an index within a few tens of milliseconds, if they are cached",
};

static DISCARDED_SHARE_MIN: Threshold = Threshold {
    name: "discarded_share_min",
    default: 0.95,
    unit: Unit::Ratio,
    reason: "an index that holds the column of the filter, too, then fetches a twentieth of the rows or less",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        for scan in scans(tree, reads_by_index) {
            if let Some(finding) = find(tree, &scan, case) {
                judgement.declined.push(no_index(tree, &finding));
                judgement.findings.push(finding);
            }
        }
    })
}

pub(super) fn reads_by_index(node: &Node) -> bool {
    matches!(node.node_type.as_str(), "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan")
}

/// The finding about scans that one node reads together.
pub(super) fn find(tree: &Tree<'_>, scan: &[&Node], case: &Case<'_>) -> Option<Finding> {
    let stake = tree.stake(scan.iter().map(|node| node.id));
    let read: f64 = scan.iter().map(|node| rows_read(node)).sum();
    let discarded: f64 = scan.iter().map(|node| removed(node, "filter")).sum();
    let mut filters = scan.iter().filter_map(|node| node.condition("filter"));
    if discarded < case.policy.get(&DISCARDED_ROWS_MIN)
        || discarded < case.policy.get(&DISCARDED_SHARE_MIN) * read
        || !stake.matters(case)
        || !filters.any(an_index_could_serve)
    {
        return None;
    }
    let first = *scan.iter().max_by(|a, b| rows_read(a).total_cmp(&rows_read(b)))?;
    // The index of a bitmap is named below it.
    let index = match &first.index {
        Some(index) => format!(" by `{}`", clipped(index)),
        None => String::new(),
    };
    let message = format!(
        "{} fetches {} rows{index} and its filter removes {:.1} % of them: {:.0} % of the time",
        tree.title(first.id),
        grouped(read),
        share_shown(discarded / read),
        stake.share * 100.0
    );
    let finding = tree.finding(ID, stake.at(first.id), message);
    Some(
        // Whether another index holds the filter's columns is not in the plan.
        finding
            .confidence(Confidence::Medium)
            .evidence(figure("read_rows", whole(read), Unit::Rows))
            .evidence(figure("removed_rows", whole(discarded), Unit::Rows)),
    )
}
