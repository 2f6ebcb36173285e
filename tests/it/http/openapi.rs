//! The document: committed, complete, and true.

use std::fs;

use serde_json::Value;

use crate::support::Service;
use crate::support::schema::schema_faults;

fn document() -> Value {
    serde_json::from_str(database_optimizer::http::document()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((path.clone(), method.clone(), operation));
        }
    }
    all
}

#[test]
fn the_committed_document_is_the_one_the_code_makes() {
    let committed = fs::read_to_string("openapi/v1.json").unwrap_or_default();
    assert!(
        committed.trim_end() == database_optimizer::http::document(),
        "openapi/v1.json is stale: cargo run -- openapi > openapi/v1.json"
    );
}

#[tokio::test]
async fn every_documented_operation_is_served_and_the_document_with_them() {
    let service = Service::start().await;
    let served = service.get("/openapi.json").await;
    assert_eq!(served.json(), document());
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() >= 14, "{}", operations.len());
    for (path, method, _) in operations {
        let path = path.replace("{target}", "none").replace("{superpower}/{name}", "toast/none");
        let reply = service.with(&method.to_uppercase(), &path, Value::Null).await;
        assert_ne!(reply.status.as_u16(), 405, "{method} {path}");
        assert!(reply.status.as_u16() != 404 || reply.problem() != "not-found", "{method} {path}");
    }
}

/// Every `$ref` below a value.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("$ref", Value::String(reference)) => vec![reference.clone()],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_reference_leads_to_a_description() {
    let document = document();
    let references = references(&document);
    assert!(!references.is_empty());
    for reference in references {
        let described = document.pointer(reference.trim_start_matches('#')).is_some();
        assert!(described, "{reference}");
    }
}

#[test]
fn every_operation_has_an_example_that_its_schema_admits() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let mut seen = 0;
        let bodies = operation.get("requestBody").into_iter();
        let answers = operation["responses"].as_object().unwrap().values();
        for content in
            bodies.chain(answers).filter_map(|body| body["content"].as_object()).flatten()
        {
            let (kind, content) = content;
            if operation["operationId"] == "openapi" && kind == "application/json" {
                continue;
            }
            let example = content
                .get("example")
                .unwrap_or_else(|| panic!("{method} {path}: {kind} has no example"));
            let mut schema = content["schema"].clone();
            schema["components"] = document["components"].clone();
            schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let faults = schema_faults(&validator, example);
            assert!(faults.is_empty(), "{method} {path}: {faults:#?}");
            seen += 1;
        }
        assert!(
            seen > 0 || ["delete"].contains(&method.as_str()) || path == "/openapi.json",
            "{method} {path}"
        );
    }
}
