//! GIN indexes in states that say little: being built, locked by someone, on a standby.

use database_optimizer::analysis;
use database_optimizer::model::observation::PendingReader;
use database_optimizer::model::{GapReason, Observation, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;

use super::{SMALL, gin};
use crate::support::advice::finding;
use crate::support::{Own, TestDb, analyse, own_server, request_of, server};

/// A table with two GIN indexes, of which one has a limit in the wrong unit.
const TABLE: &str = "create table ml.t (id bigint, d jsonb);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 6000) as i;
create table ml.other (d jsonb);
create index other_d on ml.other using gin (d) with (gin_pending_list_limit = 4194304)";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_being_built_is_a_gap_and_neither_unused_nor_invalid(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, TABLE).await;
    let insert = "insert into ml.t values (0, '{}')";
    let writer = db.building(insert, "create index concurrently t_d on ml.t using gin (d)").await;

    let (seen, names) = gin(db.dsn()).await;
    let lists = seen.pending.get().unwrap();
    let list = lists.iter().find(|list| names[&list.oid] == "t_d").unwrap();
    let Observation::Unseen(gap) = &list.pending else { panic!("{list:?}") };
    assert_eq!(gap.reason, GapReason::Locked, "{gap:?}");
    let analysis = analyse(&db, &request_of(Superpower::Gin, SMALL)).await;
    let about = |message: &str| message.contains("t_d");
    assert!(!analysis.findings.iter().any(|found| about(&found.message)), "{analysis:#?}");
    assert!(finding(&analysis, "gin/pending-limit-unit").is_some(), "{analysis:#?}");
    writer.batch_execute("rollback").await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_somebody_has_locked_is_a_gap_and_the_others_are_judged(
    #[values("pg14", "deb18")] member: &str,
    #[values(false, true)] pgstattuple: bool,
) {
    let Some(server) = server(member) else { return };
    let db =
        TestDb::filled(server, &format!("{TABLE};\ncreate index t_d on ml.t using gin (d)")).await;
    if pgstattuple {
        db.run("create extension pgstattuple").await;
    }
    db.run("begin; reindex index ml.t_d").await;

    let (seen, names) = gin(db.dsn()).await;
    for list in seen.pending.get().unwrap() {
        match (names[&list.oid].as_str(), &list.pending) {
            ("t_d", Observation::Unseen(gap)) => assert_eq!(gap.reason, GapReason::Locked),
            ("other_d", Observation::Seen(pending)) => {
                assert_eq!(pending.read_by == PendingReader::Pgstatginindex, pgstattuple);
            }
            other => panic!("{member}: {other:?}"),
        }
    }
    let analysis = analyse(&db, &request_of(Superpower::Gin, SMALL)).await;
    assert!(finding(&analysis, "gin/pending-limit-unit").is_some(), "{analysis:#?}");
    assert!(
        analysis.gaps.iter().any(|gap| gap.reason == GapReason::Locked),
        "{:#?}",
        analysis.gaps
    );
    db.run("rollback").await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_reads_lists_as_the_primary_does_and_calls_no_index_unused(
    #[values("deb15", "deb18")] member: &str,
) {
    let own = Own { purpose: "gin-primary", ..Own::default() };
    let Some(primary) = own_server(member, &own) else { return };
    let sql = "create table ml.t (id bigint, d jsonb) with (autovacuum_enabled = false);
create index t_d on ml.t using gin (d);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 9000) as i;
vacuum analyze ml.t;
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 2000) as i";
    let db = TestDb::filled(primary, sql).await;
    let own = Own {
        purpose: "gin-standby",
        primary: Some(primary),
        settings: &["hot_standby=on"],
        ..Own::default()
    };
    let standby = own_server(member, &own).unwrap();
    let there = |seen: &database_optimizer::model::observation::Gin| {
        let list = seen.pending.get().unwrap()[0].pending.get().copied();
        list.unwrap_or_else(|gap| panic!("{member}: {gap:?}")).pages
    };
    let here = there(&gin(db.dsn()).await.0);
    assert!(here > 10, "{member}: {here}");
    assert_eq!(there(&gin(standby.dsn(&db.name).into()).await.0), here);

    let target = Target::open("test", &standby.dsn(&db.name).into(), None).unwrap();
    let request = request_of(Superpower::Gin, SMALL);
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    assert!(finding(&analysis, "gin/unused-index").is_none(), "{analysis:#?}");
    let declined = analysis.declined.iter().find(|one| one.check == "gin/unused-index");
    assert!(declined.is_some_and(|one| one.reason.contains("standby")), "{analysis:#?}");
    drop(target);
    crate::support::leftovers::until_hung_up(&db).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_a_table_that_runs_code_of_its_owner_is_not_planned(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db =
        TestDb::filled(server, &format!("{TABLE};\ncreate index t_d on ml.t using gin (d)")).await;
    let role = format!("own_{}", db.name);
    db.run("create function ml.trap(text) returns boolean language plpgsql immutable as 'begin return true; end'")
        .await;
    db.run("create index trap_idx on ml.t (id) where ml.trap('x')").await;
    db.run(&format!(
        "create role {role} login; grant pg_read_all_data, pg_monitor to {role};
        alter database {} set track_functions = 'all'",
        db.name
    ))
    .await;
    db.run("select pg_stat_reset()").await;
    db.settle().await;
    let request = request_of(Superpower::Gin, SMALL);
    let calls =
        "select coalesce(sum(calls), 0)::text from pg_stat_user_functions where schemaname = 'ml'";
    let refusal = "`ml.t` was not read: its index `trap_idx`";

    let bound = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let refused = analysis::analyse(&bound, &request).await.unwrap();
    drop(bound);
    db.settle().await;
    assert_eq!(db.text(calls).await, "0");
    let gap = refused.gaps.iter().find(|gap| gap.detail.contains(refusal)).unwrap();
    assert_eq!((gap.observation.as_str(), gap.reason), ("gin_pending", GapReason::ForeignCode));
    assert!(finding(&refused, "gin/pending-limit-unit").is_some(), "{refused:#?}");

    // That it would have been called: a target that is trusted is planned.
    let trusted = Target::open("test", &db.dsn_as(&role), None).unwrap().trusting_code(true);
    let read = analysis::analyse(&trusted, &request).await.unwrap();
    drop(trusted);
    db.settle().await;
    assert_ne!(db.text(calls).await, "0");
    assert!(read.gaps.iter().all(|gap| !gap.detail.contains(refusal)), "{:#?}", read.gaps);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}
