//! Rendered answers, in process and in Redis behind one type. A cache that fails costs time, never an answer.

mod body;
mod entry;
mod flight;
mod gzip;
mod key;
mod levels;
mod meter;
mod plain_keys;
mod shared;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;

pub use body::RenderedBody;
pub use gzip::Gzip;
pub use key::{CacheKey, KeyParts};
pub use plain_keys::{PlainKeys, PlainQuestion};

use crate::config::CacheConfig;
use crate::model::CacheStatus;
use entry::CachedAnswer;
use flight::Flights;
use levels::Levels;

/// Rendered answers by key; `E` is what a computation may fail with. Cheap to clone.
///
/// Make it after the metrics recorder is installed: its counters are bound once.
pub struct Cache<E> {
    inner: Arc<CacheInner<E>>,
}

impl<E> Clone for Cache<E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

struct CacheInner<E> {
    levels: Levels,
    /// Answers someone waits for.
    awaited: Flights<Landed<E>>,
    /// Answers computed in the background, while one past its time is shown.
    refreshed: Flights<Landed<E>>,
}

/// What a computation ends with, and where that came from.
type Landed<E> = Result<(Arc<CachedAnswer>, CacheStatus), Arc<E>>;

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Redis URL cannot be parsed.
    #[error(
        "DBOPT_REDIS_URL must be redis:// or rediss://[user:password@]host[:port][/database], or unix:///path of a socket"
    )]
    MalformedUrl,
}

/// Callers that bypass the cache within this time of each other share one computation: an answer may be that much older than
/// the call.
const BYPASS_WINDOW: Duration = Duration::from_secs(1);

/// An answer to send.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The body, which says `status` itself where it has a place for it.
    pub body: Bytes,
    /// Its compressed form.
    pub gzip: Gzip,
    /// ASCII and quoted, as the header wants it; the same for all statuses of one computation.
    pub etag: Bytes,
    /// For how long and where it may be kept, as the header `Cache-Control` wants it.
    pub cache_control: Bytes,
    /// When its computation began: what it says is no older.
    pub made_at: Timestamp,
    /// How long ago that was, in whole seconds.
    pub age_seconds: u64,
    /// Where it came from.
    pub status: CacheStatus,
}

impl<E: Send + Sync + 'static> Cache<E> {
    /// A cache in process, and in Redis where a URL is given. Does not connect yet.
    pub fn new(config: &CacheConfig, redis_url: Option<&SecretString>) -> Result<Self, Error> {
        let levels = Levels::new(config, redis_url)?;
        let (awaited, refreshed) = (Flights::new(), Flights::new());
        Ok(Self { inner: Arc::new(CacheInner { levels, awaited, refreshed }) })
    }

    /// Answers held in process, and the bytes they take. Counted with some delay.
    pub fn local_size(&self) -> (u64, u64) {
        self.inner.levels.local_size()
    }

    /// Whether Redis answers; absent where there is none.
    pub async fn redis_answers(&self) -> Option<bool> {
        self.inner.levels.redis_answers().await
    }

    /// The answer of that key, where process memory holds a fresh one. Most calls end with it, so it
    /// is to be asked before anything is prepared for a computation.
    pub fn fresh(&self, key: &CacheKey) -> Option<Answer> {
        let (levels, now) = (&self.inner.levels, Timestamp::now());
        let entry = levels.memory(key).filter(|entry| entry.is_fresh(now))?;
        levels.meter.memory_hit.increment(1);
        Some(entry.answer(CacheStatus::Hit, now))
    }

    /// The answer of that key: from the cache, or computed once for all who ask at the same time.
    ///
    /// Past its time it is answered all the same, once more computed in the background. `bypass` computes it again and
    /// stores it, once for all who ask so within a second. Errors are shared with who waits, and not stored. The
    /// computation is dropped when the last who waits for it is gone.
    pub async fn get_or_compute<F, Fut>(
        &self,
        key: &CacheKey,
        compute: F,
        bypass: bool,
    ) -> Result<Answer, Arc<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<RenderedBody, E>> + Send + 'static,
    {
        let inner = &self.inner;
        if bypass {
            inner.levels.meter.bypass.increment(1);
            let make = || self.compute_fresh(key, CacheStatus::Bypass, compute);
            let flight = inner.awaited.renew(key, BYPASS_WINDOW, make);
            return landed(flight.await);
        }
        let Some(entry) = inner.levels.memory(key) else {
            let flight = inner.awaited.join(key, || self.lookup(key, compute));
            return landed(flight.await);
        };
        let now = Timestamp::now();
        if entry.is_fresh(now) {
            inner.levels.meter.memory_hit.increment(1);
            return Ok(entry.answer(CacheStatus::Hit, now));
        }
        inner.levels.meter.memory_stale.increment(1);
        self.refresh(key, compute);
        Ok(entry.answer(CacheStatus::Stale, now))
    }

    /// Look again, then in Redis, then compute.
    fn lookup<F, Fut>(&self, key: &CacheKey, compute: F) -> BoxFuture<'static, Landed<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<RenderedBody, E>> + Send + 'static,
    {
        let (cache, key) = (self.clone(), key.clone());
        let look = async move {
            let levels = &cache.inner.levels;
            // Another computation may have ended between the caller's look and this one.
            let seen = match levels.memory(&key) {
                Some(entry) => Some(entry),
                None => levels.shared(&key).await,
            };
            let Some(entry) = seen else {
                levels.meter.computed.increment(1);
                return cache.compute_fresh(&key, CacheStatus::Miss, compute).await;
            };
            if entry.is_fresh(Timestamp::now()) {
                return Ok((entry, CacheStatus::Hit));
            }
            cache.refresh(&key, compute);
            Ok((entry, CacheStatus::Stale))
        };
        look.boxed()
    }

    /// Compute in the background what is past its time, unless that is under way.
    fn refresh<F, Fut>(&self, key: &CacheKey, compute: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<RenderedBody, E>> + Send + 'static,
    {
        let flight = self.inner.refreshed.start_alone(key, || {
            let (cache, key) = (self.clone(), key.clone());
            let refresh = async move {
                // Another replica may have been first.
                match cache.inner.levels.shared(&key).await {
                    Some(entry) if entry.is_fresh(Timestamp::now()) => {
                        Ok((entry, CacheStatus::Hit))
                    }
                    _ => cache.compute_fresh(&key, CacheStatus::Miss, compute).await,
                }
            };
            refresh.boxed()
        });
        let Some(flight) = flight else { return };
        let failed = self.inner.levels.meter.refresh_failed.clone();
        tokio::spawn(async move {
            if flight.await.is_err() {
                failed.increment(1);
            }
        });
    }

    /// Compute and store.
    fn compute_fresh<F, Fut>(
        &self,
        key: &CacheKey,
        status: CacheStatus,
        compute: F,
    ) -> BoxFuture<'static, Landed<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<RenderedBody, E>> + Send + 'static,
    {
        let (cache, key) = (self.clone(), key.clone());
        let computing = async move {
            let made_at = Timestamp::now();
            let body = compute().await.map_err(Arc::new)?;
            Ok((cache.inner.levels.store(&key, body, made_at), status))
        };
        computing.boxed()
    }
}

fn landed<E>(landed: Landed<E>) -> Result<Answer, Arc<E>> {
    landed.map(|(entry, status)| entry.answer(status, Timestamp::now()))
}
