//! Listening, readiness, and stopping in time.

use std::time::{Duration, Instant};

use database_optimizer::http;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::support::proxy::Proxy;
use crate::support::{Service, TestDb, any_server};

async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_told_to_stop_cancels_what_does_not_end_and_leaves_no_connection() {
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    let proxy = Proxy::start(db.server.port, Duration::ZERO).await;
    let dsn = format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name);
    service.register("stalled", &dsn).await;
    assert_eq!(service.get("/v1/targets/stalled/toast").await.status.as_u16(), 200);
    proxy.stall();
    let bound = http::bind(service.app.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = bound.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve(async move {
        let _ = stopped.await;
    }));
    assert!(ask(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    let hanging =
        tokio::spawn(async move { ask(address, "/v1/targets/stalled/toast?refresh=true").await });

    tokio::time::sleep(Duration::from_millis(100)).await;

    let told = Instant::now();
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert!(told.elapsed() < Duration::from_secs(12), "{:?}", told.elapsed());
    drop(hanging);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_said_to_be_too_long_is_refused_before_it_is_sent() {
    let service = Service::start().await;
    let bound = http::bind(service.app.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut stream = TcpStream::connect(bound.address()).await.unwrap();
    let serving = tokio::spawn(bound.serve(std::future::pending()));
    let request = "POST /v1/targets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                   Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 1000];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer));
    let read = read.await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn readiness_is_the_store_s_and_liveness_nobody_s() {
    let service = Service::start().await;
    let ready = service.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["cache"]), (200, &"in_process".into()));

    let away = Service::configured(&[("redis_url", "redis://127.0.0.1:1")]).await;
    let ready = away.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["cache"]), (200, &"unavailable".into()));

    away.lose_store().await;
    let unready = away.get("/readyz").await;
    assert_eq!((unready.status.as_u16(), &unready.json()["store"]), (503, &"unavailable".into()));
    assert_eq!(away.get("/healthz").await.status.as_u16(), 200);
    let problem = away.get("/v1/targets/any").await;
    assert_eq!((problem.status.as_u16(), problem.problem().as_str()), (503, "store-unavailable"));
}

#[tokio::test]
async fn a_store_that_is_read_only_is_not_ready_and_says_so_to_who_would_write() {
    let service = Service::start().await;
    let url = service.store_url();
    let (client, connection) =
        tokio_postgres::connect(url.expose_secret(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let read_only = "do $$ begin execute format('alter database %I set default_transaction_read_only = on', \
                     current_database()); end $$";
    client.batch_execute(read_only).await.unwrap();
    // Sessions that began before may write on: as after a switch to a standby, they end.
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    client.batch_execute(end).await.unwrap();
    let target = json!({"name": "a", "dsn": "postgresql://u@127.0.0.1:1/d"});
    // The first that are asked are of the connections that ended: then it is read from, and not written to.
    while service.get("/v1/targets").await.status.as_u16() != 200 {}
    let ready = service.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["store"]), (503, &"unavailable".into()));
    let refused = service.with("POST", "/v1/targets", target).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (503, "store-unavailable"));
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn swagger_ui_is_served_from_here_alone() {
    let service = Service::start().await;
    assert_eq!(service.get("/").await.header("location"), "/docs/");
    let page = service.get("/docs/").await.text;
    let scripts = page.split("src=\"").skip(1).chain(page.split("href=\"").skip(1));
    let mut seen = 0;
    for address in scripts.map(|rest| rest.split('"').next().unwrap()) {
        assert!(!address.contains("//"), "{address}");
        let path = format!("/docs/{}", address.trim_start_matches("./"));
        assert_eq!(service.get(&path).await.status.as_u16(), 200, "{path}");
        seen += 1;
    }
    assert!(seen >= 4, "{page}");
    assert!(service.get("/docs/swagger-initializer.js").await.text.contains("/openapi.json"));
}
