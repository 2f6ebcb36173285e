//! What a real `pg_partman` maintains: release 4 on 15, 5 on 17 and 18.

use database_optimizer::analysis::analyse as analyse_target;
use database_optimizer::model::{Analysis, Declined, GapReason, Severity, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::advice::finding;
use crate::support::{TestDb, analyse, request_of, server, skipped};

const HORIZON: &str = "wal/short-partition-horizon";
const DEFAULT: &str = "wal/rows-in-default-partition";
const RETENTION: &str = "wal/unarchived-partition";

/// A table by day that `pg_partman` maintains, with rows of today; none where it cannot be had, which is said.
async fn maintained(member: &str) -> Option<TestDb> {
    let mut db = TestDb::create(server(member)?).await;
    let there = "select count(*)::text from pg_available_extensions where name = 'pg_partman'";
    if db.text(there).await == "0" {
        assert!(std::env::var_os("DBOPT_TEST_STRICT").is_none(), "no pg_partman on {member}");
        skipped(&format!("no pg_partman on {member}"));
        return None;
    }
    db.run("create schema partman; create extension pg_partman schema partman").await;
    db.run("create schema \"Odd ml\"").await;
    add(&db, "by day").await;
    db.run("update partman.part_config set retention = '30 days', retention_keep_table = false")
        .await;
    db.run("insert into \"Odd ml\".\"by day\" select i, now() from generate_series(1, 100) as i")
        .await;
    db.settle().await;
    Some(db)
}

async fn add(db: &TestDb, table: &str) {
    db.run(&format!(
        "create table \"Odd ml\".\"{table}\" (id bigint, at timestamptz not null) partition by range (at)"
    ))
    .await;
    let four =
        db.text("select (extversion < '5')::text from pg_extension where extname = 'pg_partman'");
    let kind = if four.await == "true" { ", p_type => 'native'" } else { "" };
    db.run(&format!(
        "select partman.create_parent('Odd ml.{table}', 'at', p_interval => '1 day'{kind})"
    ))
    .await;
}

async fn judged(db: &TestDb) -> Analysis {
    analyse(db, &request_of(Superpower::Wal, &[])).await
}

fn declined<'a>(analysis: &'a Analysis, check: &str) -> &'a Declined {
    let found = analysis.declined.iter().find(|declined| declined.check == check);
    found.unwrap_or_else(|| panic!("{analysis:#?}"))
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_pg_partman_maintains_is_healthy_with_the_few_days_it_makes_ahead(
    #[values("deb15", "deb17", "deb18")] member: &str,
) {
    let Some(db) = maintained(member).await else { return };
    let analysis = judged(&db).await;
    for check in [HORIZON, DEFAULT, RETENTION] {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
    }
    let known = |gap: &database_optimizer::model::Gap| {
        ["partition_retention", "partman_sets", "partition_bounds"].contains(&&*gap.observation)
    };
    assert!(!analysis.gaps.iter().any(known), "{member}: {:#?}", analysis.gaps);

    db.run("update partman.part_config set retention = null").await;
    let analysis = judged(&db).await;
    assert!(finding(&analysis, RETENTION).is_none(), "{member}: {analysis:#?}");
    let unknown = |gap: &&database_optimizer::model::Gap| gap.observation == "partition_retention";
    assert!(analysis.gaps.iter().any(|gap| unknown(&gap)), "{member}: {:#?}", analysis.gaps);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_maintenance_did_not_make_are_found_and_its_call_makes_them(
    #[values("deb15", "deb17", "deb18")] member: &str,
) {
    let Some(mut db) = maintained(member).await else { return };
    let later = db
        .text(
            "select string_agg(format('drop table %s', c.oid::regclass), '; ')
            from pg_class as c join pg_inherits as i on i.inhrelid = c.oid
            where pg_get_expr(c.relpartbound, c.oid) ~ 'FROM'
                and substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \\(''([^'']*)')::timestamptz > now()",
        )
        .await;
    db.run(&later).await;
    let analysis = judged(&db).await;
    assert!(finding(&analysis, HORIZON).is_some(), "{member}: {analysis:#?}");
    let how = &declined(&analysis, HORIZON).detail;
    assert!(how.contains("run_maintenance('Odd ml.by day')"), "{how}");
    db.run("select partman.run_maintenance('Odd ml.by day')").await;
    db.settle().await;
    let analysis = judged(&db).await;
    assert!(finding(&analysis, HORIZON).is_none(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_gone_is_named_as_what_maintenance_stops_at(
    #[values("deb15", "deb17", "deb18")] member: &str,
) {
    let Some(db) = maintained(member).await else { return };
    add(&db, "is gone").await;
    db.run("drop table \"Odd ml\".\"is gone\"").await;
    let stops = db.client.simple_query("select partman.run_maintenance()").await.is_err();
    let analysis = judged(&db).await;
    let found = finding(&analysis, HORIZON).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let expected = if stops { Severity::Medium } else { Severity::Low };
    assert_eq!(found.severity, expected, "{member}: {found:#?}");
    let (_, delete) = declined(&analysis, HORIZON).detail.split_once(": ").unwrap();
    db.run(delete).await;
    assert!(finding(&judged(&db).await, HORIZON).is_none(), "{member}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_in_its_default_partition_are_moved_by_its_own_procedure(
    #[values("deb15", "deb17", "deb18")] member: &str,
) {
    let Some(mut db) = maintained(member).await else { return };
    db.run("insert into \"Odd ml\".\"by day\" values (0, now() - interval '20 days')").await;
    db.settle().await;
    let analysis = judged(&db).await;
    assert!(finding(&analysis, DEFAULT).is_some(), "{member}: {analysis:#?}");
    let (call, _) = declined(&analysis, DEFAULT).detail.split_once("; ").unwrap();
    db.run(call).await;
    db.run("vacuum analyze \"Odd ml\".\"by day_default\"").await;
    db.settle().await;
    assert!(finding(&judged(&db).await, DEFAULT).is_none(), "{member}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_read_its_configuration_judges_no_horizon_and_is_told_the_grant() {
    let Some(db) = maintained("deb17").await else { return };
    let role = format!("partman_{}", db.name);
    db.run(&format!("create role {role} login in role pg_monitor")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let request = request_of(Superpower::Wal, &[]);
    let analysis = analyse_target(&target, &request).await.unwrap();
    assert!(finding(&analysis, HORIZON).is_none(), "{analysis:#?}");
    let denied = |gap: &&database_optimizer::model::Gap| {
        gap.reason == GapReason::MissingPrivilege && gap.observation == "partman_sets"
    };
    let gap = analysis.gaps.iter().find(denied).unwrap_or_else(|| panic!("{analysis:#?}"));
    db.run(gap.lift.as_ref().unwrap()).await;
    let analysis = analyse_target(&target, &request).await.unwrap();
    assert!(!analysis.gaps.iter().any(|gap| denied(&gap)), "{:#?}", analysis.gaps);
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

/// Its configuration belongs to the role that created the extension, which need not be a superuser.
#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_runs_code_is_not_read() {
    let Some(db) = maintained("deb18").await else { return };
    let refused = async || {
        let analysis = judged(&db).await;
        let gap = |gap: &&database_optimizer::model::Gap| {
            gap.reason == GapReason::ForeignCode && gap.observation == "partman_sets"
        };
        analysis.gaps.iter().find(gap).map(|gap| gap.detail.clone())
    };
    assert_eq!(refused().await, None);
    db.run(
        "create function partman.own(text) returns boolean language plpgsql immutable as 'begin return true; end';
        create index on partman.part_config (parent_table) where partman.own('x')",
    )
    .await;
    let of_index = refused().await.unwrap();
    assert!(of_index.contains("its index `part_config_parent_table_idx`"), "{of_index}");
    db.run(
        "alter extension pg_partman drop table partman.part_config;
        alter table partman.part_config rename to real;
        create view partman.part_config as select *, partman.own('x') from partman.real",
    )
    .await;
    let of_view = refused().await.unwrap();
    assert!(of_view.contains("is not the table of the extension"), "{of_view}");
}
