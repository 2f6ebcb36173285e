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

/// Partitions and rows of `{table}`, whose default partition is `rest`.
const ENDS: &[(&str, &str, &str)] = &[
    (
        "timestamptz",
        "for values from ('2026-01-01 00:00+00') to ('2026-02-01 00:00+00')",
        "('infinity'), ('-infinity'), ('294276-12-31'), ('9999-12-31'), ('4714-11-24 BC'), ('0001-01-01')",
    ),
    (
        "date",
        "for values from ('2026-01-01') to ('2027-01-01')",
        "('infinity'), ('-infinity'), ('5874897-12-31'), ('4714-11-24 BC')",
    ),
    (
        "timestamp",
        "for values from ('2026-01-05') to ('2026-01-12')",
        "('infinity'), ('2026-05-05 12:00')",
    ),
    (
        "int8",
        "for values from (7) to (907)",
        "(9223372036854775807), (9223372036854774111), (-9223372036854775808)",
    ),
    ("int2", "for values from (0) to (30000)", "(32767), (-32768), (30000)"),
    (
        "date",
        "for values from ('2026-01-01') to ('2026-02-01');
create table public.below partition of public.ends for values from (minvalue) to ('2025-12-15');
create table public.above partition of public.ends for values from ('2026-03-15') to ('infinity')",
        "('2025-12-15'), ('2025-12-20'), ('2026-03-14'), ('2026-03-01'), ('infinity')",
    ),
    (
        "date",
        "for values from ('2026-01-01') to ('2026-02-01');
create view public.ends_p202603 as select 1;
create table public.ends_p202603_2 (i int)",
        "('2026-03-14')",
    ),
];

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_at_the_ends_of_a_type_and_beside_partitions_without_an_end_are_moved(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    for (kind, partitions, rows) in ENDS {
        let mut db = TestDb::create(server).await;
        let setup = format!(
            "create table public.ends (at {kind} not null, payload int) partition by range (at);
create table public.first partition of public.ends {partitions};
create table public.rest partition of public.ends default;
insert into public.ends (at) values {rows}"
        );
        for statement in setup.split(";\n") {
            db.run(statement).await;
        }
        db.run("analyze").await;
        db.settle().await;
        let request = request_of(Superpower::Wal, &[]);
        let analysis = analyse(&db, &request).await;
        let found = finding(&analysis, "wal/rows-in-default-partition");
        let found = found.unwrap_or_else(|| panic!("{member} {rows}: {analysis:#?}"));
        let [drain] = advice(&analysis, found)[..] else {
            panic!("{member} {rows}: {analysis:#?}")
        };
        clears_and_is_undone(&mut db, &request, found, drain).await;
        let after = analyse(&db, &request).await;
        let unread = after.gaps.iter().find(|gap| gap.observation == "partition_bounds");
        assert!(unread.is_none(), "{member} {rows}: {unread:?}");
    }
}

const EVENTS: &str = "create table public.events (id int) partition by range (id);
create table public.first partition of public.events for values from (1) to (1001);
create table public.rest partition of public.events default;
insert into public.events values (5000)";

#[rstest]
#[case::referred_to(
    "alter table public.events add primary key (id);
create table public.notes (event int references public.events on delete cascade);
insert into public.notes values (5000)",
    "foreign keys refer to the table"
)]
#[case::triggers(
    "create function public.f() returns trigger language plpgsql as 'begin return old; end';
create trigger t before delete on public.events for each row execute function public.f()",
    "has triggers"
)]
#[case::published_without_an_identity(
    "create publication sent for table public.events",
    "no replica identity"
)]
#[case::partitioned_itself(
    "drop table public.rest;
create table public.rest partition of public.events default partition by hash (id);
create table public.rest_0 partition of public.rest for values with (modulus 1, remainder 0);
insert into public.events values (5000)",
    "is partitioned itself"
)]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_delete_would_harm_or_not_reach_are_left_where_they_are(
    #[case] more: &str,
    #[case] why: &str,
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    for statement in EVENTS.split(";\n").chain(more.split(";\n")) {
        db.run(statement).await;
    }
    db.run("analyze").await;
    db.settle().await;
    let analysis = analyse(&db, &request_of(Superpower::Wal, &[])).await;
    let found = finding(&analysis, "wal/rows-in-default-partition");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert!(advice(&analysis, found).is_empty(), "{member}: {analysis:#?}");
    let declined = analysis.declined.iter().find(|one| one.check == found.check).unwrap();
    assert!(declined.detail.contains(why), "{member}: {declined:?}");
}

