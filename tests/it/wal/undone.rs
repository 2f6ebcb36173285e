//! What stands in the way of a remedy, and what an undo has to restore: others at work, and values as they were written.

use database_optimizer::model::{Severity, Superpower};
use rstest::rstest;

use crate::support::advice::{advice, execute_under, finding};
use crate::support::{Own, TestDb, analyse, own_server, request_of, server};

const FILE: &str = "select coalesce(string_agg(name || '=' || setting, ',' order by name), '')
from pg_file_settings where sourcefile like '%postgresql.auto.conf'";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_alter_system_wrote_is_restored_as_it_was_written(
    #[values("deb15", "deb19")] member: &str,
) {
    let own = Own { purpose: "written-settings", ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let mut db = TestDb::create(server).await;
    let request = request_of(Superpower::Wal, &[]);
    for (name, value) in [
        ("checkpoint_completion_target", "0.30"),
        ("checkpoint_completion_target", "3e-1"),
        ("autovacuum", "FALSE"),
        ("track_counts", "0"),
    ] {
        db.run("alter system reset all").await;
        db.run(&format!("alter system set {name} = '{value}'")).await;
        db.run("select pg_reload_conf()").await;
        let setting = format!("select source from pg_settings where name = '{name}'");
        while db.session().await.query_one(&setting, &[]).await.unwrap().get::<_, &str>(0)
            == "default"
        {}
        let before = db.text(FILE).await;
        let analysis = analyse(&db, &request).await;
        let of_it = |one: &&database_optimizer::model::Recommendation| {
            one.title.starts_with(&format!("Set {name} to "))
        };
        let change = analysis.recommendations.iter().find(of_it);
        let change = change.unwrap_or_else(|| panic!("{member} {name}: {analysis:#?}"));
        execute_under(&mut db, &change.statements, "''").await;
        assert_ne!(db.text(FILE).await, before, "{member} {name}");
        execute_under(&mut db, &change.undo, "''").await;
        assert_eq!(db.text(FILE).await, before, "{member}");
    }
}

#[rstest]
#[case::of_the_database("alter database {database} set track_counts = 'no'", "ALTER DATABASE")]
#[case::of_all_roles(
    "alter role all in database {database} set track_counts = 'no'",
    "ALTER DATABASE"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_our_own_session_changes_is_changed_where_it_is_set(
    #[case] set: &str,
    #[case] expected: &str,
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(&set.replace("{database}", &db.name)).await;
    let analysis = analyse(&db, &request_of(Superpower::Wal, &[])).await;
    let found = finding(&analysis, "wal/lazy-autovacuum");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let [change] = advice(&analysis, found)[..] else { panic!("{member}: {analysis:#?}") };
    assert!(change.statements[0].sql.starts_with(expected), "{:?}", change.statements);
    db.run(&change.statements[0].sql).await;
    let after = analyse(&db, &request_of(Superpower::Wal, &[])).await;
    assert!(finding(&after, "wal/lazy-autovacuum").is_none(), "{member}: {after:#?}");
    db.run(&change.undo[0].sql).await;
    let text = "select setconfig[1] from pg_db_role_setting as s join pg_database as d on d.oid = s.setdatabase
        where d.datname = current_database()";
    assert_eq!(db.text(text).await, "track_counts=no");
}

#[rstest]
#[case::repeatable_read("begin isolation level repeatable read; select 1", true)]
#[case::written("begin; create temp table t (i int)", true)]
#[case::read_committed("begin; select 1", false)]
#[tokio::test(flavor = "multi_thread")]
async fn no_vacuum_is_advised_that_would_remove_nothing(
    #[case] other: &str,
    #[case] holds: bool,
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run("create table public.e (id bigint, p text) with (autovacuum_enabled = false)").await;
    db.run("insert into public.e select i, md5(i::text) from generate_series(1, 250000) as i")
        .await;
    db.run("vacuum analyze public.e").await;
    let session = db.session().await;
    session.batch_execute(other).await.unwrap();
    db.run("delete from public.e where id % 3 = 0").await;
    db.settle().await;
    let thresholds = [("pinned_s_min", 0.0), ("vacuum_age_s_min", 0.0)];
    let request = request_of(Superpower::Wal, &thresholds);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "wal/dead-tuples");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    assert_eq!(found.severity, Severity::Medium);
    assert_eq!(advice(&analysis, found).is_empty(), holds, "{member}: {analysis:#?}");
    assert_eq!(found.message.contains("holds back vacuum"), holds, "{}", found.message);
    // That is so: a vacuum leaves them as they are, and removes them once the transaction has ended.
    let dead = "select pg_stat_get_dead_tuples('public.e'::regclass)::text";
    db.run("vacuum public.e").await;
    db.settle().await;
    assert_eq!(db.text(dead).await == "0", !holds, "{member}");
    session.batch_execute("rollback").await.unwrap();
    let after = analyse(&db, &request).await;
    let left = finding(&after, "wal/dead-tuples");
    assert_eq!(left.is_some_and(|left| !advice(&after, left).is_empty()), holds, "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_inserted_while_a_default_partition_is_emptied_are_moved_and_no_insert_fails(
    #[values("deb15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    for statement in "create table public.e (at timestamptz not null, payload text) partition by range (at);
create table public.first partition of public.e for values from ('2026-01-01 00:00+00') to ('2026-01-02 00:00+00');
create table public.rest partition of public.e default;
insert into public.e select timestamptz '2026-02-01 00:00+00' + i * interval '1 minute', md5(i::text) from generate_series(1, 20000) as i"
        .split(";\n")
    {
        db.run(statement).await;
    }
    db.run("analyze").await;
    let request = request_of(Superpower::Wal, &[]);
    let analysis = analyse(&db, &request).await;
    let found = finding(&analysis, "wal/rows-in-default-partition").unwrap();
    let [drain] = advice(&analysis, found)[..] else { panic!("{member}: {analysis:#?}") };
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let writer = db.session().await;
    let writes = tokio::spawn(async move {
        let insert = "insert into public.e select timestamptz '2026-02-01 00:00+00' + i * interval '1 hour', 'w'
            from generate_series(1, 300) as i";
        let mut written = 0_i64;
        while !*stopped.borrow_and_update() {
            writer.batch_execute(insert).await.unwrap();
            written += 300;
        }
        written
    });
    db.run(&drain.statements[0].sql).await;
    stop.send(true).unwrap();
    let written = writes.await.unwrap();
    assert!(written > 0);
    let count = |table: &str| format!("select count(*)::text from {table}");
    assert_eq!(db.text(&count("public.e")).await, (20_000 + written).to_string(), "{member}");
    assert_eq!(db.text(&count("only public.rest")).await, "0", "{member}");
}
