//! Answers of the store remembered for a moment, so that a cached analysis costs no query.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;

/// How long another process's change may go unseen. Our own is seen at once.
const LIFETIME: Duration = Duration::from_secs(1);

/// Entries remembered at most: callers choose what to ask for.
const ENTRIES_MAX: u64 = 10_000;

/// Values by key, for a moment.
pub(super) struct Memo<K, V> {
    values: Cache<K, V>,
    changes: Arc<AtomicU64>,
}

impl<K, V> Memo<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        let values = Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(LIFETIME).build();
        Self { values, changes: Arc::default() }
    }

    /// The value of `key`, remembered or asked for by `ask`.
    pub(super) async fn get_or<E>(
        &self,
        key: K,
        ask: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        if let Some(value) = self.values.get(&key).await {
            return Ok(value);
        }
        let changes = self.changes.load(Ordering::SeqCst);
        let value = ask.await?;
        // What was asked for before a change is not remembered after it.
        if changes == self.changes.load(Ordering::SeqCst) {
            self.values.insert(key, value.clone()).await;
        }
        Ok(value)
    }

    /// Forget everything: something changed.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.values.invalidate_all();
    }
}
