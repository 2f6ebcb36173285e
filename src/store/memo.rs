//! Answers of the store remembered for a moment, so that a cached analysis costs no query.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;

/// How long another process's change may go unseen. Our own is seen at once.
const LIFETIME: Duration = Duration::from_secs(1);

/// Entries remembered at most: callers choose what to ask for.
const ENTRIES_MAX: u64 = 10_000;

/// Values by key, for a moment, each asked for once however many want it.
pub(super) struct Memo<K, V> {
    /// By the number of our own changes, too: what was asked before a change is not found after it.
    values: Cache<(K, u64), V>,
    changes: AtomicU64,
}

impl<K, V> Memo<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        let values = Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(LIFETIME).build();
        Self { values, changes: AtomicU64::new(0) }
    }

    /// The value of `key`, remembered or asked for by `ask`. A failure is not remembered.
    pub(super) async fn get_or<E, F>(&self, key: K, ask: impl Fn() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        let mut failure = None;
        let asking = async {
            match ask().await {
                Ok(value) => Some(value),
                Err(error) => {
                    failure = Some(error);
                    None
                }
            }
        };
        let key = (key, self.changes.load(Ordering::SeqCst));
        match (self.values.optionally_get_with(key, asking).await, failure) {
            (Some(value), _) => Ok(value),
            (None, Some(error)) => Err(error),
            // It was somebody else's asking that failed.
            (None, None) => ask().await,
        }
    }

    /// Remember nothing of what was asked before: something changed.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}
