//! Targets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{ProveMode, Verdict};
use database_optimizer::pg::Target;
use rstest::rstest;
use secrecy::ExposeSecret as _;

use super::{recovers, row};
use crate::support::proxy::Proxy;
use crate::support::{
    COLUMNS_FROM_100_KB, Own, Reply, Service, TestDb, compressible_features, is_root, own_server,
    request, server, skipped, until,
};

const PATH: &str = "/v1/targets/demo/toast";
const ANEW: &str = "/v1/targets/demo/toast?refresh=true";

/// A service with a target that was analysed.
async fn analysed(dsn: &str) -> Service {
    let service = Service::start().await;
    service.register("demo", dsn).await;
    assert_eq!(service.get(PATH).await.status.as_u16(), 200);
    service
}

/// What is asked again, and how long the answer took; what is cached is answered all the while.
async fn asked_anew(service: &Service) -> (Reply, Duration) {
    let begun = Instant::now();
    let (anew, cached) = tokio::join!(service.get(ANEW), service.get(PATH));
    assert_eq!((cached.status.as_u16(), cached.header("x-cache")), (200, "hit"), "{cached:?}");
    assert_eq!(service.get("/readyz").await.status.as_u16(), 200, "that is the target's trouble");
    (anew, begun.elapsed())
}

/// An analysis that has begun: its first answers have come.
async fn under_way(service: &Arc<Service>, proxy: &Proxy) -> tokio::task::JoinHandle<Reply> {
    // Long enough for a busy machine to act before the last answer comes.
    proxy.slow(Duration::from_millis(500));
    let before = proxy.round_trips();
    let asking = Arc::clone(service);
    let asked = tokio::spawn(async move { asking.get(ANEW).await });
    until("two answers come", async || proxy.round_trips() >= before + 2).await;
    asked
}

async fn behind_a_proxy() -> Option<(Arc<Service>, Proxy, TestDb)> {
    // What is looked into takes further round trips.
    let db = compressible_features(server("deb18")?).await;
    let proxy = Proxy::start(db.server.port, Duration::ZERO).await;
    let dsn = format!("postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable", proxy.port, db.name);
    let service = Arc::new(analysed(&dsn).await);
    Some((service, proxy, db))
}

/// Sessions of ours, once those that ended are gone.
async fn few_connections_are_left(db: &TestDb) {
    let ours = "select count(*)::text from pg_stat_activity
        where application_name = 'dbopt' and datname = current_database()";
    let begun = Instant::now();
    while db.text(ours).await.parse::<u32>().unwrap() > 2 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} are left", db.text(ours).await);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_was_killed_is_unreachable_until_it_is_back() {
    let Some(server) = own_server("deb18", &Own { purpose: "killed-target", ..Own::default() })
    else {
        return;
    };
    let db = TestDb::create(server).await;
    let service = analysed(db.dsn().expose_secret()).await;
    server.kill();
    let (reply, took) = asked_anew(&service).await;
    assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (502, "target-unreachable"));
    assert!(took < Duration::from_secs(5), "{took:?}");
    server.start_again();
    let recovery = recovers(&service, ANEW).await;
    row(("target", "killed"), "502 target-unreachable; cached: 200", took, recovery);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_was_restarted_between_two_visits_costs_no_caller_an_error() {
    let Some(server) = own_server("deb18", &Own { purpose: "restarted-target", ..Own::default() })
    else {
        return;
    };
    let db = TestDb::create(server).await;
    let service = analysed(db.dsn().expose_secret()).await;
    server.kill();
    server.start_again();
    let (reply, took) = asked_anew(&service).await;
    assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
    row(("target", "restarted"), "200", took, Duration::ZERO);
}

