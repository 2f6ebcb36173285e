//! Documents judged: as the specification says, by kind and path, in bounded time, and whatever the schema tries.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::value::{DocumentVerdict, judge};
use super::*;
use crate::model::observation::DriftKind;

fn contract(schema: &Value) -> Contract {
    let parsed = Contract::parse(&schema.to_string());
    parsed.unwrap_or_else(|faults| panic!("{faults:?}: {schema}"))
}

/// What is found, as `path kind`.
fn found(schema: &Value, document: &Value) -> Vec<String> {
    match judge(&contract(schema), document) {
        DocumentVerdict::Kept => Vec::new(),
        DocumentVerdict::Unknown => vec!["unknown".to_owned()],
        DocumentVerdict::Broken(found) => found
            .into_iter()
            .map(|(path, kind)| format!("{path} {}", kind.as_str()).trim().to_owned())
            .collect(),
    }
}

fn faults(schema: &Value) -> Vec<SchemaFault> {
    Contract::parse(&schema.to_string()).unwrap_err()
}

/// As Pydantic 2.13 prints it: an optional key, an enumeration, a model in a list, a union with a discriminator, a map, a
/// decimal, a tuple, and a model that forbids what it does not name.
fn order() -> Value {
    json!({
        "$defs": {
            "Card": {"additionalProperties": false, "properties": {
                "kind": {"const": "card", "title": "Kind", "type": "string"},
                "number": {"minLength": 4, "title": "Number", "type": "string"}
            }, "required": ["kind", "number"], "title": "Card", "type": "object"},
            "Cash": {"properties": {"kind": {"const": "cash", "title": "Kind", "type": "string"}},
                "required": ["kind"], "title": "Cash", "type": "object"},
            "Line": {"properties": {
                "sku": {"pattern": "^[A-Z]{2}-\\d+$", "title": "Sku", "type": "string"},
                "quantity": {"exclusiveMinimum": 0, "title": "Quantity", "type": "integer"}
            }, "required": ["sku", "quantity"], "title": "Line", "type": "object"},
            "Status": {"enum": ["open", "paid"], "title": "Status", "type": "string"}
        },
        "additionalProperties": false,
        "properties": {
            "id": {"format": "uuid", "title": "Id", "type": "string"},
            "at": {"format": "date-time", "title": "At", "type": "string"},
            "status": {"$ref": "#/$defs/Status"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null, "title": "Note"},
            "lines": {"items": {"$ref": "#/$defs/Line"}, "title": "Lines", "type": "array"},
            "payment": {"discriminator": {"mapping": {"card": "#/$defs/Card", "cash": "#/$defs/Cash"}, "propertyName": "kind"},
                "oneOf": [{"$ref": "#/$defs/Card"}, {"$ref": "#/$defs/Cash"}], "title": "Payment"},
            "tags": {"additionalProperties": {"type": "integer"}, "title": "Tags", "type": "object"},
            "total": {"anyOf": [{"type": "number"}, {"pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$", "type": "string"}]},
            "pair": {"maxItems": 2, "minItems": 2, "prefixItems": [{"type": "integer"}, {"type": "string"}], "type": "array"}
        },
        "required": ["id", "status"],
        "title": "Order",
        "type": "object"
    })
}

fn healthy() -> Value {
    json!({
        "id": "1ed2d1a5-3b1c-4b41-8d7c-0e6b4fb1f2aa", "at": "2026-11-22T10:00:00", "status": "paid", "note": null,
        "lines": [{"sku": "AB-1", "quantity": 2}], "payment": {"kind": "card", "number": "4111"},
        "tags": {"anything": 1}, "total": "12.50", "pair": [1, "x"]
    })
}

#[test]
fn what_pydantic_promises_is_kept_by_what_it_writes() {
    assert_eq!(found(&order(), &healthy()), [] as [&str; 0]);
}

#[test]
fn each_kind_is_found_at_its_path() {
    let with = |key: &str, value: Value| {
        let mut document = healthy();
        document[key] = value;
        found(&order(), &document)
    };
    assert_eq!(with("id", json!("x")), ["id malformed"]);
    assert_eq!(with("status", json!("gone")), ["status not_allowed"]);
    assert_eq!(with("status", json!(1)), ["status wrong_type"]);
    assert_eq!(with("note", json!(1)), ["note wrong_type"]);
    assert_eq!(with("new", json!(1)), ["new unknown_key"]);
    assert_eq!(with("odd key", json!(1)), ["\"odd key\" unknown_key"]);
    assert_eq!(with("tags", json!({"a@example.org": "x"})), ["tags.* wrong_type"]);
    assert_eq!(with("total", json!("+")), ["total malformed"]);
    assert_eq!(with("pair", json!([1])), ["pair out_of_range"]);
    assert_eq!(with("pair", json!(["x", "y"])), ["pair[] wrong_type"]);
    let lines = json!([{"sku": "ab", "quantity": 0}, {"sku": "AB-1"}]);
    let wrong =
        ["lines[].quantity missing_key", "lines[].quantity out_of_range", "lines[].sku malformed"];
    assert_eq!(with("lines", lines), wrong);
    // A union names what is wrong with the member that was meant.
    assert_eq!(
        with("payment", json!({"kind": "card", "number": "1"})),
        ["payment.number out_of_range"]
    );
    assert_eq!(with("payment", json!({"kind": "card"})), ["payment.number missing_key"]);
    assert_eq!(with("payment", json!({"kind": "cheque"})), ["payment.kind not_allowed"]);
    assert_eq!(with("payment", json!(7)), ["payment wrong_type"]);
    for document in [json!([]), json!("x"), json!(7), json!(null), json!(true)] {
        assert_eq!(found(&order(), &document), ["wrong_type"], "{document}");
    }
}

