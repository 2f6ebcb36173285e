//! What an application runs, sent over HTTP.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Reply, Service, TestDb, any_server};

const SMALL: &str = "table_bytes_min=100000";

/// A service with a target whose documents have a key `segment`, in a table large enough.
async fn told() -> (Service, TestDb) {
    let mut db = TestDb::create(any_server()).await;
    db.run(
        "create schema ml;
        create table ml.features (id bigint primary key, data jsonb not null);
        insert into ml.features
        select i, jsonb_build_object('segment', i % 50, 'note', repeat('x', 200))
        from generate_series(1, 5000) as i",
    )
    .await;
    db.run("analyze ml.features").await;
    db.settle().await;
    let service = Service::start().await;
    service.register("demo", db.dsn().expose_secret()).await;
    (service, db)
}

async fn post(service: &Service, content_type: &str, query: &str, body: &str) -> Reply {
    let request = Request::post(format!("/v1/targets/demo/workload{query}"))
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(body.to_owned()))
        .unwrap();
    service.send(request).await
}

async fn hot_keys(service: &Service) -> (Vec<String>, String) {
    let path =
        format!("/v1/targets/demo/hybrid-schema?check=hybrid-schema/hot-key-in-document&{SMALL}");
    let reply = service.get(&path).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let analysis = reply.json();
    let key = |finding: &Value| finding["object"]["key"].as_str().unwrap().to_owned();
    let keys = analysis["findings"].as_array().unwrap().iter().map(key).collect();
    (keys, reply.header("x-cache").to_owned())
}

