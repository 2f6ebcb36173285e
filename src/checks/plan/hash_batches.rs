//! `plan/hash-batches`, explained in the page beside this file.

use super::tree::aggregated;
use super::tree::misestimate::{counted_nodes, misestimates};
use super::tree::{
    Stake, TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed, memory, rows,
};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::explain::Node;
use crate::model::toast::BLOCK_BYTES;
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit, grouped};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("hash_batches.md"),
    judge,
};

const ID: &str = "plan/hash-batches";

/// `hash_mem_multiplier` where the plan does not show it: the default from 15 on.
const MULTIPLIER: f64 = 2.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        // A table that is larger than the other side of its join was chosen by a wrong estimate, which is blamed.
        let wrong = misestimates(tree, case);
        let counted = counted_nodes(tree, &wrong, case);
        let nodes = tree.nodes().iter().filter(|node| !counted.contains(&node.id));
        judgement.findings.extend(nodes.filter_map(|node| find(tree, node, case)));
    })
}

/// A hash table that was written to temporary files.
struct Spill {
    batches: f64,
    /// `work_mem` that would hold it, for each process.
    needed: f64,
    /// Whether more may be needed: what the rows or groups take was neither measured nor is it known.
    or_more: bool,
    processes: f64,
    stake: Stake,
}

impl Spill {
    fn enough(&self) -> String {
        let needed = memory::amount(self.needed);
        if self.or_more {
            format!("it needs `work_mem` = {needed} or more")
        } else {
            format!("`work_mem` = {needed} holds it")
        }
    }
}

fn find(tree: &Tree<'_>, node: &Node, case: &Case<'_>) -> Option<Finding> {
    let spill = of_join(tree, node).or_else(|| of_groups(tree, node))?;
    if !spill.stake.matters(case) {
        return None;
    }
    let each = if spill.processes > 1.0 {
        format!(" in each of {} processes", spill.processes)
    } else {
        String::new()
    };
    let message = format!(
        "{} has {} batches, all but one of them in temporary files; {}{each}{}: {:.0} % of the time",
        tree.title(node.id),
        grouped(spill.batches),
        spill.enough(),
        memory::advice(spill.needed * multiplier(tree) * spill.processes),
        spill.stake.share * 100.0
    );
    Some(
        tree.finding(ID, spill.stake.at(node.id), message)
            .evidence(figure("batches", whole(spill.batches), Unit::Count))
            .evidence(figure("work_mem_needed_bytes", whole(spill.needed), Unit::Bytes))
            .evidence(figure("hash_mem_multiplier", multiplier(tree), Unit::Count)),
    )
}

/// The table of a hash join.
fn of_join(tree: &Tree<'_>, node: &Node) -> Option<Spill> {
    let batches = count(node.hash.as_ref()?.batches);
    let input = tree.node(*node.children.first()?);
    // The processes of a parallel hash fill one table together.
    let processes = if node.parallel_aware { count(input.actual_loops).max(1.0) } else { 1.0 };
    let rows = if node.parallel_aware { rows(input) } else { input.actual_rows? };
    let written = width_written(tree, node, batches, rows);
    let width = count(node.plan_width).max(written.unwrap_or_default());
    let needed = memory::of_hash(rows / processes, width, multiplier(tree));
    let stake = tree.stake([Some(node.id), node.parent].into_iter().flatten());
    let spill = Spill { batches, needed, or_more: written.is_none(), processes, stake };
    (batches > 1.0).then_some(spill)
}

/// Bytes of a row as the temporary files have it. The width in the plan is an estimate: of an expression, a guess.
fn width_written(tree: &Tree<'_>, node: &Node, batches: f64, rows: f64) -> Option<f64> {
    let blocks = count(Some(tree.own_buffers(node.id)?.temp_written));
    // The first batch stays in memory.
    let written = rows * (batches - 1.0) / batches;
    (blocks > 0.0 && written > 0.0).then(|| blocks * float(BLOCK_BYTES) / written)
}

/// The table of a hashed aggregate.
fn of_groups(tree: &Tree<'_>, node: &Node) -> Option<Spill> {
    let workers = node.workers.iter().filter_map(|worker| worker.hash_aggregate.as_ref());
    let tables = node.hash_aggregate.iter().chain(workers);
    let spilled = tables.filter(|table| table.disk_kb > Some(0) || table.batches > Some(1));
    let batches = spilled.map(|table| count(table.batches)).fold(0.0, f64::max);
    let processes = if node.workers.is_empty() { 1.0 } else { count(node.actual_loops).max(1.0) };
    let groups = node.actual_rows? + node.rows_removed_by("filter").unwrap_or_default();
    let values = aggregated::values(node);
    let group = (count(node.plan_width), values.bytes);
    let needed = memory::of_groups(groups, group, multiplier(tree));
    let stake = tree.stake([node.id]);
    (batches > 0.0).then_some(Spill { batches, needed, or_more: !values.known, processes, stake })
}

fn multiplier(tree: &Tree<'_>) -> f64 {
    tree.setting("hash_mem_multiplier").and_then(|value| value.parse().ok()).unwrap_or(MULTIPLIER)
}
