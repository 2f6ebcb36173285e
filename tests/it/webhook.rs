//! Events to a real HTTP server: sent once for each change, signed, tried again, and never with a value.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::support::certificates::certificates;
use crate::support::program::{Running, dbopt};
use crate::support::{Service, TestDb, tables};

const ANALYSIS: &str =
    "/v1/targets/demo/hybrid-schema?check=hybrid-schema/schema-drift&refresh=true";
const CONTRACT: &str = "/v1/targets/demo/contracts/ml/orders/data";
/// What every document holds, and no event may.
const LITERAL: &str = "hush-hush";

struct Received {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver who takes events.
struct Receiver {
    url: String,
    arrived: mpsc::UnboundedReceiver<Received>,
    /// What to answer next; then 204.
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

type Desk = (mpsc::UnboundedSender<Received>, Arc<Mutex<VecDeque<StatusCode>>>);

async fn take(
    State((arrived, answers)): State<Desk>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let status = answers.lock().unwrap().pop_front().unwrap_or(StatusCode::NO_CONTENT);
    arrived.send(Received { path: uri.to_string(), headers, body }).unwrap();
    if status.is_redirection() {
        return (status, [(header::LOCATION, "/elsewhere")]).into_response();
    }
    status.into_response()
}

impl Receiver {
    async fn open(answers: &[u16]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?of=drift", listener.local_addr().unwrap());
        let (sender, arrived) = mpsc::unbounded_channel();
        let answers = answers.iter().map(|status| StatusCode::from_u16(*status).unwrap());
        let answers = Arc::new(Mutex::new(answers.collect::<VecDeque<_>>()));
        let routes = Router::new().fallback(post(take)).with_state((sender, Arc::clone(&answers)));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, arrived, answers }
    }

    async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(Duration::from_secs(20), self.arrived.recv()).await;
        next.expect("no event arrives").unwrap()
    }
}

async fn orders(receiver: &Receiver) -> Option<(Service, TestDb)> {
    let sql = format!(
        "create table ml.orders (id bigint primary key, data jsonb not null);
insert into ml.orders select i, jsonb_build_object('id', i, 'note', '{LITERAL}') from generate_series(1, 300) as i;
analyze ml.orders"
    );
    let db = tables("pg18", &sql).await?;
    let settings = [("webhook_url", receiver.url.as_str()), ("webhook_secret", "Jefe")];
    let service = Service::configured(&settings).await;
    service.register("demo", db.dsn().expose_secret()).await;
    let contract = json!({"properties": {"id": {"type": "integer"}, "note": {"type": "string"}}, "required": ["id"]});
    assert_eq!(service.with("PUT", CONTRACT, contract).await.status, StatusCode::CREATED);
    Some((service, db))
}

async fn analysed(service: &Service) -> Value {
    let reply = service.get(ANALYSIS).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    reply.json()
}

