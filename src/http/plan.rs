//! Plans, decoded and judged: sent as text, or made by EXPLAIN on a target.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::auth;
use super::body::Body;
use super::path::{OfTarget, Segments};
use super::problem::{self, Fault, Problem, Problems};
use super::query::Pairs;
use super::targets::registered;
use crate::analysis::{self, FINDINGS_MAX, PlanText, StatementText};
use crate::app::App;
use crate::model::{DecodedPlan, DecodedPlans};
use crate::store::KeyScope;

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

/// Decode the output of EXPLAIN.
///
/// Answers the tree with its figures, and what in it costs the time. Nothing is stored, and no target is needed.
/// Thresholds of the checks of plans, `check` and `severity_min` are query parameters.
#[utoipa::path(
    post, path = "/v1/plan/decode", tag = "plans", operation_id = "decode_plan",
    request_body = PlanToDecode,
    responses(
        (status = 200, description = "The plan, or several", body = DecodedPlans),
        Problems,
    )
)]
pub(super) async fn decode(
    query: Pairs,
    Body(body): Body<PlanToDecode>,
) -> Result<Json<DecodedPlans>, Problem> {
    let request = query.of_plans()?;
    let findings_max = findings_max(body.findings_max)?;
    let text = PlanText {
        plan: text("/plan", &body.plan)?,
        before: body.before.as_deref().map(|before| text("/before", before)).transpose()?,
        partial: body.partial,
        findings_max,
    };
    Ok(Json(analysis::decode(request, text).await?))
}

/// A statement to explain.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementToExplain {
    /// One SELECT, INSERT, UPDATE, DELETE or MERGE.
    #[schema(example = "select count(*) from ml.features where data ->> 'customerSegment' = $1")]
    sql: String,
    /// Values of `$1`, `$2` and so on: strings, numbers, booleans or null. Their types follow from the statement; where they do
    /// not, cast them (`$1::bigint`). Without values the plan is that for any values.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>, example = json!(["premium"]))]
    parameters: Vec<Value>,
    /// Execute the statement; needs a key with the scope `probe`, and a SELECT that calls nothing volatile.
    #[serde(default)]
    analyze: bool,
    /// Settings of the planner to explain it under.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"work_mem": "64MB"}))]
    settings: BTreeMap<String, Value>,
    /// Findings at most, those with the most time at stake; 5 if absent.
    #[schema(minimum = 1, maximum = 100)]
    findings_max: Option<usize>,
}

/// Explain a statement on the target.
///
/// It runs in a transaction that only reads, with time limits, and is rolled back; without `analyze` the statement is
/// not executed.
#[utoipa::path(
    post, path = "/v1/targets/{target}/plan/decode", tag = "plans", operation_id = "explain_statement",
    params(OfTarget),
    request_body = StatementToExplain,
    responses(
        (status = 200, description = "The plan", body = DecodedPlan),
        Problems,
    )
)]
pub(super) async fn explain(
    app: State<App>,
    path_and_query: (Segments<1>, Pairs),
    headers: HeaderMap,
    Body(body): Body<StatementToExplain>,
) -> Result<Json<DecodedPlan>, Problem> {
    let (Segments([name]), query) = path_and_query;
    if body.analyze {
        auth::let_in(&app, &headers, KeyScope::Probe).await?;
    }
    let request = query.of_plans()?;
    let target = registered(&app, &name).await?;
    Ok(Json(app.explain(&target, request, body.text()?).await?))
}

impl StatementToExplain {
    /// The statement with its values and settings as text.
    fn text(self) -> Result<StatementText, Problem> {
        let mut faults = Vec::new();
        let mut scalars = |at: String, value: &Value| match scalar(value) {
            Ok(text) => text,
            Err(detail) => {
                faults.push(Fault::new(at, detail));
                None
            }
        };
        let parameters = self.parameters.iter().enumerate();
        let parameters =
            parameters.map(|(at, value)| scalars(format!("/parameters/{at}"), value)).collect();
        let settings = self.settings.into_iter().map(|(name, value)| {
            let text = scalars(format!("/settings/{name}"), &value).unwrap_or_default();
            (name, text)
        });
        let settings = settings.collect();
        if !faults.is_empty() {
            return Err(problem::invalid(faults));
        }
        Ok(StatementText {
            sql: self.sql,
            parameters,
            analyze: self.analyze,
            settings,
            findings_max: findings_max(self.findings_max)?,
            ..StatementText::default()
        })
    }
}

/// A value as text; none for null.
fn scalar(value: &Value) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        Value::Array(_) | Value::Object(_) => Err("must be a string, a number, a boolean or null"),
    }
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
fn text(pointer: &str, value: &RawValue) -> Result<String, Problem> {
    let raw = value.get();
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).map_err(|_| not_a_plan(pointer)),
        Some(b'{' | b'[') => Ok(raw.to_owned()),
        _ => Err(not_a_plan(pointer)),
    }
}

fn not_a_plan(pointer: &str) -> Problem {
    let detail = "a plan must be a string, or the output of EXPLAIN (FORMAT JSON)";
    problem::invalid(vec![Fault::new(pointer, detail)])
}