#[test]
fn what_is_no_schema_is_told_with_its_place_and_mend() {
    for (schema, pointer, problem) in [
        (json!({"type": "strng"}), "/type", "one of null, boolean"),
        (
            json!({"properties": {"a/b": {"minLength": -1}}}),
            "/properties/a~1b/minLength",
            "whole number",
        ),
        (json!({"properties": {"a": 1}}), "/properties/a", "must be a schema"),
        (json!({"required": "a"}), "/required", "list of names"),
        (json!({"enum": "a"}), "/enum", "list of values"),
        (json!({"anyOf": []}), "/anyOf", "not empty"),
        (json!({"pattern": "("}), "/pattern", "no regular expression"),
        (json!({"$ref": "https://example.org/x.json"}), "/$ref", "nothing is fetched"),
        (json!({"$ref": "file:///etc/passwd"}), "/$ref", "nothing is fetched"),
        (json!({"$ref": "#/$defs/Gone"}), "/$ref", "leads to no schema"),
        (json!({"$defs": {"A": {"$ref": "x"}}}), "/$defs/A/$ref", "#/$defs/Name"),
        (json!({"$schema": "http://json-schema.org/draft-04/schema#"}), "/$schema", "2020-12"),
        (json!({"items": [{}]}), "/items", "prefixItems"),
        (json!({"type": "string", "nullable": true}), "/nullable", "anyOf"),
        (json!({"unevaluatedProperties": false}), "/unevaluatedProperties", "additionalProperties"),
        (json!({"multipleOf": 0}), "/multipleOf", "more than 0"),
        (json!({"exclusiveMinimum": true}), "/exclusiveMinimum", "a number"),
        (json!({"$ref": "#"}), "", "lead back"),
        (json!({"$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}}), "/$defs/A", "lead back"),
    ] {
        let faults = faults(&schema);
        assert_eq!(faults[0].pointer, pointer, "{schema}: {faults:?}");
        assert!(faults[0].detail.contains(problem), "{schema}: {faults:?}");
    }
    for text in ["true", "[]", "\"x\"", "{", "nul", ""] {
        assert!(Contract::parse(text).is_err(), "{text}");
    }
}

/// Choices in choices, each of which doubles what is to be tried with each level of the document.
fn doubling() -> (Value, Value) {
    let node = |name: &str| {
        json!({"type": "object", "required": [name], "properties": {
            "left": {"$ref": "#/$defs/Any"}, "right": {"$ref": "#/$defs/Any"}
        }})
    };
    let schema = json!({
        "$defs": {"Any": {"anyOf": [node("add"), node("mul"), node("sub"), {"type": "integer"}]}},
        "$ref": "#/$defs/Any"
    });
    let mut document = json!("no number");
    for _ in 0..40 {
        document = json!({"left": document, "right": 1, "sub": 1});
    }
    (schema, document)
}

#[test]
fn what_would_take_for_ever_is_given_up_and_is_no_fault_of_the_document() {
    let (schema, document) = doubling();
    assert_eq!(found(&schema, &document), ["unknown"]);
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    let list = json!({"$defs": {"L": {"anyOf": [{"type": "integer"}, {"items": {"$ref": "#/$defs/L"}}]}}, "$ref": "#/$defs/L"});
    assert_eq!(found(&list, &deep), [] as [&str; 0]);
    let long = json!({"pattern": r"^(a|aa)+(?<!b)$"});
    assert_eq!(found(&long, &json!("a".repeat(80) + "!")), ["unknown"]);
}

#[test]
fn many_documents_are_counted_in_memory_that_has_a_bound() {
    let contract =
        contract(&json!({"additionalProperties": false, "properties": {"a": {"type": "integer"}}}));
    let mut verdicts = Verdicts::default();
    for n in 0..300 {
        verdicts.add(&contract, &format!("{{\"a\": \"x\", \"key{n}\": 1}}"));
    }
    verdicts.add(&contract, "{\"a\": 1}");
    verdicts.add(&contract, "{\"a\": 1e999}");
    let drift = verdicts.into_drift();
    assert_eq!((drift.judged, drift.broken, drift.unjudged), (301, 300, 1));
    assert_eq!(drift.paths.len(), 200);
    assert_eq!(drift.paths_left_out, 101);
    assert_eq!((drift.paths[0].path.as_str(), drift.paths[0].documents), ("a", 300));
    assert_eq!(drift.kinds[&DriftKind::UnknownKey], 300);
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..12).prop_map(Value::from),
        prop_oneof![Just(1.0), Just(2.5), Just(-0.5)].prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-d]", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn keyword(
    inner: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = (String, Value)> {
    let named = prop::collection::hash_map("[a-d]", inner.clone(), 1..3)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()));
    let listed = prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from);
    let types = prop::sample::select(super::rules::TYPES.to_vec()).prop_map(Value::from);
    let count = (0_u64..4).prop_map(Value::from);
    let of = |name: &'static str, value: BoxedStrategy<Value>| {
        value.prop_map(move |value| (name.to_owned(), value)).boxed()
    };
    prop_oneof![
        of("type", types.clone().boxed()),
        of(
            "type",
            prop::collection::hash_set(types, 1..3)
                .prop_map(|all| Value::from(all.into_iter().collect::<Vec<_>>()))
                .boxed()
        ),
        of("properties", named.clone().boxed()),
        of("patternProperties", named.clone().boxed()),
        of("dependentSchemas", named.boxed()),
        of("additionalProperties", inner.clone().boxed()),
        of("items", inner.clone().boxed()),
        of("contains", inner.clone().boxed()),
        of("not", inner.clone().boxed()),
        of("if", inner.clone().boxed()),
        of("then", inner.clone().boxed()),
        of("else", inner.boxed()),
        of("prefixItems", listed.clone().boxed()),
        of("allOf", listed.clone().boxed()),
        of("anyOf", listed.clone().boxed()),
        of("oneOf", listed.boxed()),
        of(
            "required",
            prop::collection::hash_set("[a-d]", 0..3)
                .prop_map(|keys| Value::from(keys.into_iter().collect::<Vec<_>>()))
                .boxed()
        ),
        of("enum", prop::collection::vec(document(), 1..3).prop_map(Value::from).boxed()),
        of("const", document().boxed()),
        of("minimum", (-2_i64..5).prop_map(Value::from).boxed()),
        of("exclusiveMaximum", (0_i64..9).prop_map(Value::from).boxed()),
        of("multipleOf", prop_oneof![Just(2.0), Just(0.5)].prop_map(Value::from).boxed()),
        of(
            "pattern",
            prop_oneof![Just("^a"), Just("b$"), Just("^(?!b)")].prop_map(Value::from).boxed()
        ),
        of("minLength", count.clone().boxed()),
        of("maxLength", count.clone().boxed()),
        of("minItems", count.clone().boxed()),
        of("maxItems", count.clone().boxed()),
        of("minContains", count.clone().boxed()),
        of("maxProperties", count.boxed()),
        of("propertyNames", Just(json!({"pattern": "^[ab]"})).boxed()),
        of("dependentRequired", Just(json!({"a": ["b"]})).boxed()),
        of("$ref", prop_oneof![Just("#/$defs/A"), Just("#/$defs/B")].prop_map(Value::from).boxed()),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!(false)),
        Just(json!({})),
        Just(json!({"type": "integer"}))
    ];
    let inner = leaf.prop_recursive(3, 24, 3, |inner| {
        prop::collection::vec(keyword(inner), 1..4)
            .prop_map(|keywords| Value::Object(keywords.into_iter().collect()))
    });
    (prop::collection::vec(keyword(inner.boxed()), 1..5)).prop_map(|keywords| {
        let mut schema = Value::Object(keywords.into_iter().collect());
        schema["$defs"] = json!({
            "A": {"type": ["object", "integer"], "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/B"}}},
            "B": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/A"}}, {"type": "null"}]}
        });
        schema
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// The library that passes the specification's own suite is the measure.
    #[test]
    fn a_document_keeps_a_contract_as_the_specification_says(
        schema in schema(), documents in prop::collection::vec(document(), 4)
    ) {
        let measure = jsonschema::validator_for(&schema).unwrap();
        let contract = contract(&schema);
        for document in documents {
            let kept = match judge(&contract, &document) {
                DocumentVerdict::Kept => true,
                DocumentVerdict::Broken(_) => false,
                DocumentVerdict::Unknown => continue,
            };
            prop_assert_eq!(kept, measure.is_valid(&document), "{} of {}", document, schema);
        }
    }

    #[test]
    fn whatever_is_sent_as_a_contract_nothing_panics(text in r#"[\[\]{}:,"\\0-9a-z$#/ .+*?()]{0,40}"#) {
        let _ = Contract::parse(&text);
        let schema = json!({"pattern": text, "properties": {"a": {"$ref": text}}});
        let _ = Contract::parse(&schema.to_string());
    }
}
