//! `plan/lossy-bitmap`, explained in the page beside this file.

use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, figure, for_each_executed, memory, removed};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::explain::Node;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("lossy_bitmap.md"),
    judge,
};

const ID: &str = "plan/lossy-bitmap";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        judgement.findings.extend(tree.nodes().iter().filter_map(|node| find(tree, node, case)));
        let ranges = tree.nodes().iter().filter(|node| names_ranges(blocks(node)));
        let ranges = ranges.filter(|node| tree.stake_beside_reads(node.id).matters(case));
        judgement.declined.extend(ranges.map(|node| {
            let detail = "No block is exact, as by a BRIN index, which names ranges of blocks: `work_mem` changes nothing";
            Declined::new(ID, tree.object(node.id), "no exact block", detail)
        }));
    })
}

/// Blocks of a bitmap that are exact, and lossy ones, of all its processes.
fn blocks(node: &Node) -> (f64, f64) {
    let workers = node.workers.iter().filter_map(|worker| worker.bitmap.as_ref());
    let (mut exact, mut lossy) = (0, 0);
    for blocks in node.bitmap.iter().chain(workers) {
        exact += blocks.exact_blocks;
        lossy += blocks.lossy_blocks;
    }
    (float(exact), float(lossy))
}

/// Whether the index names no rows. A bitmap that does not fit into memory keeps half of what fits exact.
fn names_ranges((exact, lossy): (f64, f64)) -> bool {
    exact == 0.0 && lossy > 0.0
}

pub(super) fn find(tree: &Tree<'_>, node: &Node, case: &Case<'_>) -> Option<Finding> {
    let (exact, lossy) = blocks(node);
    // Each loop has a bitmap of its own.
    let loops = if node.parallel_aware { 1 } else { node.actual_loops.unwrap_or(1).max(1) };
    let stake = tree.stake_beside_reads(node.id);
    if lossy == 0.0 || names_ranges((exact, lossy)) || !stake.matters(case) {
        return None;
    }
    let loops = float(loops);
    let needed = memory::of_bitmap((exact + lossy) / loops);
    let checked = removed(node, "index_recheck");
    let message = format!(
        "{} keeps {} of {} blocks whole and rechecks their rows: {} did not match; `work_mem` = {} holds the bitmap: \
         {:.0} % of the time",
        tree.title(node.id),
        grouped(lossy),
        grouped(exact + lossy),
        grouped(checked),
        memory::amount(needed),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, stake.at(node.id), message)
            .evidence(figure("lossy_blocks", whole(lossy), Unit::Count))
            .evidence(figure("exact_blocks", whole(exact), Unit::Count))
            .evidence(figure("rechecked_rows", whole(checked), Unit::Rows))
            .evidence(figure("work_mem_needed_bytes", whole(needed), Unit::Bytes)),
    )
}
