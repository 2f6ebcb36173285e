//! What follows from a plan: where its time and buffers went, and how wrong its estimates were.

use serde::Serialize;

use super::{Buffers, Plan};

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
    /// Time of all its loops, with the nodes below it, in milliseconds; of the leader and the workers together, divided
    /// by how many they were.
    pub total_ms: Option<f64>,
    /// Time it took itself, all loops, without the nodes below it.
    pub exclusive_ms: Option<f64>,
    /// Buffers it used itself.
    pub exclusive_buffers: Option<Buffers>,
    /// How far the estimate of its rows is off: the larger of estimate and actual rows for each loop, divided by the
    /// smaller, both at least 1. None where that cannot be judged.
    pub estimate_factor: Option<f64>,
    /// Whether the estimate was too high or too low. None where it is exact or cannot be judged.
    pub estimate_direction: Option<Direction>,
    /// Why the estimate is not judged, where there is one and actual rows.
    pub estimate_unjudged: Option<Unjudged>,
    /// Shared blocks of it and the nodes below it that were found in shared buffers, 0 to 1. None where it read none.
    pub hit_ratio: Option<f64>,
}

/// Which way an estimate is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Fewer rows than estimated.
    Over,
    /// More rows than estimated.
    Under,
}

/// Why the actual rows of a node do not judge its estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unjudged {
    /// It was never executed.
    NeverExecuted,
    /// A LIMIT above it stopped it early.
    Limit,
    /// It is the inner side of a semijoin or an antijoin, which stops at the first match.
    FirstMatch,
    /// A merge join stopped when its other side ended, or read the same rows again.
    MergeJoin,
    /// It makes no rows of its own: a bitmap, a Hash, a ModifyTable.
    NoRows,
}

/// Figures of a whole plan.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Summary {
    /// Nodes.
    pub nodes: usize,
    /// Shared blocks that were found in shared buffers, 0 to 1. None without BUFFERS.
    pub hit_ratio: Option<f64>,
    /// Time for reads. None without `track_io_timing`.
    pub io_read_ms: Option<f64>,
    /// Bytes that were written to temporary files. None without BUFFERS.
    pub temp_bytes: Option<u64>,
    /// Bytes of WAL. None without WAL.
    pub wal_bytes: Option<u64>,
}

/// Derives the figures of a plan.
pub fn derive(plan: &Plan) -> Derived {
    let nodes = plan.nodes.iter().map(|_| DerivedNode::default()).collect();
    Derived { nodes, summary: Summary { nodes: plan.nodes.len(), ..Summary::default() } }
}
