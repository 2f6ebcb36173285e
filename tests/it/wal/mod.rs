//! WAL Orchestrator on real servers: every source on every major version, and what SQL on a page cannot plant.

mod bad_input;
mod partman;
mod remedies;
mod staging;
mod undone;

use database_optimizer::analysis::analyse as analyse_target;
use database_optimizer::model::{Analysis, GapReason, Object, Severity, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;
use tokio_postgres::NoTls;

use crate::support::advice::{advice, clears_and_is_undone, finding};
use crate::support::{Own, TestDb, analyse, own_server, request_of, server};

/// What no visit of a young server can say.
const EXPECTED_GAPS: [GapReason; 2] = [GapReason::NotEnoughHistory, GapReason::NotEnoughEvidence];

/// A table of everything that the sources distinguish.
const TABLES: &str = "create schema \"Odd schema\";
create table \"Odd schema\".\"by time\" (at timestamptz, id bigint) partition by range (at, id);
create table \"Odd schema\".\"p 1\" partition of \"Odd schema\".\"by time\"
    for values from ('2020-01-01', minvalue) to (maxvalue, maxvalue);
create table \"Odd schema\".by_list (kind text) partition by list (kind);
create table \"Odd schema\".listed partition of \"Odd schema\".by_list for values in ('a', 'it''s');
create table \"Odd schema\".rest partition of \"Odd schema\".by_list default;
create table \"Odd schema\".by_hash (id bigint) partition by hash (id);
create table \"Odd schema\".hashed partition of \"Odd schema\".by_hash for values with (modulus 1, remainder 0);
create table \"Odd schema\".by_expression (id bigint) partition by range ((id / 10));
create unlogged table \"Odd schema\".unlogged (id bigint);
insert into \"Odd schema\".\"by time\" values ('2026-01-01', 1);
insert into \"Odd schema\".by_list values ('b')";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn every_source_answers_and_a_young_server_has_no_finding_above_low(
    #[values("pg14", "pg15", "pg16", "pg17", "pg18", "deb15", "deb17", "deb18", "deb19")]
    member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run(TABLES).await;
    db.settle().await;
    let analysis = analyse(&db, &request_of(Superpower::Wal, &[])).await;
    let unexpected: Vec<_> =
        analysis.gaps.iter().filter(|gap| !EXPECTED_GAPS.contains(&gap.reason)).collect();
    assert!(unexpected.is_empty(), "{member}: {unexpected:#?}");
    let loud: Vec<_> = analysis.findings.iter().filter(|f| f.severity > Severity::Low).collect();
    assert!(loud.is_empty(), "{member}: {loud:#?}");
    // A list's default partition is meant.
    assert!(finding(&analysis, "wal/rows-in-default-partition").is_none(), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn with_the_windows_opened_every_check_is_judged(
    #[values("deb15", "deb17", "deb18", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let policy = [("window_s_min", 0.0), ("day_window_s_min", 0.0), ("retention_days", 90.0)];
    let analysis = analyse(&db, &request_of(Superpower::Wal, &policy)).await;
    let gaps: Vec<&str> = analysis.gaps.iter().map(|gap| gap.observation.as_str()).collect();
    assert_eq!(gaps, ["vacuum_hours"], "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_connect_gets_gaps_and_no_alarm(
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let role = format!("connects_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis = analyse_target(&target, &request_of(Superpower::Wal, &[])).await.unwrap();
    db.run(&format!("drop role {role}")).await;
    assert!(analysis.findings.iter().all(|f| f.severity <= Severity::Low), "{analysis:#?}");
    let missing = |gap: &&database_optimizer::model::Gap| {
        gap.reason == GapReason::MissingPrivilege && gap.observation == "transactions"
    };
    assert!(analysis.gaps.iter().any(|gap| missing(&gap)), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_holds_vacuum_back_is_named_until_it_ends(
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let request = request_of(Superpower::Wal, &[("horizon_age_s_max", 0.0)]);
    let dsn = format!("{}?application_name=mage", server.dsn(&db.name));
    let (holder, connection) = tokio_postgres::connect(&dsn, NoTls).await.unwrap();
    tokio::spawn(connection);
    holder.batch_execute("begin isolation level repeatable read; select 1").await.unwrap();
    let named = |analysis: &Analysis| {
        finding(analysis, "wal/pinned-horizon")
            .is_some_and(|found| found.message.contains("of mage"))
    };
    let analysis = analyse(&db, &request).await;
    assert!(named(&analysis), "{member}: {analysis:#?}");
    holder.batch_execute("commit").await.unwrap();
    assert!(!named(&analyse(&db, &request).await), "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_old_table_is_frozen_by_what_is_advised(#[values("deb15", "deb19")] member: &str) {
    let own = Own { purpose: "old-table", ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let mut db = TestDb::create(server).await;
    db.run("create table public.old (id bigint)").await;
    db.run(
        "do $$ begin for i in 1..60000 loop perform pg_current_xact_id(); commit; end loop; end $$",
    )
    .await;
    db.settle().await;
    let request = request_of(Superpower::Wal, &[("age_max", 50_000.0)]);
    let analysis = analyse(&db, &request).await;
    let is_table =
        |object: &Object| matches!(object, Object::Table { table, .. } if table == "old");
    let found = analysis.findings.iter().find(|found| is_table(&found.object));
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let [freeze] = advice(&analysis, found)[..] else { panic!("{member}: {found:#?}") };
    clears_and_is_undone(&mut db, &request, found, freeze).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn from_19_on_autovacuum_is_due_when_the_server_says_so(#[values(0.1, 0.3)] share: f64) {
    let Some(server) = server("deb19") else { return };
    let mut db = TestDb::create(server).await;
    let rows = 300_000;
    db.run("create table public.events (id bigint, payload text)").await;
    db.run(&format!(
        "insert into public.events select i, md5(i::text) from generate_series(1, {rows}) as i"
    ))
    .await;
    db.run_next("vacuum analyze public.events").await;
    db.run(&format!("delete from public.events where id <= {}", f64::from(rows) * share)).await;
    db.settle().await;
    let due = db
        .text("select do_vacuum::text from pg_stat_autovacuum_scores where relname = 'events'")
        .await;
    let request = request_of(Superpower::Wal, &[("vacuum_age_s_min", 0.0)]);
    let analysis = analyse(&db, &request).await;
    let declined = analysis.declined.iter().any(|one| one.reason == "autovacuum is due");
    assert_eq!(declined.to_string(), due, "{analysis:#?}");
    assert_eq!(finding(&analysis, "wal/dead-tuples").is_some(), !declined, "{analysis:#?}");
}

/// The server says how near each table is to its threshold: dead rows over the rows that it waits for.
#[rstest]
#[case::of_the_server("")]
#[case::of_the_table(
    "with (autovacuum_vacuum_scale_factor = 0.4, autovacuum_vacuum_threshold = 5000)"
)]
#[case::capped("with (autovacuum_vacuum_max_threshold = 7000)")]
#[tokio::test(flavor = "multi_thread")]
async fn from_19_on_the_threshold_of_each_table_is_the_server_s(#[case] options: &str) {
    let Some(server) = server("deb19") else { return };
    let mut db = TestDb::create(server).await;
    db.run(&format!("create table public.events (id bigint, payload text) {options}")).await;
    db.run("insert into public.events select i, md5(i::text) from generate_series(1, 60000) as i")
        .await;
    db.run_next("vacuum analyze public.events").await;
    db.run("delete from public.events where id <= 2000").await;
    db.settle().await;
    let waits_for = "select round(pg_stat_get_dead_tuples(relid) / vacuum_score)::text
        from pg_stat_autovacuum_scores where relname = 'events'";
    let waits_for: f64 = db.text(waits_for).await.parse().unwrap();
    let policy = [
        ("lazy_rows_min", 1.0),
        ("updates_per_day", 0.0),
        ("day_window_s_min", 0.0),
        ("scale_factor", 0.0),
    ];
    let analysis = analyse(&db, &request_of(Superpower::Wal, &policy)).await;
    let found = finding(&analysis, "wal/lazy-autovacuum");
    let found = found.unwrap_or_else(|| panic!("{options}: {analysis:#?}"));
    let ours = found.evidence.iter().find(|one| one.name == "waits_for_rows").unwrap();
    assert_eq!(ours.value.as_f64(), Some(waits_for), "{options}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn load_on_a_small_max_wal_size_is_found_and_left_to_the_command_line(
    #[values("deb15", "deb17", "deb19")] member: &str,
) {
    let settings = ["max_wal_size=32MB"];
    let own = Own { purpose: "small-wal", settings: &settings, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let mut db = TestDb::create(server).await;
    db.run("create table public.events (id bigint, payload text)").await;
    for _ in 0..6 {
        db.run("insert into public.events select i, repeat(md5(i::text), 10) from generate_series(1, 60000) as i")
            .await;
    }
    // The counters of the checkpointer arrive with its next checkpoint.
    db.run("checkpoint").await;
    db.settle().await;
    let policy = [("window_s_min", 0.0), ("forced_checkpoints_min", 2.0)];
    let analysis = analyse(&db, &request_of(Superpower::Wal, &policy)).await;
    for check in ["wal/forced-checkpoints", "wal/small-max-wal-size"] {
        let found = finding(&analysis, check).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
        assert_eq!(found.severity, Severity::Low, "a moment is no habit");
        assert!(found.recommendations.is_empty());
        let reason = "max_wal_size is set on the command line of the server";
        assert!(analysis.declined.iter().any(|one| one.check == check && one.reason == reason));
    }
}