const BREAK: &str = "update ml.orders set data = data || '{\"id\": \"hush-hush\"}' where id <= 60";

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_told_once_signed_and_without_a_value() {
    let mut receiver = Receiver::open(&[]).await;
    let Some((service, db)) = orders(&receiver).await else { return };
    for _ in 0..2 {
        assert_eq!(analysed(&service).await["findings"], json!([]));
    }
    db.run(BREAK).await;
    let analysis = analysed(&service).await;
    for _ in 0..3 {
        analysed(&service).await;
    }
    let first = receiver.next().await;
    assert_eq!(first.path, "/hook?of=drift");
    assert_eq!(first.header("webhook-signature"), signed(&first));
    let age = jiff::Timestamp::now().as_second()
        - first.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age} s");
    assert_eq!(first.header("x-dbopt-event"), "schema_drift");
    let event = first.event();
    let (found, told) = (&analysis["findings"][0], &event["findings"][0]);
    assert_eq!((&told["id"], &told["object"]), (&found["id"], &found["object"]));
    assert_eq!(told["counts"], json!({"wrong_type": 60}));
    assert_eq!((&event["target"], &event["documents"]), (&json!("demo"), &json!(300)));
    assert_eq!(event["check"], "hybrid-schema/schema-drift");
    assert!(event["observed_at"].is_string() && event["object"]["kind"] == "column", "{event}");

    // The next that arrives is the next change, so nothing came between.
    db.run("update ml.orders set data = data - 'id' where id > 200").await;
    analysed(&service).await;
    let second = receiver.next().await.event();
    assert_eq!(second["findings"][0]["counts"], json!({"missing_key": 100, "wrong_type": 60}));
    let text = String::from_utf8_lossy(&first.body).into_owned() + &second.to_string();
    assert!(!text.contains(LITERAL), "{text}");
    assert!(receiver.arrived.try_recv().is_err());
    let metrics = service.get("/metrics").await.text;
    assert!(metrics.contains("dbopt_webhook_events_total{outcome=\"delivered\"}"), "{metrics}");
    assert!(!metrics.contains("/hook"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_a_moment_is_tried_again_with_the_same_delivery() {
    let mut receiver = Receiver::open(&[500]).await;
    let Some((service, db)) = orders(&receiver).await else { return };
    db.run(BREAK).await;
    analysed(&service).await;
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(second.header("webhook-signature"), signed(&second), "of its own time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_is_told_again_with_a_later_analysis_and_no_redirect_is_followed() {
    let mut receiver = Receiver::open(&[307]).await;
    let Some((service, db)) = orders(&receiver).await else { return };
    db.run(BREAK).await;
    analysed(&service).await;
    assert_eq!(receiver.next().await.path, "/hook?of=drift");
    assert!(receiver.answers.lock().unwrap().is_empty());
    // Until it is noted that no one took it, an analysis says nothing.
    let again = loop {
        analysed(&service).await;
        if let Ok(again) = receiver.arrived.try_recv() {
            break again;
        }
    };
    assert_eq!(again.path, "/hook?of=drift");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_does_not_answer_costs_an_analysis_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let receiver = Receiver { url, ..Receiver::open(&[]).await };
    let Some((service, db)) = orders(&receiver).await else { return };
    db.run(BREAK).await;
    let begun = std::time::Instant::now();
    assert_eq!(analysed(&service).await["findings"].as_array().unwrap().len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// Takes what comes over TLS, and answers that it did; what fails is reported, too.
async fn over_tls(
    certificate: &str,
    key: &str,
) -> (u16, mpsc::UnboundedReceiver<Result<String, String>>) {
    let certificates = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let certificates = certificates.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(certificates, key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, arrived) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let taken = async {
                let mut stream =
                    acceptor.accept(stream).await.map_err(|error| error.to_string())?;
                let (mut text, mut buffer) = (String::new(), [0; 4096]);
                while !text.ends_with('}') {
                    let length = stream.read(&mut buffer).await.unwrap();
                    text += std::str::from_utf8(&buffer[..length]).unwrap();
                }
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                Ok(text)
            };
            if sender.send(taken.await).is_err() {
                return;
            }
        }
    });
    (port, arrived)
}

/// A service of its own that trusts an authority, and one analysis by it.
async fn analysed_by_one_that_trusts(
    authority: &std::path::Path,
    service: &Service,
    port: u16,
) -> Running {
    let mut command = dbopt(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DBOPT_STORE_URL", service.store_url().expose_secret());
    command.env("DBOPT_SECRET_KEY", "0".repeat(64)).env("SSL_CERT_FILE", authority.join("ca.pem"));
    command.env("DBOPT_WEBHOOK_URL", format!("https://localhost:{port}/hook"));
    let running = tokio::task::spawn_blocking(|| Running::start(command)).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(&running.address).await.unwrap();
    let request =
        format!("GET {ANALYSIS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_only_who_is_trusted_is_told() {
    let (ours, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, certificate, key) = certificates(ours.path());
    certificates(others.path());
    let (port, mut arrived) = over_tls(&certificate, &key).await;
    let quiet = Receiver::open(&[]).await;
    let Some((service, db)) = orders(&quiet).await else { return };
    db.run(BREAK).await;
    let running = analysed_by_one_that_trusts(ours.path(), &service, port).await;
    let told = arrived.recv().await.unwrap().unwrap();
    assert!(told.starts_with("POST /hook HTTP/1.1") && told.contains("schema_drift"), "{told}");
    drop(running);
    db.run("update ml.orders set data = data - 'id' where id > 200").await;
    let running = analysed_by_one_that_trusts(others.path(), &service, port).await;
    let refused = arrived.recv().await.unwrap().unwrap_err();
    assert!(refused.contains("fatal alert"), "{refused}");
    drop(running);
}

/// The signature that a receiver works out.
fn signed(received: &Received) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
    for part in [received.header("webhook-id"), received.header("webhook-timestamp")] {
        mac.update(part.as_bytes());
        mac.update(b".");
    }
    mac.update(&received.body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
