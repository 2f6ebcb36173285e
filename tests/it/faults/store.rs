//! The service's own database.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio_postgres::error::SqlState;

use super::{recovers, row};
use crate::support::proxy::Proxy;
use crate::support::{Own, Reply, Service, TestDb, any_server, is_root, own_server, skipped};

/// How long what needs the store may take to say that it is away: two seconds, and what a busy machine adds.
const REFUSED_MAX: Duration = Duration::from_secs(5);

/// A service whose store is behind a proxy, with a target that was analysed.
async fn analysed() -> (Service, Proxy, TestDb) {
    let proxy = Proxy::start(any_server().port, Duration::ZERO).await;
    let service = Service::with_store_behind(proxy.port).await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    let first = service.get("/v1/targets/demo/toast").await;
    assert_eq!(first.status.as_u16(), 200, "{first:?}");
    (service, proxy, db)
}

fn says_store_unavailable(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (503, "store-unavailable"));
    assert_eq!(reply.header("retry-after"), "1");
}

/// What is known goes on, what needs the store is refused soon, and nothing says that it is our fault.
async fn goes_on_without_its_store(service: &Service) {
    let begun = Instant::now();
    says_store_unavailable(&service.get("/v1/targets").await);
    assert!(begun.elapsed() < REFUSED_MAX, "{:?}", begun.elapsed());
    let begun = Instant::now();
    for _ in 0..20 {
        let known = service.get("/v1/targets/demo/toast").await;
        assert_eq!((known.status.as_u16(), known.header("x-cache")), (200, "hit"), "{known:?}");
        assert_eq!(service.get("/v1/targets/demo").await.status.as_u16(), 200);
        says_store_unavailable(&service.get("/v1/targets/other").await);
        says_store_unavailable(&service.get("/v1/targets/demo/wal").await);
    }
    assert!(begun.elapsed() < REFUSED_MAX, "each at once: {:?}", begun.elapsed());
    assert_eq!(service.get("/readyz").await.status.as_u16(), 503);
    assert_eq!(service.get("/healthz").await.status.as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_costs_nothing_that_is_known_and_is_welcome_again() {
    let (service, proxy, _db) = analysed().await;
    proxy.stall();
    let begun = Instant::now();
    goes_on_without_its_store(&service).await;
    let took = begun.elapsed();
    proxy.resume();
    let begun = Instant::now();
    recovers(&service, "/v1/targets").await;
    recovers(&service, "/v1/targets/demo/wal").await;
    recovers(&service, "/readyz").await;
    row(("store", "frozen"), "known: 200 hit; else 503 store-unavailable", took, begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_gone_costs_nothing_that_is_known() {
    let (service, _proxy, _db) = analysed().await;
    service.lose_store().await;
    goes_on_without_its_store(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_store_that_died_silently_are_replaced_within_seconds() {
    let (service, proxy, _db) = analysed().await;
    proxy.silence();
    let begun = Instant::now();
    let took = recovers(&service, "/v1/targets").await;
    assert!(took < REFUSED_MAX, "{took:?}");
    recovers(&service, "/readyz").await;
    row(("store", "silently dead"), "503, then 200", took, begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_was_deleted_is_not_back_when_the_store_is_away() {
    let (service, proxy, _db) = analysed().await;
    let deleted = Request::delete("/v1/targets/demo").body(Body::empty()).unwrap();
    assert_eq!(service.send(deleted).await.status.as_u16(), 204);
    proxy.stall();
    says_store_unavailable(&service.get("/v1/targets/demo/toast").await);
}

/// No space is left for new pages, as the server reports it.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_full_is_not_ready_until_it_takes_writes_again() {
    let service = Service::start().await;
    let store = service.store();
    store
        .run(
            "create function public.full() returns trigger language plpgsql as
                $$ begin raise exception 'no space left on device' using errcode = '53100'; end $$;
            create function public.full_ddl() returns event_trigger language plpgsql as
                $$ begin raise exception 'no space left on device' using errcode = '53100'; end $$;
            create trigger is_full before insert on dbopt.targets for each row execute function public.full();
            create event trigger is_full on ddl_command_start when tag in ('CREATE TABLE AS')
                execute function public.full_ddl()",
        )
        .await;
    assert_eq!(service.get("/readyz").await.status.as_u16(), 200, "nobody has written yet");
    let target = serde_json::json!({"name": "a", "dsn": "postgresql://u@127.0.0.1:1/d"});
    says_store_unavailable(&service.with("POST", "/v1/targets", target.clone()).await);
    assert_eq!(service.get("/readyz").await.status.as_u16(), 503);
    assert_eq!(service.get("/v1/targets").await.status.as_u16(), 200, "it is read");

    store.run("drop event trigger is_full; drop trigger is_full on dbopt.targets").await;
    assert_eq!(service.get("/readyz").await.status.as_u16(), 200);
    assert_eq!(service.with("POST", "/v1/targets", target).await.status.as_u16(), 201);
}

/// A service with a target that was analysed, whose store is on a server of its own.
async fn on_its_own(purpose: &str, disk_bytes: Option<u64>) -> Option<(Service, TestDb)> {
    let own = Own { purpose, disk_bytes, ..Own::default() };
    let store = TestDb::create(own_server("deb18", &own)?).await;
    let service = Service::on(store, Vec::new()).await;
    let db = TestDb::create(any_server()).await;
    service.register("demo", db.dsn().expose_secret()).await;
    assert_eq!(service.get("/v1/targets/demo/toast").await.status.as_u16(), 200);
    Some((service, db))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_killed_costs_nothing_that_is_known_and_is_used_once_it_is_back() {
    let Some((service, _db)) = on_its_own("killed-store", None).await else { return };
    let server = service.store().server;
    server.kill();
    let begun = Instant::now();
    goes_on_without_its_store(&service).await;
    let took = begun.elapsed();
    server.start_again();
    let recovery = recovers(&service, "/v1/targets").await + recovers(&service, "/readyz").await;
    row(("store", "killed"), "known: 200 hit; else 503 store-unavailable", took, recovery);
    let target = json!({"name": "a", "dsn": "postgresql://u@127.0.0.1:1/d"});
    assert_eq!(service.with("POST", "/v1/targets", target).await.status.as_u16(), 201);
    assert_eq!(service.get("/v1/targets/demo").await.status.as_u16(), 200, "nothing was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_restarted_between_two_requests_costs_at_most_a_retry() {
    let Some((service, _db)) = on_its_own("restarted-store", None).await else { return };
    service.store().server.kill();
    service.store().server.start_again();
    let begun = Instant::now();
    let first = service.get("/v1/targets").await;
    let took = begun.elapsed();
    if first.status.as_u16() != 200 {
        says_store_unavailable(&first);
    }
    let recovery = recovers(&service, "/v1/targets").await;
    row(("store", "restarted"), first.status.as_str(), took, recovery);
    assert!(took < REFUSED_MAX && recovery < REFUSED_MAX, "{took:?} {recovery:?}");
}

#[rstest]
#[case::cut("cut")]
#[case::slow("slow")]
#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_connections_are_cut_or_slow_costs_at_most_a_retry(#[case] fault: &str) {
    let (service, proxy, _db) = analysed().await;
    match fault {
        "cut" => proxy.cut(),
        _ => proxy.slow(Duration::from_millis(50)),
    }
    let begun = Instant::now();
    let known = service.get("/v1/targets/demo/toast").await;
    assert_eq!((known.status.as_u16(), known.header("x-cache")), (200, "hit"), "{known:?}");
    let first = service.get("/v1/targets").await;
    if first.status.as_u16() != 200 {
        assert_eq!(fault, "cut", "{first:?}");
        says_store_unavailable(&first);
    }
    let took = begun.elapsed();
    let recovery = recovers(&service, "/v1/targets").await + recovers(&service, "/readyz").await;
    row(("store", fault), first.status.as_str(), took, recovery);
    assert!(took < REFUSED_MAX && recovery < REFUSED_MAX, "{took:?} {recovery:?}");
}

/// A disk that is full in earnest, beside the one where the write-ahead log is.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_disk_is_full_is_read_and_not_ready_until_there_is_space() {
    if !is_root() {
        return skipped("only root can mount a small disk");
    }
    let Some((service, _db)) = on_its_own("full-store", Some(16 << 20)).await else { return };
    let store = service.store();
    let disk = store.text("select current_setting('unix_socket_directories') || '/disk'").await;
    store.run(&format!("create tablespace small location '{disk}'")).await;
    store.run("create table public.filler (x text) tablespace small").await;
    store.run("alter table dbopt.targets set tablespace small").await;
    let all = format!("alter database {} set default_tablespace = small", store.name);
    store.run(&all).await;
    let temporary = format!("alter database {} set temp_tablespaces = small", store.name);
    store.run(&temporary).await;
    // New sessions have these.
    store
        .run(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await;
    recovers(&service, "/readyz").await;
    let row_of_2_mb = "insert into public.filler select string_agg(md5(i::text), '') from generate_series(1, 60000) as i";
    while store.client.simple_query(row_of_2_mb).await.is_ok() {}
    let page = "insert into public.filler select repeat('x', 1500)";
    while store.client.simple_query(page).await.is_ok() {}
    // What is free in the table's own pages is taken.
    let error = store.client.simple_query(page).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::DISK_FULL), "{error:?}");

    let begun = Instant::now();
    let mut refused = 0;
    for number in 0..500 {
        let labels = json!({"why": "x".repeat(1000)});
        let dsn = "postgresql://u@127.0.0.1:1/d";
        let target = json!({"name": format!("a{number}"), "dsn": dsn, "labels": labels});
        let reply = service.with("POST", "/v1/targets", target).await;
        if reply.status.as_u16() != 201 {
            says_store_unavailable(&reply);
            refused += 1;
            break;
        }
    }
    assert_eq!(refused, 1, "it was never full");
    assert_eq!(service.get("/readyz").await.status.as_u16(), 503);
    let took = begun.elapsed();
    let known = service.get("/v1/targets/demo/toast").await;
    assert_eq!((known.status.as_u16(), known.header("x-cache")), (200, "hit"), "{known:?}");
    assert_eq!(service.get("/v1/targets").await.status.as_u16(), 200, "it is read");

    // A truncated table needs a new file, and there is no room for one.
    store.run("drop table public.filler").await;
    let recovery = recovers(&service, "/readyz").await;
    row(("store", "full"), "reads 200; writes 503 store-unavailable", took, recovery);
    let target = json!({"name": "b", "dsn": "postgresql://u@127.0.0.1:1/d"});
    assert_eq!(service.with("POST", "/v1/targets", target).await.status.as_u16(), 201);
}
