//! The level that replicas share: Redis, used only while it answers quickly.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared as SharedFuture};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout};

use super::Error;

/// How long Redis is left alone after it failed, so that its being slow costs one wait a second.
const PAUSE_MS: u64 = 1000;

/// How long connecting may take in the background; no one waits for it longer than for a command.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Values larger than this stay in process: they would hold up everybody else's.
const VALUE_BYTES_MAX: usize = 8 << 20;

/// One connection to Redis for everybody, made when first used, and again when it was lost.
pub(super) struct RedisConnection {
    client: Client,
    connection: Mutex<Option<Connecting>>,
    timeout: Duration,
    started: Instant,
    /// Milliseconds after `started` until which Redis is left alone.
    paused_until_ms: AtomicU64,
    /// What was logged last.
    is_away: AtomicBool,
    refuses_writes: AtomicBool,
}

/// A connection, or one being made; `None` if that failed.
type Connecting = SharedFuture<BoxFuture<'static, Option<MultiplexedConnection>>>;

/// Redis did not answer in time, or not with what we asked for.
pub(super) struct Unavailable;

impl RedisConnection {
    pub(super) fn new(url: &SecretString, timeout: Duration) -> Result<Self, Error> {
        Ok(Self {
            client: Client::open(url.expose_secret()).map_err(|_| Error::MalformedUrl)?,
            connection: Mutex::new(None),
            timeout,
            started: Instant::now(),
            paused_until_ms: AtomicU64::new(0),
            is_away: AtomicBool::new(false),
            refuses_writes: AtomicBool::new(false),
        })
    }

    /// The value of `key`, if there is one.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, Unavailable> {
        let mut command = redis::cmd("GET");
        command.arg(key);
        let value: Option<Vec<u8>> = self.run(&command).await?;
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
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value).arg("PX").arg(lifetime_ms);
        let refused = |error: &RedisError| {
            if !self.refuses_writes.swap(true, Ordering::Relaxed) {
                let code = error.code();
                tracing::warn!(code, "Redis refuses answers: they are kept in process alone");
            }
        };
        let () = self.run_or(&command, refused).await?;
        if self.refuses_writes.swap(false, Ordering::Relaxed) {
            tracing::info!("Redis takes answers again");
        }
        Ok(())
    }

    /// Whether Redis answers in time.
    pub(super) async fn answers(&self) -> bool {
        self.run::<String>(&redis::cmd("PING")).await.is_ok()
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unavailable> {
        self.run_or(command, |_| ()).await
    }

    /// The same; `refused` gets Redis's text where it answers and refuses.
    async fn run_or<T: FromRedisValue>(
        &self,
        command: &Cmd,
        refused: impl FnOnce(&RedisError),
    ) -> Result<T, Unavailable> {
        if self.elapsed_ms() < self.paused_until_ms.load(Ordering::Relaxed) {
            return Err(Unavailable);
        }
        let connecting = self.connecting();
        let answer = async {
            let mut connection = connecting.clone().await.ok_or(Lost)?;
            match command.query_async(&mut connection).await {
                Ok(value) => Ok(Ok(value)),
                Err(error) if error.is_io_error() || error.is_unrecoverable_error() => Err(Lost),
                // Redis answered, if only to say that the value is of another type.
                Err(error) => {
                    refused(&error);
                    Ok(Err(Unavailable))
                }
            }
        };
        if let Ok(Ok(answered)) = timeout(self.timeout, answer).await {
            if self.is_away.load(Ordering::Relaxed) && self.is_away.swap(false, Ordering::Relaxed) {
                tracing::info!("Redis answers again");
            }
            return answered;
        }
        self.leave_alone(&connecting);
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!("Redis does not answer: answers are kept in process alone");
        }
        Err(Unavailable)
    }

    /// The connection, or the one being made. It is made in the background, whether or not a request waits for it.
    fn connecting(&self) -> Connecting {
        let mut connection = self.lock();
        if let Some(connecting) = &*connection {
            return connecting.clone();
        }
        let client = self.client.clone();
        let connect = async move {
            // Our own time limit takes the place of the driver's.
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT_TIMEOUT))
                .set_response_timeout(None);
            let connected = client.get_multiplexed_async_connection_with_config(&config);
            timeout(CONNECT_TIMEOUT, connected).await.ok()?.ok()
        };
        let connecting = connect.boxed().shared();
        tokio::spawn(connecting.clone());
        *connection = Some(connecting.clone());
        connecting
    }

    /// Ask nothing for a while, and then on another connection unless this one is still being made.
    fn leave_alone(&self, failed: &Connecting) {
        self.paused_until_ms.store(self.elapsed_ms() + PAUSE_MS, Ordering::Relaxed);
        if failed.peek().is_none() {
            return;
        }
        let mut connection = self.lock();
        if connection.as_ref().is_some_and(|current| current.ptr_eq(failed)) {
            *connection = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connecting>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The connection was lost, or never made.
struct Lost;
