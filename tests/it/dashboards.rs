//! The metrics as operators use them: a real Prometheus scrapes the service, and every query of the dashboard has an answer.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Service, TestDb, any_server, skipped};

fn deployed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

/// The dashboard's queries, its variables replaced as Grafana does.
fn queries() -> Vec<String> {
    let text = std::fs::read_to_string(deployed("grafana/dbopt.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().clone();
    let targets = panels.into_iter().flat_map(|panel| panel["targets"].as_array().unwrap().clone());
    let expression = |target: Value| target["expr"].as_str().unwrap().to_owned();
    let replaced = |query: String| query.replace("$target", ".*").replace("$__rate_interval", "1m");
    targets.map(expression).map(replaced).collect()
}

/// A Prometheus that scrapes that address.
struct Prometheus {
    process: Child,
    port: u16,
    _dir: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    fn start(scraped: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let config = std::fs::read_to_string(deployed("prometheus/prometheus.yml")).unwrap();
        let config = config
            .replace("scrape_interval: 30s", "scrape_interval: 200ms")
            .replace("127.0.0.1:8080", scraped);
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port, _dir: dir }
    }

    /// The series a query answers with; none while Prometheus starts.
    async fn query(&self, query: &str) -> Vec<Value> {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let path = format!("/api/v1/query?query={query}");
        let Some(answer) = get(self.port, &path).await else { return Vec::new() };
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}

/// The body of an answer of HTTP/1.0, which is not chunked.
async fn get(port: u16, path: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboard_is_answered_from_what_prometheus_scrapes() {
    if Command::new("prometheus").arg("--version").output().is_err() {
        assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "no prometheus to test on");
        return skipped("no prometheus");
    }
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", secrecy::ExposeSecret::expose_secret(&db.dsn())).await;
    for _ in 0..2 {
        assert_eq!(service.get("/v1/targets/demo/toast").await.status.as_u16(), 200);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scraped = listener.local_addr().unwrap().to_string();
    let router = service.router.clone();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let prometheus = Prometheus::start(&scraped);
    let mut unanswered = queries();
    assert!(unanswered.len() >= 10, "{unanswered:?}");
    let patience = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !unanswered.is_empty() {
        assert!(std::time::Instant::now() < patience, "no answer to {unanswered:?}");
        // Requests go on, so that there are rates.
        service.get("/v1/targets/demo/toast?refresh=true").await;
        let mut left = Vec::new();
        for query in unanswered {
            if prometheus.query(&query).await.is_empty() {
                left.push(query);
            }
        }
        unanswered = left;
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_no_fault_in_the_metrics() {
    if Command::new("promtool").arg("--version").output().is_err() {
        assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "no promtool to test on");
        return skipped("no promtool");
    }
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", secrecy::ExposeSecret::expose_secret(&db.dsn())).await;
    service.get("/v1/targets/demo/toast").await;
    let metrics = service.get("/metrics").await.text;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &metrics).unwrap();
    let input = std::fs::File::open(file.path()).unwrap();
    let checked =
        Command::new("promtool").args(["check", "metrics"]).stdin(input).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success() && said.is_empty(), "{said}\n{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_and_the_time_of_the_analysis_are_gauges_that_end_with_their_target() {
    let service = Service::start().await;
    let db = TestDb::create(any_server()).await;
    let name = format!("gauged-{}", std::process::id());
    service.register(&name, secrecy::ExposeSecret::expose_secret(&db.dsn())).await;
    let narrowed = format!("/v1/targets/{name}/toast?severity_min=high");
    service.get(&narrowed).await;
    let labels = format!("target=\"{name}\",superpower=\"toast\"");
    let gauge =
        |metrics: &str| metrics.contains(&format!("dbopt_analysis_timestamp_seconds{{{labels}}}"));
    assert!(!gauge(&service.get("/metrics").await.text), "a part of an analysis is not the whole");
    service.get(&format!("/v1/targets/{name}/toast")).await;
    let metrics = service.get("/metrics").await.text;
    assert!(gauge(&metrics), "{metrics}");
    let high = format!("dbopt_findings{{{labels},severity=\"high\"}} 0");
    assert!(metrics.contains(&high), "{metrics}");
}
