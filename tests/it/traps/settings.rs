//! What counters, defaults and privileges let be said.

use database_optimizer::model::GapReason;
use rstest::rstest;

use super::{BLOATED, HOT, MIXED, PACKED, PGLZ, SHARE, VAIN, WIDE, checks, filled, planted, seen};
use crate::support::advice::{all_hold, finding};
use crate::support::{COLUMNS_FROM_100_KB, TestDb, analyse, request, server};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn counters_reset_a_moment_ago_are_a_gap_and_no_finding(
    #[values("pg15", "pg16", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        vacuum analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t";
    let Some(server) = server(member) else { return };
    let mut db = filled(server, sql).await;
    db.run("select pg_stat_reset()").await;
    db.run(&format!("insert into ml.t select i, {WIDE} from generate_series(1, 3) as i")).await;
    db.settle().await;
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    for check in [HOT, SHARE, BLOATED] {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
        assert!(analysis.declined.iter().all(|declined| declined.check != check), "{analysis:#?}");
    }
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::NotEnoughHistory);
    assert!(gap.is_some_and(|gap| gap.lift.is_some()), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_nobody_ever_counted_is_judged_by_its_sample(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i";
    let Some(server) = server(member) else { return };
    let mut db = filled(server, sql).await;
    db.run("select pg_stat_reset()").await;
    db.settle().await;
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    let rows = finding(&analysis, VAIN).map(|found| found.evidence[1].value.clone());
    assert_eq!(serde_json::to_value(rows).unwrap(), 1500, "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_default_of_the_database_is_the_default_of_its_columns(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    db.run(&format!("alter database {} set default_toast_compression = lz4", db.name)).await;
    db.settle().await;
    db.run("create schema ml").await;
    db.run("create table ml.t (id int, payload text)").await;
    db.run(&format!("insert into ml.t select i, {PACKED} from generate_series(1, 1500) as i"))
        .await;
    db.run("analyze ml.t").await;
    db.settle().await;
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_chooses_lz4_by_itself_is_not_told_to(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::create(server).await;
    let writer = format!("writer_{}", db.name);
    db.run(&format!("create role {writer} login")).await;
    db.run(&format!(
        "alter role {writer} in database {} set default_toast_compression = lz4",
        db.name
    ))
    .await;
    db.run("create schema ml; create table ml.t (id int, payload text); set default_toast_compression = lz4").await;
    db.run(&format!("insert into ml.t select i, {PACKED} from generate_series(1, 1500) as i"))
        .await;
    db.run("analyze ml.t").await;
    db.settle().await;
    let analysis = analyse(&db, &request(COLUMNS_FROM_100_KB)).await;
    db.run(&format!("drop role {writer}")).await;
    assert!(finding(&analysis, PGLZ).is_none(), "{analysis:#?}");
    assert!(analysis.declined.iter().any(|declined| declined.check == PGLZ), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_values_that_come_in_lz4_is_not_told_to_compress_them(
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        alter table ml.t alter payload set compression lz4;
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        create materialized view ml.v as select * from ml.t;
        analyze";
    let Some((_db, analysis)) = seen(member, sql, COLUMNS_FROM_100_KB).await else { return };
    assert!(finding(&analysis, PGLZ).is_none(), "{analysis:#?}");
    assert!(analysis.declined.iter().any(|declined| declined.check == PGLZ), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_column_set_back_to_pglz_is_judged_by_its_setting_alone(
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = "create table ml.t (id int, payload text);
        alter table ml.t alter payload set compression lz4;
        insert into ml.t select i, $PACKED from generate_series(1, 1500) as i;
        alter table ml.t alter payload set compression pglz;
        analyze ml.t";
    let Some((_db, analysis)) = planted(member, sql, PGLZ).await else { return };
    assert!(finding(&analysis, MIXED).is_none(), "{analysis:#?}");
}

#[rstest]
#[case::without_a_replica_identity("create publication p for table ml.t")]
#[case::with_a_rule("create rule r as on update to ml.t do instead nothing")]
#[case::with_a_key_that_is_no_identity(
    "alter table ml.t add primary key (id) deferrable;
    create publication p for table ml.t"
)]
#[case::with_rows_that_were_never_checked(
    "alter table ml.t add constraint c check (id < 0) not valid"
)]
#[case::with_a_trigger_that_refuses(
    "create function ml.f() returns trigger language plpgsql as 'begin raise exception ''append only''; end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[case::with_a_trigger_that_changes_rows_in_another_language(
    "create extension moddatetime schema public;
    alter table ml.t add changed timestamp default '2020-01-01';
    create trigger g before update on ml.t for each row execute function public.moddatetime(changed)"
)]
#[case::with_a_trigger_that_withholds_the_undo(
    "create trigger g before update on ml.t for each row execute function suppress_redundant_updates_trigger()"
)]
#[case::with_a_trigger_of_the_server_that_fills_a_column_for_search(
    "alter table ml.t add words tsvector;
    create trigger g before update on ml.t for each row
    execute function tsvector_update_trigger('words', 'pg_catalog.simple', 'payload')"
)]
#[case::with_a_trigger_that_returns_another_row(
    "create function ml.f() returns trigger language plpgsql as
    'begin return jsonb_populate_record(new, ''{\"id\": 0}''); end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[case::with_a_trigger_that_assigns_the_row(
    "create function ml.f() returns trigger language plpgsql as
    'begin new = jsonb_populate_record(new, ''{\"id\": 0}''); return new; end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[case::with_a_trigger_under_a_condition_of_no_change(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row when (new.payload is distinct from 'final')
    execute function ml.f()"
)]
#[case::with_a_trigger_on_a_change_or_something_else(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row
    when (old.payload is distinct from new.payload or new.id > 0) execute function ml.f()"
)]
#[case::with_a_trigger_that_changes_rows(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row execute function ml.f()"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_refuses_updates_is_not_told_to_update_itself(
    #[case] refusal: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        {refusal};
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    let Some((mut db, analysis)) = seen(member, &sql, COLUMNS_FROM_100_KB).await else { return };
    let declined = analysis.declined.iter().find(|declined| declined.check == HOT);
    assert!(declined.is_some_and(|d| d.reason.contains("cannot be updated")), "{analysis:#?}");
    all_hold(&mut db, &analysis, &request(COLUMNS_FROM_100_KB)).await;
}

