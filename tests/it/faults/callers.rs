//! Callers that send slowly, or nothing.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use secrecy::ExposeSecret as _;

use crate::support::program::Running;
use crate::support::{Service, TestDb, any_server};

/// A request whose body begins and does not go on.
fn endless(path: &str) -> Request<Body> {
    let begins =
        stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"sql,calls,mean_ms\n"))]);
    let body = Body::from_stream(begins.chain(stream::pending()));
    Request::post(path).header("content-type", "text/plain").body(body).unwrap()
}

/// A client who sends such a request, again where it finds no place.
fn send_endlessly(service: &Arc<Service>) -> tokio::task::JoinHandle<()> {
    let sender = Arc::clone(service);
    tokio::spawn(async move {
        loop {
            let reply = sender.send(endless("/v1/targets/demo/workload")).await;
            assert_eq!(reply.problem(), "overloaded", "{reply:?}");
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_leave_places_for_everyone_else_and_probes_are_always_answered() {
    let service = Arc::new(Service::configured(&[("concurrency_limit", "4")]).await);
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    let sending = send_endlessly(&service);
    // A client has a quarter of the places for what it sends, which is one here.
    let begun = Instant::now();
    let refused = loop {
        let second =
            service.with("POST", "/v1/review/migration", serde_json::json!({"sql": "select 1"}));
        let reply = second.await;
        if reply.status.as_u16() != 200 {
            break reply;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it was never refused");
    };
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (503, "overloaded"));
    for path in ["/v1/targets", "/healthz", "/readyz", "/metrics", "/v1/targets/demo/toast"] {
        assert_eq!(service.get(path).await.status.as_u16(), 200, "{path}");
    }
    sending.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_answered_when_every_place_is_taken() {
    let service = Arc::new(Service::configured(&[("concurrency_limit", "1")]).await);
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    let sending = send_endlessly(&service);
    let begun = Instant::now();
    while service.get("/v1/targets").await.status.as_u16() == 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the place was never taken");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(service.get(path).await.status.as_u16(), 200, "{path}");
    }
    sending.abort();
}

/// What limits it is that it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_may_take_longer_than_other_requests() {
    let service = Service::configured(&[("request_timeout_seconds", "1")]).await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    let lines = ["sql,calls,mean_ms\n", "select 1,5,1\n", "select 2,5,1\n", "select 3,5,1\n"];
    let slowly = stream::iter(lines).then(|line| async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(line.as_bytes()))
    });
    let request = Request::post("/v1/targets/demo/workload").header("content-type", "text/plain");
    let begun = Instant::now();
    let reply = service.send(request.body(Body::from_stream(slowly)).unwrap()).await;
    assert!(begun.elapsed() > Duration::from_millis(1500));
    assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
    assert_eq!(reply.json()["read"]["statements"], 3);
}

/// The answer to `GET /healthz` of a client at that address.
fn healthz(from: [u8; 4], to: &str) -> std::io::Result<String> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let to = to.parse().unwrap();
    let mut stream = tokio::runtime::Handle::current().block_on(async {
        let stream = socket.connect(to).await?.into_std()?;
        stream.set_nonblocking(false)?;
        Ok::<_, std::io::Error>(stream)
    })?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Idle connections of one client, as many as there are files, leave half of them for the others.
#[tokio::test(flavor = "multi_thread")]
async fn one_client_cannot_take_the_connections_of_all() {
    let store = TestDb::create(any_server()).await;
    let mut command = Command::new("bash");
    let limited = "ulimit -n 328; exec \"$0\" serve --listen 127.0.0.1:0";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_dbopt")]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
    command.env("DBOPT_STORE_URL", store.dsn().expose_secret());
    command.env("DBOPT_SECRET_KEY", "0".repeat(64));
    let asked = tokio::task::spawn_blocking(move || {
        let running = Running::start(command);
        let idle: Vec<_> =
            (0..400).map(|_| std::net::TcpStream::connect(&running.address).unwrap()).collect();
        let asked = [[127, 0, 0, 2], [127, 0, 0, 1]].map(|from| healthz(from, &running.address));
        drop(idle);
        asked
    });
    let [other, same] = asked.await.unwrap();
    assert!(other.unwrap().starts_with("HTTP/1.1 200"), "another client is answered");
    assert!(same.map_or(true, |answer| answer.is_empty()), "and this one has its share");
}
