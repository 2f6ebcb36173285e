//! Keys that most statements use, on real servers: what an index on them and a column bring, measured on a copy of their
//! own rows, and that the better of the two is what is advised first.

mod indexes;
mod trials;

use database_optimizer::analysis::Request;
use database_optimizer::model::{
    Analysis, Declined, Measurement, ProveMode, Recommendation, Superpower, Verdict,
};
use rstest::rstest;

use crate::support::advice::{advice, all_hold, finding, found, only_advice};
use crate::support::{TABLES_FROM_100_KB, TestDb, analyse, request_of, tables, workload};

const HOT: &str = "hybrid-schema/hot-key-in-document";

/// Documents of some kB that do not compress, out of line.
const WIDE: &str = "create table ml.t (id bigint primary key, data jsonb not null);
    insert into ml.t select i, jsonb_build_object('customer', i % 100, 'note',
            (select string_agg(md5((i * g)::text), '') from generate_series(1, 150) as g))
        from generate_series(1, 2000) as i;
    vacuum (analyze) ml.t";

/// Small documents that are put out whole with each row.
const SMALL_DOCUMENTS: &str = "create table ml.t (id bigint primary key, data jsonb not null);
    insert into ml.t select i, jsonb_build_object('kind', 'k' || i % 3) || (
            select jsonb_object_agg('f' || g, g * i) from generate_series(1, 12) as g)
        from generate_series(1, 4000) as i;
    vacuum (analyze) ml.t";

const FILTERED_AND_READ: &str = "sql,calls,mean_ms
\"select id from ml.t where (data ->> 'customer')::int = 7\",750,9
\"select (data ->> 'customer')::int, count(*) from ml.t group by 1\",200,9
\"select data ->> 'note' from ml.t where id = 12\",50,0.1
";

const FILTERED: &str = "sql,calls,mean_ms
\"select id from ml.t where (data ->> 'customer')::int = 7\",950,9
\"select data ->> 'note' from ml.t where id = 12\",50,0.1
";

const FILTERED_OF_DOMAIN: &str = "sql,calls,mean_ms
\"select id from ml.t where \"\"Data\"\" ->> 'customer' = '7'\",950,9
";

const PUT_OUT_WHOLE: &str = "sql,calls,mean_ms
\"select data ->> 'kind', data from ml.t\",1000,9
";

async fn request(db: &TestDb, statements: &'static str, prove: ProveMode) -> Request {
    let mut request = request_of(Superpower::HybridSchema, TABLES_FROM_100_KB);
    request.scope.checks = vec![HOT.to_owned()];
    request.workload = Some(workload(db, statements).await);
    Request { prove, ..request }
}

async fn judged(db: &TestDb, statements: &'static str, prove: ProveMode) -> Analysis {
    analyse(db, &request(db, statements, prove).await).await
}

fn actions(analysis: &Analysis) -> Vec<&str> {
    advice(analysis, found(analysis, HOT)).iter().map(|r| r.action.as_str()).collect()
}

fn recommended<'a>(analysis: &'a Analysis, action: &str) -> &'a Recommendation {
    let all = advice(analysis, found(analysis, HOT));
    all.into_iter().find(|r| r.action == action).unwrap_or_else(|| panic!("{analysis:#?}"))
}

fn measured<'a>(recommendation: &'a Recommendation, name: &str) -> &'a Measurement {
    let found = recommendation.proof.measurements.iter().find(|measured| measured.name == name);
    found.unwrap_or_else(|| panic!("no {name}: {recommendation:#?}"))
}

fn reason(recommendation: &Recommendation) -> &str {
    recommendation.proof.reason.as_deref().unwrap()
}

fn declined<'a>(analysis: &'a Analysis, reason: &str) -> &'a Declined {
    let found = analysis.declined.iter().find(|declined| declined.reason == reason);
    found.unwrap_or_else(|| panic!("no `{reason}`: {:#?}", analysis.declined))
}

/// How often less time the calls take.
fn times(measured: &Measurement) -> f64 {
    measured.baseline / measured.candidate
}

// Partitioned tables.

