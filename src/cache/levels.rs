//! The two places an answer may be: process memory, and Redis where there is one.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use moka::ops::compute::Op;
use moka::sync::Cache as Memory;
use secrecy::SecretString;

use super::entry::Entry;
use super::meter::Meter;
use super::shared::{Shared, Unavailable};
use super::{Body, Error, Key};
use crate::config::CacheConfig;

/// Where answers are kept.
pub(super) struct Levels {
    memory: Option<Memory<Key, Arc<Entry>, RandomState>>,
    shared: Option<Arc<Shared>>,
    ttl: Duration,
    /// For how long an answer may be shown at all.
    lifetime: Duration,
    pub(super) meter: Meter,
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
                .weigher(|key: &Key, entry: &Arc<Entry>| {
                    u32::try_from(key.as_str().len() + entry.bytes()).unwrap_or(u32::MAX)
                })
                .time_to_live(lifetime)
                .build_with_hasher(RandomState::default())
        });
        let shared = redis_url.map(|url| Shared::new(url, config.redis_timeout)).transpose()?;
        let shared = shared.map(Arc::new);
        Ok(Self { memory, shared, ttl: config.ttl, lifetime, meter: Meter::new() })
    }

    pub(super) fn held(&self) -> (u64, u64) {
        self.memory.as_ref().map_or((0, 0), |memory| (memory.entry_count(), memory.weighted_size()))
    }

    /// Whether Redis answers; absent where there is none.
    pub(super) async fn redis_answers(&self) -> Option<bool> {
        Some(self.shared.as_ref()?.answers().await)
    }

    /// What process memory holds.
    pub(super) fn memory(&self, key: &Key) -> Option<Arc<Entry>> {
        self.memory.as_ref()?.get(key)
    }

    /// What Redis holds; kept in process memory from then on.
    pub(super) async fn shared(&self, key: &Key) -> Option<Arc<Entry>> {
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
        let Some(entry) = Entry::decode(key, &value) else {
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

    /// Keep a new answer everywhere. Nobody waits for Redis.
    pub(super) fn store(&self, key: &Key, body: Body, made_at: Timestamp) -> Arc<Entry> {
        let ttl = if body.is_passing() { Duration::ZERO } else { self.ttl };
        let entry = Arc::new(Entry::new(body, made_at, ttl));
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
    fn keep(&self, key: &Key, entry: &Arc<Entry>) {
        let Some(memory) = &self.memory else { return };
        let keep = |held: Option<moka::Entry<Key, Arc<Entry>>>| {
            let younger = held.is_some_and(|held| entry.is_older_than(held.value()));
            if younger { Op::Nop } else { Op::Put(Arc::clone(entry)) }
        };
        memory.entry_by_ref(key).and_compute_with(keep);
    }
}
