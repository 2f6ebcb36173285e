//! Analyses over HTTP: cached, conditional, narrowed, and never leaking.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::proxy::Proxy;
use crate::support::{Service, TestDb, any_server, until};

const FEATURES: &str = "create schema ml;
create table ml.features (id bigint, payload text);
insert into ml.features
select i, (select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i
from generate_series(1, 12000) as i;
analyze ml.features";

async fn with_features() -> (Service, TestDb) {
    let service = Service::start().await;
    let mut db = TestDb::create(any_server()).await;
    db.run(FEATURES).await;
    db.settle().await;
    service.register("demo", db.dsn().expose_secret()).await;
    (service, db)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_is_computed_once_then_answered_from_the_cache() {
    let (service, _db) = with_features().await;
    let path = "/v1/targets/demo/toast?toast_share_max=0.05";
    let miss = service.get(path).await;
    let hit = service.get(path).await;
    assert_eq!((miss.header("x-cache"), hit.header("x-cache")), ("miss", "hit"), "{miss:?}");
    assert_eq!(miss.header("etag"), hit.header("etag"));
    assert!(hit.header("cache-control").contains("max-age=300") && !hit.header("age").is_empty());

    let (miss, hit) = (miss.json(), hit.json());
    assert_eq!(
        (&miss["cache"]["status"], &hit["cache"]["status"]),
        (&json!("miss"), &json!("hit"))
    );
    assert_eq!(miss["observed_at"], hit["observed_at"]);
    assert!(miss["cache"]["key"].as_str().unwrap().starts_with("dbopt:1:v1:demo:toast:"));
    assert_eq!((&miss["target"], &miss["superpower"]), (&json!("demo"), &json!("toast")));
    assert!(!miss["findings"].as_array().unwrap().is_empty());

    let refreshed = service.get(&format!("{path}&refresh=true")).await;
    assert_eq!(refreshed.header("x-cache"), "bypass");
    assert_ne!(refreshed.json()["observed_at"], miss["observed_at"]);
    let other = service.get("/v1/targets/demo/toast?toast_share_max=0.06").await;
    assert_eq!(other.header("x-cache"), "miss", "another threshold is another question");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_the_answer_is_told_so_without_a_body() {
    let (service, _db) = with_features().await;
    let first = service.get("/v1/targets/demo/analysis").await;
    assert_eq!(first.json()["superpower"], "all");
    for (tag, status) in [(first.header("etag"), 304), ("*", 304), ("W/\"other\"", 200)] {
        let request = Request::get("/v1/targets/demo/analysis").header("if-none-match", tag);
        let reply = service.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status.as_u16(), status, "{tag}");
        assert_eq!(reply.text.is_empty(), status == 304);
        assert_eq!((reply.header("etag"), reply.header("x-cache")), (first.header("etag"), "hit"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_version_makes_every_answer_void_at_once() {
    let (service, _db) = with_features().await;
    service.get("/v1/targets/demo/toast").await;
    let ahead = service.get("/v1/targets/demo/toast?model_version=v2").await;
    assert_eq!(ahead.header("x-cache"), "miss");
    service.with("PATCH", "/v1/targets/demo", json!({"model_version": "v2"})).await;
    let after = service.get("/v1/targets/demo/toast").await;
    assert_eq!(after.header("x-cache"), "hit", "it was filed ahead of the change");
    assert_eq!(after.json()["cache"]["model_version"], "v2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_and_the_target_s_policy_narrow_what_is_reported() {
    let (service, _db) = with_features().await;
    let count = |analysis: &Value| analysis["findings"].as_array().unwrap().len();
    let all = service.get("/v1/targets/demo/toast").await.json();
    assert!(count(&all) > 0);
    let elsewhere = service.get("/v1/targets/demo/toast?schema=public").await.json();
    assert_eq!(count(&elsewhere), 0);
    let one = service.get("/v1/targets/demo/toast?check=toast/value-id-exhaustion").await.json();
    assert_eq!(count(&one), 0);
    let policy = json!({"policy": {"toast_table_bytes_min": 1e12}});
    let threshold = database_optimizer::checks::thresholds();
    let floor = threshold.keys().find(|name| name.contains("table_bytes_min")).unwrap();
    let policy = json!({"policy": {*floor: policy["policy"]["toast_table_bytes_min"]}});
    let changed = service.with("PATCH", "/v1/targets/demo", policy).await;
    assert_eq!(changed.status.as_u16(), 200, "{changed:?}");
    assert_eq!(count(&service.get("/v1/targets/demo/toast").await.json()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_cannot_be_used_is_a_problem_that_leaks_nothing() {
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    let port = db.server.port;
    for (name, dsn, status, kind) in [
        ("gone", "postgresql://ada:hush@127.0.0.1:1/d".to_owned(), 502, "target-unreachable"),
        (
            "nobody",
            format!("postgresql://ada:hush@127.0.0.1:{port}/{}", db.name),
            502,
            "target-login",
        ),
        ("nodb", format!("postgresql://postgres@127.0.0.1:{port}/hush"), 502, "target-login"),
        (
            "tls",
            format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=require", db.name),
            502,
            "target-unreachable",
        ),
    ] {
        service.register(name, &dsn).await;
        for route in ["toast", "analysis", "capabilities"] {
            let reply = service.get(&format!("/v1/targets/{name}/{route}")).await;
            assert_eq!(
                (reply.status.as_u16(), reply.problem().as_str()),
                (status, kind),
                "{reply:?}"
            );
            for secret in ["ada", "hush", "127.0.0.1", &port.to_string()] {
                assert!(!reply.text.contains(secret), "{secret}: {reply:?}");
            }
        }
    }
    let kept_elsewhere = json!({"name": "elsewhere", "dsn_file": "/nonexistent/hush"});
    service.with("POST", "/v1/targets", kept_elsewhere).await;
    let reply = service.get("/v1/targets/elsewhere/toast").await;
    assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (502, "target-misconfigured"));
    assert_eq!(
        service.get("/readyz").await.status.as_u16(),
        200,
        "targets are no part of readiness"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_stops_answering_ends_in_a_problem_and_others_are_told_to_come_back() {
    let settings = [("request_timeout_seconds", "1"), ("concurrency_limit", "1")];
    let service = Service::configured(&settings).await;
    let db = TestDb::create(any_server()).await;
    let proxy = Proxy::start(db.server.port, Duration::ZERO).await;
    let dsn = format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name);
    service.register("stalled", &dsn).await;
    assert_eq!(service.get("/v1/targets/stalled/toast").await.status.as_u16(), 200);
    proxy.stall();

    let stalled = service.get("/v1/targets/stalled/toast?refresh=true");
    let crowd = async {
        // The stalled request has the only place as soon as it is polled.
        let refused = service.get("/v1/checks").await;
        (refused, service.get("/healthz").await)
    };
    let (stalled, (refused, live)) = tokio::join!(stalled, crowd);
    assert_eq!((stalled.status.as_u16(), stalled.problem().as_str()), (504, "timed-out"));
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (503, "overloaded"));
    assert_eq!((refused.header("retry-after"), live.status.as_u16()), ("1", 200));
    assert_eq!(service.get("/v1/checks").await.status.as_u16(), 200, "the place is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_say_for_each_check_whether_it_can_be_judged() {
    let (service, db) = with_features().await;
    let role = format!("plain_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    service.register("plain", db.dsn_as(&role).expose_secret()).await;

    let whole = service.get("/v1/targets/demo/capabilities").await.json();
    assert_eq!(whole["privileges"]["tier"], "superuser");
    let plain = service.get("/v1/targets/plain/capabilities").await.json();
    let unready: Vec<&Value> =
        plain["checks"].as_array().unwrap().iter().filter(|c| c["ready"] == false).collect();
    assert!(!unready.is_empty());
    assert!(
        unready.iter().all(|check| check["gaps"][0]["lift"].as_str().unwrap().contains("GRANT")
            || check["gaps"][0]["reason"] != "missing_privilege")
    );
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_stays_when_the_same_is_found_again() {
    let (service, db) = with_features().await;
    let path = "/v1/targets/demo/hybrid-schema";
    let first = service.get(path).await;
    let again = service.get(&format!("{path}?refresh=true")).await;
    assert_ne!(first.json()["observed_at"], again.json()["observed_at"], "it was computed again");
    assert_eq!(first.header("etag"), again.header("etag"));
    let held = Request::get(path).header("if-none-match", first.header("etag"));
    let reply = service.send(held.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status.as_u16(), 304, "a poller is not sent the same again");
    db.run("create table public.unkeyed (a int); insert into public.unkeyed select 1").await;
    let changed = service.get(&format!("{path}?refresh=true")).await;
    assert_ne!(first.header("etag"), changed.header("etag"), "{:#}", changed.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recommendation_names_its_object_and_the_findings_it_clears() {
    let (service, _db) = with_features().await;
    let analysis = service.get("/v1/targets/demo/toast").await.json();
    let (findings, advised) = (&analysis["findings"], &analysis["recommendations"]);
    let advised = advised.as_array().unwrap();
    assert!(!advised.is_empty(), "{analysis:#}");
    for recommendation in advised {
        assert!(recommendation["object"]["kind"].is_string(), "{recommendation:#}");
        for id in recommendation["findings"].as_array().unwrap() {
            let finding = findings.as_array().unwrap().iter().find(|f| f["id"] == *id).unwrap();
            let back = finding["recommendations"].as_array().unwrap();
            assert!(back.contains(&recommendation["id"]), "{finding:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_requests_sources_and_the_cache() {
    let (service, _db) = with_features().await;
    service.get("/v1/targets/demo/toast").await;
    let metrics = service.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    for name in [
        "dbopt_http_requests_total{method=\"GET\",route=\"/v1/targets/{target}/toast\",status=\"200\"}",
        "dbopt_source_reads_total{source=\"relations\",outcome=\"seen\"}",
        "dbopt_http_request_seconds_bucket{method=\"GET\",route=\"/v1/targets/{target}/toast\",le=\"0.5\"}",
        "dbopt_cache_entries",
        "dbopt_target_connections",
    ] {
        assert!(metrics.text.contains(name), "{name}: {}", metrics.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_compressed_for_those_who_ask_and_says_the_same() {
    use std::io::Read as _;

    let (service, _db) = with_features().await;
    let path = "/v1/targets/demo/toast";
    service.get(path).await;
    let plain = service.get(path).await;
    let request = Request::get(path).header("accept-encoding", "gzip, deflate, br");
    let (headers, bytes) = service.bytes(request.body(Body::empty()).unwrap()).await;
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!((header("content-encoding"), header("x-cache")), ("gzip", "hit"));
    assert!(header("vary").contains("accept-encoding"));
    assert_eq!(header("etag"), plain.header("etag"));
    assert!(bytes.len() < plain.text.len() / 2);
    let mut read = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut read).unwrap();
    assert_eq!(read, plain.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshes_at_the_same_time_are_one_computation() {
    let (service, _db) = with_features().await;
    let path = "/v1/targets/demo/hybrid-schema?refresh=true";
    let calls = (0..10).map(|_| service.get(path));
    let replies = futures_util::future::join_all(calls).await;
    let times: std::collections::BTreeSet<String> =
        replies.iter().map(|reply| reply.json()["observed_at"].to_string()).collect();
    assert_eq!(times.len(), 1, "{times:?}");
    assert!(replies.iter().all(|reply| reply.header("x-cache") == "bypass"));
    let later = service.get(path).await.json()["observed_at"].to_string();
    assert!(!times.contains(&later), "one that comes later is another");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_of_a_threshold_is_the_same_answer_as_none() {
    let (service, _db) = with_features().await;
    let key = async |query: &str| {
        let path = format!("/v1/targets/demo/toast{query}");
        service.get(&path).await.json()["cache"]["key"].as_str().unwrap().to_owned()
    };
    let plain = key("").await;
    assert_eq!(key("?toast_share_max=0.1").await, plain);
    assert_eq!(key("?toast_share_max=0.10&prove=cheap").await, plain);
    assert_ne!(key("?toast_share_max=0.2").await, plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superpower_stands_for_its_checks_and_an_empty_name_is_refused() {
    let (service, _db) = with_features().await;
    let all = service.get("/v1/targets/demo/analysis?check=hybrid-schema").await.json();
    let checks =
        all["findings"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap());
    assert!(
        checks.clone().count() > 0 && checks.clone().all(|id| id.starts_with("hybrid-schema/"))
    );
    for query in ["table=", "schema=", "check=", "check=tost"] {
        let refused = service.get(&format!("/v1/targets/demo/toast?{query}")).await;
        assert_eq!(refused.status.as_u16(), 422, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_wait_gets_a_job_that_ends_with_the_same_analysis() {
    let (service, _db) = with_features().await;
    let path = "/v1/targets/demo/toast?prove=full&refresh=true";
    let request = Request::get(path).header("prefer", "respond-async").body(Body::empty()).unwrap();
    let accepted = service.send(request).await;
    assert_eq!(accepted.status.as_u16(), 202, "{:#}", accepted.json());
    assert_eq!(accepted.header("preference-applied"), "respond-async");
    let place = accepted.header("location").to_owned();
    let early = service.get(&format!("{place}/result")).await;
    assert!([200, 409].contains(&early.status.as_u16()), "{:#}", early.json());
    let mut job = Value::Null;
    until("the job ends", async || {
        job = service.get(&place).await.json();
        job["state"] != "running"
    })
    .await;
    assert_eq!(job["state"], "done", "{job:#}");
    let result = service.get(job["result"].as_str().unwrap()).await.json();
    let cached = service.get("/v1/targets/demo/toast?prove=full").await;
    assert_eq!(cached.header("x-cache"), "hit");
    assert_eq!(result["findings"], cached.json()["findings"]);
    let held = Request::get("/v1/targets/demo/toast?prove=full").header("prefer", "respond-async");
    let held = service.send(held.body(Body::empty()).unwrap()).await;
    assert_eq!(held.status.as_u16(), 200, "what is fresh needs no job");
    assert_eq!(service.with("DELETE", &place, Value::Null).await.status.as_u16(), 204);
    assert_eq!(service.get(&place).await.problem(), "unknown-job");
}
