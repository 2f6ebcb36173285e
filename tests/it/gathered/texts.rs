//! What a text shows of a statement, and that no literal leaves with it.

use std::process::Command;
use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{Analysis, GapReason};
use database_optimizer::pg::Target;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{
    BOUND, HOT, SESSIONS, by, count, counted, evidence, features, gaps, hot, request, session,
    shown,
};
use crate::support::advice::finding;
use crate::support::{Own, Service, TestDb, analyse, any_server, own_server, server};

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_lost_its_end_tells_nothing_and_is_a_gap() {
    let Some(db) = counted("pg15").await else { return };
    let long = format!("{} and '{}' <> 'x'", by("segment"), "y".repeat(2000));
    count(&db, &long, 300).await;
    let _sessions = shown(&db, &long, SESSIONS).await;

    let analysis = analyse(&db, &request(&[])).await;

    assert_eq!(analysis.findings, []);
    let lifts: Vec<&str> = analysis.gaps.iter().filter_map(|gap| gap.lift.as_deref()).collect();
    assert!(lifts.iter().any(|lift| lift.contains("track_activity_query_size")), "{lifts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_in_another_database_is_none_of_this_one() {
    let (Some(server), Some(other)) = (server("pg16"), counted("pg16").await) else { return };
    let db = features(server).await;
    count(&other, &by("segment"), 300).await;
    let _sessions = shown(&other, &by("segment"), SESSIONS).await;
    // Without counts, what sessions show would count.
    for statement in ["select 1", "create extension pg_stat_statements"] {
        db.run(statement).await;
        let analysis = analyse(&db, &request(&[("workload_calls_min", 1.0)])).await;
        assert_eq!(analysis.findings, [], "{statement}");
        let gaps = gaps(&analysis, GapReason::NotEnoughEvidence);
        let unknown = gaps.iter().any(|gap| gap.starts_with("no statement that was run"));
        assert!(unknown, "{statement}: {gaps:?}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_an_application_sends_is_told_by_its_own_text(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let Some(db) = counted(member).await else { return };
    count(&db, &by("segment"), 150).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let client = session(&db).await;
        let sql = "select id from ml.features where data ->> $1 = $2 and id < 3";
        let statement = client.prepare(sql).await.unwrap();
        for _ in 0..20 {
            client.query(&statement, &[&"segment", &"hush-hush"]).await.unwrap();
        }
        sessions.push((client, statement));
    }

    let analysis = analyse(&db, &request(&[])).await;

    let found = finding(&analysis, BOUND).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    // Literals make the same text of the 150 others.
    assert_eq!(evidence(found, "bound_share"), "0.2857", "{member}");
    assert_eq!(evidence(found, "sources"), "activity, stat_statements", "{member}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_literal_of_any_text_leaves_the_analysis() {
    let Some(db) = counted("pg18").await else { return };
    let service = Service::start().await;
    service.register("demo", db.dsn().expose_secret()).await;
    count(&db, &by("segment"), 300).await;
    let _sessions = shown(&db, &by("segment"), SESSIONS).await;

    let path = "/v1/targets/demo/hybrid-schema?table_bytes_min=100000";
    let reply = service.get(path).await;

    assert!(reply.text.contains(HOT), "{reply:?}");
    assert!(!reply.text.contains("hush"), "{reply:?}");
    let kept = service.everything_kept().await;
    assert!(kept.contains("demo") && !kept.contains("hush"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_literal_of_any_text_is_logged_by_a_service_that_logs_everything() {
    let Some(db) = counted("pg17").await else { return };
    count(&db, &by("segment"), 300).await;
    let _sessions = shown(&db, &by("segment"), SESSIONS).await;
    let store = TestDb::create(any_server()).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut service = Command::new(env!("CARGO_BIN_EXE_dbopt"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "trace", "--target"])
        .arg(format!("demo={}", db.dsn().expose_secret()))
        .env_clear()
        .env("DBOPT_STORE_URL", store.dsn().expose_secret())
        .env("DBOPT_SECRET_KEY", "0".repeat(64))
        .stdout(log.reopen().unwrap())
        .stderr(log.reopen().unwrap())
        .spawn()
        .unwrap();
    let written = || std::fs::read_to_string(log.path()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let address = loop {
        let said = written();
        if let Some((_, rest)) = said.split_once("http://") {
            break rest.split("/docs").next().unwrap().to_owned();
        }
        assert!(Instant::now() < deadline, "{said}");
        tokio::task::yield_now().await;
    };

    let path = "/v1/targets/demo/hybrid-schema?table_bytes_min=100000";
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let asked = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    service.kill().unwrap();
    service.wait().unwrap();

    assert!(answer.contains(HOT) && !answer.contains("hush"), "{answer}");
    let log = written();
    assert!(log.contains("answered") && log.contains("status=200"), "{log}");
    assert!(!log.contains("hush"), "a literal is in the log");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn examples_of_qualstats_tell_keys(#[values("deb15", "deb17", "deb18")] member: &str) {
    let own = Own {
        purpose: "qualstats",
        settings: &[
            "shared_preload_libraries=pg_stat_statements,pg_qualstats",
            "pg_qualstats.sample_rate=1",
        ],
        ..Own::default()
    };
    let Some(server) = own_server(member, &own) else { return };
    let db = features(server).await;
    db.run("create extension pg_stat_statements; create extension pg_qualstats").await;
    count(&db, &by("segment"), 300).await;

    let analysis = analyse(&db, &request(&[("workload_samples_min", 1.0)])).await;

    let found = finding(&analysis, HOT).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert_eq!(evidence(found, "sources"), "qualstats", "{member}");
    let cautious = analyse(&db, &request(&[])).await;
    assert_eq!(cautious.findings, [], "{member}: one text is not twenty");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_log_is_read_by_a_role_that_may(#[values("pg15", "deb19")] member: &str) {
    let own = Own {
        purpose: "log",
        settings: &[
            "logging_collector=on",
            "log_min_messages=warning",
            "log_filename=log",
            "log_destination=stderr,csvlog",
        ],
        ..Own::default()
    };
    let Some(server) = own_server(member, &own) else { return };
    let db = features(server).await;
    let role = format!("reader_{}", db.name);
    db.run(&format!(
        "create role {role} login; grant pg_monitor to {role};
        grant usage on schema ml to {role}; grant select on ml.features to {role}"
    ))
    .await;
    db.run("set log_min_duration_statement = 0").await;
    // What lies farther back than four megabytes is not read.
    let long_ago = format!("{} /* {} */", by("tenant"), "x".repeat(100_000));
    count(&db, &long_ago, 60).await;
    count(&db, &by("segment"), 200).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();

    let blind = analysis::analyse(&target, &request(&[])).await.unwrap();
    assert_eq!(blind.findings, [], "{member}");
    let lifts: Vec<&str> = blind.gaps.iter().filter_map(|gap| gap.lift.as_deref()).collect();
    let lift = lifts.iter().find_map(|lift| lift.split_once("GRANT EXECUTE ON FUNCTION"));
    let (_, functions) = lift.unwrap_or_else(|| panic!("{member}: {lifts:?}"));
    assert!(
        functions.contains("pg_read_binary_file(pg_catalog.text, bigint, bigint)"),
        "{member}: {lifts:?}"
    );

    let functions = functions.replace("dbopt;", &role);
    db.run(&format!("grant execute on function {functions}")).await;
    // The collector writes when it gets there.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let analysis = analysis::analyse(&target, &request(&[])).await.unwrap();
        assert!(analysis.cost.bytes_read < 7_000_000, "{member}: {:?}", analysis.cost);
        if let Some(found) = finding(&analysis, HOT)
            && evidence(found, "calls") == "200"
        {
            assert_eq!(evidence(found, "sources"), "log", "{member}");
            break;
        }
        assert!(Instant::now() < deadline, "{member}: {analysis:#?}");
    }
}

#[rstest]
#[case("pg14", "log_destination=csvlog")]
#[case("pg17", "log_destination=jsonlog")]
#[case("deb19", "log_destination=jsonlog")]
#[tokio::test(flavor = "multi_thread")]
async fn a_log_tells_literal_keys_from_those_that_are_sent(
    #[case] member: &str,
    #[case] destination: &str,
) {
    let own = Own {
        purpose: "log-ids",
        settings: &["logging_collector=on", "log_min_messages=warning", destination],
        ..Own::default()
    };
    let Some(server) = own_server(member, &own) else { return };
    let db = features(server).await;
    db.run("create extension pg_stat_statements; set log_min_duration_statement = 0").await;
    count(&db, &by("segment"), 120).await;
    let sql = "select id from ml.features where data ->> $1 = $2 and id < 3";
    let statement = db.client.prepare(sql).await.unwrap();
    for _ in 0..80 {
        db.client.query(&statement, &[&"tenant", &"hush-hush"]).await.unwrap();
    }
    db.run("select 1").await;
    let request = request(&[("hot_key_share", 0.3)]);
    let both = ["segment", "tenant"].map(str::to_owned);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let analysis = analyse(&db, &request).await;
        let keys = hot(&analysis);
        if keys.iter().map(|(key, _)| key).eq(&both) {
            let shares: Vec<&str> = keys.iter().map(|(_, share)| share.as_str()).collect();
            assert_eq!(shares, ["0.6", "0.4"], "{member}");
            let found = finding(&analysis, BOUND).unwrap();
            assert_eq!(evidence(found, "bound_share"), "0.4", "{member}");
            assert_eq!(evidence(found, "sources"), "log", "{member}");
            break;
        }
        assert!(Instant::now() < deadline, "{member}: {analysis:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_told_is_judged_before_what_the_server_counted() {
    let Some(db) = counted("pg16").await else { return };
    db.run("create index on ml.features ((data ->> 'tenant'))").await;
    count(&db, &by("segment"), 300).await;
    let _sessions = shown(&db, &by("segment"), SESSIONS).await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let told = async |calls: u64| {
        let intake = analysis::WorkloadIntake::open(&target, None, None).await.unwrap();
        let list = format!("sql,calls\n\"{}\",{calls}\n", by("tenant"));
        intake.push(list.into()).await;
        let (ledger, _) = intake.close().await;
        let workload = Some(analysis::workload(&ledger));
        Request { workload, ..request(&[]) }
    };
    let keys = |analysis: &Analysis| -> Vec<String> {
        hot(analysis).into_iter().map(|(key, _)| key).collect()
    };

    let enough = analyse(&db, &told(500).await).await;
    assert_eq!(keys(&enough), ["tenant"]);
    assert_eq!(evidence(finding(&enough, HOT).unwrap(), "definitions"), "1");
    let little = keys(&analyse(&db, &told(5).await).await);
    assert_eq!(little, ["segment"], "which the server knows enough of");
}
