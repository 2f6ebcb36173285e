//! A JSON Schema of documents.

use serde_json::{Map, Value, json};

use super::preamble;
use super::shape::PathShape;
use crate::model::DocumentReport;

/// The schema as JSON.
pub(super) fn write(shape: &PathShape, report: &DocumentReport) -> String {
    let mut schema = schema(shape);
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), report.object.to_string().into());
    schema.insert("description".to_owned(), preamble(report).into());
    format!("{:#}", Value::Object(schema))
}

fn schema(shape: &PathShape) -> Map<String, Value> {
    let mut schema = Map::new();
    let name = |json_type: &String| match json_type.as_str() {
        "number" if shape.fits.as_deref() == Some("bigint") => json!("integer"),
        other => json!(other),
    };
    let types: Vec<Value> = shape.types.keys().map(name).collect();
    match types.as_slice() {
        // No value was seen: anything may come.
        [] => return schema,
        [only] => schema.insert("type".to_owned(), only.clone()),
        _ => schema.insert("type".to_owned(), types.into()),
    };
    let format = match shape.fits.as_deref() {
        Some("uuid") => Some("uuid"),
        Some("timestamp with time zone") => Some("date-time"),
        _ => None,
    };
    schema.extend(format.map(|format| ("format".to_owned(), format.into())));
    if shape.has("object") {
        object(shape, &mut schema);
    }
    if let Some(items) = &shape.items {
        schema.insert("items".to_owned(), self::schema(items).into());
    }
    schema
}

fn object(shape: &PathShape, schema: &mut Map<String, Value>) {
    let property = |field: &PathShape| {
        let mut property = self::schema(field);
        if field.long != field.key {
            property.insert("title".to_owned(), field.long.clone().into());
        }
        (field.key.clone(), property.into())
    };
    let properties: Map<String, Value> = shape.fields.iter().map(property).collect();
    let required = shape.fields.iter().filter(|field| field.required);
    let required: Vec<Value> = required.map(|field| field.key.clone().into()).collect();
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), properties.into());
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    if let Some(map) = &shape.map {
        schema.insert("additionalProperties".to_owned(), self::schema(map).into());
    }
}
