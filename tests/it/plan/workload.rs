//! The statements that take most time are explained in the visit, and plans of logs are judged when they are sent: the route
//! names plan problems without being given a statement.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request as HttpRequest, StatusCode, header};
use database_optimizer::analysis;
use database_optimizer::model::{Analysis, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::proxy::Proxy;
use crate::support::{Service, TestDb, request_of, server};

const SCAN: &str = "plan/large-seq-scan";

/// Thresholds small enough for a table that is made in no time.
const SMALL: &[(&str, f64)] =
    &[("seq_scan_rows_max", 10_000.0), ("time_ms_min", 0.1), ("unindexed_rows_min", 1_000.0)];

/// A database whose statements are counted.
async fn counted(member: &str) -> Option<TestDb> {
    let db = TestDb::create(server(member)?).await;
    db.run(
        "create extension pg_stat_statements;
        create schema ml;
        create table ml.events (id bigint primary key, user_id bigint not null, kind text not null, data jsonb not null);
        insert into ml.events
        select i, i % 5000, 'k' || i % 7, jsonb_build_object('kind', i % 3000) from generate_series(1, 60000) as i;
        create sequence ml.counter;
        create function ml.own(bigint) returns bigint language plpgsql immutable as 'begin return $1; end';
        analyze ml.events",
    )
    .await;
    Some(db)
}

async fn run(db: &TestDb, sql: &str, times: usize) {
    for _ in 0..times {
        db.client.simple_query(sql).await.unwrap();
    }
    // The session shows the last statement that it ran.
    db.run("select 1").await;
}

async fn analysed(db: &TestDb, target: &Target) -> Analysis {
    let analysis = analysis::analyse(target, &request_of(Superpower::Plan, SMALL)).await;
    analysis.unwrap_or_else(|error| panic!("{}: {error}", db.server.name))
}

fn target(db: &TestDb) -> Target {
    Target::open("test", &db.dsn(), None).unwrap()
}

/// Statements in which a check found something.
fn statements(analysis: &Analysis, check: &str) -> Vec<String> {
    let found = analysis.findings.iter().filter(|finding| finding.check == check);
    let statement = found.map(|finding| {
        let evidence = finding.evidence.iter().find(|evidence| evidence.name == "statement");
        serde_json::to_value(&evidence.unwrap().value).unwrap().as_str().unwrap().to_owned()
    });
    statement.collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_a_counted_statement_is_found_in_three_round_trips_and_nothing_is_executed(
    #[values("pg15", "pg18", "deb19")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    run(&db, "select id, kind from ml.events where user_id = 4711", 20).await;
    run(&db, "select nextval('ml.counter'), count(*) from ml.events", 20).await;
    let called = db.text("select last_value::text from ml.counter").await;
    let proxy = Proxy::start(db.server.port, Duration::from_millis(20)).await;
    let dsn = format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name);
    let target = Target::open("test", &dsn.into(), None).unwrap();
    target.session().await.unwrap().finish();
    let login = proxy.round_trips();

    let analysis = analysed(&db, &target).await;

    let found = statements(&analysis, SCAN);
    assert_eq!(found, ["select id, kind from ml.events where user_id = $1"], "{analysis:#?}");
    assert!(proxy.round_trips() - login <= 3, "{} round trips", proxy.round_trips() - login);
    let finding = analysis.findings.iter().find(|finding| finding.check == SCAN).unwrap();
    let evidence = |name: &str| {
        let named = finding.evidence.iter().find(|evidence| evidence.name == name).unwrap();
        named.value.as_f64().unwrap()
    };
    assert!((evidence("calls") - 20.0).abs() < 1e-9 && evidence("total_ms") > 0.0, "{finding:#?}");
    assert!((evidence("read_rows") - 60000.0).abs() < 1.0, "{finding:#?}");
    assert_eq!(db.text("select last_value::text from ml.counter").await, called);
    // The connection is used again: a statement that stayed prepared would be in the way.
    assert_eq!(statements(&analysed(&db, &target).await, SCAN), found);
    assert!(analysis.gaps.iter().any(|gap| gap.detail.contains("not executed")), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_generic_plan_is_no_reason_for_an_index_where_one_may_serve(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    db.run("create index events_some on ml.events (kind) where user_id = 4711").await;
    run(&db, "select id, kind from ml.events where user_id = 4712 and kind <> 'x'", 20).await;
    let analysis = analysed(&db, &target(&db)).await;
    assert_eq!(statements(&analysis, SCAN), Vec::<String>::new(), "{analysis:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.reason == "generic plan");
    assert!(declined.is_some_and(|one| one.detail.contains("events_some")), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn indexes_that_the_filter_names_nothing_of_do_not_keep_a_scan_of_any_values_silent(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    db.run(
        "create index events_some on ml.events (user_id) where kind = 'k1';
        create index events_lower on ml.events (lower(kind));
        create index events_key on ml.events ((data ->> 'kind'));
        create index events_data on ml.events using gin (data)",
    )
    .await;
    let sql = "select id, kind from ml.events where user_id = 4712";
    run(&db, sql, 20).await;
    let analysis = analysed(&db, &target(&db)).await;
    let found = statements(&analysis, SCAN);
    assert_eq!(found, ["select id, kind from ml.events where user_id = $1"], "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_an_estimate_cannot_tell_is_a_gap_and_what_a_limit_ends_is_no_scan(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    // The planner knows nothing of a key of documents, and the aggregate hides how many rows the scan returns.
    run(&db, "select count(*) from ml.events where data ->> 'kind' = '7'", 20).await;
    run(&db, "select id from ml.events where user_id = 5 limit 1", 20).await;
    let analysis = analysed(&db, &target(&db)).await;
    assert_eq!(statements(&analysis, SCAN), Vec::<String>::new(), "{analysis:#?}");
    // The rows that a call returns are counted: those of a key are few, and all others were read for nothing.
    run(&db, "select id, data from ml.events where data ->> 'kind' = '7'", 20).await;
    let analysis = analysed(&db, &target(&db)).await;
    let found = statements(&analysis, SCAN);
    assert_eq!(found, ["select id, data from ml.events where data ->> $1 = $2"], "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_run_code_of_the_database_s_own_is_not_planned_and_that_is_said() {
    let Some(db) = counted("pg18").await else { return };
    run(&db, "select ml.own(id) from ml.events where user_id = ml.own(5)", 10).await;
    let analysis = analysed(&db, &target(&db)).await;
    let gap = analysis.gaps.iter().find(|gap| gap.detail.contains("code of the database's own"));
    assert!(gap.is_some_and(|gap| gap.detail.contains("select ml.own(id)")), "{analysis:#?}");
    let trusting = target(&db).trusting_code(true);
    let analysis = analysed(&db, &trusting).await;
    assert!(
        !analysis.gaps.iter().any(|gap| gap.detail.contains("code of the database's own")),
        "{analysis:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_a_session_shows_is_explained_with_its_values() {
    let Some(db) = counted("pg18").await else { return };
    db.run("create index events_some on ml.events (kind) where user_id = 4711").await;
    let sql = "select id, kind from ml.events where user_id = 4712";
    run(&db, sql, 20).await;
    let analysis = analysed(&db, &target(&db)).await;
    assert_eq!(statements(&analysis, SCAN), Vec::<String>::new(), "{analysis:#?}");
    let (client, connection) =
        tokio_postgres::connect(db.dsn().expose_secret(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.simple_query(sql).await.unwrap();
    // With this value the index does not serve, and no other value is asked about.
    let analysis = analysed(&db, &target(&db)).await;
    let found = statements(&analysis, SCAN);
    assert_eq!(found, ["select id, kind from ml.events where user_id = $1"], "{analysis:#?}");
    assert!(!format!("{analysis:?}").contains("4712"), "{analysis:#?}");
}

/// The plan of an entry of a log, in each format: a spilled sort over a table.
fn entries() -> [String; 4] {
    let text = "Query Text: select * from ml.events where kind = 'hush-hush' order by data\n\
        Sort  (cost=900.00..901.00 rows=20000 width=8) (actual time=900.000..950.000 rows=20000 loops=1)\n  \
        Sort Key: data\n  Sort Method: external merge  Disk: 40960kB\n  \
        ->  Seq Scan on events  (cost=0.00..800.00 rows=20000 width=8) (actual time=0.100..20.000 rows=20000 loops=1)\n        \
        Filter: (kind = 'hush-hush'::text)\n        Rows Removed by Filter: 40";
    let sql = "select * from ml.events where kind = 'hush-hush' order by data";
    let sort = serde_json::json!({"Query Text": sql, "Plan": {
        "Node Type": "Sort", "Startup Cost": 900.0, "Total Cost": 901.0, "Plan Rows": 20000, "Plan Width": 8,
        "Actual Startup Time": 900.0, "Actual Total Time": 950.0, "Actual Rows": 20000, "Actual Loops": 1,
        "Sort Key": ["data"], "Sort Method": "external merge", "Sort Space Used": 40960, "Sort Space Type": "Disk",
        "Plans": [{"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "events", "Alias": "events",
            "Startup Cost": 0.0, "Total Cost": 800.0, "Plan Rows": 20000, "Plan Width": 8, "Actual Startup Time": 0.1,
            "Actual Total Time": 20.0, "Actual Rows": 20000, "Actual Loops": 1, "Filter": "(kind = 'hush-hush'::text)",
            "Rows Removed by Filter": 40}]}});
    let json = serde_json::to_string_pretty(&sort).unwrap();
    let yaml = format!(
        "Query Text: \"{sql}\"\nPlan: \n  Node Type: \"Sort\"\n  Startup Cost: 900.00\n  Total Cost: 901.00\n  \
        Plan Rows: 20000\n  Plan Width: 8\n  Actual Startup Time: 900.000\n  Actual Total Time: 950.000\n  \
        Actual Rows: 20000\n  Actual Loops: 1\n  Sort Key: \n    - \"data\"\n  Sort Method: \"external merge\"\n  \
        Sort Space Used: 40960\n  Sort Space Type: \"Disk\"\n  Plans: \n    - Node Type: \"Seq Scan\"\n      \
        Parent Relationship: \"Outer\"\n      Relation Name: \"events\"\n      Alias: \"events\"\n      \
        Startup Cost: 0.00\n      Total Cost: 800.00\n      Plan Rows: 20000\n      Plan Width: 8\n      \
        Actual Startup Time: 0.100\n      Actual Total Time: 20.000\n      Actual Rows: 20000\n      Actual Loops: 1"
    );
    let xml = format!(
        "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query-Text>{sql}</Query-Text>\n  <Plan>\n    \
        <Node-Type>Sort</Node-Type>\n    <Startup-Cost>900.00</Startup-Cost>\n    <Total-Cost>901.00</Total-Cost>\n    \
        <Plan-Rows>20000</Plan-Rows>\n    <Plan-Width>8</Plan-Width>\n    \
        <Actual-Startup-Time>900.000</Actual-Startup-Time>\n    <Actual-Total-Time>950.000</Actual-Total-Time>\n    \
        <Actual-Rows>20000</Actual-Rows>\n    <Actual-Loops>1</Actual-Loops>\n    <Sort-Key>\n      \
        <Item>data</Item>\n    </Sort-Key>\n    <Sort-Method>external merge</Sort-Method>\n    \
        <Sort-Space-Used>40960</Sort-Space-Used>\n    <Sort-Space-Type>Disk</Sort-Space-Type>\n    <Plans>\n      \
        <Plan>\n        <Node-Type>Seq Scan</Node-Type>\n        <Parent-Relationship>Outer</Parent-Relationship>\n        \
        <Relation-Name>events</Relation-Name>\n        <Startup-Cost>0.00</Startup-Cost>\n        \
        <Total-Cost>800.00</Total-Cost>\n        <Plan-Rows>20000</Plan-Rows>\n        <Plan-Width>8</Plan-Width>\n        \
        <Actual-Startup-Time>0.100</Actual-Startup-Time>\n        <Actual-Total-Time>20.000</Actual-Total-Time>\n        \
        <Actual-Rows>20000</Actual-Rows>\n        <Actual-Loops>1</Actual-Loops>\n      </Plan>\n    </Plans>\n  </Plan>\n</explain>"
    );
    [text.to_owned(), json, yaml, xml]
}

/// The entry as each kind of log carries it.
fn carried(plan: &str) -> [String; 4] {
    let message = format!("duration: 955.000 ms  plan:\n{plan}");
    let stderr =
        format!("2026-11-29 07:00:00.000 UTC [7] LOG:  {}\n", message.replace('\n', "\n\t"));
    let quoted = message.replace('"', "\"\"");
    let mut fields = vec![""; 26];
    (fields[0], fields[2], fields[3]) = ("2026-11-29 07:00:00.000 UTC", "", "7");
    (fields[5], fields[6], fields[11], fields[12]) = ("6a.7", "1", "LOG", "00000");
    let head = fields[..13].join(",");
    let csv = format!("{head},\"{quoted}\"{}\n", ",".repeat(12));
    let json = serde_json::json!({
        "timestamp": "2026-11-29 07:00:00.000 UTC", "pid": 7, "session_id": "6a.7", "line_num": 1,
        "error_severity": "LOG", "message": message,
    });
    let cloud = serde_json::json!({
        "insertId": "x", "textPayload": stderr.trim_end(), "resource": {"labels": {"database_id": "p:i"}},
    });
    [stderr, csv, format!("{json}\n"), format!("{cloud}\n")]
}

async fn send(service: &Service, body: String) -> Value {
    let request = HttpRequest::post("/v1/targets/db/workload?replace=true")
        .header(header::CONTENT_TYPE, "text/plain");
    let reply = service.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_logs_in_every_format_and_carrier_are_judged_and_found_by_their_statement() {
    let Some(db) = counted("pg18").await else { return };
    let service = Service::start().await;
    service.register("db", db.dsn().expose_secret()).await;
    for plan in entries() {
        for log in carried(&plan) {
            let told = send(&service, log.clone()).await;
            assert!(!told.to_string().contains("hush-hush"), "{told:#}");
            let reply = service.get("/v1/targets/db/plan?check=plan/disk-sort&refresh=true").await;
            let analysis = reply.json();
            let findings = analysis["findings"].as_array().unwrap();
            assert_eq!(findings.len(), 1, "{log}\n{analysis:#}");
            let message = findings[0]["message"].as_str().unwrap();
            assert!(message.contains("where kind = $1 order by data"), "{message}");
            let value = |name: &str| {
                let evidence = findings[0]["evidence"].as_array().unwrap();
                evidence.iter().find(|one| one["name"] == name).unwrap()["value"].clone()
            };
            assert_eq!((value("logged_plans"), value("logged_ms")), (1.into(), 955.into()));
            assert!(!reply.text.contains("hush-hush"), "{reply:?}");
        }
    }
    assert!(!service.everything_kept().await.contains("hush-hush"));
}
