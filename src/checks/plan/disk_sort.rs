//! `plan/disk-sort`, explained in the page beside this file.

use super::materialized_cte::keeps_out;
use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed, memory};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::{Node, Sort, Space};
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("disk_sort.md"),
    judge,
};

const ID: &str = "plan/disk-sort";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        judgement.findings.extend(tree.nodes().iter().filter_map(|node| find(tree, node, case)));
    })
}

/// Of a block, as servers are built.
const BLOCK_KB: f64 = 8.0;

/// Of the shortest row in a temporary file: of a window, the rows on disk are those of its largest partition.
const ROW_BYTES_MIN: f64 = 12.0;

/// Nodes that keep their rows to read them again. Those of functions are not among them: their time is that of the function.
const KEEPERS: [&str; 3] = ["CTE Scan", "Materialize", "WindowAgg"];

fn find(tree: &Tree<'_>, node: &Node, case: &Case<'_>) -> Option<Finding> {
    let disk_kb = on_disk(node).or_else(|| kept_on_disk(tree, node))?;
    let stake = tree.stake([node.id]);
    let of_fence = || node.cte.as_deref().is_some_and(|name| keeps_out(tree, name, case));
    if !stake.matters(case) || of_fence() {
        return None;
    }
    // Each process sorts a part of its own.
    let processes = if node.workers.is_empty() { 1.0 } else { count(node.actual_loops).max(1.0) };
    let most = node.workers.iter().filter_map(|worker| worker.actual_rows).fold(0.0, f64::max);
    let rows = node.actual_rows.unwrap_or_default().max(most)
        + node.rows_removed_by("filter").unwrap_or_default();
    let needed = match &node.incremental_sort {
        // A group at a time: how many rows the largest has is not printed.
        Some(_) => memory::of_sort(disk_kb * 2.0, 0.0),
        None => memory::of_sort(disk_kb, rows.min(disk_kb * 1024.0 / ROW_BYTES_MIN)),
    };
    let each =
        if processes > 1.0 { format!(" in each of {processes} processes") } else { String::new() };
    let message = format!(
        "{} writes {} to temporary files{each}; `work_mem` = {} holds its rows{}: {:.0} % of the time",
        tree.title(node.id),
        memory::amount(disk_kb * 1024.0),
        memory::amount(needed),
        memory::advice(needed * processes),
        stake.share * 100.0
    );
    let finding = tree
        .finding(ID, stake.at(node.id), message)
        .evidence(figure("temp_bytes", whole(disk_kb * 1024.0), Unit::Bytes))
        .evidence(figure("work_mem_needed_bytes", whole(needed), Unit::Bytes));
    Some(if processes > 1.0 {
        finding.evidence(figure("processes", whole(processes), Unit::Count))
    } else {
        finding
    })
}

/// Temporary files of a node that keeps its rows: from 18 on the server says so, before it counts the blocks alone.
fn kept_on_disk(tree: &Tree<'_>, node: &Node) -> Option<f64> {
    if !KEEPERS.contains(&node.node_type.as_str()) {
        return None;
    }
    let written = tree.own_buffers(node.id).map(|own| own.temp_written);
    // Each reader of a CTE says how large it is; all but the first one write the last block of it at most.
    if written.is_some_and(|blocks| blocks <= 1) {
        return None;
    }
    let kb = match node.storage {
        Some(storage) => count(Some(storage.maximum_kb).filter(|_| storage.space == Space::Disk)),
        None => count(written) * BLOCK_KB,
    };
    (kb > 0.0).then_some(kb)
}

/// Temporary files of the process that wrote most.
fn on_disk(node: &Node) -> Option<f64> {
    let of_sort = |sort: &Sort| sort.space_kb.filter(|_| sort.space == Some(Space::Disk));
    let sorts =
        node.sort.iter().chain(node.workers.iter().filter_map(|worker| worker.sort.as_ref()));
    let incremental = node
        .incremental_sort
        .iter()
        .chain(node.workers.iter().filter_map(|worker| worker.incremental_sort.as_ref()));
    let groups = incremental.flat_map(|sort| [&sort.full_sort, &sort.pre_sorted]).flatten();
    let kb =
        sorts.filter_map(of_sort).chain(groups.filter_map(|groups| groups.peak_disk_kb)).max()?;
    (kb > 0).then(|| count(Some(kb)))
}