/// The same documents in partitions, one of which is partitioned again.
const PARTITIONED: &str =
    "create table ml.t (id bigint not null, data jsonb not null) partition by range (id);
    create table ml.\"Odd part\" partition of ml.t for values from (0) to (1000);
    create table ml.t2 partition of ml.t for values from (1000) to (3000) partition by range (id);
    create table ml.t2a partition of ml.t2 for values from (1000) to (1500);
    create table ml.t2b partition of ml.t2 for values from (1500) to (3000);
    insert into ml.t select i, jsonb_build_object('customer', i % 100, 'note',
            (select string_agg(md5((i * g)::text), '') from generate_series(1, 150) as g))
        from generate_series(1, 2000) as i;
    vacuum (analyze) ml.t";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_partitioned_table_gets_its_column_or_its_index_partition_by_partition(
    #[values("pg15", "pg16", "pg17", "pg18", "deb19")] member: &str,
) {
    let Some(mut db) = tables(member, PARTITIONED).await else { return };
    let analysis = judged(&db, FILTERED_AND_READ, ProveMode::Full).await;
    assert_eq!(actions(&analysis), ["promote_key", "index_key"], "{analysis:#?}");
    let column = recommended(&analysis, "promote_key");
    assert_eq!(column.proof.verdict, Verdict::Confirmed, "{column:#?}");
    assert!(times(measured(column, "call_ms")) > 5.0, "{column:#?}");
    let request = request(&db, FILTERED_AND_READ, ProveMode::Cheap).await;
    all_hold(&mut db, &analysis, &request).await;

    for statement in &column.statements {
        db.run(&statement.sql).await;
    }
    let valid = "select string_agg(c.relname, ', ' order by c.relname) from pg_class as c
        join pg_index as i on i.indexrelid = c.oid where i.indisvalid and c.relname like '%customer_idx'";
    assert_eq!(
        db.text(valid).await,
        "Odd part_customer_idx, t2_customer_idx, t2a_customer_idx, t2b_customer_idx, t_customer_idx"
    );
    db.run("insert into ml.t values (2500, '{\"customer\": 4711}')").await;
    db.run("update ml.t set data = '{\"customer\": 4712}' where id = 1").await;
    let filled =
        "select string_agg(customer::text, ', ' order by id) from ml.t where customer > 4000";
    assert_eq!(db.text(filled).await, "4712, 4711");
    assert_eq!(db.text("select count(*)::text from ml.t where customer is null").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_were_indexed_one_by_one_are_indexed() {
    let index = |part: &str| format!("create index on {part} (((data ->> 'customer')::int))");
    let parts = ["ml.\"Odd part\"", "ml.t2a", "ml.t2b"].map(index).join(";\n");
    let sql = PARTITIONED.replace("vacuum", &format!("{parts};\nvacuum"));
    for member in ["pg15", "deb19"] {
        let Some(db) = tables(member, &sql).await else { continue };
        let analysis = judged(&db, FILTERED, ProveMode::Cheap).await;
        assert!(finding(&analysis, HOT).is_none(), "{member}: {analysis:#?}");
        declined(&analysis, "an index on the key serves its calls");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_domain_over_jsonb_is_indexed_and_the_index_is_known() {
    let sql = WIDE.replace("data jsonb", "\"Data\" ml.doc").replace(
        "create table",
        "create domain ml.doc as jsonb check (pg_catalog.jsonb_typeof(value) = 'object');\n    create table",
    );
    for member in ["pg15", "deb19"] {
        let Some(mut db) = tables(member, &sql).await else { continue };
        let filtered = FILTERED_OF_DOMAIN;
        let analysis = judged(&db, filtered, ProveMode::Cheap).await;
        assert!(finding(&analysis, HOT).is_some(), "{member}: {analysis:#?}");
        let request = request(&db, filtered, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[rstest]
#[case::named_alike("alter table ml.t add customer text", "a column of that name is there")]
#[case::documents(
    "update ml.t set data = jsonb_set(data, '{customer}', '{\"id\": 1}')",
    "its values are documents"
)]
#[case::absent("update ml.t set data = data - 'customer'", "no document of the sample has the key")]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_gets_no_column_says_why(#[case] change: &str, #[case] why: &str) {
    let sql = WIDE.replace("vacuum", &format!("{change};\nvacuum"));
    let Some(db) = tables("pg17", &sql).await else { return };
    let analysis = judged(&db, FILTERED, ProveMode::Cheap).await;
    assert!(finding(&analysis, HOT).is_none(), "{analysis:#?}");
    declined(&analysis, why);
}

/// A nested key with the name of a column that cannot hold it: one that differs in each row, and the documents
/// themselves; or like another key. Its column is called by the whole path.
#[rstest]
#[case("{customer,id}", "", "customer_id")]
#[case("{customer,data}", "", "customer_data")]
#[case::other_key("{customer,name}", ", 'name', id", "customer_name")]
#[tokio::test(flavor = "multi_thread")]
async fn a_nested_key_is_not_the_column_that_is_called_like_it_and_cannot_hold_it(
    #[case] path: &str,
    #[case] more: &str,
    #[case] column: &str,
) {
    let keys = path.trim_matches(['{', '}']).split_once(',').unwrap();
    let change = format!(
        "update ml.t set data = jsonb_build_object('{}', jsonb_build_object('{}', id % 100){more})",
        keys.0, keys.1
    );
    let sql = WIDE.replace("vacuum", &format!("{change};\nvacuum"));
    let filtered = format!(
        "sql,calls,mean_ms\n\"select id from ml.t where data #>> '{path}' = '7'\",1000,9\n"
    );
    let filtered: &'static str = filtered.leak();
    for member in ["pg15", "deb19"] {
        let Some(mut db) = tables(member, &sql).await else { continue };
        let analysis = judged(&db, filtered, ProveMode::Cheap).await;
        assert_eq!(actions(&analysis), ["index_key", "promote_key"], "{member}: {analysis:#?}");
        let title = &recommended(&analysis, "promote_key").title;
        assert!(title.contains(column), "{title}");
        let request = request(&db, filtered, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_in_arrays_are_no_column_and_that_is_said() {
    let sql = WIDE.replace("'customer', i % 100", "'customer', jsonb_build_array(i % 100)");
    let filtered = "sql,calls,mean_ms
\"select id from ml.t where data -> 'customer' ->> 0 = '7'\",1000,9
";
    let Some(db) = tables("pg17", &sql).await else { return };
    let analysis = judged(&db, filtered, ProveMode::Cheap).await;
    assert!(finding(&analysis, HOT).is_none(), "{analysis:#?}");
    assert!(declined(&analysis, "its path is no plain one").detail.contains("arrays"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_materialized_view_is_indexed_and_gets_no_column() {
    let sql = WIDE.replace("create table ml.t ", "create table ml.base ");
    let sql = sql.replace("insert into ml.t ", "insert into ml.base ").replace(
        "vacuum (analyze) ml.t",
        "create materialized view ml.t as select * from ml.base;
        vacuum (analyze) ml.t",
    );
    for member in ["pg15", "deb19"] {
        let Some(mut db) = tables(member, &sql).await else { continue };
        let analysis = judged(&db, FILTERED, ProveMode::Full).await;
        assert_eq!(only_advice(&analysis, HOT).action, "index_key", "{analysis:#?}");
        assert_eq!(only_advice(&analysis, HOT).proof.verdict, Verdict::Confirmed, "{analysis:#?}");
        declined(&analysis, "a materialized view");
        let request = request(&db, FILTERED, ProveMode::Cheap).await;
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_very_many_partitions_is_left_to_its_makers() {
    let part = |n| {
        let (from, to) = (n * 100, (n + 1) * 100);
        format!("create table ml.p{n} partition of ml.t for values from ({from}) to ({to})")
    };
    let parts: Vec<String> = (0..33).map(part).collect();
    let (create, rest) = PARTITIONED.split_once(";\n").unwrap();
    let (_, insert) = rest.split_once("insert into").unwrap();
    let sql = format!("{create};\n{};\ninsert into{insert}", parts.join(";\n"));
    let Some(db) = tables("pg17", &sql).await else { return };
    let analysis = judged(&db, FILTERED, ProveMode::Cheap).await;
    assert!(found(&analysis, HOT).recommendations.is_empty(), "{analysis:#?}");
    assert!(declined(&analysis, "partitioned").detail.contains("33 partitions"));
    declined(&analysis, "no index: partitioned");
}
