//! `plan/low-buffer-hit`, explained in the page beside this file.

use super::large_seq_scan;
use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::Node;
use crate::model::{
    Case, Confidence, Finding, Gap, GapReason, Judgement, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    needs: &[Topic::PLANS],
    requires: &[],
    thresholds: &[&HIT_RATIO_MIN, &READ_BLOCKS_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("low_buffer_hit.md"),
    judge,
};

const ID: &str = "plan/low-buffer-hit";

static HIT_RATIO_MIN: Threshold = Threshold {
    name: "hit_ratio_min",
    default: 0.99,
    unit: Unit::Ratio,
    reason: "a query whose rows are in use finds more than 99 % of its blocks in shared buffers",
};

static READ_BLOCKS_MIN: Threshold = Threshold {
    name: "read_blocks_min",
    default: 1000.0,
    unit: Unit::Count,
    reason: "8 MB are read within a few milliseconds",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        if tree.plan.root().is_some_and(|root| root.buffers.is_none()) {
            judgement.gaps.push(no_buffers());
        }
        judgement.findings.extend(tree.nodes().iter().filter_map(|node| find(tree, node, case)));
    })
}

fn find(tree: &Tree<'_>, node: &Node, case: &Case<'_>) -> Option<Finding> {
    let buffers = tree.own_buffers(node.id)?;
    let (hit, read) = (count(Some(buffers.shared_hit)), count(Some(buffers.shared_read)));
    let ratio = hit / (hit + read).max(1.0);
    if read < case.policy.get(&READ_BLOCKS_MIN)
        || ratio >= case.policy.get(&HIT_RATIO_MIN)
        // A scan that should not read the table at all is blamed for that.
        || large_seq_scan::find(tree, &[node], case).is_ok_and(|found| found.is_some())
    {
        return None;
    }
    // With track_io_timing it is known what the reads take; otherwise it is less than the node takes.
    let (stake, confidence) = match tree.own_read_ms(node.id) {
        Some(ms) => (tree.stake_of_ms(ms), Confidence::High),
        None => (tree.stake([node.id]), Confidence::Low),
    };
    if !stake.matters(case) {
        return None;
    }
    let waits = if confidence == Confidence::High { "waits" } else { "at most waits" };
    let message = format!(
        "{} finds {:.1} % of its blocks in shared buffers and {waits} {:.0} % of the time for {} blocks from outside",
        tree.title(node.id),
        ratio * 100.0,
        stake.share * 100.0,
        whole(read)
    );
    Some(
        tree.finding(ID, (node.id, stake), message)
            .confidence(confidence)
            .evidence(figure("hit_ratio", ratio, Unit::Ratio))
            .evidence(figure("read_bytes", whole(read * 8192.0), Unit::Bytes)),
    )
}

fn no_buffers() -> Gap {
    let detail =
        "The plan has no buffers: what was read from outside of shared buffers was not judged";
    Gap::new("plan.buffers", GapReason::NotEnoughEvidence, detail)
        .lifted_by("EXPLAIN (ANALYZE, BUFFERS)")
}
