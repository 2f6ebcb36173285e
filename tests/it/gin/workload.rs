//! What the statements of a workload ask of GIN indexes, and what may be built for them.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, Superpower};
use rstest::rstest;

use crate::support::advice::{advice, all_hold, finding};
use crate::support::{TestDb, analyse, request_of, server, workload};

const MISSING: &str = "gin/missing-containment-index";
const UNSERVED: &str = "gin/unservable-operator";

pub(super) async fn judged(db: &TestDb, statements: &[&str]) -> (Analysis, Request) {
    let row = |statement: &&str| format!("\"{}\",5000,12\n", statement.replace('"', "\"\""));
    let rows: Vec<String> = statements.iter().map(row).collect();
    let list = format!("sql,calls,mean_ms\n{}", rows.concat());
    let policy = [("table_bytes_min", 0.0), ("window_s_min", 0.0), ("day_window_s_min", 0.0)];
    let mut request = request_of(Superpower::Gin, &policy);
    request.workload = Some(workload(db, list.leak()).await);
    (analyse(db, &request).await, request)
}

/// A tenth of the rows are alive.
const FEATURES: &str = "create table ml.t (id bigint, d jsonb, gone timestamptz, active boolean);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text)), case when i % 10 > 0 then now() end, i % 3 = 0
from generate_series(1, 6000) as i;
analyze ml.t";

