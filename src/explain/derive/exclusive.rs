//! Where time and buffers went: what each node took itself.
//!
//! A node's figures hold those of the nodes below it. An `InitPlan` or a common table expression is printed below the node
//! that owns it, but it is executed when its result is first read: its figures are in those of the reader. So each
//! is moved below its reader first, and then each node keeps what its children leave.

use super::super::{Buffers, Node, ParsedPlan};
use super::DerivedNode;
use super::reader::Readers;

/// Sets the times of all nodes, where the plan has times.
pub(super) fn times(plan: &ParsedPlan, derived: &mut [DerivedNode]) {
    if !plan.nodes.iter().any(|node| node.actual_total_ms.is_some()) {
        return;
    }
    let totals = totals(plan);
    for (derived, total) in derived.iter_mut().zip(&totals) {
        derived.total_ms = Some(*total);
    }
    let children = below_readers(plan, &totals);
    // Rounded times of many loops add up to more than the parent's: the children share what the parent has.
    let mut open: Vec<(usize, f64)> =
        children.roots.iter().map(|root| (*root, totals[*root])).collect();
    while let Some((node, share)) = open.pop() {
        let sum: f64 = children.of[node].iter().map(|child| totals[*child]).sum();
        let scale = if sum > share { share / sum } else { 1.0 };
        derived[node].exclusive_ms = Some((share - sum * scale).max(0.0));
        open.extend(children.of[node].iter().map(|child| (*child, totals[*child] * scale)));
    }
}

/// Sets the times of reads of all nodes, where `track_io_timing` counted any. The times of the nodes are set.
pub(super) fn reads(plan: &ParsedPlan, derived: &mut [DerivedNode]) {
    let read = |node: &Node| node.io.as_ref().map_or(0.0, |io| io.shared_read_ms);
    if !plan.nodes.iter().any(|node| read(node) > 0.0) {
        return;
    }
    let children = below_readers(plan, &totals(plan));
    for ((node, processes), derived) in plan.nodes.iter().zip(processes(plan)).zip(derived) {
        let below: f64 = children.of[node.id].iter().map(|child| read(&plan.nodes[*child])).sum();
        // What several processes read is counted for each of them, and they read at the same time.
        let own = (read(node) - below).max(0.0) / processes;
        derived.exclusive_read_ms = Some(derived.exclusive_ms.map_or(own, |all| own.min(all)));
    }
}

/// Sets the buffers of all nodes, where the plan has them.
pub(super) fn buffers(plan: &ParsedPlan, derived: &mut [DerivedNode]) {
    if !plan.nodes.iter().any(|node| node.buffers.is_some()) {
        return;
    }
    let weights: Vec<f64> = match plan.nodes.first().and_then(|root| root.actual_total_ms) {
        Some(_) => totals(plan),
        None => plan.nodes.iter().map(|node| blocks(node.buffers.as_ref())).collect(),
    };
    let mut own: Vec<Buffers> =
        plan.nodes.iter().map(|node| node.buffers.unwrap_or_default()).collect();
    for node in plan.nodes.iter().filter(|node| !is_init_plan(node)) {
        if let Some(parent) = node.parent {
            take(&mut own[parent], &mut node.buffers.unwrap_or_default());
        }
    }
    // Readers of one result that take turns have executed a part of it each.
    for (subplan, readers) in &below_readers(plan, &weights).readers {
        let mut rest = plan.nodes[*subplan].buffers.unwrap_or_default();
        for reader in readers {
            take(&mut own[*reader], &mut rest);
        }
    }
    for (derived, own) in derived.iter_mut().zip(own) {
        derived.exclusive_buffers = Some(own);
    }
}

#[expect(clippy::cast_precision_loss, reason = "only compared")]
fn blocks(buffers: Option<&Buffers>) -> f64 {
    buffers.map_or(0.0, |buffers| {
        let shared = buffers.shared_hit.saturating_add(buffers.shared_read);
        shared.saturating_add(buffers.local_hit).saturating_add(buffers.temp_read) as f64
    })
}

