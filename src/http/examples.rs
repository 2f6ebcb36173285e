//! Real answers, recorded from the demo, as examples in the document.

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::Operation;

/// By operation: the status and the recorded body.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("analyse", "200", include_str!("../../openapi/examples/analyse.json")),
    ("hybrid_schema", "200", include_str!("../../openapi/examples/hybrid_schema.json")),
    ("gin", "200", include_str!("../../openapi/examples/gin.json")),
    ("vector", "200", include_str!("../../openapi/examples/vector.json")),
    ("plan", "200", include_str!("../../openapi/examples/plan.json")),
    ("decode_plan", "200", include_str!("../../openapi/examples/decode_plan.json")),
    ("explain_statement", "200", include_str!("../../openapi/examples/explain_statement.json")),
    ("review_migration", "200", include_str!("../../openapi/examples/review_migration.json")),
    ("show_workload", "200", include_str!("../../openapi/examples/show_workload.json")),
    ("list_contracts", "200", include_str!("../../openapi/examples/list_contracts.json")),
    ("show_contract", "200", include_str!("../../openapi/examples/show_contract.json")),
    ("put_contract", "200", include_str!("../../openapi/examples/put_contract.json")),
    ("put_contract", "201", include_str!("../../openapi/examples/put_contract.json")),
    ("tell_workload", "200", include_str!("../../openapi/examples/tell_workload.json")),
    ("staging_table", "200", include_str!("../../openapi/examples/staging_table.json")),
    ("wal", "200", include_str!("../../openapi/examples/wal.json")),
    ("concurrency", "200", include_str!("../../openapi/examples/concurrency.json")),
    ("pool_plan", "200", include_str!("../../openapi/examples/pool_plan.json")),
    ("toast", "200", include_str!("../../openapi/examples/toast.json")),
    ("document_keys", "200", include_str!("../../openapi/examples/document_keys.json")),
    ("document_contract", "200", include_str!("../../openapi/examples/document_contract.json")),
    ("show_capabilities", "200", include_str!("../../openapi/examples/show_capabilities.json")),
    ("list_targets", "200", include_str!("../../openapi/examples/list_targets.json")),
    ("register_target", "201", include_str!("../../openapi/examples/register_target.json")),
    ("show_target", "200", include_str!("../../openapi/examples/show_target.json")),
    ("change_target", "200", include_str!("../../openapi/examples/change_target.json")),
    ("list_checks", "200", include_str!("../../openapi/examples/list_checks.json")),
    ("show_check", "200", include_str!("../../openapi/examples/show_check.json")),
    ("live", "200", include_str!("../../openapi/examples/live.json")),
    ("ready", "200", include_str!("../../openapi/examples/ready.json")),
    ("ready", "503", include_str!("../../openapi/examples/unready.json")),
    ("metrics", "200", include_str!("../../openapi/examples/metrics.txt")),
];

/// The same contract as a Python module.
const PYTHON: (&str, &str) =
    ("text/x-python", include_str!("../../openapi/examples/document_contract.py"));

/// What is sent, by operation.
const BODIES: &[(&str, &str)] = &[
    ("register_target", include_str!("../../openapi/examples/register_target.request.json")),
    ("change_target", include_str!("../../openapi/examples/change_target.request.json")),
    ("decode_plan", include_str!("../../openapi/examples/decode_plan.request.json")),
    ("explain_statement", include_str!("../../openapi/examples/explain_statement.request.json")),
    ("review_migration", include_str!("../../openapi/examples/review_migration.request.json")),
    ("pool_plan", include_str!("../../openapi/examples/pool_plan.request.json")),
    ("tell_workload", include_str!("../demo/workload.csv")),
    ("put_contract", include_str!("../../openapi/examples/put_contract.request.json")),
];

/// A problem, for every operation that can end in one.
const PROBLEM: &str = include_str!("../../openapi/examples/problem.json");

/// Give an operation its examples.
pub(super) fn add(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let recorded = ANSWERS.iter().filter(|(of, ..)| *of == id);
    let answers = recorded.map(|(_, status, text)| (*status, *text)).chain([("default", PROBLEM)]);
    for (status, text) in answers {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
            for (kind, content) in &mut response.content {
                put(content, if *kind == PYTHON.0 { PYTHON.1 } else { text });
            }
        }
    }
    let bodies = BODIES.iter().filter(|(of, _)| *of == id);
    for (body, (_, text)) in operation.request_body.iter_mut().zip(bodies) {
        let RefOr::T(body) = body else { continue };
        body.content.values_mut().for_each(|content| put(content, text));
    }
}

fn put(content: &mut RefOr<Content>, text: &str) {
    let RefOr::T(content) = content else { return };
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    content.example = Some(value);
}