#[rstest]
#[case::a_filter_on_other_columns("create publication p for table ml.t where (flag = 1)")]
#[case::a_list_without_the_key("create publication p for table ml.t (flag)")]
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_of_a_part_refuses_updates_unless_the_identity_covers_it(
    #[case] refusal: &str,
    #[values("deb15", "deb18")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int primary key, flag int default 1, payload text);
        insert into ml.t select i, 1, $WIDE from generate_series(1, 1500) as i;
        {refusal};
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    let Some((_db, analysis)) = seen(member, &sql, COLUMNS_FROM_100_KB).await else { return };
    let declined = analysis.declined.iter().find(|declined| declined.check == HOT);
    assert!(declined.is_some_and(|d| d.reason.contains("cannot be updated")), "{analysis:#?}");
}

#[rstest]
#[case::a_trigger_that_only_looks_on(
    "create function ml.f() returns trigger language plpgsql as 'begin perform 1; return null; end';
    create trigger g after update on ml.t for each row execute function ml.f()"
)]
#[case::a_trigger_on_rows_that_changed(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row when (old.* is distinct from new.*) execute function ml.f()"
)]
#[case::a_trigger_on_any_of_two_changes(
    "create function ml.f() returns trigger language plpgsql as 'begin new.id = 0; return new; end';
    create trigger g before update on ml.t for each row
    when (old.id is distinct from new.id or new.payload is distinct from old.payload) execute function ml.f()"
)]
#[case::a_publication_by_key(
    "alter table ml.t add primary key (id);
    create publication p for table ml.t"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lets_updates_through_is_told_to_update_itself(
    #[case] harmless: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = format!(
        "create table ml.t (id int, payload text);
        insert into ml.t select i, $WIDE from generate_series(1, 1500) as i;
        {harmless};
        analyze ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t;
        select sum(hashtext(payload)) from ml.t"
    );
    planted(member, &sql, HOT).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn columns_a_role_may_not_read_are_a_gap_with_their_grant(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.t (id int, label text, \"Pay load\" text);
        insert into ml.t select i, 'x', $WIDE from generate_series(1, 1500) as i;
        analyze ml.t";
    let Some(server) = server(member) else { return };
    let db = filled(server, sql).await;
    let role = format!("partial_{}", db.name);
    db.run(&format!("create role {role} login; grant usage on schema ml to {role}")).await;
    db.run(&format!("grant select (id, label) on ml.t to {role}")).await;
    let target = database_optimizer::pg::Target::open("test", &db.dsn_as(&role), None).unwrap();
    let request = request(COLUMNS_FROM_100_KB);
    let analysis = database_optimizer::analysis::analyse(&target, &request).await.unwrap();
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::MissingPrivilege).unwrap();
    let lift = gap.lift.clone().unwrap();
    assert_eq!(lift, format!("GRANT SELECT (\"Pay load\") ON ml.t TO {role};"));
    db.run(&lift).await;
    let analysis = database_optimizer::analysis::analyse(&target, &request).await.unwrap();
    assert!(finding(&analysis, VAIN).is_some(), "{analysis:#?}");
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}
