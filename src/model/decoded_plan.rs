//! A plan as it is answered: the tree, what its figures add up to, and what was found in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Declined, Gap, Recommendation, ReportedFinding};

/// Where a plan came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanSource {
    /// Sent as text.
    Pasted,
    /// EXPLAIN on the target, with the values that were given.
    Explained,
    /// EXPLAIN on the target without values: the plan for any values.
    Generic,
    /// EXPLAIN ANALYZE on the target: the statement was executed.
    Analyzed,
    /// In a log, as `auto_explain` writes it.
    Logged,
}

impl PlanSource {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pasted => "pasted",
            Self::Explained => "explained",
            Self::Generic => "generic",
            Self::Analyzed => "analyzed",
            Self::Logged => "logged",
        }
    }
}

/// A condition of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanCondition {
    /// What the node does with it: `filter`, `index_cond`, `hash_cond` and so on.
    #[schema(example = "hash_cond")]
    pub kind: String,
    /// The condition as EXPLAIN prints it.
    pub text: String,
}

/// Rows that a node read and did not return.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowsRemoved {
    /// What removed them: `filter`, `join_filter`, `index_recheck` and so on.
    #[schema(example = "filter")]
    pub kind: String,
    /// How many, per loop as EXPLAIN prints it.
    pub rows: f64,
}

/// Whether the planner expected too many rows or too few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EstimateDirection {
    /// More rows were expected than came.
    Over,
    /// Fewer rows were expected than came.
    Under,
}

/// A node of a plan. What EXPLAIN did not print is null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanNode {
    /// Its number, in the order of printing, from 0.
    pub id: u32,
    /// As PostgreSQL's JSON format names it, whatever the format of the input.
    #[schema(example = "Hash Join")]
    pub node_type: String,
    /// `Inner`, `Left`, `Semi` and so on.
    pub join_type: Option<String>,
    /// `Outer`, `Inner`, `InitPlan` and so on.
    pub parent_relationship: Option<String>,
    /// The schema of the relation; EXPLAIN prints it with VERBOSE only.
    pub schema: Option<String>,
    /// The relation that it reads or writes.
    pub relation: Option<String>,
    /// What the statement calls the relation.
    pub alias: Option<String>,
    /// The index that it reads.
    pub index: Option<String>,
    /// The planner's cost of the first row.
    pub startup_cost: Option<f64>,
    /// The planner's cost of all rows.
    pub total_cost: Option<f64>,
    /// Rows that the planner expected, per loop.
    pub plan_rows: Option<f64>,
    /// Bytes of a row that the planner expected.
    pub plan_width: Option<u64>,
    /// Time to the first row, per loop.
    pub actual_startup_ms: Option<f64>,
    /// Time to the last row, per loop.
    pub actual_total_ms: Option<f64>,
    /// Rows that came, per loop.
    pub actual_rows: Option<f64>,
    /// How often it was executed, by all processes together.
    pub actual_loops: Option<u64>,
    /// Whether the plan was executed and this node was not.
    pub never_executed: bool,
    /// Time in this node alone, its inputs left out.
    pub exclusive_ms: Option<f64>,
    /// How far estimate and rows are apart: the larger over the smaller, each at least 1; null where the rows say nothing
    /// of the estimate, as beneath a LIMIT.
    pub estimate_factor: Option<f64>,
    /// In which direction.
    pub estimate_direction: Option<EstimateDirection>,
    /// Its conditions.
    pub conditions: Vec<PlanCondition>,
    /// Rows that it read and did not return.
    pub rows_removed: Vec<RowsRemoved>,
    /// Blocks, with its inputs, by kind: `shared_hit`, `temp_written` and so on.
    pub buffers: BTreeMap<String, u64>,
    /// Blocks of this node alone.
    pub exclusive_buffers: BTreeMap<String, u64>,
    /// What each parallel worker did.
    pub workers: Vec<BTreeMap<String, Value>>,
    /// Everything else that EXPLAIN printed of it.
    pub extra: BTreeMap<String, Value>,
    /// Its inputs.
    #[schema(no_recursion)]
    pub children: Vec<PlanNode>,
}

