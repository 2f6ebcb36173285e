//! Answers that replicas share through Redis, and a Redis that fails.

use std::io::Write as _;
use std::time::Instant;

use database_optimizer::cache::{Cache, CacheKey};
use database_optimizer::config::CacheConfig;
use database_optimizer::model::CacheStatus::{Hit, Miss, Stale};
use secrecy::SecretString;

use super::{CONFIG, Failure, Oracle, REDIS_ONLY, STALE, ask, is_number, key, text};
use crate::support::redis::Redis;
use crate::support::until;

impl Redis {
    async fn get(&self, key: &CacheKey) -> Option<Vec<u8>> {
        let mut connection = self.connection().await.unwrap();
        redis::cmd("GET").arg(key.as_str()).query_async(&mut connection).await.unwrap()
    }

    pub(super) async fn set(&self, key: &CacheKey, value: &[u8]) {
        let mut connection = self.connection().await.unwrap();
        redis::cmd("SET").arg(key.as_str()).arg(value).exec_async(&mut connection).await.unwrap();
    }

    pub(super) fn cache(&self, config: &CacheConfig) -> Cache<Failure> {
        Cache::new(config, Some(&self.url())).unwrap()
    }

    /// Wait until an answer of that key was stored.
    pub(super) async fn stored(&self, key: &CacheKey) -> Vec<u8> {
        until("the answer is stored", async || self.get(key).await.is_some()).await;
        self.get(key).await.unwrap()
    }
}

#[tokio::test]
async fn replicas_share_answers_through_redis_until_their_lifetime_ends() {
    let redis = Redis::start().await;
    let oracle = Oracle::open();
    let miss = ask(&redis.cache(&CONFIG), &key("v1"), &oracle).await;
    redis.stored(&key("v1")).await;

    let replica = redis.cache(&CONFIG);
    let hit = ask(&replica, &key("v1"), &oracle).await;
    assert_eq!((hit.status, &hit.etag), (Hit, &miss.etag));
    assert_eq!(text(&hit), r#"{"cache":{"status":"hit"},"number":1}"#);
    assert_eq!(hit.made_at.as_millisecond(), miss.made_at.as_millisecond());
    assert_eq!(oracle.begun(), 1);

    let mut connection = redis.connection().await.unwrap();
    let left: i64 =
        redis::cmd("PTTL").arg(key("v1").as_str()).query_async(&mut connection).await.unwrap();
    assert!((590_000..=600_000).contains(&left), "{left}");
}

#[tokio::test]
async fn what_redis_gave_is_then_held_in_process() {
    let mut redis = Redis::start().await;
    let oracle = Oracle::open();
    ask(&redis.cache(&CONFIG), &key("v1"), &oracle).await;
    redis.stored(&key("v1")).await;
    let replica = redis.cache(&CONFIG);
    ask(&replica, &key("v1"), &oracle).await;
    redis.stop();
    assert_eq!(ask(&replica, &key("v1"), &oracle).await.status, Hit);
}

#[tokio::test]
async fn past_its_time_an_answer_of_redis_is_shown_and_refreshed_for_all() {
    let redis = Redis::start().await;
    let oracle = Oracle::open();
    ask(&redis.cache(&STALE), &key("v1"), &oracle).await;
    redis.stored(&key("v1")).await;
    let replica = redis.cache(&STALE);
    let stale = ask(&replica, &key("v1"), &oracle).await;
    assert!(stale.status == Stale && is_number(&stale, 1));
    until("the refreshed answer is stored", async || {
        redis.get(&key("v1")).await.is_some_and(|value| value.ends_with(br#""number":2}"#))
    })
    .await;
}

#[tokio::test]
async fn redis_stopped_in_mid_run_and_started_again_costs_only_computations() {
    let mut redis = Redis::start().await;
    let (cache, oracle) = (redis.cache(&REDIS_ONLY), Oracle::open());
    ask(&cache, &key("v1"), &oracle).await;
    redis.stored(&key("v1")).await;
    assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Hit);

    redis.stop();
    assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Miss);
    assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Miss);

    redis.restart().await;
    until("Redis is used again", async || ask(&cache, &key("v1"), &oracle).await.status == Hit)
        .await;
}

#[tokio::test]
async fn redis_may_be_away_from_the_start_and_come_later() {
    let mut redis = Redis::start().await;
    redis.stop();
    let (cache, oracle) = (redis.cache(&REDIS_ONLY), Oracle::open());
    assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Miss);
    redis.restart().await;
    until("Redis is used", async || ask(&cache, &key("v1"), &oracle).await.status == Hit).await;
}

