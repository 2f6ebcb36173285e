//! The cache: one computation a key, answers past their time, and a real Redis that fails in every way.

mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use database_optimizer::cache::{Answer, Cache, CacheKey, KeyParts, RenderedBody};
use database_optimizer::config::CacheConfig;
use database_optimizer::model::CacheStatus::{Bypass, Hit, Miss, Stale};
use tokio::sync::Semaphore;

use crate::support::redis::Redis;
use crate::support::until;

const CONFIG: CacheConfig = CacheConfig {
    ttl: Duration::from_mins(5),
    stale: Duration::from_mins(5),
    capacity_bytes: 1 << 20,
    redis_timeout: Duration::from_millis(100),
};

/// Everything is past its time at once.
const STALE: CacheConfig = CacheConfig { ttl: Duration::ZERO, ..CONFIG };

/// Nothing is held in process.
const REDIS_ONLY: CacheConfig = CacheConfig { capacity_bytes: 0, ..CONFIG };

type Failure = &'static str;

fn key(model_version: &str) -> CacheKey {
    let parts = KeyParts {
        target: "demo",
        model_version,
        revision: 1,
        trusts_code: false,
        superpower: "toast",
        request: (),
    };
    CacheKey::new(&parts)
}

/// Computes bodies that count up, as slowly as the test likes.
#[derive(Clone)]
struct Oracle {
    begun: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Oracle {
    fn open() -> Self {
        Self::with_permits(Semaphore::MAX_PERMITS)
    }

    fn closed() -> Self {
        Self::with_permits(0)
    }

    fn with_permits(permits: usize) -> Self {
        let gate = Arc::new(Semaphore::new(permits));
        Self { begun: Arc::default(), dropped: Arc::default(), gate }
    }

    async fn answer(self) -> Result<RenderedBody, Failure> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let guard = OnDrop(Arc::clone(&self.dropped));
        self.gate.acquire().await.unwrap().forget();
        std::mem::forget(guard);
        Ok(body(number))
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

fn body(number: usize) -> RenderedBody {
    RenderedBody::new(format!(r#"{{"cache":{{"status":"miss"}},"number":{number}}}"#))
}

async fn ask(cache: &Cache<Failure>, key: &CacheKey, oracle: &Oracle) -> Answer {
    let oracle = oracle.clone();
    cache.get_or_compute(key, || oracle.answer(), false).await.unwrap()
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

fn in_process(config: &CacheConfig) -> Cache<Failure> {
    Cache::new(config, None).unwrap()
}

#[tokio::test]
async fn an_answer_that_the_next_may_better_is_shown_and_never_fresh() {
    let cache = in_process(&CONFIG);
    let passing = || async { Ok::<_, Failure>(body(1).passing(true)) };
    let first = cache.get_or_compute(&key("v1"), passing, false).await.unwrap();
    assert_eq!((first.status, first.cache_control.as_ref()), (Miss, &b"private, max-age=0"[..]));
    assert!(cache.fresh(&key("v1")).is_none());
    let oracle = Oracle::open();
    let second = ask(&cache, &key("v1"), &oracle).await;
    assert_eq!(second.status, Stale);
    until("the better answer", async || cache.fresh(&key("v1")).is_some()).await;
    assert_eq!(oracle.begun(), 1);
}

#[tokio::test]
async fn the_first_answer_is_a_miss_and_the_next_a_hit_that_says_so() {
    let (cache, oracle) = (in_process(&CONFIG), Oracle::open());
    let miss = ask(&cache, &key("v1"), &oracle).await;
    let hit = ask(&cache, &key("v1"), &oracle).await;
    assert_eq!((miss.status, hit.status), (Miss, Hit));
    assert_eq!(text(&miss), r#"{"cache":{"status":"miss"},"number":1}"#);
    assert_eq!(text(&hit), r#"{"cache":{"status":"hit"},"number":1}"#);
    assert_eq!(miss.etag, hit.etag);
    assert_eq!(miss.made_at, hit.made_at);
    assert_eq!(oracle.begun(), 1);
}

#[tokio::test]
async fn hits_share_one_body() {
    let (cache, oracle) = (in_process(&CONFIG), Oracle::open());
    ask(&cache, &key("v1"), &oracle).await;
    let [one, other] =
        [ask(&cache, &key("v1"), &oracle).await, ask(&cache, &key("v1"), &oracle).await];
    assert_eq!(one.body.as_ptr(), other.body.as_ptr());
}

#[tokio::test]
async fn another_model_version_is_another_answer() {
    let (cache, oracle) = (in_process(&CONFIG), Oracle::open());
    ask(&cache, &key("v1"), &oracle).await;
    assert_eq!(ask(&cache, &key("v2"), &oracle).await.status, Miss);
    assert_eq!(oracle.begun(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_at_once_cost_one_computation() {
    let (cache, oracle) = (in_process(&CONFIG), Oracle::closed());
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (cache, oracle) = (cache.clone(), oracle.clone());
            tokio::spawn(async move { ask(&cache, &key("v1"), &oracle).await })
        })
        .collect();
    until("the computation begins", async || oracle.begun() == 1).await;
    oracle.gate.add_permits(Semaphore::MAX_PERMITS);
    for caller in callers {
        assert!(is_number(&caller.await.unwrap(), 1));
    }
    assert_eq!(oracle.begun(), 1);
}

#[tokio::test]
async fn when_the_caller_that_began_it_goes_away_another_takes_over() {
    let (cache, oracle) = (in_process(&CONFIG), Oracle::closed());
    let spawn = || {
        let (cache, oracle) = (cache.clone(), oracle.clone());
        tokio::spawn(async move { ask(&cache, &key("v1"), &oracle).await })
    };
    let first = spawn();
    until("the computation begins", async || oracle.begun() == 1).await;
    let second = spawn();
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    oracle.gate.add_permits(1);
    assert_eq!(second.await.unwrap().status, Miss);
    assert_eq!((oracle.begun(), oracle.dropped()), (1, 0));
}

#[tokio::test]
async fn when_all_callers_are_gone_the_computation_is_dropped() {
    let (cache, oracle) = (in_process(&CONFIG), Oracle::closed());
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (cache, oracle) = (cache.clone(), oracle.clone());
            tokio::spawn(async move { ask(&cache, &key("v1"), &oracle).await })
        })
        .collect();
    until("the computation begins", async || oracle.begun() == 1).await;
    for caller in &callers {
        caller.abort();
    }
    until("the computation is dropped", async || oracle.dropped() == 1).await;
    oracle.gate.add_permits(1);
    assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Miss);
    assert_eq!(oracle.begun(), 2);
}

#[tokio::test]
async fn an_error_is_shared_with_who_waits_and_not_kept() {
    let cache = in_process(&CONFIG);
    let gate = Arc::new(Semaphore::new(0));
    let failing = || {
        let gate = Arc::clone(&gate);
        let (cache, key) = (cache.clone(), key("v1"));
        tokio::spawn(async move {
            let compute = || async move {
                let _ = gate.acquire().await;
                Err("unreachable")
            };
            cache.get_or_compute(&key, compute, false).await.map(|answer| answer.status)
        })
    };
    let [one, other] = [failing(), failing()];
    tokio::task::yield_now().await;
    gate.add_permits(2);
    assert_eq!(*one.await.unwrap().unwrap_err(), "unreachable");
    assert_eq!(*other.await.unwrap().unwrap_err(), "unreachable");
    assert_eq!(ask(&cache, &key("v1"), &Oracle::open()).await.status, Miss);
}

#[tokio::test]
async fn past_its_time_an_answer_is_shown_at_once_and_computed_once_in_the_background() {
    let (cache, oracle) = (in_process(&STALE), Oracle::closed());
    oracle.gate.add_permits(1);
    let miss = ask(&cache, &key("v1"), &oracle).await;
    for _ in 0..50 {
        let stale = ask(&cache, &key("v1"), &oracle).await;
        assert_eq!(stale.status, Stale);
        assert_eq!(text(&stale), r#"{"cache":{"status":"stale"},"number":1}"#);
        assert_eq!(stale.etag, miss.etag);
    }
    until("the refresh begins", async || oracle.begun() == 2).await;
    oracle.gate.add_permits(1);
    until("the refreshed answer is shown", async || {
        let begun = oracle.begun();
        let answer = ask(&cache, &key("v1"), &oracle).await;
        begun == 2 && is_number(&answer, 2)
    })
    .await;
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_answer_that_is_there() {
    let (cache, oracle) = (in_process(&STALE), Oracle::open());
    ask(&cache, &key("v1"), &oracle).await;
    let failures = Arc::new(AtomicUsize::new(0));
    until("the refresh is tried twice", async || {
        let tried = Arc::clone(&failures);
        let compute = || async move {
            tried.fetch_add(1, Ordering::SeqCst);
            Err("unreachable")
        };
        let answer = cache.get_or_compute(&key("v1"), compute, false).await.unwrap();
        assert!(answer.status == Stale && is_number(&answer, 1));
        failures.load(Ordering::SeqCst) >= 2
    })
    .await;
}

fn is_number(answer: &Answer, number: usize) -> bool {
    text(answer).ends_with(&format!(r#""number":{number}}}"#))
}

#[tokio::test]
async fn a_bypass_computes_anew_and_the_new_answer_is_kept() {
    let (cache, oracle) = (in_process(&CONFIG), Oracle::open());
    ask(&cache, &key("v1"), &oracle).await;
    let again = oracle.clone();
    let bypass = cache.get_or_compute(&key("v1"), || again.answer(), true).await.unwrap();
    assert_eq!(bypass.status, Bypass);
    assert_eq!(text(&bypass), r#"{"cache":{"status":"bypass"},"number":2}"#);
    let hit = ask(&cache, &key("v1"), &oracle).await;
    assert_eq!(text(&hit), r#"{"cache":{"status":"hit"},"number":2}"#);
}

#[tokio::test]
async fn a_slow_computation_does_not_replace_the_answer_of_a_bypass_that_began_later() {
    let (cache, slow) = (in_process(&CONFIG), Oracle::closed());
    let asking = {
        let (cache, slow) = (cache.clone(), slow.clone());
        tokio::spawn(async move { ask(&cache, &key("v1"), &slow).await })
    };
    until("the slow computation begins", async || slow.begun() == 1).await;
    let compute = || async { Ok(body(7)) };
    cache.get_or_compute(&key("v1"), compute, true).await.unwrap();
    slow.gate.add_permits(1);
    asking.await.unwrap();
    assert!(is_number(&ask(&cache, &key("v1"), &slow).await, 7));
}

#[tokio::test]
async fn every_answer_is_counted_by_where_it_came_from() {
    let redis = Redis::start().await;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let cache =
        |config: &CacheConfig| metrics::with_local_recorder(&recorder, || redis.cache(config));
    let (first, oracle) = (cache(&CONFIG), Oracle::open());
    ask(&first, &key("v1"), &oracle).await;
    ask(&first, &key("v1"), &oracle).await;
    redis.stored(&key("v1")).await;
    ask(&cache(&CONFIG), &key("v1"), &oracle).await;
    let again = oracle.clone();
    first.get_or_compute(&key("v1"), || again.answer(), true).await.unwrap();
    redis.set(&key("v2"), b"garbage").await;
    ask(&first, &key("v2"), &oracle).await;

    let text = counted.render();
    for (level, status, times) in [
        ("memory", "hit", 1),
        ("memory", "stale", 0),
        ("redis", "hit", 1),
        ("redis", "miss", 1),
        ("redis", "garbage", 1),
        ("redis", "unavailable", 0),
        ("none", "miss", 2),
        ("none", "bypass", 1),
    ] {
        let line =
            format!(r#"dbopt_cache_requests_total{{level="{level}",status="{status}"}} {times}"#);
        assert!(text.lines().any(|counted| counted == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn what_is_pinned_stays_within_its_bytes() {
    let cache = in_process(&CacheConfig { capacity_bytes: 64 << 10, ..CONFIG });
    for number in 0..200 {
        let compute = || async { Ok(RenderedBody::new(vec![b' '; 4 << 10])) };
        cache.get_or_compute(&key(&format!("v{number}")), compute, false).await.unwrap();
    }
    until("what is too much is let go", async || {
        ask(&cache, &key("v1"), &Oracle::open()).await;
        let (entries, bytes) = cache.local_size();
        entries > 0 && bytes <= 64 << 10
    })
    .await;
}