fn statements(calls: u64) -> String {
    let sql = "select id from ml.features where (data ->> 'segment')::int = 7 and id < 'hush'::int";
    json!({"statements": [{"sql": sql, "calls": calls, "mean_ms": 4.5}]}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_judged_at_once_kept_and_added_to_and_holds_no_literal() {
    let (service, _db) = told().await;
    assert_eq!(hot_keys(&service).await, (vec![], "miss".to_owned()));
    assert_eq!(hot_keys(&service).await.1, "hit");

    let reply = post(&service, "application/json", "", &statements(900)).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let report = reply.json();
    assert_eq!(report["read"]["format"], "json_list");
    assert_eq!(report["workload"]["columns"][0]["keys"][0]["path"], "segment");
    assert_eq!(report["workload"]["columns"][0]["keys"][0]["filter_calls"], 900);
    assert_eq!(hot_keys(&service).await, (vec!["segment".to_owned()], "miss".to_owned()));

    let list = "sql,calls,mean_ms\n\"select data ->> 'note' from ml.features\",900,1\n";
    let reply = post(&service, "text/csv", "", list).await;
    assert_eq!(reply.json()["read"]["format"], "csv_list", "{reply:?}");
    assert_eq!(hot_keys(&service).await.0, Vec::<String>::new(), "half of the calls");
    let shown = service.get("/v1/targets/demo/workload").await;
    assert_eq!(shown.json()["coverage"]["list"]["attributed_calls"], 1800);
    assert_eq!(shown.json()["statements"].as_array().unwrap().len(), 2);
    assert!(!shown.text.contains("hush"), "{shown:?}");

    let reply = post(&service, "application/json", "?replace=true", &statements(100)).await;
    assert_eq!(reply.json()["workload"]["calls"], 100);
    assert_eq!(hot_keys(&service).await.0, ["segment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_far_beyond_the_limit_of_bodies_is_read_as_a_stream() {
    let (service, db) = told().await;
    let line = |n: usize| {
        format!(
            "2026-11-22 10:00:00.000 UTC,\"app\",\"{}\",{n},\"127.0.0.1:1\",6741.1,{n},\"SELECT\",2026-11-22 09:00:00 UTC,3/1,0,LOG,00000,\
             \"duration: 1.500 ms  statement: select 1 from ml.features where data ->> 'segment' = '{n}'\",,,,,,,,,\"psql\",\"client backend\",,0\n",
            db.name
        )
    };
    let log: String = (1..12_000).map(line).collect();
    assert!(log.len() > 2 << 20, "{}", log.len());
    let reply = post(&service, "text/plain", "", &log).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let report = reply.json();
    assert_eq!(
        (&report["read"]["format"], &report["read"]["malformed"]),
        (&json!("csvlog"), &json!(0))
    );
    assert_eq!(report["read"]["statements"], 11_999);
    assert_eq!(hot_keys(&service).await.0, ["segment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_workload_is_refused_and_nothing_is_kept() {
    let (service, _db) = told().await;
    for body in ["", "Dear sir,\nplease find attached", "\u{0}\u{1}\u{2}", "id,name\n1,x\n"] {
        let reply = post(&service, "text/plain", "", body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body:?}: {reply:?}");
        assert!(reply.text.contains("neither a server log"), "{reply:?}");
    }
    let reply = post(&service, "text/plain", "?replaec=true", "sql\nselect 1\n").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    post(&service, "application/json", "", &statements(7)).await;
    for body in
        ["", "x", "null", "{}", r#"["select 1"]"#, r#"{"statments": [{"sql": "select 1"}]}"#]
    {
        let reply = post(&service, "application/json", "?replace=true", body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body:?}: {reply:?}");
        let kept = service.get("/v1/targets/demo/workload").await;
        assert_ne!(kept.json()["workload"]["calls"], 0, "{body:?}");
    }
    let emptied = post(&service, "application/json", "?replace=true", "[]").await;
    assert_eq!(emptied.status, StatusCode::OK, "{emptied:?}");
    let unknown = service.get("/v1/targets/none/workload").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(service.get("/v1/targets/demo/workload").await.json()["workload"]["calls"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_whose_literals_somebody_made_parameters_are_too_little_evidence_and_no_fault() {
    let (service, _db) = told().await;
    let list = "query,calls,total_exec_time\n\"select id from ml.features where data ->> $1 = $2\",5000,9000\n";
    let reply = post(&service, "text/csv", "", list).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let reply = service.get(&format!("/v1/targets/demo/hybrid-schema?{SMALL}")).await;
    let analysis = reply.json();
    let checks: Vec<&Value> =
        analysis["findings"].as_array().unwrap().iter().map(|f| &f["check"]).collect();
    assert_eq!(checks, [] as [&Value; 0]);
    let gaps = analysis["gaps"].as_array().unwrap();
    let gap = gaps.iter().find(|gap| gap["observation"] == "workload").unwrap();
    assert_eq!(gap["reason"], "not_enough_evidence");
    assert!(gap["detail"].as_str().unwrap().contains("only 0 %"), "{gap}");
}

/// The gaps of an analysis that the workload is needed for.
async fn gaps(service: &Service) -> Vec<(String, String)> {
    let path =
        format!("/v1/targets/demo/hybrid-schema?check=hybrid-schema/hot-key-in-document&{SMALL}");
    let analysis = service.get(&path).await.json();
    let gap = |gap: &Value| {
        let text = |name: &str| gap[name].as_str().unwrap().to_owned();
        (text("observation"), text("detail"))
    };
    analysis["gaps"].as_array().unwrap().iter().map(gap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_a_statement_makes_no_gap_a_pass_and_one_that_is_half_understood_is_a_gap() {
    let (service, _db) = told().await;
    let before = gaps(&service).await;
    assert!(!before.is_empty());
    let started = "2026-11-25 00:44:19.973 UTC [1] LOG:  starting PostgreSQL 18.1\n\
                   2026-11-25 00:44:19.990 UTC [1] LOG:  database system is ready to accept connections\n";
    let reply = post(&service, "text/plain", "", started).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!(
        (&reply.json()["read"]["lines"], &reply.json()["read"]["statements"]),
        (&json!(2), &json!(0))
    );
    let after = gaps(&service).await;
    assert!(after.len() >= before.len(), "{before:?} {after:?}");
    let account = |gaps: &[(String, String)], text: &str| {
        gaps.iter().any(|(of, detail)| of == "workload" && detail.contains(text))
    };
    assert!(account(&after, "No statement was found in the 2 lines sent"), "{after:?}");

    let line = "2026-11-25 00:44:19.973 UTC [8] LOG:  duration: 1.000 ms  statement: select id from ml.features where data ->> 'segment' = '7'\n";
    let log = format!(
        "{}no message\n2026-11-25 00:44:19.973 UTC [8] LOG:  keston: 1.500 ms  lause: select 1\n",
        line.repeat(200)
    );
    let reply = post(&service, "text/plain", "?replace=true", &log).await;
    assert_eq!(reply.json()["read"]["malformed"], 1, "{reply:?}");
    let half = gaps(&service).await;
    assert!(account(&half, "Of 202 lines with 200 statements"), "{half:?}");
    assert!(account(&half, "1 line of no known form, 1 message in unknown words"), "{half:?}");

    let reply = post(&service, "text/plain", "?replace=true", &line.repeat(200)).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!account(&gaps(&service).await, "not understood"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_not_known_is_absent() {
    let (service, _db) = told().await;
    let statistic = |analysis: &Value, name: &str| {
        let evidence = analysis["findings"][0]["evidence"].as_array().unwrap().clone();
        evidence.iter().find(|one| one["name"] == name).cloned()
    };
    for (times, known) in [(",4.5", true), (",", false)] {
        let list = format!(
            "sql,calls,mean_ms\n\"select id from ml.features where (data ->> 'segment')::int = 7\",900{times}\n"
        );
        let reply = post(&service, "text/csv", "?replace=true", &list).await.json();
        assert_eq!(reply["statements"][0].get("total_ms").is_some(), known, "{reply:#}");
        assert_eq!(reply["workload"]["columns"][0].get("total_ms").is_some(), known, "{reply:#}");
        let path = format!(
            "/v1/targets/demo/hybrid-schema?check=hybrid-schema/hot-key-in-document&{SMALL}"
        );
        let analysis = service.get(&path).await.json();
        assert!(statistic(&analysis, "share_by_calls").is_some(), "{analysis:#}");
        assert_eq!(statistic(&analysis, "share_by_time").is_some(), known, "{analysis:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compressed_is_refused_with_what_to_do() {
    let (service, _db) = told().await;
    let request = Request::post("/v1/targets/demo/workload")
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .body(Body::from(&b"\x1F\x8B\x08\0\0\0\0\0\0\x03"[..]))
        .unwrap();
    let reply = service.send(request).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
    assert!(reply.text.contains("cannot be decompressed"), "{reply:?}");
}
