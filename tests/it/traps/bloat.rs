//! TOAST tables that are mostly air, and autovacuum that does not come.

use database_optimizer::model::{Analysis, GapReason};
use rstest::rstest;

use super::{BLOATED, HOT, VAIN, WIDE, checks, filled, planted, seen, statements};
use crate::support::advice::{advice, all_hold, finding};
use crate::support::{COLUMNS_FROM_100_KB, Own, analyse, own_server, request, server};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_toast_table_that_is_mostly_air_is_written_anew_and_then_left_alone(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 8000) as i;
        delete from ml.t where id % 7 <> 0;
        vacuum analyze ml.t";
    let Some((_db, analysis)) = planted(member, sql, BLOATED).await else { return };
    let advised = advice(&analysis, finding(&analysis, BLOATED).unwrap())[0];
    assert!(statements(advised).starts_with("VACUUM (FULL)"), "{advised:#?}");
    assert!(
        advised.undo.is_empty() && advised.caveats.iter().any(|c| c.contains("cannot be undone"))
    );
}

#[rstest]
#[case::that_comes_soon("autovacuum_naptime=30min", false)]
#[case::that_comes_once_a_day("autovacuum_naptime=1d", true)]
#[tokio::test(flavor = "multi_thread")]
async fn dead_chunks_are_left_to_an_autovacuum_and_found_without_one(
    #[case] setting: &str,
    #[case] fires: bool,
) {
    let own =
        Own { purpose: setting.split_once('=').unwrap().1, settings: &[setting], ..Own::default() };
    let Some(server) = own_server("deb18", &own) else { return };
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        vacuum analyze ml.t;
        update ml.t set payload = payload || 'x'";
    let db = filled(server, sql).await;
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    assert_eq!(finding(&analysis, BLOATED).is_some(), fires, "{analysis:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.check == BLOATED);
    assert_eq!(declined.is_some_and(|d| d.reason.contains("comes by itself")), !fires);
}

#[rstest]
#[case::of_the_toast_table("toast.autovacuum_enabled = 'F'")]
#[case::of_its_table("autovacuum_enabled = 'OFF'")]
#[tokio::test(flavor = "multi_thread")]
async fn an_autovacuum_switched_off_in_other_words_is_off(
    #[case] option: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text) with ({option});
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        update ml.t set payload = payload || 'x';
        analyze ml.t"
    );
    planted(member, &sql, BLOATED).await;
}

#[rstest]
#[case::with_a_threshold_out_of_reach(
    "toast.autovacuum_vacuum_threshold = 100000000, toast.autovacuum_vacuum_scale_factor = 0.01",
    "toast.autovacuum_vacuum_threshold = 50"
)]
#[case::with_a_factor_out_of_reach(
    "toast.autovacuum_vacuum_scale_factor = 9",
    "toast.autovacuum_vacuum_scale_factor = 0.02"
)]
#[case::switched_off_beside_a_factor_that_is_keen(
    "toast.autovacuum_enabled = off, toast.autovacuum_vacuum_scale_factor = 0.001",
    "toast.autovacuum_enabled = true"
)]
#[case::switched_off_with_its_table(
    "autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.001",
    "toast.autovacuum_enabled = true, toast.autovacuum_vacuum_scale_factor = 0.02"
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_autovacuum_away_is_set_and_nothing_else(
    #[case] before: &str,
    #[case] set: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text) with ({before});
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        update ml.t set payload = payload || 'x';
        analyze ml.t"
    );
    let Some((_db, analysis)) = planted(member, &sql, BLOATED).await else { return };
    let advised = advice(&analysis, finding(&analysis, BLOATED).unwrap())[0];
    assert_eq!(advised.statements[0].sql, format!("ALTER TABLE ml.t SET ({set});"), "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn counters_that_were_reset_empty_no_toast_table_that_may_not_be_sampled(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.counted (id int, payload text);
        insert into ml.counted select i, $WIDE from generate_series(1, 1500) as i;
        vacuum analyze ml.counted;
        create table ml.uncounted (id int, payload text);
        insert into ml.uncounted select i, $WIDE from generate_series(1, 1500) as i;
        analyze ml.uncounted";
    let Some(server) = server(member) else { return };
    let mut db = filled(server, sql).await;
    let role = format!("monitor_{}", db.name);
    db.run(&format!("create role {role} login; grant pg_monitor to {role}")).await;
    db.run("select pg_stat_reset()").await;
    for table in ["counted", "uncounted"] {
        let sql =
            format!("insert into ml.{table} select i, {WIDE} from generate_series(1, 3) as i");
        db.run(&sql).await;
    }
    db.settle().await;
    let target = database_optimizer::pg::Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis = database_optimizer::analysis::analyse(&target, &request(COLUMNS_FROM_100_KB))
        .await
        .unwrap();
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
    assert!(checks(&analysis).is_empty(), "{member}: {analysis:#?}");
    let gaps = analysis.gaps.iter().filter(|gap| gap.reason == GapReason::MissingPrivilege);
    assert_eq!(gaps.count(), 2, "{member}: {analysis:#?}");
}

