//! Documents, as a JSON Schema admits them.

use std::fs;

use jsonschema::Validator;
use serde_json::Value;

/// What a schema does not admit in a document, each with its place.
pub fn schema_faults(schema: &Validator, document: &Value) -> Vec<String> {
    let faults = schema.iter_errors(document);
    faults.map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

/// A report that the schema of SARIF 2.1.0 admits.
pub fn admitted_sarif(text: &str) -> Value {
    let schema = fs::read_to_string("tests/fixtures/sarif-schema-2.1.0.json").unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let report: Value = serde_json::from_str(text).unwrap();
    assert_eq!(schema_faults(&validator, &report), Vec::<String>::new());
    report
}
