//! What is judged without a plan: from what the server counts of statements and indexes.

use database_optimizer::model::{Analysis, Superpower};
use rstest::rstest;

use crate::support::advice::{advice, clears_and_is_undone, finding};
use crate::support::{Own, TestDb, analyse, own_server, request_of, server};

const LOW_HIT: &[(&str, f64)] = &[
    ("window_s_min", 0.0),
    ("time_ms_min", 0.0),
    ("time_share_min", 0.01),
    ("workload_share_min", 0.01),
];

#[rstest]
#[case::timed("on", true)]
#[case::untimed("off", false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_for_blocks_is_found_only_where_reads_are_timed(
    #[case] timing: &str,
    #[case] is_found: bool,
    #[values("deb15", "deb18")] member: &str,
) {
    let timing = format!("track_io_timing={timing}");
    let settings = ["shared_buffers=1MB", timing.as_str()];
    let purpose = format!("reads-{is_found}");
    let own = Own { purpose: &purpose, settings: &settings, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let db = TestDb::create(server).await;
    db.run("create extension pg_stat_statements").await;
    db.run("create table public.wide as select i as id, repeat(md5(i::text), 30) as name from generate_series(1, 20000) as i")
        .await;
    for _ in 0..12 {
        db.run("select count(*) from public.wide where id > 0").await;
    }
    let analysis = analyse(&db, &request_of(Superpower::Plan, LOW_HIT)).await;
    let found = finding(&analysis, "plan/low-buffer-hit");
    assert_eq!(found.is_some(), is_found, "{member}: {analysis:#?}");
    let gap = analysis.gaps.iter().any(|gap| gap.observation == "statement_reads");
    assert_eq!(gap, !is_found, "{member}: {:#?}", analysis.gaps);
    if let Some(found) = found {
        assert!(found.message.contains("from public.wide"), "{found:#?}");
    }
    // The counters are not five minutes old.
    let analysis = analyse(&db, &request_of(Superpower::Plan, &LOW_HIT[1..])).await;
    assert!(finding(&analysis, "plan/low-buffer-hit").is_none(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn statements_without_the_partition_key_are_counted_and_those_with_it_are_not(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run("create extension pg_stat_statements").await;
    db.run("create table public.events (id int, kind int) partition by range (id)").await;
    for part in 0..5 {
        db.run(&format!(
            "create table public.events_{part} partition of public.events for values from ({part}0) to ({part}9)"
        ))
        .await;
    }
    db.settle().await;
    let request = request_of(Superpower::Plan, &[("unpruned_calls_min", 3.0)]);
    let found = |analysis: &Analysis| finding(analysis, "plan/unpruned-partitions").cloned();
    for _ in 0..5 {
        db.run("select count(*) from public.events where id = 7 and kind = 1").await;
        db.run(
            "select count(*) from public.events as a join public.events_1 as b on a.id = b.kind",
        )
        .await;
        db.run("insert into public.events values (1, 1)").await;
    }
    let analysis = analyse(&db, &request).await;
    assert!(found(&analysis).is_none(), "{member}: {analysis:#?}");
    for _ in 0..3 {
        db.run("select count(*) from public.events where kind = 1").await;
    }
    let analysis = analyse(&db, &request).await;
    let found = found(&analysis).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let expected = "3 calls read `public.events` without comparing its partition key `id` itself: they visit every partition";
    assert_eq!(found.message, expected);
    // A function of the key leads nowhere: the server reads every partition.
    for _ in 0..3 {
        db.run("select count(*) from public.events where abs(id) = 1").await;
    }
    let analysis = analyse(&db, &request).await;
    let both = finding(&analysis, "plan/unpruned-partitions").unwrap();
    assert!(both.message.starts_with("6 calls read"), "{member}: {both:#?}");
}

#[rstest]
#[case::equality("id = 7", false)]
#[case::a_range("id > 7", true)]
#[tokio::test(flavor = "multi_thread")]
async fn among_hashes_only_equality_leads_to_a_partition(
    #[case] condition: &str,
    #[case] is_found: bool,
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run("create extension pg_stat_statements").await;
    db.run("create table public.events (id int, kind int) partition by hash (id)").await;
    for part in 0..5 {
        db.run(&format!(
            "create table public.events_{part} partition of public.events for values with (modulus 5, remainder {part})"
        ))
        .await;
    }
    db.settle().await;
    for _ in 0..3 {
        db.run(&format!("select count(*) from public.events where {condition}")).await;
    }
    let request = request_of(Superpower::Plan, &[("unpruned_calls_min", 3.0)]);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "plan/unpruned-partitions").is_some();
    assert_eq!(found, is_found, "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_covering_index_over_pages_that_are_not_marked_is_found_until_a_vacuum(
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run("create table public.features (id bigint, name text) with (autovacuum_enabled = off)")
        .await;
    db.run(
        "insert into public.features select i, md5(i::text) from generate_series(1, 20000) as i",
    )
    .await;
    db.run("create index on public.features (id) include (name)").await;
    db.run("analyze public.features").await;
    let policy = [("heap_fetches_min", 100.0), ("table_bytes_min", 1e5)];
    let request = request_of(Superpower::Plan, &policy);
    db.settle().await;
    let unused = analyse(&db, &request).await;
    assert!(finding(&unused, "plan/heap-fetches").is_none(), "{member}: {unused:#?}");
    db.run("set enable_seqscan = off; set enable_bitmapscan = off").await;
    db.run("select count(name) from public.features where id < 1000").await;
    db.settle().await;
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "plan/heap-fetches");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let [vacuum] = advice(&analysis, found)[..] else { panic!("{member}: {analysis:#?}") };
    clears_and_is_undone(&mut db, &request, found, vacuum).await;
}
