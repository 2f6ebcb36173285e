//! One computation per key, shared by all who wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::CacheKey;

/// A computation that several requests may wait for. Each that waits drives it; it is dropped with the last one.
pub(super) type Flight<T> = Shared<BoxFuture<'static, T>>;

/// The computations under way.
pub(super) struct Flights<T> {
    running: Arc<Mutex<Running<T>>>,
}

struct Running<T> {
    by_key: HashMap<CacheKey, RunningFlight<T>>,
    started: u64,
}

struct RunningFlight<T> {
    id: u64,
    /// When it began, where it looks at nothing that was there before.
    fresh_since: Option<Instant>,
    flight: WeakShared<BoxFuture<'static, T>>,
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new() -> Self {
        let running = Running { by_key: HashMap::new(), started: 0 };
        Self { running: Arc::new(Mutex::new(running)) }
    }

    /// The computation under way for `key`, or `make`'s.
    pub(super) fn join(
        &self,
        key: &CacheKey,
        make: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Flight<T> {
        let mut running = lock(&self.running);
        match running.flight(key) {
            Some(flight) => flight,
            None => self.start(&mut running, key, make()),
        }
    }

    /// `make`'s computation if none is under way for `key`.
    pub(super) fn start_alone(
        &self,
        key: &CacheKey,
        make: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Option<Flight<T>> {
        let mut running = lock(&self.running);
        let flight = running.flight(key);
        if flight.is_some() {
            // Dropping it may end the computation, which takes the lock.
            drop(running);
            return None;
        }
        Some(self.start(&mut running, key, make()))
    }

    /// A new computation for `key`, which those who come later join instead of the one under way. One that such a call
    /// began within `window` is joined: who calls at the same time wants the same.
    pub(super) fn renew(
        &self,
        key: &CacheKey,
        window: Duration,
        make: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Flight<T> {
        let mut running = lock(&self.running);
        let began = running.by_key.get(key).and_then(|running| running.fresh_since);
        let recent = began.filter(|since| since.elapsed() < window);
        if let Some(flight) = recent.and_then(|_| running.flight(key)) {
            return flight;
        }
        let flight = self.start(&mut running, key, make());
        if let Some(started) = running.by_key.get_mut(key) {
            started.fresh_since = Some(Instant::now());
        }
        flight
    }

    fn start(
        &self,
        running: &mut Running<T>,
        key: &CacheKey,
        future: BoxFuture<'static, T>,
    ) -> Flight<T> {
        running.started += 1;
        let id = running.started;
        let landing = Landing { running: Arc::clone(&self.running), key: key.clone(), id };
        let flight = async move {
            let _landing = landing;
            future.await
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            running
                .by_key
                .insert(key.clone(), RunningFlight { id, fresh_since: None, flight: weak });
        }
        flight
    }
}

impl<T> Running<T> {
    fn flight(&self, key: &CacheKey) -> Option<Flight<T>> {
        self.by_key.get(key)?.flight.upgrade()
    }
}

/// Forgets a computation when it ends, or when no one waits for it any more.
struct Landing<T> {
    running: Arc<Mutex<Running<T>>>,
    key: CacheKey,
    id: u64,
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        if running.by_key.get(&self.key).is_some_and(|running| running.id == self.id) {
            running.by_key.remove(&self.key);
        }
    }
}

/// The map is whole between any two statements, so a panic elsewhere leaves nothing broken.
fn lock<T>(running: &Mutex<Running<T>>) -> MutexGuard<'_, Running<T>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
