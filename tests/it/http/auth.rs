//! Keys: who may do what.

use axum::body::Body;
use axum::http::{Request, header};
use database_optimizer::http::{self, Error};
use database_optimizer::store::KeyScope;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::support::{Reply, Service};

async fn with_key(service: &Service, method: &str, path: &str, key: &SecretString) -> Reply {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {}", key.expose_secret()));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let body = json!({"name": "a", "dsn": "postgresql://u@h.invalid/d"}).to_string();
    service
        .send(request.body(Body::from(if method == "GET" { String::new() } else { body })).unwrap())
        .await
}

#[tokio::test]
async fn once_a_key_exists_every_caller_needs_one_that_allows_what_it_does() {
    let service = Service::start().await;
    assert_eq!(service.get("/v1/targets").await.status.as_u16(), 200, "loopback, and no key yet");
    let (_, read) = service.app.store().create_key("r", &[KeyScope::Read]).await.unwrap();
    let (_, admin) = service.app.store().create_key("a", &[KeyScope::Admin]).await.unwrap();

    let nobody = service.get("/v1/targets").await;
    assert_eq!((nobody.status.as_u16(), nobody.problem().as_str()), (401, "unauthorized"));
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    let stranger = with_key(&service, "GET", "/v1/targets", &"dbopt_none".to_owned().into()).await;
    assert_eq!(stranger.status.as_u16(), 401);

    assert_eq!(with_key(&service, "GET", "/v1/targets", &read).await.status.as_u16(), 200);
    let refused = with_key(&service, "POST", "/v1/targets", &read).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (403, "forbidden"));
    assert!(refused.text.contains("--scope admin"), "{refused:?}");
    assert_eq!(with_key(&service, "POST", "/v1/targets", &admin).await.status.as_u16(), 201);
    let proved = with_key(&service, "GET", "/v1/targets/a/toast?prove=full", &read).await;
    assert_eq!((proved.status.as_u16(), proved.problem().as_str()), (403, "forbidden"));
    for open in ["/healthz", "/readyz", "/openapi.json", "/docs/"] {
        assert_eq!(service.get(open).await.status.as_u16(), 200, "{open}");
    }
    assert_eq!(service.get("/metrics").await.status.as_u16(), 401);
}

#[tokio::test]
async fn no_operation_but_the_open_ones_is_answered_without_a_key() {
    let service = Service::start().await;
    service.app.store().create_key("a", &[KeyScope::Admin]).await.unwrap();
    let document: Value = serde_json::from_str(http::document()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace(['{', '}'], "");
            let reply = service.with(&method.to_uppercase(), &path, json!({})).await;
            let open = ["/healthz", "/readyz", "/openapi.json"].contains(&path.as_str());
            assert_eq!(reply.status.as_u16() == 401, !open, "{method} {path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn without_a_key_nothing_but_loopback_is_listened_on() {
    let service = Service::start().await;
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let refused = http::bind(service.app.clone(), everywhere).await;
    assert!(matches!(refused, Err(Error::Open { .. })));
    service.app.store().create_key("a", &[KeyScope::Admin]).await.unwrap();
    assert!(http::bind(service.app.clone(), everywhere).await.is_ok());
}