/// What a trigger took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanTrigger {
    /// Its name.
    pub name: String,
    /// The constraint that it enforces.
    pub constraint: Option<String>,
    /// The relation that it is on.
    pub relation: Option<String>,
    /// Time of all its calls.
    pub time_ms: Option<f64>,
    /// How often it was called.
    pub calls: u64,
}

/// What the figures of a plan add up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanSummary {
    /// Nodes.
    pub nodes: u32,
    /// Share of blocks that shared buffers held; null without BUFFERS, or where none was read.
    pub hit_ratio: Option<f64>,
    /// Time spent reading blocks; null without `track_io_timing`.
    pub io_read_ms: Option<f64>,
    /// Bytes written to temporary files; null without BUFFERS.
    pub temp_bytes: Option<u64>,
    /// Bytes of WAL; null without the option WAL.
    pub wal_bytes: Option<u64>,
}

/// What differs between two plans of a statement. Nodes are aligned by the relation that they read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanComparison {
    /// Execution time of the plan given as `before`.
    pub before_ms: Option<f64>,
    /// Execution time of the plan.
    pub after_ms: Option<f64>,
    /// Relations in the order in which `before` joins them, where that changed.
    pub join_order_before: Vec<String>,
    /// The same of the plan.
    pub join_order_after: Vec<String>,
    /// What changed, the largest change of time first.
    pub changes: Vec<PlanChange>,
}

/// A difference between two plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanChange {
    /// What it is about: an alias or relation, or the relations of a join.
    #[schema(example = "orders")]
    pub about: String,
    /// What changed: `scan`, `join`, `estimate`, `rows`, `added` or `removed`.
    #[schema(example = "scan")]
    pub kind: String,
    /// What it was; null where it was not there.
    #[schema(example = "Seq Scan")]
    pub before: Option<String>,
    /// What it is; null where it is no longer there.
    #[schema(example = "Index Scan using orders_customer_idx")]
    pub after: Option<String>,
    /// Time in the node alone, before.
    pub before_ms: Option<f64>,
    /// Time in the node alone, after.
    pub after_ms: Option<f64>,
}

/// A plan, decoded and judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecodedPlan {
    /// What the input was: `text`, `json`, `yaml` or `xml`.
    #[schema(example = "text")]
    pub format: String,
    /// The statement, where the input holds it.
    pub statement: Option<String>,
    /// Where the plan came from.
    pub source: PlanSource,
    /// The tree.
    pub plan: PlanNode,
    /// Time to plan.
    pub planning_ms: Option<f64>,
    /// Time to execute.
    pub execution_ms: Option<f64>,
    /// Settings that differ from their defaults, where EXPLAIN printed them.
    pub settings: BTreeMap<String, String>,
    /// Triggers that were called.
    pub triggers: Vec<PlanTrigger>,
    /// Just-in-time compilation, as EXPLAIN printed it.
    pub jit: Option<Value>,
    /// What the figures add up to.
    pub summary: PlanSummary,
    /// What was found, the most time at stake first.
    pub findings: Vec<ReportedFinding>,
    /// What to do.
    pub recommendations: Vec<Recommendation>,
    /// What is not advised, and why.
    pub declined: Vec<Declined>,
    /// What could not be judged.
    pub gaps: Vec<Gap>,
    /// What differs from the plan given as `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<PlanComparison>,
}

/// What is answered to a text: its one plan, or all of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum DecodedPlans {
    /// The one plan.
    One(Box<DecodedPlan>),
    /// Several, in the order of the text.
    Several {
        /// The plans.
        plans: Vec<DecodedPlan>,
    },
}

impl DecodedPlans {
    /// The plans, in the order of the text.
    pub fn plans(&self) -> &[DecodedPlan] {
        match self {
            Self::One(plan) => std::slice::from_ref(plan),
            Self::Several { plans } => plans,
        }
    }
}
