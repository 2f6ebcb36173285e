//! A real Redis for each test that fails it.

use std::process::{Child, Command, Stdio};

use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

/// A Redis of a test's own.
pub struct Redis {
    dir: TempDir,
    pub port: u16,
    server: Child,
}

impl Redis {
    pub async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self::launch(&dir, port);
        let redis = Self { dir, port, server };
        redis.ready().await;
        redis
    }

    fn launch(dir: &TempDir, port: u16) -> Child {
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .arg("--dir")
            .arg(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub fn url(&self) -> SecretString {
        SecretString::from(format!("redis://127.0.0.1:{}", self.port))
    }

    pub async fn connection(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        let client = redis::Client::open(self.url().expose_secret())?;
        client.get_multiplexed_async_connection().await
    }

    /// Run a command, its words apart.
    pub async fn command(&self, words: &str) {
        let mut connection = self.connection().await.unwrap();
        let mut words = words.split_whitespace();
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.exec_async(&mut connection).await.unwrap();
    }

    async fn ready(&self) {
        super::until("Redis answers", async || {
            let Ok(mut connection) = self.connection().await else { return false };
            redis::cmd("PING").exec_async(&mut connection).await.is_ok()
        })
        .await;
    }

    pub fn stop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub async fn restart(&mut self) {
        self.server = Self::launch(&self.dir, self.port);
        self.ready().await;
    }

    pub fn signal(&self, name: &str) {
        let pid = self.server.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
