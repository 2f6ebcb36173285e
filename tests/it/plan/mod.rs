//! Plan Decoder: plans that are pasted, and statements that are explained on a target.

mod counted;
mod decode;
mod explain;
mod indexes;
mod reads;
mod workload;

use database_optimizer::analysis::{PlanText, decode};
use database_optimizer::model::{DecodedPlan, Object, Superpower};

use crate::support::request_of;

/// A plan to decode as it is sent.
fn text(plan: &str) -> PlanText {
    PlanText { plan: plan.to_owned(), before: None, partial: false, findings_max: 5 }
}

/// The plan of a text, decoded under thresholds.
async fn decoded(plan: &str, policy: &[(&str, f64)]) -> DecodedPlan {
    let decoded = decode(request_of(Superpower::Plan, policy), text(plan)).await.unwrap();
    decoded.plans()[0].clone()
}

/// Checks that found something, each with its node.
fn ids(plan: &DecodedPlan) -> Vec<(&str, u32)> {
    let node = |object: &Object| match object {
        Object::PlanNode { node, .. } => *node,
        other => panic!("{other:?}"),
    };
    plan.findings.iter().map(|found| (found.check.as_str(), node(&found.object))).collect()
}
