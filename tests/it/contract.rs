//! The contract of documents: what a sample shows holds for the rows of the table, in JSON Schema and in Python.

use std::io::Write as _;
use std::process::{Command, Stdio};

use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::pydantic::{DOCUMENTS_OF_EVERY_KIND, python};
use crate::support::schema::schema_faults;
use crate::support::{Reply, Service, TestDb, server};

const PATH: &str = "/v1/targets/demo/hybrid-schema/contract?table=ml.Odd%20features";

async fn with(member: &str, sql: &str) -> Option<(Service, TestDb)> {
    let db = TestDb::create(server(member)?).await;
    for statement in sql.split(";\n") {
        db.run(statement).await;
    }
    let service = Service::start().await;
    service.register("demo", db.dsn().expose_secret()).await;
    Some((service, db))
}

async fn documents(db: &TestDb, table: &str) -> Vec<String> {
    let all = db.text(&format!("select json_agg(data::text)::text from {table}")).await;
    serde_json::from_str(&all).unwrap()
}

/// Import the module, read each document with its model, and write it again.
fn read_by(module: &str, model: &str, documents: &[String]) {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("contract.py"), module).unwrap();
    let script = format!(
        "import json, sys, warnings
warnings.simplefilter('error')
from contract import {model} as Model
for line in sys.stdin:
    document = json.loads(line)
    read = Model.model_validate(document)
    again = read.model_dump(mode='json', by_alias=True, exclude_unset=True)
    # The same time, written otherwise.
    if isinstance(document, dict) and 'seen_at' in document:
        document.pop('seen_at'), again.pop('seen_at')
    assert again == document, (again, document)
"
    );
    let mut run = Command::new(python);
    run.current_dir(folder.path()).args(["-c", &script]);
    let mut run = run.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = documents.join("\n");
    // A script that failed reads no further; what it says is what matters then.
    let _ = run.stdin.take().unwrap().write_all(lines.as_bytes());
    let outcome = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
    assert!(outcome.status.success(), "{said}\n{module}");
}

fn admitted(schema: &Value, documents: &[String]) {
    let validator = jsonschema::validator_for(schema).unwrap();
    for document in documents {
        let document: Value = serde_json::from_str(document).unwrap();
        let faults = schema_faults(&validator, &document);
        assert!(faults.is_empty(), "{faults:?}: {document}\n{schema:#}");
    }
}

fn ok(reply: Reply) -> Reply {
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_keeps_the_contract_that_the_sample_shows() {
    for member in ["pg15", "deb19"] {
        let Some((service, db)) = with(member, DOCUMENTS_OF_EVERY_KIND).await else { continue };
        let documents = documents(&db, r#"ml."Odd features""#).await;
        let schema = ok(service.get(PATH).await);
        assert_eq!(schema.header("content-type"), "application/json");
        let schema = schema.json();
        admitted(&schema, &documents);
        let required = schema["required"].as_array().unwrap();
        assert!(required.len() == 13 && !required.contains(&"sometimes".into()), "{required:?}");
        assert_eq!(schema["properties"]["visits"]["additionalProperties"]["type"], "object");
        assert_eq!(schema["properties"]["ref"]["format"], "uuid");

        let module = ok(service.get(&format!("{PATH}&format=pydantic")).await);
        assert_eq!(module.header("content-type"), "text/x-python; charset=utf-8");
        for line in [
            "    user_identifier: int = Field(alias=\"userIdentifier\")",
            "    user_identifier_2: str = Field(alias=\"user_identifier\")",
            "    class_: bool = Field(alias=\"class\")",
            "    tage_3: float = Field(alias=\"étage \\\"3\\\"\")",
            "    sometimes: Sometimes | None = None",
            "    ref: UUID",
            "    seen_at: AwareDatetime",
            "    tags: list[str | None]",
            "    visits: dict[str, Visits]",
            "class OddFeaturesData(BaseModel):",
        ] {
            assert!(module.text.lines().any(|of| of == line), "no {line}\n{}", module.text);
        }
        read_by(&module.text, "OddFeaturesData", &documents);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_aliases_of_the_long_names() {
    let sql = "create schema ml;
create table ml.features (id bigint primary key, data jsonb not null);
create table ml.features_data_keys (code text primary key, key text not null unique);
insert into ml.features_data_keys values ('uid', 'user_identifier'), ('hoo', 'history_of_orders'), ('oqu', 'ordered_quantity');
insert into ml.features select i, jsonb_build_object('uid', i, 'hoo', jsonb_build_array(jsonb_build_object('oqu', i % 5)))
    from generate_series(1, 500) as i;
vacuum analyze ml.features";
    let Some((service, db)) = with("pg17", sql).await else { return };
    let path = "/v1/targets/demo/hybrid-schema/contract?table=ml.features";
    let schema = ok(service.get(path).await).json();
    assert_eq!(schema["properties"]["uid"]["title"], "user_identifier");
    let module = ok(service.get(&format!("{path}&format=pydantic")).await).text;
    for line in [
        "    user_identifier: int = Field(alias=\"uid\")",
        "    history_of_orders: list[HistoryOfOrders] = Field(alias=\"hoo\")",
        "    ordered_quantity: int = Field(alias=\"oqu\")",
    ] {
        assert!(module.lines().any(|of| of == line), "no {line}\n{module}");
    }
    read_by(&module, "FeaturesData", &documents(&db, "ml.features").await);
    let keys = ok(service.get("/v1/targets/demo/hybrid-schema/keys?table=ml.features").await);
    assert_eq!(keys.json()["codes"]["uid"], "user_identifier");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_no_objects_have_a_contract_too() {
    let sql = r#"create schema ml;
create table ml.odd (id bigint primary key, data jsonb);
insert into ml.odd values (1, '[1, 2.5]'), (2, '"text"'), (3, 'null'), (4, '{"a": 1}'), (5, '[]'), (6, null);
create table ml.empty (id bigint primary key, data jsonb);
analyze ml.odd"#;
    let Some((service, db)) = with("pg16", sql).await else { return };
    let path = "/v1/targets/demo/hybrid-schema/contract?table=ml.odd";
    let documents: Vec<String> = documents(&db, "ml.odd where data is not null").await;
    admitted(&ok(service.get(path).await).json(), &documents);
    let module = ok(service.get(&format!("{path}&format=pydantic")).await).text;
    read_by(&module, "OddData", &documents);
    let empty = path.replace("ml.odd", "ml.empty");
    let module = ok(service.get(&format!("{empty}&format=pydantic")).await).text;
    read_by(&module, "EmptyData", &[r#"{"anything": 1}"#.to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_cached_by_its_format_and_asked_for_strictly() {
    let Some((service, _db)) = with("pg18", DOCUMENTS_OF_EVERY_KIND).await else { return };
    let python = format!("{PATH}&format=pydantic");
    let miss = ok(service.get(&python).await);
    let hit = ok(service.get(&python).await);
    assert_eq!((miss.header("x-cache"), hit.header("x-cache")), ("miss", "hit"));
    assert_eq!((&miss.text, miss.header("etag")), (&hit.text, hit.header("etag")));
    assert_eq!(ok(service.get(PATH).await).header("x-cache"), "miss");
    let wrong = service.get(&format!("{PATH}&format=pydantik")).await;
    assert_eq!(wrong.problem(), "invalid-request");
    assert!(wrong.text.contains("/query/format") && wrong.text.contains("pydantic"), "{wrong:?}");
    let unknown = service.get("/v1/targets/demo/hybrid-schema/contract?table=nowhere").await;
    assert_eq!(unknown.problem(), "unknown-table");
}
