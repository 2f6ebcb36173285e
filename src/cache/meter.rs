//! Counters of the cache, bound once: looking them up by name for each answer would cost more than the answer.

use metrics::{Counter, counter};

/// What the cache counts.
pub(super) struct CacheMeter {
    /// Answered from process memory, fresh.
    pub(super) memory_hit: Counter,
    /// Answered from process memory, past its time.
    pub(super) memory_stale: Counter,
    /// Read from Redis, fresh.
    pub(super) redis_hit: Counter,
    /// Read from Redis, past its time.
    pub(super) redis_stale: Counter,
    /// Redis had nothing.
    pub(super) redis_miss: Counter,
    /// Redis had something that is not ours, or harmed.
    pub(super) redis_garbage: Counter,
    /// Redis did not answer.
    pub(super) redis_unavailable: Counter,
    /// Computed because nothing was there.
    pub(super) computed: Counter,
    /// Computed because the caller asked for it.
    pub(super) bypass: Counter,
    /// Computations in the background that failed.
    pub(super) refresh_failed: Counter,
}

impl CacheMeter {
    pub(super) fn new() -> Self {
        let requests = |level: &'static str, status: &'static str| counter!("dbopt_cache_requests_total", "level" => level, "status" => status);
        metrics::describe_counter!(
            "dbopt_cache_requests_total",
            "Requests for answers, by cache level and outcome"
        );
        Self {
            memory_hit: requests("memory", "hit"),
            memory_stale: requests("memory", "stale"),
            redis_hit: requests("redis", "hit"),
            redis_stale: requests("redis", "stale"),
            redis_miss: requests("redis", "miss"),
            redis_garbage: requests("redis", "garbage"),
            redis_unavailable: requests("redis", "unavailable"),
            computed: requests("none", "miss"),
            bypass: requests("none", "bypass"),
            refresh_failed: requests("none", "refresh_failed"),
        }
    }
}