#[rstest]
#[case::all_have_it(
    &["select id from ml.t where d @> '{\"a\": 1}' and gone is null", "select id from ml.t where gone is null and d @> '{\"b\": 1}' and id > 5"],
    &["WHERE gone IS NULL", ""]
)]
#[case::one_has_it_not(
    &["select id from ml.t where d @> '{\"a\": 1}' and gone is null", "select id from ml.t where d @> '{\"b\": 1}'"],
    &[""]
)]
#[case::most_rows_satisfy_it(&["select id from ml.t where d @> '{\"a\": 1}' and gone is not null"], &[""])]
#[case::nobody_knows_how_many_do(&["select id from ml.t where d @> '{\"a\": 1}' and active"], &["", "WHERE active"])]
#[case::a_value_is_no_predicate(&["select id from ml.t where d @> '{\"a\": 1}' and id = 7"], &[""])]
#[tokio::test(flavor = "multi_thread")]
async fn g18_an_index_of_the_rows_that_every_search_asks_for_is_a_candidate(
    #[case] statements: &[&str],
    #[case] expected: &[&str],
    #[values("pg14", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::filled(server, FEATURES).await;
    let (analysis, request) = judged(&db, statements).await;
    let found = finding(&analysis, MISSING).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let built: Vec<_> = advice(&analysis, found)
        .iter()
        .map(|one| {
            one.statements[0]
                .sql
                .split_once("jsonb_path_ops)")
                .unwrap()
                .1
                .trim_end_matches(';')
                .trim()
        })
        .collect();
    assert_eq!(built, expected, "{member}");
    all_hold(&mut db, &analysis, &request).await;
    // What is built serves the search that it is built for.
    db.run(&advice(&analysis, found)[0].statements[0].sql).await;
    db.run("set enable_seqscan = off").await;
    let plan = db.client.query(&format!("explain {}", statements[0]), &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(plan.concat().contains("t_d_gin"), "{member}: {plan:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_may_search_another_schema_s_table_is_a_gap_and_no_finding() {
    let Some(server) = server("deb18") else { return };
    let sql = format!(
        "{FEATURES};
create schema other;
create table other.t as table ml.t;
create index t_d on other.t using gin (d);
create index t_d on ml.t using gin (d);
create index t_d_path on other.t using gin (d jsonb_path_ops);
analyze other.t"
    );
    let db = TestDb::filled(server, &sql).await;
    for (statement, check) in [
        ("select id from t where d @> '{\"a\": 1}'", "gin/jsonb-ops-for-containment"),
        ("select id from t where d ->> 'b' = 'x'", UNSERVED),
    ] {
        let (analysis, _) = judged(&db, &[statement]).await;
        assert!(finding(&analysis, check).is_none(), "{analysis:#?}");
        let gap = analysis.gaps.iter().find(|gap| gap.observation == "workload.columns");
        assert!(gap.is_some_and(|gap| gap.detail.contains("several schemas")), "{analysis:#?}");
        let named = statement.replace("from t", "from ml.t");
        let (analysis, _) = judged(&db, &[&named]).await;
        assert!(finding(&analysis, check).is_some(), "{named}: {analysis:#?}");
    }
}

#[rstest]
#[case::text("d ->> 'b' = 'x'", "USING btree")]
#[case::a_path("d #>> '{b}' = 'x'", "USING btree")]
#[case::between("(d ->> 'a')::int between 3 and 5", "USING btree")]
#[case::a_pattern("d ->> 'b' like '%abc%'", "public.gin_trgm_ops")]
#[case::long_values("d ->> 'long' = 'x'", "USING hash")]
#[case::long_values_in_order("d ->> 'long' > 'x'", "")]
#[tokio::test(flavor = "multi_thread")]
async fn what_no_gin_index_serves_gets_the_index_that_its_values_fit(
    #[case] condition: &str,
    #[case] expected: &str,
    #[values("pg14", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create extension pg_trgm schema public;
create table ml.t (id bigint, d jsonb);
insert into ml.t select i, jsonb_build_object('a', i, 'b', md5(i::text),
    'long', (select string_agg(md5((i * g)::text), '') from generate_series(1, 200) as g)) from generate_series(1, 300) as i;
create index t_d on ml.t using gin (d jsonb_path_ops);
analyze ml.t";
    let mut db = TestDb::filled(server, sql).await;
    let (analysis, request) =
        judged(&db, &[&format!("select id from ml.t where {condition}")]).await;
    let found = finding(&analysis, UNSERVED).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let built: Vec<&str> =
        advice(&analysis, found).iter().map(|one| &*one.statements[0].sql).collect();
    let fits = if expected.is_empty() { built.is_empty() } else { built[0].contains(expected) };
    assert!(fits, "{member}: {built:?}");
    all_hold(&mut db, &analysis, &request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_keys_those_with_most_calls_are_found_and_the_others_are_a_gap() {
    let Some(server) = server("deb18") else { return };
    let db =
        TestDb::filled(server, &format!("{FEATURES};\ncreate index t_d on ml.t using gin (d)"))
            .await;
    let statements: Vec<String> = ["a", "b", "c", "e", "f"]
        .iter()
        .map(|key| format!("select id from ml.t where d ->> '{key}' = 'x'"))
        .collect();
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    for (count, found, more) in
        [(3, 3, None), (4, 3, Some("are served")), (5, 3, Some("and 1 more"))]
    {
        let (analysis, _) = judged(&db, &statements[..count]).await;
        let unserved = analysis.findings.iter().filter(|one| one.check == UNSERVED);
        assert_eq!(unserved.count(), found, "{analysis:#?}");
        let gap = analysis.gaps.iter().find(|gap| gap.detail.contains("and are left out"));
        assert_eq!(gap.is_some(), more.is_some(), "{analysis:#?}");
        assert!(gap.zip(more).is_none_or(|(gap, more)| gap.detail.contains(more)), "{gap:#?}");
    }
}

/// Each has a name of its own, so that the index of one clears it and leaves the other.
#[tokio::test(flavor = "multi_thread")]
async fn every_key_that_no_gin_index_serves_is_found_by_itself() {
    let Some(server) = server("deb19") else { return };
    let sql = "create table ml.t (id bigint, d jsonb);
insert into ml.t select i, jsonb_build_object('a', i, 'e-mail', md5(i::text)) from generate_series(1, 9000) as i;
create index t_d on ml.t using gin (d jsonb_path_ops);
analyze ml.t";
    let db = TestDb::filled(server, sql).await;
    let statements = [
        "select id from ml.t where d ->> 'e-mail' = 'x'",
        "select id from ml.t where (d ->> 'a')::int = 7",
    ];
    let ids = |analysis: &database_optimizer::model::Analysis| -> Vec<String> {
        let found = analysis.findings.iter().filter(|one| one.check == UNSERVED);
        found.map(|one| one.id.clone()).collect()
    };
    let (analysis, _) = judged(&db, &statements).await;
    let before = ids(&analysis);
    assert_eq!(before.len(), 2, "{analysis:#?}");
    let first = finding(&analysis, UNSERVED).unwrap();
    let kept = before.iter().find(|id| **id != first.id).unwrap();
    db.run(&advice(&analysis, first)[0].statements[0].sql).await;
    db.run("analyze ml.t").await;
    let (analysis, _) = judged(&db, &statements).await;
    assert_eq!(ids(&analysis), std::slice::from_ref(kept), "{analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_indexed_where_its_elements_have_an_order(
    #[values("pg14", "deb18", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, "").await;
    // Types of the catalog whose arrays no GIN index takes, as the server says.
    let unordered = "select string_agg(format_type(t.oid, null), ',' order by t.typname)
        from pg_type as t
        where t.typnamespace = 'pg_catalog'::regnamespace and t.typarray <> 0 and t.typtype = 'b' and t.typelem = 0
            and t.typname !~ '^(reg|pg_|gtsvector|txid|int2vector|oidvector)'
            and not exists (
                select from pg_opclass as c join pg_am as a on a.oid = c.opcmethod
                where a.amname = 'btree' and c.opcdefault
                    and (c.opcintype = t.oid or exists (
                        select from pg_cast as k
                        where k.castsource = t.oid and k.casttarget = c.opcintype and k.castmethod = 'b' and k.castcontext = 'i'))
            )";
    for kind in db.text(unordered).await.split(',') {
        let column = kind.replace([' ', '\"'], "_");
        db.run(&format!("create table ml.of_{column} (v {kind}[])")).await;
        let (analysis, _) = judged(
            &db,
            &[&format!("select 1 from ml.of_{column} where v @> '{{}}' and v && '{{}}'")],
        )
        .await;
        assert!(finding(&analysis, MISSING).is_none(), "{member}: {kind}: {analysis:#?}");
    }
    db.run("create table ml.ordered as select array[i] as v from generate_series(1, 3000) as i")
        .await;
    db.run("analyze ml.ordered").await;
    let (analysis, _) = judged(&db, &["select 1 from ml.ordered where v @> '{1}'"]).await;
    assert!(finding(&analysis, MISSING).is_some(), "{member}: {analysis:#?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_never_had_a_key_holds_none_of_rows_that_are_gone(
    #[values("pg14", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let sql = "create table ml.t (id bigint, d jsonb) with (autovacuum_enabled = false);
create index t_d on ml.t using gin (d) with (fastupdate = off);
insert into ml.t select i, '{}' from generate_series(1, 3000) as i;
delete from ml.t where id > 100;
vacuum analyze ml.t";
    let db = TestDb::filled(server, sql).await;
    let (analysis, _) = judged(&db, &[]).await;
    for check in ["gin/bloated-index", "gin/growing-keys"] {
        assert!(finding(&analysis, check).is_none(), "{member}: {analysis:#?}");
    }
}