#[rstest]
#[case::frozen("frozen", 504, "target-timeout")]
#[case::slow("slow", 200, "")]
#[case::cut("cut", 200, "")]
#[case::silently_dead("silently dead", 200, "")]
#[tokio::test(flavor = "multi_thread")]
async fn a_target_behind_a_bad_line_is_answered_or_given_up_in_time(
    #[case] fault: &str,
    #[case] status: u16,
    #[case] problem: &str,
) {
    let Some((service, proxy, db)) = behind_a_proxy().await else { return };
    match fault {
        "frozen" => proxy.stall(),
        "slow" => proxy.slow(Duration::from_millis(150)),
        "cut" => proxy.cut(),
        _ => proxy.silence(),
    }
    let (reply, took) = asked_anew(&service).await;
    assert_eq!(reply.status.as_u16(), status, "{reply:?}");
    assert!(problem.is_empty() || reply.problem() == problem, "{reply:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    proxy.resume();
    let recovery = recovers(&service, ANEW).await;
    row(("target", fault), &format!("{status} {problem}; cached: 200"), took, recovery);
    few_connections_are_left(&db).await;
}

#[rstest]
#[case::frozen("frozen", 504, "target-timeout")]
#[case::cut("cut", 502, "target-lost")]
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_goes_away_in_mid_visit_is_given_up_in_time(
    #[case] fault: &str,
    #[case] status: u16,
    #[case] problem: &str,
) {
    let Some((service, proxy, db)) = behind_a_proxy().await else { return };
    let asked = under_way(&service, &proxy).await;
    let begun = Instant::now();
    match fault {
        "frozen" => proxy.stall(),
        _ => proxy.cut(),
    }
    let reply = asked.await.unwrap();
    let took = begun.elapsed();
    assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (status, problem));
    assert!(took < Duration::from_secs(25), "{took:?}");
    proxy.slow(Duration::ZERO);
    proxy.resume();
    let recovery = recovers(&service, ANEW).await;
    row(
        ("target", &format!("{fault} in mid-visit")),
        &format!("{status} {problem}"),
        took,
        recovery,
    );
    few_connections_are_left(&db).await;
}

/// What an analysis says that was to try everything out.
async fn proved(db: &TestDb) -> (analysis::Run, Duration) {
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let request = Request { prove: ProveMode::Full, ..request(COLUMNS_FROM_100_KB) };
    let begun = Instant::now();
    (analysis::run(&target, &request).await.unwrap(), begun.elapsed())
}

/// Findings are as ever, and each recommendation says why it was not tried out.
async fn is_read_and_not_tried_out(db: &TestDb, fault: &str, why: &str) {
    let (run, took) = proved(db).await;
    let analysis = run.analysis;
    assert!(!analysis.findings.is_empty() && !analysis.recommendations.is_empty(), "{analysis:#?}");
    for recommendation in &analysis.recommendations {
        let proof = &recommendation.proof;
        assert_eq!(proof.verdict, Verdict::NotRun, "{proof:?}");
        let reason = proof.reason.as_deref().unwrap();
        assert!(reason.contains(why), "{reason}");
    }
    row(("target", fault), &format!("200, not tried out: {why}"), took, Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_read_only_is_read_and_not_tried_out() {
    let Some(server) = server("deb18") else { return };
    let db = compressible_features(server).await;
    db.run(&format!("alter database {} set default_transaction_read_only = on", db.name)).await;
    is_read_and_not_tried_out(&db, "read-only", "read-only").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_whose_disk_is_full_is_read_and_not_tried_out_until_there_is_space() {
    if !is_root() {
        return skipped("only root can mount a small disk");
    }
    let own = Own { purpose: "full-target", disk_bytes: Some(1 << 20), ..Own::default() };
    let Some(server) = own_server("deb18", &own) else { return };
    let db = compressible_features(server).await;
    let disk = db.text("select current_setting('unix_socket_directories') || '/disk'").await;
    db.run(&format!("create tablespace small location '{disk}'")).await;
    db.run(&format!("alter database {} set temp_tablespaces = small", db.name)).await;
    is_read_and_not_tried_out(&db, "full", "no space").await;
    db.run(&format!("alter database {} reset temp_tablespaces", db.name)).await;
    let tried = proved(&db).await.0.analysis;
    assert!(
        tried.recommendations.iter().any(|r| r.proof.sample.is_some())
            || !tried.declined.is_empty(),
        "{tried:#?}"
    );
}
