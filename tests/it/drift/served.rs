//! Contracts by HTTP, and drift that is reported once.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use database_optimizer::store::KeyScope;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{ANALYSIS, ID, counted, judged, orders};
use crate::support::pydantic::{DOCUMENTS_OF_EVERY_KIND, printed_by_pydantic};
use crate::support::{Reply, Service, TestDb, any_server, tables};

async fn service(db: &TestDb) -> Service {
    let service = Service::start().await;
    service.register("demo", db.dsn().expose_secret()).await;
    service
}

const CONTRACT: &str = "/v1/targets/demo/contracts/ml/orders/data";

async fn put(service: &Service, path: &str, contract: &Value) -> Reply {
    service.with("PUT", path, contract.clone()).await
}

async fn drift(service: &Service, more: &str) -> (Vec<Value>, Reply) {
    let reply = service.get(&format!("{ANALYSIS}{more}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    (reply.json()["findings"].as_array().unwrap().clone(), reply)
}

const SMALL_ORDERS: &str = "create table ml.orders (id bigint primary key, data jsonb not null);
insert into ml.orders select i, jsonb_build_object('id', i, 'status', 'open') from generate_series(1, 400) as i;
analyze ml.orders";

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_registered_shown_listed_replaced_and_forgotten() {
    let Some(db) = tables("pg18", SMALL_ORDERS).await else { return };
    let service = service(&db).await;
    assert_eq!(drift(&service, "").await.1.header("x-cache"), "miss");
    assert_eq!(drift(&service, "").await.1.header("x-cache"), "hit");
    assert_eq!(service.get(CONTRACT).await.problem(), "unknown-contract");

    let strict = json!({"properties": {"status": {"const": "paid"}}, "title": "Strict"});
    let made = put(&service, CONTRACT, &strict).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, CONTRACT));
    let (findings, reply) = drift(&service, "").await;
    assert_eq!(reply.header("x-cache"), "miss", "what was cached is void");
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0]["object"]["key"], "status");

    let replaced = put(&service, CONTRACT, &orders()).await;
    assert_eq!(replaced.status, StatusCode::OK);
    assert_eq!(drift(&service, "").await.0, [] as [Value; 0]);
    let shown = service.get(made.header("location")).await.json();
    assert_eq!((&shown["contract"], &shown["schema"]), (&orders(), &json!("ml")));
    let service = service.restarted().await;
    let listed = service.get("/v1/targets/demo/contracts").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["column"], "data");

    put(&service, CONTRACT, &strict).await;
    assert_eq!(drift(&service, "").await.0.len(), 1);
    let gone = service.with("DELETE", CONTRACT, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(service.with("DELETE", CONTRACT, Value::Null).await.problem(), "unknown-contract");
    assert_eq!(drift(&service, "").await.0, [] as [Value; 0]);

    put(&service, CONTRACT, &strict).await;
    service.with("DELETE", "/v1/targets/demo", Value::Null).await;
    service.register("demo", db.dsn().expose_secret()).await;
    assert_eq!(
        service.get(CONTRACT).await.status,
        StatusCode::NOT_FOUND,
        "it went with its target"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_quotes_slashes_spaces_and_letters_of_every_kind_work() {
    let sql = "create schema \"Ä/b c\";
create table \"Ä/b c\".\"o\"\"dd.table\" (id bigint primary key, \"da?ta#%\" jsonb not null);
insert into \"Ä/b c\".\"o\"\"dd.table\" select i, '{\"a\": \"x\"}' from generate_series(1, 100) as i;
analyze \"Ä/b c\".\"o\"\"dd.table\"";
    let Some(db) = tables("pg15", sql).await else { return };
    let service = service(&db).await;
    let path = "/v1/targets/demo/contracts/%C3%84%2Fb%20c/o%22dd.table/da%3Fta%23%25";
    let contract = json!({"properties": {"a": {"type": "integer"}}});
    let made = put(&service, path, &contract).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, path));
    let (findings, _) = drift(&service, "").await;
    let object = &findings[0]["object"];
    assert_eq!((&object["schema"], &object["table"]), (&json!("Ä/b c"), &json!("o\"dd.table")));
    assert_eq!((&object["column"], &object["key"]), (&json!("da?ta#%"), &json!("a")));
    assert_eq!(service.get(path).await.json()["column"], "da?ta#%");
    for column in ["a", "b", "c"] {
        let path = format!("/v1/targets/demo/contracts/ml/t/{column}");
        assert_eq!(put(&service, &path, &json!({})).await.status, StatusCode::CREATED);
    }
    let (mut cursor, mut columns) = (String::new(), Vec::new());
    loop {
        let page = service.get(&format!("/v1/targets/demo/contracts?limit=1{cursor}")).await.json();
        columns.extend(page["items"].as_array().unwrap().iter().map(|item| item["column"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(columns, ["a", "b", "c", "da?ta#%"]);
    // The second names a column with the one character that no database stores.
    for cursor in ["YQ", "WyJhIiwiXHUwMDAwIiwiYyJd"] {
        let wrong = service.get(&format!("/v1/targets/demo/contracts?cursor={cursor}")).await;
        assert_eq!(wrong.problem(), "invalid-request");
    }
    let nameless = service.with("PUT", "/v1/targets/demo/contracts//t/c", json!({})).await;
    assert_eq!(nameless.problem(), "invalid-request");
    assert!(nameless.text.contains("/path/schema"), "{nameless:?}");
    let long = format!("/v1/targets/demo/contracts/ml/t/{}", "x".repeat(64));
    assert_eq!(
        put(&service, &long, &json!({})).await.json()["errors"][0]["pointer"],
        "/path/column"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_contract_is_refused_with_its_place_and_nothing_is_kept() {
    let service = Service::start().await;
    service.register("demo", "postgresql://u@127.0.0.1:1/d").await;
    for (contract, pointer) in [
        (json!({"type": "strng"}), "/type"),
        (json!({"properties": {"a": {"$ref": "http://127.0.0.1/x"}}}), "/properties/a/$ref"),
        (json!({"properties": {"a": {"pattern": "(hush"}}}), "/properties/a/pattern"),
        (json!({"$ref": "#"}), ""),
        (json!("hush"), ""),
        (json!([{"type": "object"}]), ""),
    ] {
        let reply = put(&service, CONTRACT, &contract).await;
        assert_eq!(reply.problem(), "invalid-request", "{contract}");
        assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{reply:?}");
        assert!(!reply.text.contains("hush"), "{reply:?}");
    }
    let send = |body: String| {
        let request = Request::put(CONTRACT).header(header::CONTENT_TYPE, "application/json");
        service.send(request.body(Body::from(body)).unwrap())
    };
    let deep = "{\"items\":".repeat(20_000) + "true" + &"}".repeat(20_000);
    let reply = send(deep).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
    assert!(reply.text.contains("nest at most 64 deep"), "{reply:?}");
    let reply = send(format!("{{\"description\": \"{}\"}}", "x".repeat(300_000))).await;
    assert!(reply.text.contains("at most 262144 bytes"), "{}", reply.status);
    assert_eq!(send("{\"type\": ".to_owned()).await.problem(), "malformed-json");
    let reply = put(&service, &format!("{CONTRACT}?x=1"), &json!({})).await;
    assert_eq!(reply.problem(), "invalid-request");
    assert_eq!(service.get("/v1/targets/demo/contracts").await.json()["items"], json!([]));
    let nowhere = put(&service, "/v1/targets/none/contracts/a/b/c", &json!({})).await;
    assert_eq!(nowhere.problem(), "unknown-target");
}

#[tokio::test]
async fn to_register_and_to_forget_takes_a_key_with_the_scope_probe() {
    let service = Service::start().await;
    service.register("demo", "postgresql://u@127.0.0.1:1/d").await;
    let store = service.app.store();
    let (_, read) = store.create_key("r", &[KeyScope::Read]).await.unwrap();
    let (_, probe) = store.create_key("p", &[KeyScope::Read, KeyScope::Probe]).await.unwrap();
    for (method, key, expected) in [
        ("PUT", None, 401),
        ("PUT", Some(&read), 403),
        ("PUT", Some(&probe), 201),
        ("GET", Some(&read), 200),
        ("DELETE", Some(&read), 403),
        ("DELETE", Some(&probe), 204),
    ] {
        let mut request = Request::builder().method(method).uri(CONTRACT);
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            let bearer = format!("Bearer {}", key.expose_secret());
            request = request.header(header::AUTHORIZATION, bearer);
        }
        let reply = service.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(reply.status.as_u16(), expected, "{method}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_this_service_writes_is_kept_by_the_documents_it_was_written_from() {
    for member in ["pg15", "deb19"] {
        let sql = DOCUMENTS_OF_EVERY_KIND.replace("create schema ml;\n", "");
        let Some(db) = tables(member, &sql).await else { continue };
        let service = service(&db).await;
        let path = "/v1/targets/demo/hybrid-schema/contract?table=ml.Odd%20features";
        let written = service.get(path).await.json();
        let column = "/v1/targets/demo/contracts/ml/Odd%20features/data";
        assert_eq!(put(&service, column, &written).await.status, StatusCode::CREATED);
        let (findings, reply) = drift(&service, "").await;
        assert_eq!(findings, [] as [Value; 0], "{}", reply.text);
        assert_eq!(reply.json()["gaps"], json!([]));
        db.run(r#"update ml."Odd features" set data = data || '{"userIdentifier": "x"}' where id < 100"#).await;
        let (findings, _) = drift(&service, "&refresh=true").await;
        assert_eq!(findings[0]["object"]["key"], "userIdentifier", "{findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pydantic_writes_keeps_what_pydantic_promises_and_what_it_refuses_drifts() {
    let Some((contract, documents)) = printed_by_pydantic() else { return };
    let db = TestDb::create(any_server()).await;
    db.run("create schema ml; create table ml.orders (id bigint generated always as identity, data jsonb not null)")
        .await;
    let insert =
        "insert into ml.orders (data) select ($1::text)::jsonb from generate_series(1, 20)";
    for document in &documents {
        db.client.execute(insert, &[document]).await.unwrap();
    }
    db.run("analyze ml.orders").await;
    let analysis = judged(&db, &contract, "ml.orders.data").await;
    assert_eq!(counted(&analysis), BTreeMap::new(), "{contract:#}");
    db.run("update ml.orders set data = data || '{\"extra\": 1}' where id % 10 = 0").await;
    db.run("update ml.orders set data = jsonb_set(data, '{payment,kind}', '\"cheque\"') where id % 10 = 1").await;
    let analysis = judged(&db, &contract, "ml.orders.data").await;
    let found: Vec<String> = counted(&analysis).into_keys().collect();
    assert_eq!(found, ["extra unknown_key", "payment.kind not_allowed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_come_and_go_between_two_analyses_are_told_of_until_they_are_known() {
    let Some(db) = tables("pg18", SMALL_ORDERS).await else { return };
    let service = service(&db).await;
    let contract = json!({"properties": {"id": {"type": "integer"}, "named": {"type": "integer"}}});
    put(&service, CONTRACT, &contract).await;
    let keys = |findings: &[Value]| -> Vec<String> {
        let told = findings.iter().map(|found| {
            let news = found["evidence"].as_array().unwrap().iter();
            let news = news.map(|evidence| evidence["name"].as_str().unwrap());
            let news = news.filter(|name| name.starts_with("new") || name.starts_with("vanished"));
            format!("{} {}", found["object"]["key"].as_str().unwrap(), news.collect::<String>())
        });
        told.collect()
    };
    assert_eq!(drift(&service, "").await.0, [] as [Value; 0], "there is nothing to compare with");
    let change =
        "update ml.orders set data = data - 'status' || jsonb_build_object('new', 1, 'named', 2)
        || case when id < 5 then '{\"seldom\": 1}' else '{}' end::jsonb";
    db.run(change).await;
    let expected = ["status vanished_key_documents", "new new_key_documents"];
    for _ in 0..2 {
        let (findings, reply) = drift(&service, "&refresh=true").await;
        assert_eq!(keys(&findings), expected, "{}", reply.text);
    }
    // Another question of the same target says the same.
    let all =
        service.get("/v1/targets/demo/analysis?check=hybrid-schema/schema-drift").await.json();
    assert_eq!(keys(all["findings"].as_array().unwrap()), expected);
    // What was read under other thresholds changes nothing.
    assert_eq!(keys(&drift(&service, "&key_chance_max=0").await.0), [] as [&str; 0]);
    assert_eq!(keys(&drift(&service, "&refresh=true").await.0), expected);
    db.run("update ml.orders set data = data - 'new' || jsonb_build_object('status', 'open')")
        .await;
    assert_eq!(drift(&service, "&refresh=true").await.0, [] as [Value; 0], "all is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_of_one_run_are_read_from_files() {
    let Some(db) = tables("pg18", SMALL_ORDERS).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contract.json");
    let run = |contract: &str| {
        std::fs::write(&file, contract).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_dbopt"))
            .args([
                "hybrid-schema",
                "--format",
                "json",
                "--fail-on",
                "medium",
                "--check",
                ID,
                "--dsn",
            ])
            .arg(db.dsn().expose_secret())
            .arg("--contract")
            .arg(format!("ml.\"orders\".data={}", file.display()))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (status, answer, said) = run(r#"{"properties": {"status": {"const": "paid"}}}"#);
    assert_eq!(status, Some(1), "{said}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["findings"][0]["object"]["key"], "status");
    assert_eq!(run(&orders().to_string()).0, Some(0));
    let (status, _, said) = run(r#"{"type": "strng"}"#);
    assert_eq!(status, Some(2));
    assert!(said.contains("/type: must be one of null, boolean"), "{said}");
}
