//! SARIF, as its schema admits it.

use std::fs;

use serde_json::Value;

/// The report, which the schema of SARIF 2.1.0 admits.
pub fn admitted_sarif(text: &str) -> Value {
    let schema = fs::read_to_string("tests/fixtures/sarif-schema-2.1.0.json").unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let report: Value = serde_json::from_str(text).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&report)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    report
}
