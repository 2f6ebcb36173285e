//! Whatever is wrong with a request, the answer is a problem that says what.

use axum::body::Body;
use axum::http::{Request, header};

use crate::support::Service;

fn post(content_type: &str, body: &str) -> Request<Body> {
    let request = Request::post("/v1/targets").header(header::CONTENT_TYPE, content_type);
    request.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn every_status_of_the_client_s_fault_is_a_problem() {
    let service = Service::configured(&[("body_limit_bytes", "1000")]).await;
    for (request, status, kind) in [
        (Request::get("/v1/nothing").body(Body::empty()).unwrap(), 404, "not-found"),
        (Request::get("/v1/checks/toast/none").body(Body::empty()).unwrap(), 404, "unknown-check"),
        (Request::get("/v1/targets/%ff").body(Body::empty()).unwrap(), 404, "not-found"),
        (Request::get("/v1/targets/%00").body(Body::empty()).unwrap(), 404, "not-found"),
        (Request::get("/v1/targets/%00/toast").body(Body::empty()).unwrap(), 404, "not-found"),
        (
            Request::get("/v1/checks?limit=1&limit=2").body(Body::empty()).unwrap(),
            422,
            "invalid-request",
        ),
        (
            post(
                "application/json",
                r#"{"name": "a", "dsn": "host=h", "labels": {"a": "\u0000"}}"#,
            ),
            422,
            "invalid-request",
        ),
        (Request::put("/v1/targets").body(Body::empty()).unwrap(), 405, "method-not-allowed"),
        (post("text/plain", "{}"), 415, "unsupported-media-type"),
        (post("application/json", "{\"name\": \"a"), 400, "malformed-json"),
        (post("application/json", "[1,]"), 422, "invalid-request"),
        (post("application/json", &format!("\"{}\"", "x".repeat(2000))), 413, "payload-too-large"),
        (Request::get("/docs/nothing").body(Body::empty()).unwrap(), 404, "not-found"),
        (Request::get("/v1/checks?limt=1").body(Body::empty()).unwrap(), 422, "invalid-request"),
        (Request::get("/v1/checks?limit=0").body(Body::empty()).unwrap(), 422, "invalid-request"),
        (
            Request::get("/v1/checks?cursor=%21").body(Body::empty()).unwrap(),
            422,
            "invalid-request",
        ),
        (Request::get("/v1/checks?cursor=").body(Body::empty()).unwrap(), 422, "invalid-request"),
    ] {
        let asked = format!("{request:?}");
        let reply = service.send(request).await;
        assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (status, kind), "{asked}");
        assert!(!reply.header("x-request-id").is_empty());
        assert!(!reply.json()["detail"].as_str().unwrap().is_empty());
        if status == 405 {
            assert!(reply.header("allow").contains("POST"), "{reply:?}");
        }
    }
}

#[tokio::test]
async fn a_plain_request_id_is_kept_and_any_other_replaced() {
    let service = Service::start().await;
    for (sent, kept) in [("trace-1.a", true), ("a b", false), ("<x>", false)] {
        let request = Request::get("/healthz").header("x-request-id", sent);
        let reply = service.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.header("x-request-id") == sent, kept, "{sent}");
        assert!(!reply.header("x-request-id").is_empty());
    }
}

#[tokio::test]
async fn every_check_is_listed_with_its_thresholds_and_shown_with_its_page() {
    let service = Service::start().await;
    let listed = service.get("/v1/checks?limit=500").await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), database_optimizer::checks::all().count());
    for item in items {
        let id = item["id"].as_str().unwrap();
        let shown = service.get(&format!("/v1/checks/{id}")).await.json();
        assert_eq!(shown["id"], id);
        let page = shown["page"].as_str().unwrap();
        assert!(page.contains("## Fires") || page.contains("## Leaves a gap"), "{id}");
        for threshold in item["thresholds"].as_array().unwrap() {
            assert!(
                threshold["default"].is_number()
                    && !threshold["reason"].as_str().unwrap().is_empty()
            );
        }
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let service = Service::start().await;
    let request = Request::get("/v1/checks").header("accept-encoding", "gzip");
    let reply = service.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.header("content-encoding"), "gzip");
    assert!(reply.header("vary").contains("accept-encoding"));
}
