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

impl Default for Plan {
    fn default() -> Self {
        Self { maintained_tables: Observation::default(), statements: no_statement() }
    }
}

/// What is said where no plan was given.
fn no_statement() -> Observation<Vec<StatementPlan>> {
    let detail = "No plan was judged: an analysis explains no statement";
    let gap = Gap::new("plan.statements", GapReason::NotEnoughEvidence, detail);
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
    pub plan: Arc<explain::Plan>,
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
