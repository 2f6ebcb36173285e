//! A Redis of our own, and how many bare GETs it answers.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;

/// A Redis that ends with this value.
pub struct Redis {
    server: Child,
    port: u16,
    _home: tempfile::TempDir,
}

impl Redis {
    pub async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(home.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is there: scripts/bench installs it");
        let redis = Self { server, port, _home: home };
        let deadline = Instant::now() + Duration::from_secs(10);
        while redis.connect().await.is_err() {
            assert!(Instant::now() < deadline, "Redis did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    /// The only key there is.
    pub async fn only_key(&self) -> String {
        let mut connection = self.connect().await.unwrap();
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys.into_iter().next().unwrap()
    }

    /// GETs of a key a second, by Redis' own benchmark, on that many connections.
    pub fn rate(&self, key: &str, connections: u32, requests: u32) -> f64 {
        let output = Command::new("redis-benchmark")
            .args(["-p", &self.port.to_string(), "-c", &connections.to_string()])
            .args(["-n", &requests.to_string(), "--csv", "GET", key])
            .output()
            .expect("redis-benchmark is there: scripts/bench installs it");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let row = text.lines().last().unwrap();
        let rate = row.split("\",\"").nth(1).unwrap_or_else(|| panic!("no rate in {text}"));
        rate.trim_matches('"').parse().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
