//! Answers of the store remembered for a moment, so that a cached analysis costs no query.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use foldhash::HashMap;
use moka::future::Cache;

use super::Error;

/// How long another process's change may go unseen. Our own is seen at once.
const LIFETIME: Duration = Duration::from_secs(1);

/// How long what is known goes on where the store is away.
pub(super) const STALE_MAX: Duration = Duration::from_mins(10);

/// Entries remembered at most: callers choose what to ask for.
const ENTRIES_MAX: usize = 10_000;

/// Values by key, for a moment, each asked for once however many want it.
pub(super) struct Memo<K, V> {
    /// What was asked a moment ago. Every request reads it, so it is a map that many can read at once: a cache
    /// that notes each read would cost a cached analysis more than the analysis.
    entries: RwLock<HashMap<K, CachedValue<V>>>,
    /// What is being asked. By the number of our own changes, too: what was asked before one is not found after it.
    loading: Cache<(K, u64), (V, Instant)>,
    changes: AtomicU64,
}

struct CachedValue<V> {
    value: V,
    loaded_at: Instant,
    changes: u64,
}

impl<K, V> Memo<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        let loading =
            Cache::builder().max_capacity(ENTRIES_MAX as u64).time_to_live(LIFETIME).build();
        Self { entries: RwLock::default(), loading, changes: AtomicU64::new(0) }
    }

    /// The value of `key`, remembered or asked for by `load`. A failure is not remembered; where it is the store that is away,
    /// what was known a while ago still counts.
    pub(super) async fn get_or<Q, F>(&self, key: &Q, load: impl Fn() -> F) -> Result<V, Error>
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + Hash + Eq + ?Sized,
        F: Future<Output = Result<V, Error>>,
    {
        let changes = self.changes.load(Ordering::SeqCst);
        if let Some(value) = self.known(key, changes, LIFETIME) {
            return Ok(value);
        }
        // Boxed, because every request carries this future and few ever ask.
        match Box::pin(self.load(key, changes, load)).await {
            Err(error) if error.is_of_absence() => self.known(key, changes, STALE_MAX).ok_or(error),
            answer => answer,
        }
    }

    /// The value of `key` where it is remembered, however old: not to decide by.
    pub(super) fn remembered<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.known(key, self.changes.load(Ordering::SeqCst), STALE_MAX)
    }

    /// The value of `key` as it is after so many changes, asked for by `load`.
    async fn load<Q, F>(&self, key: &Q, changes: u64, load: impl Fn() -> F) -> Result<V, Error>
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + Hash + Eq + ?Sized,
        F: Future<Output = Result<V, Error>>,
    {
        let mut failure = None;
        let asking = async {
            // Before the answer: it is no younger than this.
            let loaded_at = Instant::now();
            match load().await {
                Ok(value) => Some((value, loaded_at)),
                Err(error) => {
                    failure = Some(error);
                    None
                }
            }
        };
        let answer = self.loading.optionally_get_with((key.to_owned(), changes), asking).await;
        match (answer, failure) {
            (Some((value, loaded_at)), _) => {
                self.hold(key.to_owned(), CachedValue { value: value.clone(), loaded_at, changes });
                Ok(value)
            }
            (None, Some(error)) => Err(error),
            // It was another's asking that failed.
            (None, None) => load().await,
        }
    }

    /// Remember nothing of what was asked before: something changed.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// The value of `key` where it is remembered, was asked for after so many changes, and is no older.
    fn known<Q>(&self, key: &Q, changes: u64, age_max: Duration) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key)?;
        let is_valid = entry.changes == changes && entry.loaded_at.elapsed() < age_max;
        is_valid.then(|| entry.value.clone())
    }

    fn hold(&self, key: K, value: CachedValue<V>) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, entry| entry.loaded_at.elapsed() < LIFETIME);
        }
        if entries.len() < ENTRIES_MAX {
            entries.insert(key, value);
        }
    }
}
