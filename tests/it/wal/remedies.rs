//! Changes that only a server of their own, or every type of key, can show to work.

use std::time::{Duration, Instant};

use database_optimizer::model::{ReportedFinding, Severity, Superpower};
use rstest::rstest;

use crate::support::advice::{advice, clears_and_is_undone, finding};
use crate::support::{Own, TestDb, analyse, own_server, request_of, server};

#[rstest]
#[case::days_of_timestamptz("timestamptz", ["'2026-01-01'", "'2026-01-02'", "'2026-01-03'"], "timestamptz '2026-02-10 23:59+00' + i * interval '7 hours'")]
#[case::months_of_timestamps("timestamp", ["'2026-01-01'", "'2026-02-01'", "'2026-03-01'"], "timestamp '1999-12-31' - i * interval '17 days'")]
#[case::weeks_of_dates("date", ["'2026-01-05'", "'2026-01-12'", "'2026-01-19'"], "date '2026-03-01' + i")]
#[case::years("date", ["'2026-01-01'", "'2027-01-01'", "'2028-01-01'"], "date '2020-02-29' + i * 100")]
#[case::numbers("int", ["1", "1001", "2001"], "-100000 + i * 700")]
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_default_partition_are_moved_to_their_ranges_and_brought_back(
    #[case] kind: &str,
    #[case] bounds: [&str; 3],
    #[case] keys: &str,
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    let [from, middle, to] = bounds;
    db.run(&format!(
        "create schema \"Odd ml\";
        create table \"Odd ml\".\"it's %s\" (
            \"Odd id\" bigint generated always as identity, \"at\"\"\" {kind}, payload text check (payload <> ''),
            twice text generated always as (payload || payload) stored
        ) partition by range (\"at\"\"\");
        create index on \"Odd ml\".\"it's %s\" (\"at\"\"\");
        create table \"Odd ml\".first partition of \"Odd ml\".\"it's %s\" for values from ({from}) to ({middle});
        create table \"Odd ml\".second partition of \"Odd ml\".\"it's %s\" for values from ({middle}) to ({to});
        create table \"Odd ml\".\"re\"\"st\" partition of \"Odd ml\".\"it's %s\" default;
        insert into \"Odd ml\".\"it's %s\" (\"at\"\"\", payload) select {keys}, md5(i::text) from generate_series(1, 40) as i"
    ))
    .await;
    db.run("analyze \"Odd ml\".\"it's %s\"").await;
    db.settle().await;
    let request = request_of(Superpower::Wal, &[]);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "wal/rows-in-default-partition");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let [drain] = advice(&analysis, found)[..] else { panic!("{member}: {analysis:#?}") };
    clears_and_is_undone(&mut db, &request, found, drain).await;
    // Once more: undo left nothing that stands in the way.
    clears_and_is_undone(&mut db, &request, found, drain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_others_refer_to_are_not_moved_for_moving_would_delete_what_refers() {
    let Some(server) = server("deb18") else { return };
    let mut db = TestDb::create(server).await;
    db.run(
        "create table public.events (id int primary key) partition by range (id);
        create table public.first partition of public.events for values from (1) to (1001);
        create table public.rest partition of public.events default;
        insert into public.events values (5000);
        create table public.notes (event int references public.events on delete cascade);
        insert into public.notes values (5000)",
    )
    .await;
    db.run("analyze").await;
    db.settle().await;
    let analysis = analyse(&db, &request_of(Superpower::Wal, &[])).await;
    let found = finding(&analysis, "wal/rows-in-default-partition").unwrap();
    let [drain] = advice(&analysis, found)[..] else { panic!("{analysis:#?}") };
    let refused = db.client.simple_query(&drain.statements[0].sql).await;
    assert!(format!("{refused:?}").contains("foreign keys refer"), "{refused:?}");
    assert_eq!(db.text("select count(*)::text from public.notes").await, "1");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_whose_wal_is_gone_is_dropped_and_one_that_can_go_on_is_not(
    #[values("deb15", "deb19")] member: &str,
) {
    let settings = [
        "max_slot_wal_keep_size=16MB",
        "min_wal_size=32MB",
        "max_wal_size=48MB",
        "wal_level=logical",
    ];
    let own = Own { purpose: "lost-slot", settings: &settings, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let db = TestDb::create(server).await;
    db.run("select pg_create_physical_replication_slot('standby', true)").await;
    db.run("select pg_create_logical_replication_slot('subscription', 'pgoutput')").await;
    db.run("create table public.events (id bigint, payload text)").await;
    let states = "select string_agg(distinct wal_status, ',') from pg_replication_slots";
    let deadline = Instant::now() + Duration::from_mins(1);
    while db.text(states).await != "lost" {
        assert!(Instant::now() < deadline, "{}", db.text(states).await);
        db.run("insert into public.events select i, repeat(md5(i::text), 4) from generate_series(1, 50000) as i")
            .await;
        db.run("select pg_switch_wal()").await;
        db.run("checkpoint").await;
    }
    db.run("select pg_create_physical_replication_slot('resting', true)").await;
    let request = request_of(Superpower::Wal, &[("inactive_slot_wal_bytes_max", 1.0)]);
    db.run("select pg_switch_wal()").await;
    let analysis = analyse(&db, &request).await;
    let of = |slot: &str| {
        let is_it = |found: &&ReportedFinding| found.message.starts_with(&format!("Slot `{slot}`"));
        analysis.findings.iter().find(is_it).unwrap_or_else(|| panic!("{member}: {analysis:#?}"))
    };
    assert!(advice(&analysis, of("resting")).is_empty(), "its consumer may come back");
    for slot in ["standby", "subscription"] {
        assert_eq!(of(slot).severity, Severity::Medium);
        let [drop] = advice(&analysis, of(slot))[..] else { panic!("{member}: {analysis:#?}") };
        let kind = format!("select plugin from pg_replication_slots where slot_name = '{slot}'");
        let before = db.text(&kind).await;
        for statement in &drop.statements {
            db.run(&statement.sql).await;
        }
        let after = analyse(&db, &request).await;
        assert!(!after.findings.iter().any(|found| found.id == of(slot).id), "{after:#?}");
        for statement in &drop.undo {
            db.run(&statement.sql).await;
        }
        assert_eq!(db.text(&kind).await, before, "{member}");
    }
}
