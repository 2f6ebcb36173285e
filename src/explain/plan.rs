//! One plan as EXPLAIN prints it, whatever the format: the statement's figures, and its nodes in one vector.
//!
//! Nodes refer to one another by number, not by ownership: a plan can be thousands of nodes deep, and neither reading it
//! nor dropping it may need a stack as deep as the input wants.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use smol_str::SmolStr;

use super::detail::{
    Bitmap, Buffers, Condition, GroupingSet, Hash, HashAggregate, IncrementalSort, IoTimings, Jit,
    Memoize, Merge, PlannerMemory, RowStorage, RowsRemovedPerLoop, Serialization, Sort,
    TargetTable, Trigger, WalUsage, Worker, Workers,
};

/// How the output of EXPLAIN was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanFormat {
    /// What psql shows by default.
    #[default]
    Text,
    /// `FORMAT JSON`.
    Json,
    /// `FORMAT YAML`.
    Yaml,
    /// `FORMAT XML`.
    Xml,
}

/// One decoded plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParsedPlan {
    /// How it was printed.
    pub format: PlanFormat,
    /// The statement, where the output holds it (`Query Text` of `auto_explain`).
    pub statement: Option<String>,
    /// The values of its parameters, as `auto_explain` prints them (`Query Parameters`, PostgreSQL 16).
    pub parameters: Option<String>,
    /// The query id (`VERBOSE` with `compute_query_id`, PostgreSQL 14).
    pub query_id: Option<i64>,
    /// The nodes in the order of printing. A node's id is its place here; the root is 0.
    pub nodes: Vec<Node>,
    /// Settings other than their default that the planner considers (`SETTINGS`).
    pub settings: BTreeMap<String, String>,
    /// Triggers that ran, with their times.
    pub triggers: Vec<Trigger>,
    /// What just-in-time compilation did.
    pub jit: Option<Box<Jit>>,
    /// Time to plan, in milliseconds.
    pub planning_ms: Option<f64>,
    /// Time to execute, in milliseconds. In servers before 9.4: `Total runtime`.
    pub execution_ms: Option<f64>,
    /// The duration that the log entry of `auto_explain` names, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Buffers that planning used.
    pub planning_buffers: Option<Buffers>,
    /// Time that planning waited for reads and writes.
    pub planning_io: Option<Box<IoTimings>>,
    /// Memory that planning used (`MEMORY`, PostgreSQL 17).
    pub planning_memory: Option<PlannerMemory>,
    /// What it cost to convert the result for the client (`SERIALIZE`, PostgreSQL 17).
    pub serialization: Option<Box<Serialization>>,
    /// Properties of the statement that this reader does not know.
    pub extra: BTreeMap<String, Value>,
}

/// One node of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "EXPLAIN prints them as flags of their own")]
pub struct Node {
    /// Its place in [`ParsedPlan::nodes`].
    pub id: usize,
    /// The node that reads its rows, or owns it as a subplan. None for the root.
    pub parent: Option<usize>,
    /// The nodes below it, in the order of printing.
    pub children: Vec<usize>,

    /// `Hash Join`, `Aggregate`, `ModifyTable`: always the name that the JSON format uses.
    pub node_type: SmolStr,
    /// `Outer`, `Inner`, `Member`, `Subquery`, `InitPlan` or `SubPlan`. None for the root.
    pub parent_relationship: Option<SmolStr>,
    /// The label of a subplan: `CTE totals`, `InitPlan 1 (returns $0)`, `SubPlan 2`.
    pub subplan_name: Option<SmolStr>,
    /// `Inner`, `Left`, `Full`, `Right`, `Semi`, `Anti`, `Right Semi`, `Right Anti`.
    pub join_type: Option<SmolStr>,
    /// Of an Aggregate: `Plain`, `Sorted`, `Hashed` or `Mixed`. Of a `SetOp`: `Sorted` or `Hashed`.
    pub strategy: Option<SmolStr>,
    /// Of an Aggregate: `Simple`, `Partial` or `Finalize`.
    pub partial_mode: Option<SmolStr>,
    /// Of a `ModifyTable` or a Foreign Scan: `Insert`, `Update`, `Delete`, `Merge`.
    pub operation: Option<SmolStr>,
    /// Of a `SetOp`: `Intersect`, `Intersect All`, `Except`, `Except All`.
    pub command: Option<SmolStr>,
    /// Each worker executes a part of it (`Parallel Seq Scan`).
    pub parallel_aware: bool,
    /// It can be executed asynchronously (`Async Foreign Scan`).
    pub async_capable: bool,
    /// A setting such as `enable_seqscan` disables it, and the planner had no other way (PostgreSQL 18).
    pub disabled: bool,
    /// Of a Gather: one worker executes the whole plan, because the leader must not.
    pub single_copy: bool,
    /// Of a join: the inner side matches at most one row. None where that is not so or, as text without VERBOSE, not said.
    pub inner_unique: Option<bool>,

