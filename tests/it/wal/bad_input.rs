//! Servers that show little, or another thing each time they are asked: no finding above `low`, and gaps that say why.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use database_optimizer::analysis::{Request, analyse as analyse_target};
use database_optimizer::model::{Analysis, GapReason, Severity, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;
use tokio_postgres::NoTls;

use crate::support::advice::finding;
use crate::support::{Own, TestDb, analyse, own_server, request_of, server, until};

fn nothing_loud(analysis: &Analysis) {
    let loud: Vec<_> = analysis.findings.iter().filter(|f| f.severity > Severity::Low).collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

/// A table with a document, an index, a partitioned one: something for every superpower.
const TABLES: &str = "create table public.orders (id bigint primary key, data jsonb);
create index on public.orders using gin (data);
insert into public.orders select i, jsonb_build_object('a', i) from generate_series(1, 2000) as i;
create table public.events (at date, payload text) partition by range (at);
create table public.events_all partition of public.events for values from (minvalue) to (maxvalue);
insert into public.events select now(), 'x' from generate_series(1, 100);
analyze";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_tracks_nothing_is_told_so_and_accused_of_nothing(
    #[values("deb15", "deb19")] member: &str,
) {
    let settings = ["track_counts=off", "track_activities=off", "track_io_timing=off"];
    let own = Own { purpose: "untracked", settings: &settings, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let db = TestDb::create(server).await;
    db.run(TABLES).await;
    let mut analysis = analyse(&db, &Request::new(None)).await;
    // Autovacuum rests on these counters: that they are off is a fault, and the only one.
    let off = finding(&analysis, "wal/lazy-autovacuum").unwrap();
    assert!(off.message.starts_with("`track_counts` is off"), "{member}: {off:?}");
    analysis.findings.retain(|found| found.check != "wal/lazy-autovacuum");
    nothing_loud(&analysis);
    for setting in ["track_counts", "track_activities"] {
        let named = |gap: &database_optimizer::model::Gap| gap.detail.contains(setting);
        assert!(analysis.gaps.iter().any(named), "{member}: {setting}: {:#?}", analysis.gaps);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn counters_that_are_reset_in_mid_visit_make_no_finding(
    #[values("deb15", "deb19")] member: &str,
) {
    let own = Own { purpose: "resets", ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let mut db = TestDb::create(server).await;
    db.run(TABLES).await;
    db.settle().await;
    let (resetter, connection) =
        tokio_postgres::connect(&server.dsn(&db.name), NoTls).await.unwrap();
    tokio::spawn(connection);
    let over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&over);
    let resets = tokio::spawn(async move {
        let mut resets = 0;
        while !ends.load(Ordering::Relaxed) {
            let all = "select pg_stat_reset(), pg_stat_reset_shared('bgwriter'), pg_stat_reset_shared('wal'),
                pg_stat_reset_shared('archiver')";
            resetter.simple_query(all).await.unwrap();
            resets += 1;
        }
        resets
    });
    for _ in 0..3 {
        nothing_loud(&analyse(&db, &Request::new(None)).await);
    }
    over.store(true, Ordering::Relaxed);
    assert!(resets.await.unwrap() > 3, "they came while it was visited");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_and_a_server_that_was_just_started_answer_for_all_seven(
    #[values("deb15", "deb19")] member: &str,
) {
    let own = Own { purpose: "all-primary", ..Own::default() };
    let Some(primary) = own_server(member, &own) else { return };
    let db = TestDb::create(primary).await;
    db.run(TABLES).await;
    nothing_loud(&analyse(&db, &Request::new(None)).await);
    let settings = ["hot_standby=on"];
    let own = Own {
        purpose: "all-standby",
        primary: Some(primary),
        settings: &settings,
        ..Own::default()
    };
    let standby = own_server(member, &own).unwrap();
    let target = Target::open("test", &standby.dsn(&db.name).into(), None).unwrap();
    let analysis = analyse_target(&target, &Request::new(None)).await.unwrap();
    assert!(analysis.server.in_recovery);
    nothing_loud(&analysis);
    // Nothing fails because it is read from a standby.
    let failed = |gap: &&database_optimizer::model::Gap| gap.detail.contains("SQLSTATE");
    assert!(!analysis.gaps.iter().any(|gap| failed(&gap)), "{member}: {:#?}", analysis.gaps);
    let uncounted = analysis.gaps.iter().find(|gap| gap.observation == "counters").unwrap();
    assert_eq!(uncounted.reason, GapReason::InRecovery, "{uncounted:?}");
    // What it refuses is to be run on the primary.
    let refused = |lift: &str| lift.contains("ANALYZE ") || lift.contains("CREATE EXTENSION ");
    let mut lifts: Vec<_> = analysis.gaps.iter().filter_map(|gap| gap.lift.as_deref()).collect();
    lifts.retain(|lift| refused(lift));
    assert!(!lifts.is_empty() && lifts.iter().all(|lift| lift.contains("on the primary: ")));
}

/// Its snapshot holds back vacuum, as a standby's feedback does, and no query on a standby is to be ended.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_wal_sender_that_copies_a_table_for_a_subscription_is_no_standby(
    #[values("deb15", "deb19")] member: &str,
) {
    let settings = ["wal_level=logical", "max_wal_senders=8", "max_replication_slots=8"];
    let own = Own { purpose: "copying", settings: &settings, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let (from, to) = (TestDb::create(server).await, TestDb::create(server).await);
    from.run("create table t as select 1 as id").await;
    from.run("create publication p for table t").await;
    from.run("select pg_create_logical_replication_slot('copying', 'pgoutput')").await;
    // Who copies keeps its snapshot until the row has arrived, which waits for this lock.
    let (holder, connection) = tokio_postgres::connect(&server.dsn(&to.name), NoTls).await.unwrap();
    tokio::spawn(connection);
    holder.batch_execute("select pg_advisory_lock(1)").await.unwrap();
    to.run("create table t (id int)").await;
    to.run(
        "create function waits() returns trigger language plpgsql as
            'begin perform pg_advisory_xact_lock(1); return new; end'",
    )
    .await;
    to.run("create trigger waits before insert on t for each row execute function waits()").await;
    to.run("alter table t enable always trigger waits").await;
    let dsn = server.dsn(&from.name);
    to.run(&format!(
        "create subscription s connection '{dsn}' publication p with (create_slot = off, slot_name = 'copying')"
    ))
    .await;
    let copying =
        "select from pg_stat_activity where backend_type = 'walsender' and query like 'COPY %'
        and backend_xmin is not null";
    until("a table is copied", async || !from.client.query(copying, &[]).await.unwrap().is_empty())
        .await;
    from.run("create table filled as select 1 as a").await;
    let request = request_of(Superpower::Wal, &[("horizon_age_s_max", 0.0)]);
    let analysis = analyse(&from, &request).await;
    let pinned: Vec<_> =
        analysis.findings.iter().filter(|one| one.check == "wal/pinned-horizon").collect();
    assert!(pinned.iter().any(|one| one.message.starts_with("The WAL sender ")), "{pinned:#?}");
    assert!(!pinned.iter().any(|one| one.message.contains("tandby")), "{member}: {pinned:#?}");
    holder.batch_execute("select pg_advisory_unlock(1)").await.unwrap();
    to.run("alter subscription s disable").await;
    to.run("alter subscription s set (slot_name = none)").await;
    to.run("drop subscription s").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_connect_is_answered_for_all_seven_and_loses_one_source(
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(TABLES).await;
    let role = format!("connects_all_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis = analyse_target(&target, &Request::new(None)).await.unwrap();
    nothing_loud(&analysis);
    let failed: Vec<&str> = analysis
        .gaps
        .iter()
        .filter(|gap| gap.detail.contains("SQLSTATE"))
        .map(|gap| gap.observation.as_str())
        .collect();
    assert!(failed.iter().all(|source| *source == "wal_directory"), "{member}: {failed:?}");
    assert!(analysis.gaps.iter().any(|gap| gap.reason == GapReason::MissingPrivilege));
    assert!(analysis.cost.round_trips <= 3, "{:?}", analysis.cost);
    drop(target);
    db.run(&format!("drop role {role}")).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_lifts_a_gap_lifts_it_for_a_role_that_does_not_inherit(
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let role = format!("inherits_nothing_{}", db.name);
    db.run(&format!("create role {role} login noinherit in role pg_monitor")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let mut request = request_of(Superpower::Wal, &[]);
    request.scope.checks = vec!["wal/pinned-horizon".to_owned()];
    let hidden = |analysis: Analysis| {
        let mut gaps = analysis.gaps.into_iter();
        gaps.find(|gap| gap.reason == GapReason::MissingPrivilege).and_then(|gap| gap.lift)
    };
    let lift = hidden(analyse_target(&target, &request).await.unwrap()).unwrap();
    db.run(&lift).await;
    assert_eq!(hidden(analyse_target(&target, &request).await.unwrap()), None, "{member}: {lift}");
    drop(target);
    db.run(&format!("drop role {role}")).await;
}

/// A source that shares a statement with others is lost alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_small_source_that_fails_loses_itself_alone() {
    let settings = ["archive_mode=on", "archive_command=/bin/true"];
    let own = Own { purpose: "revoked", settings: &settings, ..Own::default() };
    let Some(server) = own_server("deb17", &own) else { return };
    let db = TestDb::create(server).await;
    db.run("create role reader login in role pg_monitor").await;
    db.run("revoke select on pg_catalog.pg_stat_archiver from public, pg_monitor").await;
    let target = Target::open("test", &db.dsn_as("reader"), None).unwrap();
    let analysis = analyse_target(&target, &Request::new(None)).await.unwrap();
    let failed: Vec<&str> = analysis
        .gaps
        .iter()
        .filter(|gap| gap.detail.contains("SQLSTATE"))
        .map(|gap| gap.observation.as_str())
        .collect();
    assert_eq!(failed, ["archiver"], "{:#?}", analysis.gaps);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_partitions_are_judged_by_all_seven_within_the_budget() {
    let Some(server) = server("deb18") else { return };
    let mut db = TestDb::create(server).await;
    db.run("create table public.events (id int, payload text) partition by range (id)").await;
    db.run(
        "do $$ begin for i in 0..4999 loop
            execute format('create table public.events_%s partition of public.events for values from (%s) to (%s)',
                i, case i when 0 then 'minvalue' else (i * 10)::text end, i * 10 + 10);
            if i % 100 = 0 then commit; end if;
        end loop; end $$",
    )
    .await;
    db.run(
        "insert into public.events select i, md5(i::text) from generate_series(0, 49999, 5) as i",
    )
    .await;
    db.settle().await;
    let analysis = analyse(&db, &Request::new(None)).await;
    assert_eq!(analysis.cost.round_trips, 3, "{:?}", analysis.cost);
    let bytes = serde_json::to_vec(&analysis).unwrap().len();
    assert!(bytes <= 256 * 1024, "{bytes} bytes");
    let failed = |gap: &&database_optimizer::model::Gap| gap.detail.contains("SQLSTATE");
    assert!(!analysis.gaps.iter().any(|gap| failed(&gap)), "{:#?}", analysis.gaps);
    let filled = finding(&analysis, "wal/short-partition-horizon");
    assert!(filled.is_some(), "its last partition is filled: {analysis:#?}");
}
