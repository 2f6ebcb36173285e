//! Documents against registered contracts, on real servers and over HTTP: what is planted is found and counted, what is
//! healthy is left alone, and what cannot be judged is said.

mod served;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use database_optimizer::contract::{Contract, SCHEMA_BYTES_MAX};
use database_optimizer::model::{Analysis, GapReason, Object, ReportedFinding, Superpower};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::advice::{evidence_number, found};
use crate::support::{TestDb, analyse, any_server, registered, request_of, tables};

const ID: &str = "hybrid-schema/schema-drift";
const ANALYSIS: &str = "/v1/targets/demo/hybrid-schema?check=hybrid-schema/schema-drift";

fn path_of(found: &ReportedFinding) -> String {
    if let Object::Key { key, .. } = &found.object { key.clone() } else { String::new() }
}

fn shown(found: &ReportedFinding, name: &str) -> String {
    evidence_number(found, name).to_string()
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
    let Some(db) = tables(member, sql).await else { return };
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
    let Some(db) = tables("pg18", sql).await else { return };
    let analysis = judged(&db, &orders(), "ml.orders.data").await;
    let [found] = analysis.findings.as_slice() else { panic!("{analysis:#?}") };
    assert!((0.03..0.07).contains(&evidence_number(found, "drift_share")), "{found:#?}");
    assert!(
        evidence_number(found, "drift_share_low") < 0.05
            && evidence_number(found, "drift_share_high") > 0.05
    );
    assert!(evidence_number(found, "documents") > 1500.0, "{found:#?}");
    let rare = judged(&db, &orders(), "ml.rare.data").await;
    assert_eq!(counted(&rare), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_last_is_sampled_too() {
    let sql = "create table ml.orders (id bigint primary key, data jsonb not null);
insert into ml.orders select i, jsonb_build_object('id', i, 'status', case when i > 57000 then 'gone' else 'open' end)
    from generate_series(1, 60000) as i;
analyze ml.orders";
    let Some(db) = tables("pg17", sql).await else { return };
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
    let Some(db) = tables("pg16", sql).await else { return };
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
    let Some(db) = tables("pg18", sql).await else { return };
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
    let Some(db) = tables("pg18", sql).await else { return };
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
