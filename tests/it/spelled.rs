//! What an application runs is what is judged and proved, as it is spelled: subscripts, orders, generated columns,
//! partitions that are named directly, keys that are no plain words.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, ProveMode, Superpower, Verdict};
use rstest::rstest;

use crate::support::advice::{advice, all_hold, finding, found};
use crate::support::{TABLES_FROM_100_KB, TestDb, analyse, request_of, tables, workload};

const HOT: &str = "hybrid-schema/hot-key-in-document";

const ENTITIES: &str = "create table ml.entity (id bigint primary key, data jsonb not null);
    insert into ml.entity select i, jsonb_build_object('tracking', 't' || i, 'customer id', 'c' || i, '%', i,
            'a', jsonb_build_object('b', jsonb_build_object('c', 'v' || i)), 'note', repeat(md5(i::text), 20))
        from generate_series(1, 2000) as i;
    vacuum (analyze) ml.entity";

async fn request(db: &TestDb, statement: &str, prove: ProveMode) -> Request {
    let list = format!("sql,calls,mean_ms\n\"{}\",500,9\n", statement.replace('"', "\"\""));
    let mut request = request_of(Superpower::HybridSchema, TABLES_FROM_100_KB);
    request.scope.checks = vec![HOT.to_owned()];
    request.workload = Some(workload(db, list.leak()).await);
    Request { prove, ..request }
}

/// Whether the server reads an index for the statement where the whole table is the last resort.
async fn is_indexed(db: &TestDb, statement: &str) -> bool {
    db.run("set enable_seqscan = off").await;
    let rows = db.client.simple_query(&format!("explain (costs off) {statement}")).await.unwrap();
    db.run("reset enable_seqscan").await;
    rows.iter().any(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => {
            row.get(0).unwrap().contains("Index Scan") || row.get(0).unwrap().contains("Index Cond")
        }
        _ => false,
    })
}

fn actions(analysis: &Analysis) -> Vec<&str> {
    advice(analysis, found(analysis, HOT)).iter().map(|r| r.action.as_str()).collect()
}

