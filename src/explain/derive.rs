//! What follows from a plan: where its time and buffers went, and how wrong its estimates were.

mod estimate;
mod exclusive;
mod reader;

use serde::Serialize;

use super::{Buffers, ParsedPlan};

/// Bytes of a block. Servers built with another size are rare, and a plan does not say it.
const BLOCK_BYTES: u64 = 8192;

/// What follows from one plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Derived {
    /// For each node, by id.
    pub nodes: Vec<DerivedNode>,
    /// Of the whole plan.
    pub summary: Summary,
}

/// What follows for one node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DerivedNode {
    /// Time of the statement that passed in it and the nodes below it, all loops, in milliseconds. Below a Gather
    /// workers run at the same time: their loops count as one. None without times.
    pub total_ms: Option<f64>,
    /// The part of it that no node below it took. A common table expression's time is its own, not that of the nodes
    /// that read it. The sum over all nodes is the root's `total_ms`.
    pub exclusive_ms: Option<f64>,
    /// The part of `exclusive_ms` that went into reading blocks from outside of shared buffers. None without
    /// `track_io_timing`, and where nothing was read.
    pub exclusive_read_ms: Option<f64>,
    /// Buffers that no node below it used. The sum over all nodes is the root's.
    pub exclusive_buffers: Option<Buffers>,
    /// How far the estimate of its rows is off: the larger of estimate and actual rows for each loop, divided by the
    /// smaller, both at least 1. None where that cannot be judged.
    pub estimate_factor: Option<f64>,
    /// Whether the estimate was too high or too low. None where the factor is 1 or none.
    pub estimate_direction: Option<Direction>,
    /// Why the estimate is not judged, where it was executed or could have been.
    pub estimate_unjudged: Option<Unjudged>,
    /// Shared blocks of it and the nodes below it that were found in shared buffers, 0 to 1. None where it read none.
    pub hit_ratio: Option<f64>,
}

/// Which way an estimate is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Fewer rows came than estimated.
    Over,
    /// More rows came than estimated.
    Under,
}

/// Why the actual rows of a node do not judge its estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unjudged {
    /// It was never executed.
    NeverExecuted,
    /// A LIMIT, an EXISTS or an empty side of a join above it stopped it early.
    Limit,
    /// It is the inner side of a semijoin, an antijoin or a join on a unique key, which stops at the first match.
    FirstMatch,
    /// A merge join stopped when its other side ended, or read the same rows again.
    MergeJoin,
    /// It counts no rows: a `BitmapAnd`, a `BitmapOr`, a `ModifyTable` that returns none.
    NoRows,
}

/// Figures of a whole plan.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Summary {
    /// Nodes.
    pub nodes: usize,
    /// Shared blocks that were found in shared buffers, 0 to 1. None where none was read, or without BUFFERS.
    pub hit_ratio: Option<f64>,
    /// Time for reads of all processes. None where it is 0, or without `track_io_timing`.
    pub io_read_ms: Option<f64>,
    /// Bytes that were written to temporary files. None without BUFFERS.
    pub temp_bytes: Option<u64>,
    /// Bytes of WAL. None where it is 0, or without WAL.
    pub wal_bytes: Option<u64>,
}

/// Derives the figures of a plan.
pub fn derive(plan: &ParsedPlan) -> Derived {
    let mut nodes: Vec<DerivedNode> = plan.nodes.iter().map(|_| DerivedNode::default()).collect();
    exclusive::times(plan, &mut nodes);
    exclusive::reads(plan, &mut nodes);
    exclusive::buffers(plan, &mut nodes);
    estimate::factors(plan, &mut nodes);
    for (node, derived) in plan.nodes.iter().zip(&mut nodes) {
        derived.hit_ratio = node.buffers.as_ref().and_then(hit_ratio);
    }
    Derived { nodes, summary: summary(plan) }
}

/// Shared blocks that were found in shared buffers, 0 to 1. None where none was read.
pub fn hit_ratio(buffers: &Buffers) -> Option<f64> {
    let all = buffers.shared_hit.saturating_add(buffers.shared_read);
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    (all > 0).then(|| buffers.shared_hit as f64 / all as f64)
}

fn summary(plan: &ParsedPlan) -> Summary {
    let root = plan.root();
    let buffers = root.and_then(|root| root.buffers);
    let io = root.and_then(|root| root.io.as_ref());
    Summary {
        nodes: plan.nodes.len(),
        hit_ratio: buffers.as_ref().and_then(hit_ratio),
        io_read_ms: io.map(|io| io.shared_read_ms + io.local_read_ms + io.temp_read_ms),
        temp_bytes: buffers.map(|buffers| buffers.temp_written.saturating_mul(BLOCK_BYTES)),
        wal_bytes: root.and_then(|root| root.wal.as_ref()).map(|wal| wal.bytes),
    }
}