#[tokio::test]
async fn redis_that_stops_answering_costs_one_short_wait_and_is_used_again_when_it_does() {
    let redis = Redis::start().await;
    let (cache, oracle) = (redis.cache(&REDIS_ONLY), Oracle::open());
    ask(&cache, &key("v1"), &oracle).await;
    redis.stored(&key("v1")).await;

    redis.signal("-STOP");
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Miss);
    }
    let took = started.elapsed();
    redis.signal("-CONT");
    assert!(took >= CONFIG.redis_timeout, "{took:?}");
    assert!(took < 10 * CONFIG.redis_timeout, "twenty answers waited {took:?} in all");
    until("Redis is used again", async || ask(&cache, &key("v1"), &oracle).await.status == Hit)
        .await;
}

#[tokio::test]
async fn garbage_under_our_keys_is_ignored_and_replaced() {
    let redis = Redis::start().await;
    let oracle = Oracle::open();
    ask(&redis.cache(&CONFIG), &key("v1"), &oracle).await;
    let good = redis.stored(&key("v1")).await;
    let mut harmed = good.clone();
    harmed[40] ^= 1;
    let garbage: [&[u8]; 6] = [
        b"",
        b"garbage",
        b"{\"cache\":{\"status\":\"hit\"}}",
        &good[..good.len() - 1],
        &harmed,
        &[0; 64],
    ];
    for bytes in garbage {
        redis.set(&key("v1"), bytes).await;
        assert_eq!(ask(&redis.cache(&CONFIG), &key("v1"), &oracle).await.status, Miss, "{bytes:?}");
        until("it is replaced", async || redis.get(&key("v1")).await.is_some_and(|v| v != bytes))
            .await;
        assert_eq!(ask(&redis.cache(&CONFIG), &key("v1"), &oracle).await.status, Hit);
    }
}

#[tokio::test]
async fn a_value_of_another_key_or_of_another_type_is_ignored() {
    let redis = Redis::start().await;
    let oracle = Oracle::open();
    ask(&redis.cache(&CONFIG), &key("v1"), &oracle).await;
    let good = redis.stored(&key("v1")).await;
    redis.set(&key("v2"), &good).await;
    assert_eq!(ask(&redis.cache(&CONFIG), &key("v2"), &oracle).await.status, Miss);

    let mut connection = redis.connection().await.unwrap();
    let push =
        redis::cmd("LPUSH").arg(key("v3").as_str()).arg("x").exec_async(&mut connection).await;
    push.unwrap();
    assert_eq!(ask(&redis.cache(&CONFIG), &key("v3"), &oracle).await.status, Miss);
    let after = ask(&redis.cache(&CONFIG), &key("v1"), &oracle).await.status;
    assert_eq!(after, Hit, "a key of another type does not make Redis unavailable");
}

#[tokio::test]
async fn redis_that_refuses_us_is_used_as_soon_as_it_does_not() {
    let redis = Redis::start().await;
    let mut admin = redis.connection().await.unwrap();
    let mut config_set = async |password: &str| {
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg("requirepass").arg(password);
        command.exec_async(&mut admin).await.unwrap();
    };
    config_set("hush").await;
    let (cache, oracle) = (redis.cache(&REDIS_ONLY), Oracle::open());
    for _ in 0..3 {
        assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Miss);
    }
    config_set("").await;
    until("Redis is used", async || ask(&cache, &key("v1"), &oracle).await.status == Hit).await;
}

#[tokio::test]
async fn something_that_is_no_redis_costs_only_computations() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let url = SecretString::from(format!("redis://127.0.0.1:{port}"));
    let cache: Cache<Failure> = Cache::new(&REDIS_ONLY, Some(&url)).unwrap();
    let oracle = Oracle::open();
    for _ in 0..3 {
        assert_eq!(ask(&cache, &key("v1"), &oracle).await.status, Miss);
    }
}

#[tokio::test]
async fn a_malformed_url_is_refused_without_being_repeated() {
    let url = SecretString::from("http://u:hush@h");
    let error = Cache::<Failure>::new(&CONFIG, Some(&url)).err().unwrap().to_string();
    assert!(error.contains("DBOPT_REDIS_URL") && !error.contains("hush"), "{error}");
}
