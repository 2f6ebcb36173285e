//! From a plan as it was read to the plan as it is answered.

mod comparison;
mod nested;

use crate::explain::derive::derive;
use crate::explain::{self, ParsedPlan, PlanFormat};
use crate::model::{DecodedPlan, Gap, GapReason, PlanSource, PlanSummary, PlanTrigger};

pub use comparison::{NotCompared, compare};

/// The plan with its figures, nothing found in it yet.
pub fn decoded(plan: &ParsedPlan, source: PlanSource) -> DecodedPlan {
    let derived = derive(plan);
    let (root, left_out) = nested::nested(plan, &derived);
    let summary = PlanSummary {
        nodes: u32::try_from(derived.summary.nodes).unwrap_or(u32::MAX),
        hit_ratio: derived.summary.hit_ratio,
        io_read_ms: derived.summary.io_read_ms,
        temp_bytes: derived.summary.temp_bytes,
        wal_bytes: derived.summary.wal_bytes,
    };
    DecodedPlan {
        format: format(plan.format).to_owned(),
        statement: plan.statement.clone(),
        source,
        plan: root,
        planning_ms: plan.planning_ms,
        execution_ms: plan.execution_ms,
        settings: plan.settings.clone(),
        triggers: plan.triggers.iter().map(trigger).collect(),
        jit: plan.jit.as_deref().map(nested::value),
        summary,
        findings: Vec::new(),
        recommendations: Vec::new(),
        declined: Vec::new(),
        gaps: too_deep(left_out).into_iter().collect(),
        comparison: None,
    }
}

fn format(format: PlanFormat) -> &'static str {
    match format {
        PlanFormat::Text => "text",
        PlanFormat::Json => "json",
        PlanFormat::Yaml => "yaml",
        PlanFormat::Xml => "xml",
    }
}

fn trigger(trigger: &explain::Trigger) -> PlanTrigger {
    let explain::Trigger { name, constraint, relation, ms, calls } = trigger;
    PlanTrigger {
        name: name.to_string(),
        constraint: constraint.as_ref().map(ToString::to_string),
        relation: relation.as_ref().map(ToString::to_string),
        time_ms: *ms,
        calls: *calls,
    }
}

fn too_deep(left_out: usize) -> Option<Gap> {
    let depth = nested::DEPTH_MAX;
    let detail =
        format!("{left_out} nodes are nested deeper than {depth} levels and are not shown");
    (left_out > 0).then(|| Gap::new("plan.nodes", GapReason::BudgetSpent, detail))
}
