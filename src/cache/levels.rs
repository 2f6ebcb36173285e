//! The two places an answer may be: process memory, and Redis where there is one.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use moka::ops::compute::Op;
use moka::sync::Cache as Memory;
use secrecy::SecretString;

use super::entry::CachedAnswer;
use super::meter::CacheMeter;
use super::shared::{RedisConnection, Unavailable};
use super::{CacheKey, Error, RenderedBody};
use crate::config::CacheConfig;

/// Where answers are kept.
pub(super) struct Levels {
    memory: Option<Memory<CacheKey, Arc<CachedAnswer>, RandomState>>,
    shared: Option<Arc<RedisConnection>>,
    ttl: Duration,
    /// For how long an answer may be shown at all.
    lifetime: Duration,
    pub(super) meter: CacheMeter,
}

impl Levels {
    pub(super) fn new(
        config: &CacheConfig,
        redis_url: Option<&SecretString>,
    ) -> Result<Self, Error> {
        let lifetime = config.ttl.saturating_add(config.stale);
        let memory = (config.capacity_bytes > 0).then(|| {
            Memory::builder()
                .max_capacity(config.capacity_bytes)
                .weigher(|key: &CacheKey, entry: &Arc<CachedAnswer>| {
                    u32::try_from(key.as_str().len() + entry.bytes()).unwrap_or(u32::MAX)
                })
                .time_to_live(lifetime)
                .build_with_hasher(RandomState::default())
        });
        let shared =
            redis_url.map(|url| RedisConnection::new(url, config.redis_timeout)).transpose()?;
        let shared = shared.map(Arc::new);
        Ok(Self { memory, shared, ttl: config.ttl, lifetime, meter: CacheMeter::new() })
    }

    pub(super) fn local_size(&self) -> (u64, u64) {
        self.memory.as_ref().map_or((0, 0), |memory| (memory.entry_count(), memory.weighted_size()))
    }

    /// Whether Redis answers; absent where there is none.
    pub(super) async fn redis_answers(&self) -> Option<bool> {
        Some(self.shared.as_ref()?.answers().await)
    }

    /// What process memory holds.
    pub(super) fn memory(&self, key: &CacheKey) -> Option<Arc<CachedAnswer>> {
        self.memory.as_ref()?.get(key)
    }

    /// What Redis holds; kept in process memory from then on.
    pub(super) async fn shared(&self, key: &CacheKey) -> Option<Arc<CachedAnswer>> {
        let value = match self.shared.as_ref()?.get(key.as_str()).await {
            Ok(Some(value)) => value,
            Ok(None) => {
                self.meter.redis_miss.increment(1);
                return None;
            }
            Err(Unavailable) => {
                self.meter.redis_unavailable.increment(1);
                return None;
            }
        };
        let Some(entry) = CachedAnswer::decode(key, &value) else {
            self.meter.redis_garbage.increment(1);
            return None;
        };
        let fresh = entry.is_fresh(Timestamp::now());
        let counter = if fresh { &self.meter.redis_hit } else { &self.meter.redis_stale };
        counter.increment(1);
        let entry = Arc::new(entry);
        self.keep(key, &entry);
        Some(entry)
    }

    /// Keep a new answer everywhere. No one waits for Redis.
    pub(super) fn store(
        &self,
        key: &CacheKey,
        body: RenderedBody,
        made_at: Timestamp,
    ) -> Arc<CachedAnswer> {
        let ttl = if body.is_passing() { Duration::ZERO } else { self.ttl };
        let entry = Arc::new(CachedAnswer::new(body, made_at, ttl));
        if let Some(shared) = self.shared.clone() {
            let (entry, key, lifetime) = (Arc::clone(&entry), key.clone(), self.lifetime);
            tokio::spawn(async move {
                let value = entry.encode(&key);
                // What is not stored is computed again.
                let _ = shared.set(key.as_str(), &value, lifetime).await;
            });
        }
        self.keep(key, &entry);
        entry
    }

    /// Keep an answer in process memory unless a younger one is there.
    fn keep(&self, key: &CacheKey, entry: &Arc<CachedAnswer>) {
        let Some(memory) = &self.memory else { return };
        let keep = |kept: Option<moka::Entry<CacheKey, Arc<CachedAnswer>>>| {
            let is_younger = kept.is_some_and(|kept| entry.is_older_than(kept.value()));
            if is_younger { Op::Nop } else { Op::Put(Arc::clone(entry)) }
        };
        memory.entry_by_ref(key).and_compute_with(keep);
    }
}