#[rstest]
#[case::a_text("text", WIDE)]
#[case::a_vector(
    "public.vector(768)",
    "(select array_agg(sin(g + i)) from generate_series(1, 768) as g)::public.vector(768)"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_hidden_may_be_the_one_that_is_read_or_crowds_the_page(
    #[case] kind: &str,
    #[case] value: &str,
    #[values("pg15", "deb18")] member: &str,
) {
    let reads = "select sum(hashtext(hidden)) from ml.t;\n".repeat(9);
    let sql = format!(
        "create extension vector schema public;
        create table ml.t (id int, shown {kind}, hidden text);
        insert into ml.t select i, {value}, repeat($WIDE, 2) from generate_series(1, 1500) as i;
        analyze ml.t;
        update ml.t set hidden = hidden || 'x';
        update ml.t set hidden = hidden || 'x';
        update ml.t set hidden = hidden || 'x';
        vacuum analyze ml.t;\n{reads}"
    );
    let Some(server) = server(member) else { return };
    let db = filled(server, &sql).await;
    let role = format!("partly_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}")).await;
    db.run(&format!("grant select (id, shown) on ml.t to {role}")).await;
    let target = database_optimizer::pg::Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis = database_optimizer::analysis::analyse(&target, &request(COLUMNS_FROM_100_KB))
        .await
        .unwrap();
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
    for check in [HOT, "toast/vector-out-of-line", "toast/rewritten-out-of-line-values"] {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
    }
    let hidden = analysis.declined.iter().any(|declined| declined.reason.contains("are hidden"));
    assert!(hidden, "{member}: {analysis:#?}");
}

#[rstest]
#[case::btree("(payload)")]
#[case::hash("using hash (payload)")]
#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_would_reach_an_index_and_stay_there_is_not_advised(
    #[case] index: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let reads = "select sum(hashtext(payload)) from ml.t;\n".repeat(9);
    let sql = format!(
        "create table ml.t (id int, payload text);
        create index on ml.t {index};
        insert into ml.t select i, i || left($WIDE, 2560) from generate_series(1, 1500) as i;
        create table ml.packed (id int, payload text);
        insert into ml.packed select i, i || left($PACKED, 4000) from generate_series(1, 1500) as i;
        create index on ml.packed {index};
        analyze;\n{reads}{}",
        reads.replace("ml.t", "ml.packed")
    );
    let Some((mut db, analysis)) = seen(member, &sql, COLUMNS_FROM_100_KB).await else { return };
    assert!(finding(&analysis, VAIN).is_none(), "{member}: {analysis:#?}");
    let declined = analysis.declined.iter().find(|declined| declined.check == VAIN);
    assert!(declined.is_some_and(|d| d.reason.contains("index")), "{member}: {analysis:#?}");
    assert!(finding(&analysis, HOT).is_some(), "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request(COLUMNS_FROM_100_KB)).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_toast_table_that_no_vacuum_ever_counted_is_looked_into(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        analyze ml.t";
    let Some(server) = server(member) else { return };
    let mut db = filled(server, sql).await;
    db.run("select pg_stat_reset()").await;
    db.settle().await;
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    assert!(finding(&analysis, VAIN).is_some(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn ids_are_the_same_on_every_run_and_from_every_replica(#[values("deb18")] member: &str) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some((mut db, first)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
    db.run("insert into ml.t select 1, 'one more row'").await;
    db.run("select sum(hashtext(payload)) from ml.t").await;
    db.settle().await;
    let second = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    let ids = |analysis: &Analysis| {
        let findings = analysis.findings.iter().map(|f| (f.id.clone(), f.recommendations.clone()));
        let mut ids: Vec<_> = findings.collect();
        ids.sort();
        ids
    };
    assert!(first.findings.len() >= 3, "{first:#?}");
    assert_eq!(ids(&first), ids(&second));
}
