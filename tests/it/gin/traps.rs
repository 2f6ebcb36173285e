//! What advice about GIN trips over in the field, each on real servers.

use database_optimizer::model::{Analysis, Object, Superpower};
use rstest::rstest;

use super::SMALL;
use crate::support::advice::{advice, all_hold, finding};
use crate::support::{TestDb, analyse, request_of, server};

const BACKLOG: &str = "gin/pending-list-backlog";

/// A table with a long pending list that is searched all the time.
const SEARCHED: &str = "create table ml.t (id bigint, d jsonb) with (autovacuum_enabled = false);
create index t_d on ml.t using gin (d jsonb_path_ops);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 6000) as i;
vacuum analyze ml.t;
select pg_stat_reset();
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 9000) as i;
set enable_seqscan = off;
do $$ begin for i in 1..3000 loop perform from ml.t where d @> '{\"b\": \"x\"}'; end loop; end $$";

async fn backlog(db: &TestDb) -> Analysis {
    analyse(db, &request_of(Superpower::Gin, SMALL)).await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn g2_g13_g14_a_list_is_drained_by_vacuum_after_each_change_and_fastupdate_off_is_never_first(
    #[values("pg14", "deb17", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, SEARCHED).await;
    let analysis = backlog(&db).await;
    let found = finding(&analysis, BACKLOG).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let advice = advice(&analysis, found);
    assert!(advice.len() >= 3, "{advice:#?}");
    for recommendation in &advice {
        let sql: Vec<&str> = recommendation.statements.iter().map(|s| &*s.sql).collect();
        assert_eq!(*sql.last().unwrap(), "VACUUM ml.t;", "{sql:?}");
        assert!(!sql.join(" ").contains("gin_clean_pending_list"));
    }
    let first = advice[0].statements[0].sql.as_str();
    assert!(first.contains("autovacuum_enabled") && !first.contains("fastupdate"), "{first}");
    let off = advice.iter().find(|one| one.statements[0].sql.contains("fastupdate")).unwrap();
    // G3: no light change.
    assert!(off.statements[0].blocks.contains("reads"), "{:?}", off.statements[0]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn g9_a_manual_analyze_drains_nothing_and_g10_a_pinned_horizon_keeps_nothing(
    #[values("pg14", "deb17", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::filled(server, SEARCHED).await;
    let pages = |analysis: &Analysis| {
        finding(analysis, BACKLOG).map(|found| found.evidence[0].value.as_f64().unwrap())
    };
    let before = pages(&backlog(&db).await).unwrap();
    db.run("analyze ml.t").await;
    assert_eq!(pages(&backlog(&db).await), Some(before));

    let pin = TestDb::filled(server, "").await;
    pin.run("begin isolation level repeatable read; select txid_current()").await;
    db.settle().await;
    db.run("vacuum ml.t").await;
    assert_eq!(pages(&backlog(&db).await), None);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_partitioned_index_is_one_finding_with_statements_for_each_partition(
    #[values("pg14", "deb15", "deb17", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create table ml.t (id bigint, d jsonb) partition by range (id);
create table ml.t1 partition of ml.t for values from (0) to (10000) with (autovacuum_enabled = false);
create table ml.t2 partition of ml.t for values from (10000) to (30000) with (autovacuum_enabled = false);
create index t_d on ml.t using gin (d jsonb_path_ops);
select pg_stat_reset();
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 19999) as i;
analyze ml.t;
set enable_seqscan = off;
do $$ begin for i in 1..3000 loop perform from ml.t where d @> '{\"b\": \"x\"}'; end loop; end $$";
    let mut db = TestDb::filled(server, sql).await;
    let analysis = backlog(&db).await;
    let found = finding(&analysis, BACKLOG).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let root = Object::Index { schema: "ml".into(), table: "t".into(), index: "t_d".into() };
    assert_eq!(found.object, root);
    let sql: Vec<String> = advice(&analysis, found)
        .iter()
        .flat_map(|one| one.statements.iter().map(|statement| statement.sql.clone()))
        .collect();
    for wanted in
        ["ALTER INDEX ml.t1_d_idx SET", "ALTER INDEX ml.t2_d_idx SET", "VACUUM ml.t1, ml.t2;"]
    {
        assert!(sql.iter().any(|sql| sql.starts_with(wanted)), "{wanted}: {sql:#?}");
    }
    all_hold(&mut db, &analysis, &request_of(Superpower::Gin, SMALL)).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_unused_partitioned_index_is_dropped_at_its_root_and_built_again_with_its_parts(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create table ml.t (id bigint, d jsonb) partition by range (id);
create table ml.t1 partition of ml.t for values from (0) to (3000);
create table ml.t2 partition of ml.t for values from (3000) to (10000);
create index t_d on ml.t using gin (d jsonb_path_ops) with (fastupdate = off);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 6000) as i;
analyze ml.t";
    let mut db = TestDb::filled(server, sql).await;
    let analysis = backlog(&db).await;
    let found = finding(&analysis, "gin/unused-index").unwrap_or_else(|| panic!("{analysis:#?}"));
    assert_eq!(advice(&analysis, found)[0].statements[0].sql, "DROP INDEX ml.t_d;");
    all_hold(&mut db, &analysis, &request_of(Superpower::Gin, SMALL)).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn empty_tables_and_tables_of_one_row_raise_nothing_but_known_defects(
    #[values("pg14", "deb17", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create table ml.empty (d jsonb);
create index empty_d on ml.empty using gin (d);
create table ml.one (d jsonb);
create index one_d on ml.one using gin (d);
insert into ml.one values ('{\"a\": 1}');
create materialized view ml.view as select * from ml.one with no data;
create index view_d on ml.view using gin (d)";
    let db = TestDb::filled(server, sql).await;
    let analysis = analyse(&db, &request_of(Superpower::Gin, &[])).await;
    let others: Vec<_> =
        analysis.findings.iter().filter(|found| found.check != "gin/known-defect").collect();
    assert!(others.is_empty(), "{others:#?}");
}

const SEARCHES: &[(&str, f64)] = &[("table_bytes_min", 0.0)];

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_found_otherwise_ask_for_no_index(#[values("pg14", "deb18")] member: &str) {
    let Some(server) = server(member) else { return };
    let sql = "create table ml.t (id bigint primary key, code text, site int, d jsonb, tags int[]);
create unique index t_code on ml.t (code, site);
create index t_d on ml.t using gin (d jsonb_path_ops);
create index t_a on ml.t (((d ->> 'a')::int));
create table ml.plain (id bigint primary key, d jsonb);
insert into ml.t select i, md5(i::text), 1, jsonb_build_object('a', i, 'b', md5(i::text)), array[i % 9] from generate_series(1, 9000) as i;
insert into ml.plain select i, jsonb_build_object('a', i, 'b', md5(i::text)) from generate_series(1, 9000) as i;
analyze ml.t;
analyze ml.plain";
    let mut db = TestDb::filled(server, sql).await;
    let judged = async |db: &TestDb, statements: &'static str| {
        let mut request = request_of(Superpower::Gin, SEARCHES);
        request.workload = Some(crate::support::workload(db, statements).await);
        (analyse(db, &request).await, request)
    };
    let healthy = "sql,calls,mean_ms
\"select tags from ml.t where id = 5 and d ->> 'b' = 'x'\",5000,12
\"select tags from ml.t where code = 'a' and site = 3 and tags && '{1}'\",5000,12
\"select tags from ml.t where code = 'a' and tags && '{1}'\",5000,12
\"select tags from ml.t where d @> '{\"\"a\"\": 1}' and d ->> 'b' = 'x'\",5000,12
\"select tags from ml.t where (d ->> 'a')::int = 5\",5000,12
\"select id from ml.plain where d @> '{\"\"b\"\": \"\"x\"\"}'\",5000,0.01
";
    let (analysis, _) = judged(&db, healthy).await;
    let others: Vec<_> =
        analysis.findings.iter().filter(|found| found.check != "gin/known-defect").collect();
    assert!(others.is_empty(), "{member}: {others:#?}");

    let unhealthy = "sql,calls,mean_ms
\"select tags from ml.t where site = 3 and tags && '{1}'\",5000,12
\"select tags from ml.t where id > 5 and d ->> 'b' = 'x'\",5000,12
\"select id from ml.plain where d @> '{\"\"b\"\": \"\"x\"\"}'\",5000,12
";
    let (analysis, request) = judged(&db, unhealthy).await;
    for check in ["gin/missing-containment-index", "gin/unservable-operator"] {
        assert!(finding(&analysis, check).is_some(), "{member}: {check}: {analysis:#?}");
    }
    let missing =
        analysis.findings.iter().filter(|one| one.check == "gin/missing-containment-index");
    assert_eq!(missing.count(), 2, "{member}: {analysis:#?}");
    all_hold(&mut db, &analysis, &request).await;
}

/// What no statistics show is neither found nor passed over in silence.
#[rstest]
#[case::not_analyzed(
    "create table ml.t (id bigint, tenant int, d jsonb) with (autovacuum_enabled = off)"
)]
#[case::partitioned(
    "create table ml.t (id bigint, tenant int, d jsonb) partition by range (id);
create table ml.t1 partition of ml.t for values from (0) to (10000)"
)]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_an_index_leaves_without_statistics_are_a_gap_and_no_index(
    #[case] table: &str,
    #[values("pg14", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = format!(
        "{table};
create index on ml.t (tenant);
insert into ml.t select i, i % 1000, jsonb_build_object('a', i) from generate_series(1, 9000) as i"
    );
    let db = TestDb::filled(server, &sql).await;
    let judged = async || {
        let mut request = request_of(Superpower::Gin, SEARCHES);
        let statements =
            "sql,calls,mean_ms\n\"select id from ml.t where tenant = 7 and d @> '{}'\",5000,12\n";
        request.workload = Some(crate::support::workload(&db, statements).await);
        let analysis = analyse(&db, &request).await;
        let found = finding(&analysis, "gin/missing-containment-index").is_some();
        let gap = analysis.gaps.iter().find(|gap| gap.observation == "column_statistics");
        (found, gap.map(|gap| gap.lift.clone().unwrap()))
    };
    let (found, lift) = judged().await;
    assert!(!found, "{member}");
    db.run(&lift.unwrap()).await;
    assert_eq!(judged().await, (false, None), "{member}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_whose_unit_is_written_is_meant() {
    let Some(server) = server("deb18") else { return };
    let sql = "create table ml.t (d jsonb);
create index t_d on ml.t using gin (d)";
    let db = TestDb::filled(server, sql).await;
    let analysis = async |value: &str| {
        db.run(&format!("alter database {} set gin_pending_list_limit = {value}", db.name)).await;
        let analysis = analyse(&db, &request_of(Superpower::Gin, &[])).await;
        finding(&analysis, "gin/pending-limit-unit").is_some()
    };
    assert!(!analysis("'128MB'").await);
    assert!(analysis("131072").await);
}

/// W11: 30,000 rows make it wait for 7,000; where all of them are frozen, for 1,000.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn from_18_on_autovacuum_waits_for_a_share_of_the_rows_that_are_not_frozen(
    #[values("deb17", "deb18", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create table ml.t (id bigint, d jsonb);
create index t_d on ml.t using gin (d);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text), 'c', md5((i * 7)::text)) from generate_series(1, 30000) as i;
vacuum (freeze, analyze) ml.t;
select pg_stat_reset();
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text), 'c', md5((i * 7)::text)) from generate_series(1, 2000) as i;
set enable_seqscan = off;
do $$ begin for i in 1..3000 loop perform from ml.t where d @> '{\"b\": \"x\"}'; end loop; end $$";
    let db = TestDb::filled(server, sql).await;
    let analysis = backlog(&db).await;
    let found = finding(&analysis, BACKLOG);
    assert_eq!(found.is_some(), server.major < 18, "{member}: {analysis:#?}");
    if let Some(found) = found {
        assert!(
            found.message.contains("waits for 7000 inserted rows and has seen 2000"),
            "{}",
            found.message
        );
        assert!(found.evidence.iter().any(|one| one.name == "last_autovacuum"), "{found:#?}");
    }
}
