//! Documents against registered contracts, on real servers and over HTTP: what is planted is found and counted, what is
//! healthy is left alone, and what cannot be judged is said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use database_optimizer::contract::{Contract, SCHEMA_BYTES_MAX};
use database_optimizer::model::{Analysis, GapReason, Object, ReportedFinding, Superpower};
use database_optimizer::store::KeyScope;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::contract::{FEATURES, printed_by_pydantic};
use crate::hybrid_schema::{found, made, number};
use crate::support::{Reply, Service, TestDb, analyse, any_server, registered, request_of};

const ID: &str = "hybrid-schema/schema-drift";
const ANALYSIS: &str = "/v1/targets/demo/hybrid-schema?check=hybrid-schema/schema-drift";

fn path_of(found: &ReportedFinding) -> String {
    if let Object::Key { key, .. } = &found.object { key.clone() } else { String::new() }
}

fn shown(found: &ReportedFinding, name: &str) -> String {
    number(found, name).to_string()
}

/// `path kind` with documents, of every finding.
fn counted(analysis: &Analysis) -> BTreeMap<String, u64> {
    let kinds = [
        "missing_key",
        "unknown_key",
        "wrong_type",
        "not_allowed",
        "out_of_range",
        "malformed",
        "other",
    ];
    let mut all = BTreeMap::new();
    for found in analysis.findings.iter().filter(|found| found.check == ID) {
        for evidence in &found.evidence {
            let kind = evidence.name.trim_end_matches("_documents");
            if kinds.contains(&kind) {
                let count = evidence.value.as_f64().unwrap();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a count"
                )]
                all.insert(format!("{} {kind}", path_of(found)).trim().to_owned(), count as u64);
            }
        }
    }
    all
}

async fn judged(db: &TestDb, contract: &Value, column: &str) -> Analysis {
    let mut request = request_of(Superpower::HybridSchema, &[]);
    request.contracts.push(registered(column, &contract.to_string()));
    analyse(db, &request).await
}

