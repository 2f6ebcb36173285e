//! The service in this process: a store of its own, its router, and a client that reads what it says.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use database_optimizer::app::{self, App};
use database_optimizer::config::{self, Flags};
use database_optimizer::http;
use database_optimizer::store::Store;
use http_body_util::BodyExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::{TestDb, any_server};

/// A running service.
pub struct Service {
    pub app: App,
    pub router: Router,
    store: TestDb,
    settings: Vec<(&'static str, String)>,
}

/// What it answered.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The kind of problem it is; panics where it is none.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned()
    }
}

impl Service {
    pub async fn start() -> Self {
        Self::configured(&[]).await
    }

    /// With settings by name.
    pub async fn configured(settings: &[(&'static str, &str)]) -> Self {
        let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self::on(TestDb::create(any_server()).await, settings).await
    }

    /// With its store behind a proxy at that port.
    pub async fn with_store_behind(port: u16) -> Self {
        let store = TestDb::create(any_server()).await;
        let url = format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", store.name);
        Self::on(store, vec![("store_url", url)]).await
    }

    /// With its state in that database.
    pub async fn on(store: TestDb, more: Vec<(&'static str, String)>) -> Self {
        let given = more.iter().find(|(name, _)| *name == "store_url");
        let url = given.map_or_else(|| store.dsn(), |(_, url)| url.clone().into());
        let key = "0".repeat(64);
        let ours = [("store_url", url.expose_secret()), ("secret_key", key.as_str())];
        let ours = ours.map(|(name, value)| (name, value.to_owned()));
        let settings = ours.into_iter().chain(more.clone()).collect();
        let flags = Flags { settings, ..Flags::default() };
        let home = |name: &str| (name == "HOME").then(|| "/nowhere".to_owned());
        let config = config::resolve(None, &home, &flags).unwrap();
        let opened = Store::open(&config, &url).await.unwrap();
        let app = App::new(&config, opened, app::metrics().unwrap()).unwrap();
        Self { router: http::router(&app), app, store, settings: more }
    }

    /// The same service, started again on what it kept.
    pub async fn restarted(self) -> Self {
        let Self { store, settings, .. } = self;
        Self::on(store, settings).await
    }

    /// Its store, past the service.
    pub fn store(&self) -> &TestDb {
        &self.store
    }

    /// Where its store is.
    pub fn store_url(&self) -> SecretString {
        self.store.dsn()
    }

    /// Every row of every table of the store.
    pub async fn everything_kept(&self) -> String {
        let tables = "select string_agg(c.oid::regclass::text, ',') from pg_class as c
            where c.relnamespace = 'dbopt'::regnamespace and c.relkind = 'r'";
        let mut kept = String::new();
        for table in self.store.text(tables).await.split(',') {
            let rows = format!("select string_agg(t::text, E'\\n') from {table} as t");
            kept.push_str(&self.store.text(&rows).await);
        }
        kept
    }

    /// Take the store's database away under it.
    pub async fn lose_store(&self) {
        self.store.vanish().await;
    }

    /// What came back, as it came.
    pub async fn bytes(&self, mut request: Request<Body>) -> (HeaderMap, Vec<u8>) {
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    /// What a client sends that calls it on this machine.
    pub async fn send(&self, mut request: Request<Body>) -> Reply {
        let local = HeaderValue::from_static("localhost");
        request.headers_mut().entry(header::HOST).or_insert(local);
        self.send_as_it_is(request).await
    }

    /// Without a `Host` where it has none.
    pub async fn send_as_it_is(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn with(&self, method: &str, path: &str, body: Value) -> Reply {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// The address of a port that it answers at.
    pub async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = http::router(&self.app);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    /// Register a database under a name.
    pub async fn register(&self, name: &str, dsn: &str) {
        let body = serde_json::json!({"name": name, "dsn": dsn});
        let reply = self.with("POST", "/v1/targets", body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    }
}
