//! The level that replicas share: Redis, used only while it answers quickly.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout};

use super::Error;

/// How long Redis is left alone after it failed, so that its being slow costs one wait a second.
const PAUSE_MS: u64 = 1000;

/// How long connecting may take in the background; nobody waits for it longer than for a command.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Values larger than this stay in process: they would hold up everybody else's.
const VALUE_BYTES_MAX: usize = 8 << 20;

/// A connection to Redis that is made when first used, and again when it was lost.
pub(super) struct Shared {
    connection: ConnectionManager,
    timeout: Duration,
    started: Instant,
    /// Milliseconds after `started` until which Redis is left alone.
    paused_until_ms: AtomicU64,
}

/// Redis did not answer in time, or not at all.
pub(super) struct Unavailable;

impl Shared {
    pub(super) fn new(url: &SecretString, timeout: Duration) -> Result<Self, Error> {
        let client = Client::open(url.expose_secret()).map_err(|_| Error::MalformedUrl)?;
        // The pause takes the place of retries and of the driver's own timer.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(None);
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|_| Error::MalformedUrl)?;
        let paused_until_ms = AtomicU64::new(0);
        Ok(Self { connection, timeout, started: Instant::now(), paused_until_ms })
    }

    /// The value of `key`, if there is one.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, Unavailable> {
        let mut connection = self.connection.clone();
        let command = async move { redis::cmd("GET").arg(key).query_async(&mut connection).await };
        let value: Option<Vec<u8>> = self.guarded(command).await?;
        Ok(value.map(Bytes::from))
    }

    /// Store `value` for as long as it may be shown.
    pub(super) async fn set(
        &self,
        key: &str,
        value: &[u8],
        lifetime: Duration,
    ) -> Result<(), Unavailable> {
        if value.len() > VALUE_BYTES_MAX {
            return Ok(());
        }
        let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value).arg("PX").arg(lifetime_ms);
        self.guarded(async move { command.query_async(&mut connection).await }).await
    }

    async fn guarded<T>(
        &self,
        command: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Unavailable> {
        if self.elapsed_ms() < self.paused_until_ms.load(Ordering::Relaxed) {
            return Err(Unavailable);
        }
        match timeout(self.timeout, command).await {
            Ok(Ok(value)) => Ok(value),
            // Redis answered, if only to say that the value is of another type.
            Ok(Err(error)) if !error.is_io_error() => Err(Unavailable),
            Ok(Err(_)) | Err(_) => {
                let until = self.elapsed_ms() + PAUSE_MS;
                self.paused_until_ms.store(until, Ordering::Relaxed);
                Err(Unavailable)
            }
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