/// A contract that says something of every kind.
fn orders() -> Value {
    json!({
        "additionalProperties": false,
        "properties": {
            "id": {"type": "integer", "minimum": 1},
            "status": {"enum": ["open", "paid"]},
            "ref": {"type": "string", "format": "uuid"},
            "sku": {"type": "string", "pattern": "^[A-Z]{2}-\\d+$"},
            "lines": {"type": "array", "uniqueItems": true, "items": {
                "type": "object", "properties": {"quantity": {"type": "integer"}}, "required": ["quantity"]
            }}
        },
        "required": ["id", "status"], "type": "object"
    })
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_that_is_planted_is_found_at_its_path_and_counted(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let sql = r#"create table ml.orders (id bigint primary key, data jsonb not null);
insert into ml.orders select i, jsonb_build_object('id', i, 'status', 'open', 'ref', gen_random_uuid(), 'sku', 'AB-' || i,
    'lines', jsonb_build_array(jsonb_build_object('quantity', 1), jsonb_build_object('quantity', i + 1)))
    from generate_series(1, 1000) as i;
update ml.orders set data = data - 'status' where id between 1 and 11;
update ml.orders set data = data || '{"hush": 1}' where id between 21 and 32;
update ml.orders set data = data || '{"status": "hush"}' where id between 41 and 53;
update ml.orders set data = data || '{"id": "hush"}' where id between 61 and 74;
update ml.orders set data = data || '{"id": 0}' where id between 81 and 95;
update ml.orders set data = data || '{"ref": "hush"}' where id between 101 and 116;
update ml.orders set data = data || '{"sku": "hush"}' where id between 121 and 137;
update ml.orders set data = jsonb_set(data, '{lines,0}', '{"amount": "hush"}') where id between 141 and 158;
update ml.orders set data = jsonb_set(data, '{lines,0}', data #> '{lines,1}') where id between 161 and 179;
update ml.orders set data = '[]' where id between 181 and 200;
analyze ml.orders"#;
    let Some(db) = made(member, sql).await else { return };
    let analysis = judged(&db, &orders(), "ml.orders.data").await;
    let expected = [
        ("status missing_key", 11),
        ("hush unknown_key", 12),
        ("status not_allowed", 13),
        ("id wrong_type", 14),
        ("id out_of_range", 15),
        ("ref malformed", 16),
        ("sku malformed", 17),
        ("lines[].quantity missing_key", 18),
        ("lines other", 19),
        ("wrong_type", 20),
    ];
    let expected: BTreeMap<String, u64> =
        expected.into_iter().map(|(at, count)| (at.to_owned(), count)).collect();
    assert_eq!(counted(&analysis), expected);
    let status = analysis.findings.iter().find(|found| path_of(found) == "status").unwrap();
    assert_eq!(shown(status, "drifting_documents"), "24");
    assert_eq!(shown(status, "drift_share"), "0.024");
    assert_eq!(shown(status, "drift_share_low"), "0.024", "every row was read");
    let json = serde_json::to_string(&analysis).unwrap().replace("\"key\":\"hush\"", "");
    assert!(!json.replace("data -> hush", "").contains("hush"), "a value got out: {json}");
    assert_eq!(analysis.declined.iter().filter(|declined| declined.check == ID).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_a_sample_has_its_interval_and_one_document_in_thousands_is_no_drift() {
    let sql = "create table ml.orders (id bigint primary key, data jsonb not null);
insert into ml.orders select i, jsonb_build_object('id', i, 'status', case when i % 20 = 0 then 'gone' else 'open' end)
    from generate_series(1, 60000) as i;
create table ml.rare (id bigint primary key, data jsonb not null);
insert into ml.rare select i, jsonb_build_object('id', i, 'status', case when i = 700 then 'gone' else 'open' end)
    from generate_series(1, 1500) as i;
analyze ml.orders, ml.rare";
    let Some(db) = made("pg18", sql).await else { return };
    let analysis = judged(&db, &orders(), "ml.orders.data").await;
    let [found] = analysis.findings.as_slice() else { panic!("{analysis:#?}") };
    assert!((0.03..0.07).contains(&number(found, "drift_share")), "{found:#?}");
    assert!(number(found, "drift_share_low") < 0.05 && number(found, "drift_share_high") > 0.05);
    assert!(number(found, "documents") > 1500.0, "{found:#?}");
    let rare = judged(&db, &orders(), "ml.rare.data").await;
    assert_eq!(counted(&rare), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_last_is_sampled_too() {
    let sql = "create table ml.orders (id bigint primary key, data jsonb not null);
insert into ml.orders select i, jsonb_build_object('id', i, 'status', case when i > 57000 then 'gone' else 'open' end)
    from generate_series(1, 60000) as i;
analyze ml.orders";
    let Some(db) = made("pg17", sql).await else { return };
    let analysis = judged(&db, &orders(), "ml.orders.data").await;
    assert!(counted(&analysis)["status not_allowed"] > 20, "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_every_odd_kind_are_judged_and_null_is_none() {
    let sql = r#"create table ml.odd (id bigint primary key, data jsonb, text json);
insert into ml.odd values (1, '[1]', '{"a": 1, "a": 2}'), (2, '"x"', '[ ]'), (3, 'null', '1e5'), (4, '7', '{}'), (5, '{}', null),
    (6, null, null), (7, 'true', 'true'), (8, ('{"a":' || repeat('9', 400) || '}')::jsonb, '{}');
create table ml.empty (id bigint primary key, data jsonb);
create table ml.nulls (id bigint primary key, data jsonb);
insert into ml.nulls select i, null from generate_series(1, 100) as i;
analyze ml.odd, ml.nulls"#;
    let Some(db) = made("pg16", sql).await else { return };
    let object = json!({"type": "object"});
    let analysis = judged(&db, &object, "ml.odd.data").await;
    assert_eq!(counted(&analysis), BTreeMap::from([("wrong_type".to_owned(), 5)]));
    let count = shown(found(&analysis, ID), "documents");
    assert_eq!(count, "6", "a number beyond every float is not judged");
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::BudgetSpent).unwrap();
    assert!(gap.detail.starts_with("1 of 7 documents"), "{gap:?}");
    let text = judged(&db, &object, "ml.odd.text").await;
    assert_eq!(counted(&text), BTreeMap::from([("wrong_type".to_owned(), 3)]));
    for table in ["ml.empty.data", "ml.nulls.data"] {
        let silent = judged(&db, &json!({"not": {}}), table).await;
        assert!(silent.findings.iter().all(|found| found.check != ID), "{table}: {silent:#?}");
        assert_eq!(
            silent.gaps.iter().filter(|gap| gap.observation == "documents").count(),
            0,
            "{silent:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partitioned_table_is_judged_as_one_and_a_partition_alone_is_refused() {
    let sql = "create table ml.orders (id bigint, at date, data jsonb not null) partition by range (at);
create table ml.orders_1 partition of ml.orders for values from ('2026-01-01') to ('2026-02-01');
create table ml.orders_2 partition of ml.orders for values from ('2026-02-01') to ('2026-03-01');
insert into ml.orders select i, date '2026-01-10' + (i % 2)::int * 30, jsonb_build_object('id', i, 'status', case when i % 4 = 1
    then 'gone' else 'open' end) from generate_series(1, 800) as i;
analyze ml.orders";
    let Some(db) = made("pg18", sql).await else { return };
    let analysis = judged(&db, &orders(), "ml.orders.data").await;
    assert_eq!(counted(&analysis)["status not_allowed"], 200, "{analysis:#?}");
    let leaf = judged(&db, &orders(), "ml.orders_1.data").await;
    assert_eq!(counted(&leaf), BTreeMap::new());
    assert!(
        leaf.gaps.iter().any(|gap| gap.detail.contains("is a partition of another")),
        "{leaf:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_not_there_or_may_not_be_read_is_a_gap_with_its_mend() {
    let sql = "create table ml.orders (id bigint primary key, data jsonb not null);
insert into ml.orders select i, '{}' from generate_series(1, 200) as i;
create role drift_reader login;
grant usage on schema ml to drift_reader;
grant select (id) on ml.orders to drift_reader;
analyze ml.orders";
    let db = TestDb::create(any_server()).await;
    db.run("create schema ml").await;
    let _ = db.client.batch_execute("drop role if exists drift_reader").await;
    for statement in sql.split(";\n") {
        db.run(statement).await;
    }
    for (column, why) in [
        ("ml.nowhere.data", "there is no such table"),
        ("ml.orders.nothing", "has no such column"),
        ("ml.orders.id", "is not of JSON"),
    ] {
        let analysis = judged(&db, &orders(), column).await;
        let gap = analysis.gaps.iter().find(|gap| gap.detail.contains(why));
        let gap = gap.unwrap_or_else(|| panic!("{column}: {analysis:#?}"));
        assert!(gap.lift.as_ref().unwrap().contains("DELETE"), "{gap:?}");
    }
    let target =
        database_optimizer::pg::Target::open("test", &db.dsn_as("drift_reader"), None).unwrap();
    let mut request = request_of(Superpower::HybridSchema, &[]);
    request.contracts.push(registered("ml.orders.data", &orders().to_string()));
    request.scope.checks.push(ID.to_owned());
    let analysis = database_optimizer::analysis::analyse(&target, &request).await.unwrap();
    assert!(analysis.findings.is_empty(), "{analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::MissingPrivilege).unwrap();
    assert!(gap.lift.as_ref().unwrap().contains("GRANT SELECT (data) ON ml.orders"), "{gap:?}");
    db.run("drop owned by drift_reader").await;
    db.run("drop role drift_reader").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_made_to_take_for_ever_holds_no_visit_up() {
    let sql = r#"create table ml.trees (id bigint primary key, data jsonb not null);
insert into ml.trees
select i, (repeat('{"right": 1, "sub": 1, "left": ', 30) || '"x"' || repeat('}', 30))::jsonb from generate_series(1, 400) as i;
analyze ml.trees"#;
    let Some(db) = made("pg18", sql).await else { return };
    let node = |name: &str| {
        json!({"type": "object", "required": [name], "properties": {
            "left": {"$ref": "#/$defs/Any"}, "right": {"$ref": "#/$defs/Any"}
        }})
    };
    let contract = json!({
        "$defs": {"Any": {"anyOf": [node("add"), node("mul"), node("sub"), {"type": "integer"}]}},
        "$ref": "#/$defs/Any"
    });
    let begun = Instant::now();
    let analysis = judged(&db, &contract, "ml.trees.data").await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(counted(&analysis), BTreeMap::new());
    let gap = analysis.gaps.iter().find(|gap| gap.detail.contains("not judged by its contract"));
    assert!(gap.unwrap().detail.starts_with("400 of 400"), "{gap:?}");
}

#[test]
fn a_contract_that_is_too_much_is_refused_in_no_time() {
    let begun = Instant::now();
    let deep = "{\"items\":".repeat(100_000) + "true" + &"}".repeat(100_000);
    let brackets = format!("{{\"const\": {}{}}}", "[".repeat(60_000), "]".repeat(60_000));
    let many: Vec<String> = (0..6000).map(|n| format!("\"k{n}\": {{}}")).collect();
    let many = format!("{{\"properties\": {{{}}}}}", many.join(","));
    let chain: Vec<String> =
        (0..2000).map(|n| format!("\"a{n}\": {{\"$ref\": \"#/$defs/a{}\"}}", n + 1)).collect();
    let chain = format!("{{\"$defs\": {{{}, \"a2000\": {{}}}}}}", chain.join(","));
    let patterns: Vec<String> =
        (0..200).map(|n| format!("\"k{n}\": {{\"pattern\": \"^\\\\w{{1,{n}9}}$\"}}")).collect();
    let patterns = format!("{{\"properties\": {{{}}}}}", patterns.join(","));
    for text in [deep, brackets, many, chain, patterns, " ".repeat(SCHEMA_BYTES_MAX + 1)] {
        assert!(Contract::parse(&text).is_err(), "{}", &text[..60]);
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

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
    let Some(db) = made("pg18", SMALL_ORDERS).await else { return };
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
    let Some(db) = made("pg15", sql).await else { return };
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
        let sql = FEATURES.replace("create schema ml;\n", "");
        let Some(db) = made(member, &sql).await else { continue };
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
    let Some(db) = made("pg18", SMALL_ORDERS).await else { return };
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
    let Some(db) = made("pg18", SMALL_ORDERS).await else { return };
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
