//! What Plan Decoder reads beside the common sources.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::explain;
use crate::model::{Gap, GapReason, Observation, PlanSource, Topic};

/// What Plan Decoder saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Tables on which another session works now.
    pub maintained_tables: Observation<Vec<MaintainedTable>>,
    /// Plans of statements. Not kept: their conditions hold literals.
    #[serde(skip, default = "no_statement")]
    pub statements: Observation<Vec<StatementPlan>>,
}

/// A statement of the workload, without literals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadStatement {
    /// The same for statements that differ in constants only, whatever the server.
    pub fingerprint: String,
    /// The text without literals; the end of a long one is left out.
    pub text: String,
    /// The server's identifier, where it is known.
    pub query_id: Option<i64>,
    /// Calls.
    pub calls: u64,
    /// Milliseconds these took.
    pub total_ms: f64,
    /// Rows that a call returns or writes on average, where the server counts them.
    pub rows_per_call: Option<f64>,
}

impl WorkloadStatement {
    /// Milliseconds that a call takes on average; absent where no time is known.
    #[expect(clippy::cast_precision_loss, reason = "a mean has no such precision")]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.calls > 0 && self.total_ms > 0.0).then(|| self.total_ms / self.calls as f64)
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self { maintained_tables: Observation::default(), statements: no_statement() }
    }
}

/// What is said where no plan was given.
fn no_statement() -> Observation<Vec<StatementPlan>> {
    let detail = "No plan was judged: an analysis explains no statement";
    let gap = Gap::new(Topic::PLANS.as_str(), GapReason::NotEnoughEvidence, detail);
    Observation::Unseen(gap.lifted_by(
        "POST /v1/targets/{target}/plan/decode with a statement, or dbopt plan --query-file FILE",
    ))
}

/// The plan of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementPlan {
    /// Where it came from.
    pub source: PlanSource,
    /// The plan as it was read.
    pub plan: Arc<explain::ParsedPlan>,
    /// The statement, where it is one of the workload's.
    pub statement: Option<Arc<WorkloadStatement>>,
}

/// A table that another session builds an index on, vacuums or analyzes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintainedTable {
    /// `pg_class.oid`.
    pub oid: i64,
}

impl Topic {
    /// Tables on which another session works now.
    pub const MAINTAINED_TABLES: Self = Self("plan.maintained_tables");
    /// Plans of statements.
    pub const PLANS: Self = Self("plan.statements");
}
