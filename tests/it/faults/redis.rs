//! Redis. Whatever becomes of it, an answer is computed instead, soon, and it is used again when it is well.

use std::time::{Duration, Instant};

use rstest::rstest;
use secrecy::ExposeSecret as _;

use super::row;
use crate::support::proxy::Proxy;
use crate::support::redis::Redis;
use crate::support::until;
use crate::support::{Service, TestDb, any_server};

const PATH: &str = "/v1/targets/demo/toast";

/// Whether the answer comes from Redis.
async fn is_shared(service: &Service) -> bool {
    service.get(PATH).await.header("x-cache") == "hit"
}

#[rstest]
#[case::killed("killed")]
#[case::frozen("frozen")]
#[case::slow("slow")]
#[case::cut("cut")]
#[case::silently_dead("silently dead")]
#[case::read_only("read-only")]
#[case::full("full")]
#[case::restarted("restarted")]
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_fails_costs_computations_and_no_answer(#[case] fault: &str) {
    let mut redis = Redis::start().await;
    let proxy = Proxy::start(redis.port, Duration::ZERO).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    // Nothing is held in process.
    let service =
        Service::configured(&[("redis_url", url.as_str()), ("cache_capacity_bytes", "0")]).await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    until("Redis has the answer", async || is_shared(&service).await).await;

    match fault {
        "killed" => redis.stop(),
        "frozen" => redis.signal("-STOP"),
        "slow" => proxy.slow(Duration::from_millis(200)),
        "cut" => proxy.cut(),
        "silently dead" => proxy.silence(),
        "read-only" => redis.command("REPLICAOF 127.0.0.1 1").await,
        "full" => {
            redis.command("CONFIG SET maxmemory-policy noeviction").await;
            redis.command("CONFIG SET maxmemory 1").await;
        }
        _ => {
            redis.stop();
            redis.restart().await;
        }
    }
    let (mut slowest, mut computed) = (Duration::ZERO, 0);
    for _ in 0..20 {
        let begun = Instant::now();
        let reply = service.get(PATH).await;
        assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
        computed += u32::from(reply.header("x-cache") == "miss");
        slowest = slowest.max(begun.elapsed());
    }
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status.as_u16(), 200, "{ready:?}");
    match fault {
        // What it has, it gives, and a new answer is not kept.
        "read-only" | "full" => {
            assert_eq!(computed, 0);
            let fresh = service.get(&format!("{PATH}?refresh=true")).await;
            assert_eq!((fresh.status.as_u16(), fresh.header("x-cache")), (200, "bypass"));
        }
        "cut" | "silently dead" | "restarted" => assert!(computed >= 1),
        _ => assert_eq!(computed, 20),
    }
    // One wait for Redis, and one computation.
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");

    match fault {
        "killed" => redis.restart().await,
        "frozen" => redis.signal("-CONT"),
        "slow" => proxy.slow(Duration::ZERO),
        "read-only" => redis.command("REPLICAOF NO ONE").await,
        "full" => redis.command("CONFIG SET maxmemory 0").await,
        _ => {}
    }
    let begun = Instant::now();
    until("Redis has the answer again", async || is_shared(&service).await).await;
    row(("Redis", fault), &format!("200, computed {computed} of 20"), slowest, begun.elapsed());
}
