//! What was found in plans that logs hold: by statement, and without literals.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{AffectedObject, Confidence, Evidence, Object, Severity};

/// A statement whose plans a log holds, as `auto_explain` writes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedPlans {
    /// The same for statements that differ in constants only.
    pub fingerprint: String,
    /// The text without literals.
    pub text: String,
    /// Plans that were sent.
    pub plans: u64,
    /// Milliseconds that these executions took.
    pub total_ms: f64,
    /// Those that were judged: the first ones, and each that took twice as long as any before.
    pub judged: u64,
    /// Those of the judged ones that hold estimates alone.
    pub estimates_only: u64,
    /// The longest of the judged ones, in milliseconds.
    pub longest_ms: f64,
    /// What was found.
    pub findings: Vec<LoggedFinding>,
}

/// A finding in plans of a statement: as in the plan with most time at stake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedFinding {
    /// The check that found it.
    pub check: String,
    /// Harm if true.
    pub severity: Severity,
    /// How likely true.
    pub confidence: Confidence,
    /// The node.
    #[schema(value_type = AffectedObject)]
    pub object: Object,
    /// One line.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// Judged plans that have it.
    pub plans: u64,
}

impl LoggedFinding {
    /// Whether both are the same problem: plans of one statement may number their nodes differently.
    pub fn is_same(&self, other: &Self) -> bool {
        let place = |finding: &Self| match &finding.object {
            Object::PlanNode { schema, table: Some(table), .. } => {
                (None, schema.clone(), Some(table.clone()))
            }
            Object::PlanNode { node, .. } => (Some(*node), None, None),
            _ => (None, None, None),
        };
        self.check == other.check && place(self) == place(other)
    }

    /// Milliseconds at stake, where the plan has times.
    pub fn time_ms(&self) -> f64 {
        let ms = self.evidence.iter().find(|evidence| evidence.name == "time_ms");
        ms.and_then(|evidence| evidence.value.as_f64()).unwrap_or_default()
    }
}