#[rstest]
#[case::subscripts("select id from ml.entity where (data['a']['b'] ->> 'c') = 'v7'")]
#[case::arrows("select id from ml.entity where data -> 'a' -> 'b' ->> 'c' = 'v7'")]
#[case::mixed("select id from ml.entity where data #> '{a,b}' ->> 'c' in ('v7', 'v8')")]
#[case::function(
    "select id from ml.entity where jsonb_extract_path_text(data, 'a', 'b', 'c') = 'v7'"
)]
#[case::an_order("select id from ml.entity order by data ->> 'tracking' desc limit 10")]
#[case::the_least("select min(data ->> 'tracking') from ml.entity")]
#[case::a_blank("select id from ml.entity where data ->> 'customer id' = 'c7'")]
#[case::a_sign("select id from ml.entity where (data ->> '%')::int = 7")]
#[tokio::test(flavor = "multi_thread")]
async fn the_index_that_is_advised_serves_the_statement_as_it_is_spelled(#[case] statement: &str) {
    for member in ["pg15", "deb19"] {
        let Some(mut db) = tables(member, ENTITIES).await else { continue };
        assert!(!is_indexed(&db, statement).await, "{member}");
        let full = request(&db, statement, ProveMode::Full).await;
        let analysis = analyse(&db, &full).await;
        let advised = advice(&analysis, found(&analysis, HOT));
        let index = advised.iter().find(|r| r.action == "index_key");
        let index = index.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
        assert_eq!(index.proof.verdict, Verdict::Confirmed, "{member}: {index:#?}");
        assert!(advised.iter().any(|r| r.action == "promote_key"), "{member}: {analysis:#?}");
        let cheap = request(&db, statement, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &cheap).await;
        for made in &index.statements {
            db.run(&made.sql).await;
        }
        assert!(is_indexed(&db, statement).await, "{member}: {index:#?}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_on_another_spelling_is_none(#[values("pg15", "deb19")] member: &str) {
    let sql = format!("{ENTITIES};\ncreate index on ml.entity ((data -> 'a' -> 'b' ->> 'c'))");
    let Some(db) = tables(member, &sql).await else { return };
    let statement = "select id from ml.entity where (data['a']['b'] ->> 'c') = 'v7'";
    let analysis = analyse(&db, &request(&db, statement, ProveMode::Cheap).await).await;
    assert_eq!(actions(&analysis), ["index_key", "promote_key"], "{analysis:#?}");
    db.run("create index on ml.entity ((data['a']['b'] ->> 'c'))").await;
    let analysis = analyse(&db, &request(&db, statement, ProveMode::Cheap).await).await;
    assert!(finding(&analysis, HOT).is_none(), "{analysis:#?}");
}

#[rstest]
#[case::text("text", "data ->> 'tracking'", "data ->> 'tracking' = 't7'", "data -> tracking")]
#[case::number("bigint", "(data ->> '%')::bigint", "(data ->> '%')::int = 7", "data -> \"%\"")]
#[case::deep("text", "data #>> '{a,b,c}'", "data['a']['b'] ->> 'c' = 'v7'", "data -> a.b.c")]
#[tokio::test(flavor = "multi_thread")]
async fn a_generated_column_over_the_key_is_the_one_to_query(
    #[case] type_sql: &str,
    #[case] of: &str,
    #[case] condition: &str,
    #[case] key: &str,
) {
    let sql = format!(
        "{ENTITIES};\nalter table ml.entity add custom_keyword {type_sql} generated always as ({of}) stored;
        create index on ml.entity (custom_keyword)"
    );
    for member in ["pg15", "deb19"] {
        let Some(db) = tables(member, &sql).await else { continue };
        let statement = format!("select id from ml.entity where {condition}");
        let analysis = analyse(&db, &request(&db, &statement, ProveMode::Cheap).await).await;
        let found = found(&analysis, HOT);
        assert!(found.object.to_string().ends_with(key), "{member}: {found:#?}");
        assert!(found.message.contains("query `custom_keyword`"), "{member}: {found:#?}");
        assert!(found.recommendations.is_empty(), "{member}: {analysis:#?}");
    }
}

#[rstest]
#[case::by_its_name("select id from ml.e_1 where data ->> 'tracking' = 't7'")]
#[case::below_a_partition("select id from ml.e_2a as x where x.data ->> 'tracking' = 't7'")]
#[case::written("update ml.e_1 set id = id where e_1.data ->> 'tracking' = 't7'")]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_names_a_partition_counts_for_its_root(#[case] statement: &str) {
    let sql = "create table ml.entity (id bigint not null, data jsonb not null) partition by range (id);
        create table ml.e_1 partition of ml.entity for values from (0) to (1000);
        create table ml.e_2 partition of ml.entity for values from (1000) to (3000) partition by range (id);
        create table ml.e_2a partition of ml.e_2 for values from (1000) to (3000);
        insert into ml.entity select i, jsonb_build_object('tracking', 't' || i, 'note', repeat(md5(i::text), 20))
            from generate_series(1, 2000) as i;
        vacuum (analyze) ml.entity";
    for member in ["pg15", "deb19"] {
        let Some(db) = tables(member, sql).await else { continue };
        let analysis = analyse(&db, &request(&db, statement, ProveMode::Cheap).await).await;
        let found = found(&analysis, HOT);
        assert_eq!(
            found.object.to_string(),
            "ml.entity.data -> tracking",
            "{member}: {analysis:#?}"
        );
    }
}

#[rstest]
#[case::each(
    "select e.value from ml.entity, jsonb_each_text(data) as e where e.key = 'tracking'",
    true
)]
#[case::each_of_some(
    "select id from ml.entity, lateral jsonb_each(data) as e (k, v) where k in ('tracking', 'x')",
    true
)]
#[case::object_keys(
    "select id from ml.entity, jsonb_object_keys(data) as k where k = 'tracking'",
    true
)]
#[case::a_parameter(
    "select e.value from ml.entity, jsonb_each_text(data) as e where e.key = $1",
    false
)]
#[case::a_record(
    "select r.tracking from ml.entity, jsonb_populate_record(null::ml.shape, data) as r",
    false
)]
#[case::a_known_record(
    "select r.tracking from ml.entity, jsonb_populate_record(null::ml.rows, data) as r",
    true
)]
#[case::a_field(
    "select (jsonb_populate_record(null::ml.shape, data)).tracking from ml.entity",
    true
)]
#[case::a_whole_record("select jsonb_populate_record(null::ml.shape, data) from ml.entity", false)]
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_functions_reach_are_named_or_counted_as_unknown(
    #[case] statement: &str,
    #[case] named: bool,
) {
    let sql = format!(
        "create type ml.shape as (tracking text, note text);
        create table ml.rows (tracking text, note text);\n{ENTITIES}"
    );
    let Some(db) = tables("deb19", &sql).await else { return };
    let request = request(&db, statement, ProveMode::None).await;
    let column = &request.workload.as_ref().unwrap().columns[0];
    let is_named = column.keys.iter().any(|key| key.path == "tracking" && key.calls == 500);
    assert_eq!(is_named, named, "{column:#?}");
    assert_eq!(column.attributed_ratio < 0.5, !named, "{column:#?}");
    let analysis = analyse(&db, &request).await;
    assert_eq!(finding(&analysis, HOT).is_some(), named, "{analysis:#?}");
    assert_eq!(analysis.gaps.iter().any(|gap| gap.observation == "workload"), !named);
}

/// A few wide rows: what is judged are bytes.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_few_wide_rows_are_looked_into_and_small_tables_are_counted(
    #[values("pg15", "deb19")] member: &str,
) {
    let sql = "create table ml.wide (id bigint primary key, body text) with (autovacuum_enabled = false, toast.autovacuum_enabled = false);
        alter table ml.wide alter body set storage external;
        insert into ml.wide select i, (select string_agg(md5((i * g)::text), '') from generate_series(1, 900) as g)
            from generate_series(1, 500) as i;
        create table ml.small (id bigint primary key, body text);
        insert into ml.small select i, repeat('x', 50) from generate_series(1, 20000) as i;
        vacuum (analyze) ml.wide;
        vacuum (analyze) ml.small;
        update ml.wide set body = body || 'x';
        update ml.wide set body = body || 'x';
        update ml.wide set body = body || 'x'";
    let Some(db) = tables(member, sql).await else { return };
    let analysis = analyse(&db, &request_of(Superpower::Toast, &[])).await;
    let bloat = found(&analysis, "toast/bloated-toast");
    assert_eq!(bloat.object.to_string(), "ml.wide", "{analysis:#?}");
    let tables = analysis.tables.unwrap();
    assert_eq!((tables.looked_into, tables.under_limit), (1, 1), "{tables:?}");
    assert_eq!(tables.limit_bytes, 10 << 20);
}