/// Takes from a node's buffers what it has of those of another, which keep the rest.
fn take(from: &mut Buffers, of: &mut Buffers) {
    let less = |own: &mut u64, other: &mut u64| {
        let taken = (*own).min(*other);
        *own -= taken;
        *other -= taken;
    };
    less(&mut from.shared_hit, &mut of.shared_hit);
    less(&mut from.shared_read, &mut of.shared_read);
    less(&mut from.shared_dirtied, &mut of.shared_dirtied);
    less(&mut from.shared_written, &mut of.shared_written);
    less(&mut from.local_hit, &mut of.local_hit);
    less(&mut from.local_read, &mut of.local_read);
    less(&mut from.local_dirtied, &mut of.local_dirtied);
    less(&mut from.local_written, &mut of.local_written);
    less(&mut from.temp_read, &mut of.temp_read);
    less(&mut from.temp_written, &mut of.temp_written);
}

/// The time of each node and those below it, all loops. Processes below a Gather run at the same time.
#[expect(clippy::cast_precision_loss, reason = "loops are far below 2^52")]
fn totals(plan: &ParsedPlan) -> Vec<f64> {
    let total = |(node, processes): (&Node, f64)| {
        let loops = node.actual_loops.unwrap_or_default() as f64;
        (node.actual_total_ms.unwrap_or_default() * loops / processes).max(0.0)
    };
    plan.nodes.iter().zip(processes(plan)).map(total).collect()
}

/// How many processes execute each node.
fn processes(plan: &ParsedPlan) -> Vec<f64> {
    // Parents come before their children.
    let mut processes = vec![1.0_f64; plan.nodes.len()];
    for node in &plan.nodes {
        let Some(parent) = node.parent.map(|parent| &plan.nodes[parent]) else { continue };
        processes[node.id] = match parent.node_type.as_str() {
            "Gather" | "Gather Merge" if node.subplan_name.is_none() => started(parent, node),
            // The leader executes it before it starts the workers.
            _ if is_init_plan(node) => 1.0,
            _ => processes[parent.id],
        };
    }
    processes
}

/// Processes that executed the node below a Gather: each of them executed it once for each execution of the Gather.
#[expect(clippy::cast_precision_loss, reason = "loops are far below 2^52")]
fn started(gather: &Node, child: &Node) -> f64 {
    let loops = |node: &Node| node.actual_loops.unwrap_or_default().max(1) as f64;
    (loops(child) / loops(gather)).max(1.0)
}

fn is_init_plan(node: &Node) -> bool {
    node.subplan_name.is_some() && node.parent_relationship.as_deref() == Some("InitPlan")
}

/// The nodes whose figures are part of each node's.
struct Children {
    of: Vec<Vec<usize>>,
    /// The root, and common table expressions that no node reads.
    roots: Vec<usize>,
    /// Subplans that are executed when they are read, and their readers, the one that took most time first.
    readers: Vec<(usize, Vec<usize>)>,
}

fn below_readers(plan: &ParsedPlan, weights: &[f64]) -> Children {
    let mut of = vec![Vec::new(); plan.nodes.len()];
    let (mut roots, mut subplans) = (Vec::new(), Vec::new());
    let mut own = weights.to_vec();
    for node in plan.nodes.iter().filter(|node| !is_init_plan(node)) {
        match node.parent {
            Some(parent) => {
                of[parent].push(node.id);
                own[parent] -= weights[node.id];
            }
            None => roots.push(node.id),
        }
    }
    let readers = Readers::new(plan);
    for node in plan.nodes.iter().filter(|node| is_init_plan(node)) {
        // Of several readers the first one executes it: that one has time to account for.
        let mut by_time: Vec<usize> = readers.of(plan, node).collect();
        by_time.sort_by(|a, b| own[*b].total_cmp(&own[*a]));
        match by_time.first() {
            Some(reader) => {
                of[*reader].push(node.id);
                own[*reader] -= weights[node.id];
            }
            None => roots.push(node.id),
        }
        subplans.push((node.id, by_time));
    }
    Children { of, roots, readers: subplans }
}
