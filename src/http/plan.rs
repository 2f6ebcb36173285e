//! Plans as text, decoded and judged.

use axum::Json;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::body::Body;
use super::problem::{self, Fault, Problem};
use super::query::Pairs;
use crate::analysis::{self, FINDINGS_MAX, PlanText};
use crate::model::DecodedPlans;

/// Findings that a caller may ask for.
const FINDINGS_LIMIT: usize = 100;

/// A plan to decode.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanToDecode {
    /// Output of EXPLAIN as text, JSON, YAML or XML, as it was printed or copied; several plans are answered as
    /// `{"plans": […]}`. JSON may stand here as a string or as it is.
    #[schema(value_type = String)]
    plan: Box<RawValue>,
    /// Output of an earlier EXPLAIN of the same statement: the answer has a `comparison` with it.
    #[schema(value_type = Option<String>)]
    before: Option<Box<RawValue>>,
    /// Answer a text that is cut off as far as it can be read.
    #[serde(default)]
    partial: bool,
    /// Findings of each plan at most, those with the most time at stake; 5 if absent.
    #[schema(minimum = 1, maximum = 100)]
    findings_max: Option<usize>,
}

/// Decode the output of EXPLAIN: the tree with its figures, and what in it costs the time. Nothing is stored. Thresholds
/// of the checks of plans, `check` and `severity_min` are taken as query parameters.
#[utoipa::path(
    post, path = "/v1/plan/decode", tag = "plans", operation_id = "decode_plan",
    request_body = PlanToDecode,
    responses(
        (status = 200, description = "The plan, or several", body = DecodedPlans),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn decode(
    query: Pairs,
    Body(body): Body<PlanToDecode>,
) -> Result<Json<DecodedPlans>, Problem> {
    let request = query.of_plans()?;
    let findings_max = findings_max(body.findings_max)?;
    let text = PlanText {
        plan: text(&body.plan)?,
        before: body.before.as_deref().map(text).transpose()?,
        partial: body.partial,
        findings_max,
    };
    Ok(Json(analysis::decode(request, text).await?))
}

/// How many findings are answered.
pub(super) fn findings_max(given: Option<usize>) -> Result<usize, Problem> {
    match given {
        None => Ok(FINDINGS_MAX),
        Some(number) if (1..=FINDINGS_LIMIT).contains(&number) => Ok(number),
        Some(_) => {
            let detail = format!("`findings_max` must be from 1 to {FINDINGS_LIMIT}");
            Err(problem::invalid(vec![Fault::new("/findings_max", detail)]))
        }
    }
}

/// A plan as a string, or the JSON that it is.
fn text(value: &RawValue) -> Result<String, Problem> {
    let raw = value.get();
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).map_err(|_| not_a_plan()),
        Some(b'{' | b'[') => Ok(raw.to_owned()),
        _ => Err(not_a_plan()),
    }
}

fn not_a_plan() -> Problem {
    let detail = "a plan must be a string, or the output of EXPLAIN (FORMAT JSON)";
    problem::invalid(vec![Fault::new("/plan", detail)])
}