#[rstest]
#[case::an_identity("alter table public.rest replica identity full", 1)]
#[case::a_schema_that_is_not_published("create publication sent for table public.first", 1)]
#[case::no_key("update public.events set id = null where id = 5000", 0)]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_can_be_moved_are_and_those_without_a_key_have_no_other_partition(
    #[case] more: &str,
    #[case] findings: usize,
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    for statement in EVENTS.split(";\n").chain([more]) {
        db.run(statement).await;
    }
    db.run("analyze").await;
    db.settle().await;
    let request = request_of(Superpower::Wal, &[]);
    let analysis = analyse(&db, &request).await;
    let found: Vec<_> =
        analysis.findings.iter().filter(|f| f.check == "wal/rows-in-default-partition").collect();
    assert_eq!(found.len(), findings, "{member}: {analysis:#?}");
    if let [found] = found[..] {
        clears_and_is_undone(&mut db, &request, found, advice(&analysis, found)[0]).await;
    } else {
        let none = analysis.declined.iter().any(|one| one.reason == "its rows have no key");
        assert!(none, "{member}: {analysis:#?}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_divided_again_are_judged_as_their_table_is(
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    for statement in "create table public.events (kind text, at date) partition by list (kind);
create table public.a partition of public.events for values in ('a') partition by range (at);
create table public.a_1 partition of public.a for values from ('2025-01-01') to ('2025-02-01');
create table public.a_2 partition of public.a for values from ('2025-02-01') to ('2025-03-01');
create table public.a_rest partition of public.a default;
create table public.b partition of public.events for values in ('b') partition by range (at);
create table public.b_1 partition of public.b for values from ('2025-01-01') to (maxvalue);
create table public.tenants (tenant int, at date) partition by range (tenant, at);
create table public.t_1 partition of public.tenants for values from (1, '2025-01-01') to (1, '2999-01-01');
insert into public.events values ('a', '2025-01-05'), ('a', '2026-01-05'), ('b', '2025-01-05');
insert into public.tenants values (1, '2025-01-05')".split(";\n") {
        db.run(statement).await;
    }
    db.run("analyze").await;
    db.settle().await;
    let request = request_of(Superpower::Wal, &[("retention_days", 90.0)]);
    let analysis = analyse(&db, &request).await;
    let message = |check: &str| {
        let found: Vec<_> = analysis.findings.iter().filter(|one| one.check == check).collect();
        let [one] = found[..] else { panic!("{member}: {check}: {analysis:#?}") };
        one.message.clone()
    };
    let horizon = message("wal/short-partition-horizon");
    assert!(horizon.starts_with("`public.a`: partitions ended "), "{horizon}");
    let old = message("wal/unarchived-partition");
    assert!(old.starts_with("`public.events`: 2 of 3 partitions ended more than 90"), "{old}");
    let found = finding(&analysis, "wal/rows-in-default-partition").unwrap();
    assert!(found.message.starts_with("`public.a_rest`"), "{}", found.message);
    // Ranges of two columns that differ in the second alone say nothing by the first.
    let unread = analysis.gaps.iter().find(|gap| gap.observation == "partition_bounds").unwrap();
    assert!(unread.detail.contains("public.tenants"), "{unread:?}");
    clears_and_is_undone(&mut db, &request, found, advice(&analysis, found)[0]).await;
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
    db.run("select pg_create_logical_replication_slot('subscription', 'pgoutput', false, true)")
        .await;
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
    let thresholds = [("inactive_slot_wal_bytes_max", 1.0), ("horizon_xids_max", 0.0)];
    let request = request_of(Superpower::Wal, &thresholds);
    db.run("select pg_switch_wal()").await;
    let analysis = analyse(&db, &request).await;
    // Its transactions are still shown, and hold nothing back.
    let shown = "select count(*)::text from pg_replication_slots where catalog_xmin is not null";
    assert_eq!(db.text(shown).await, "1");
    assert!(finding(&analysis, "wal/pinned-horizon").is_none(), "{member}: {analysis:#?}");
    let of = |slot: &str| {
        let is_it = |found: &&ReportedFinding| found.message.starts_with(&format!("Slot `{slot}`"));
        analysis.findings.iter().find(is_it).unwrap_or_else(|| panic!("{member}: {analysis:#?}"))
    };
    assert!(advice(&analysis, of("resting")).is_empty(), "its consumer may come back");
    for slot in ["standby", "subscription"] {
        assert_eq!(of(slot).severity, Severity::Medium);
        let [drop] = advice(&analysis, of(slot))[..] else { panic!("{member}: {analysis:#?}") };
        let kind = format!(
            "select concat_ws(' ', plugin, two_phase) from pg_replication_slots where slot_name = '{slot}'"
        );
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