    /// The table, index or view that is read or changed.
    pub relation: Option<SmolStr>,
    /// The schema of the table or function (`VERBOSE`).
    pub schema: Option<SmolStr>,
    /// The name in the statement; the table's own where the statement gives none.
    pub alias: Option<SmolStr>,
    /// The index that is read.
    pub index: Option<SmolStr>,
    /// `Forward` or `Backward`, of an index scan.
    pub scan_direction: Option<SmolStr>,
    /// Of a CTE Scan or a `WorkTable` Scan: the common table expression.
    pub cte: Option<SmolStr>,
    /// Of a Function Scan: the function. Of a Table Function Scan: `xmltable` or `json_table`.
    pub function: Option<SmolStr>,
    /// Of a Named Tuplestore Scan: the transition table.
    pub tuplestore: Option<SmolStr>,
    /// Of a Custom Scan: the provider, `Custom Scan (ChunkAppend)`.
    pub provider: Option<SmolStr>,

    /// Estimated cost until the first row, in the planner's units.
    pub startup_cost: Option<f64>,
    /// Estimated cost until the last row.
    pub total_cost: Option<f64>,
    /// Estimated rows, for each loop.
    pub plan_rows: Option<f64>,
    /// Estimated width of a row, in bytes.
    pub plan_width: Option<u64>,
    /// Time until the first row, for each loop. None with `TIMING OFF` and where it was never executed.
    pub actual_startup_ms: Option<f64>,
    /// Time until the last row, for each loop.
    pub actual_total_ms: Option<f64>,
    /// Rows, for each loop. A fraction from PostgreSQL 18 on.
    pub actual_rows: Option<f64>,
    /// How often it was executed, workers included. 0 where it was never executed.
    pub actual_loops: Option<u64>,
    /// ANALYZE ran, and this node was not needed.
    pub never_executed: bool,

    /// Conditions in the order of printing.
    pub conditions: Vec<Condition>,
    /// Rows that conditions removed, for each loop, sorted by kind. With ANALYZE each condition that can remove
    /// rows has its entry, 0 included.
    pub rows_removed: Vec<RowsRemovedPerLoop>,
    /// Columns of the result (`VERBOSE`).
    pub output: Vec<SmolStr>,
    /// Expressions that are sorted by, with `DESC`, `COLLATE` and the like.
    pub sort_key: Vec<SmolStr>,
    /// Of an Incremental Sort: the leading expressions that the input is sorted by.
    pub presorted_key: Vec<SmolStr>,
    /// Expressions that are grouped by.
    pub group_key: Vec<SmolStr>,
    /// Of an Aggregate with several grouping sets.
    pub grouping_sets: Vec<GroupingSet>,

    /// Buffers that this node and those below it used, all loops together. With BUFFERS every node has them.
    pub buffers: Option<Buffers>,
    /// Time for reads and writes, of this node and those below it, all loops together (`track_io_timing`).
    /// None where it is 0.
    pub io: Option<Box<IoTimings>>,
    /// WAL that this node and those below it wrote. None where it is 0.
    pub wal: Option<Box<WalUsage>>,
    /// How many parallel workers were planned and launched, of a Gather.
    pub gather: Option<Workers>,
    /// What each parallel worker did, sorted by number.
    pub workers: Vec<Worker>,

    /// How a Sort was done.
    pub sort: Option<Sort>,
    /// How an Incremental Sort was done.
    pub incremental_sort: Option<Box<IncrementalSort>>,
    /// The table of a Hash.
    pub hash: Option<Box<Hash>>,
    /// The table of a hashed Aggregate.
    pub hash_aggregate: Option<Box<HashAggregate>>,
    /// The cache of a Memoize.
    pub memoize: Option<Box<Memoize>>,
    /// Heap blocks of a Bitmap Heap Scan.
    pub bitmap: Option<Bitmap>,
    /// Where a node keeps rows (`Storage: Memory`, PostgreSQL 18).
    pub storage: Option<RowStorage>,
    /// Rows that an index-only scan fetched from the heap, all loops together.
    pub heap_fetches: Option<u64>,
    /// Descents of the index, all loops together (PostgreSQL 18).
    pub index_searches: Option<u64>,
    /// Partitions that were pruned when execution began.
    pub subplans_removed: Option<u64>,
    /// Rows of INSERT ON CONFLICT, or of MERGE by what was done with them.
    pub merge: Option<Box<Merge>>,
    /// The tables that a `ModifyTable` changes, where they are several.
    pub target_tables: Vec<TargetTable>,
    /// Properties that this reader does not know, by their names.
    pub extra: BTreeMap<String, Value>,
}

impl ParsedPlan {
    /// The root. None only for a plan that was cut before its first node.
    pub fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// How many nodes are above each node. Each node comes behind the one above it.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.nodes.len()];
        for node in &self.nodes {
            depths[node.id] = node.parent.map_or(0, |parent| depths[parent] + 1);
        }
        depths
    }

    /// Whether it was executed (`ANALYZE`).
    pub fn analyzed(&self) -> bool {
        self.nodes.iter().any(|node| node.actual_loops.is_some())
    }
}

impl Node {
    /// The first condition of this kind, `filter` or `index_cond`.
    pub fn condition(&self, kind: &str) -> Option<&str> {
        self.conditions.iter().find(|condition| condition.kind == kind).map(|c| c.text.as_str())
    }

    /// Rows that the conditions of this kind removed, for each loop.
    pub fn rows_removed_by(&self, kind: &str) -> Option<f64> {
        self.rows_removed.iter().find(|removed| removed.kind == kind).map(|removed| removed.rows)
    }
}
