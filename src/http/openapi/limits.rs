//! What the service refuses, said in the document: forms of parameters and of fields, which types in Rust do not carry.

use serde_json::{Value, json};

use crate::analysis::Request;
use crate::checks;
use crate::model::Superpower;

/// A name in a database: PostgreSQL has no U+0000 in texts.
const NAME: &str = "^[^\\u0000]+$";
/// The base64 of a place in a list.
const CURSOR: &str = "^[A-Za-z0-9_-]+$";
const MODEL_VERSION: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";

/// Strings that are one of a few: the schema, the field and its values.
const ENUMS: &[(&str, &str, &[&str])] = &[
    ("Liveness", "status", &["ok"]),
    ("Readiness", "status", &["ready", "unready", "stopping"]),
    ("Readiness", "store", &["ok", "unavailable"]),
    ("Readiness", "cache", &["ok", "in_process", "unavailable"]),
    ("Privileges", "tier", &["superuser", "monitor", "connect"]),
    ("DecodedPlan", "format", &["text", "json", "yaml", "xml"]),
    ("PlanChange", "kind", &["scan", "join", "estimate", "rows", "added", "removed"]),
];

/// Texts that are not empty, by schema and field.
const TEXTS: &[(&str, &str)] = &[
    ("PlanToDecode", "before"),
    ("StatementToExplain", "sql"),
    ("Registration", "dsn"),
    ("Registration", "dsn_env"),
    ("Registration", "dsn_file"),
    ("Registration", "lab"),
    ("TargetUpdate", "dsn"),
    ("TargetUpdate", "dsn_env"),
    ("TargetUpdate", "dsn_file"),
    ("TargetUpdate", "lab"),
];

/// Say it.
pub(super) fn state(document: &mut Value) {
    for (path, operations) in document["paths"].as_object_mut().into_iter().flatten() {
        let analysed = analysed(path);
        for operation in operations.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
            for parameter in
                operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
            {
                narrow(parameter, analysed.as_ref());
            }
        }
    }
    let upload = &mut document["paths"]["/v1/targets/{target}/workload"]["post"]["requestBody"];
    upload["content"]["application/octet-stream"]["schema"] =
        json!({ "type": "string", "format": "binary" });
    let schemas = &mut document["components"]["schemas"];
    for (schema, field, values) in ENUMS {
        schemas[schema]["properties"][field]["enum"] = json!(values);
    }
    for (schema, field) in TEXTS {
        let text = &mut schemas[schema]["properties"][field];
        text["minLength"] = 1.into();
        text["pattern"] = NAME.into();
    }
    let superpowers = Superpower::ALL.iter().map(|one| one.as_str());
    schemas["Analysis"]["properties"]["superpower"]["enum"] = superpowers.chain(["all"]).collect();
    for schema in ["Registration", "TargetUpdate"] {
        schemas[schema]["properties"]["replicas"]["items"]["minLength"] = 1.into();
        schemas[schema]["properties"]["model_version"]["pattern"] = MODEL_VERSION.into();
    }
    // Exactly one of two.
    schemas["Migration"]["oneOf"] = json!([{ "required": ["sql"] }, { "required": ["files"] }]);
    name_items(schemas);
}

/// What an operation asks of a target, if it is an analysis.
fn analysed(path: &str) -> Option<Request> {
    match path.strip_prefix("/v1/targets/{target}/")? {
        "analysis" => Some(Request::new(None)),
        name => Some(Request::new(Some(name.parse().ok()?))),
    }
}

fn narrow(parameter: &mut Value, of: Option<&Request>) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let is_query = parameter["in"] == "query";
    let schema = &mut parameter["schema"];
    let text = if schema["type"] == "array" { &mut schema["items"] } else { schema };
    match (name.as_str(), of) {
        ("check", Some(of)) => text["enum"] = check_names(of).into(),
        ("schema" | "table" | "column", _) => {
            text["minLength"] = 1.into();
            text["pattern"] = NAME.into();
        }
        ("cursor", _) => text["pattern"] = CURSOR.into(),
        ("model_version", _) if is_query => text["pattern"] = MODEL_VERSION.into(),
        ("since", _) => text["format"] = "date-time".into(),
        _ => {}
    }
}

/// What `check` may be: a superpower, which stands for all of its checks, or a check.
fn check_names(request: &Request) -> Vec<&'static str> {
    let superpowers = Superpower::ALL.iter().filter(|one| request.covers(**one));
    let checks = checks::all().filter(|check| request.covers(check.superpower));
    superpowers.map(|one| one.as_str()).chain(checks.map(|check| check.id)).collect()
}

/// Pages refer to their items by name.
fn name_items(schemas: &mut Value) {
    for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
        if let Some(item) = name.strip_prefix("Page_") {
            let reference = json!({ "$ref": format!("#/components/schemas/{item}") });
            schema["properties"]["items"]["items"] = reference;
        }
    }
}
