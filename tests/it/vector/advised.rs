//! What is advised to be built: by the column's type, by how the table is divided, and with parameters that pgvector takes.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, ProveMode, Superpower, Verdict};
use rstest::rstest;

use super::cases::{SEARCH, SMALL, items, judged};
use crate::support::advice::{advice, all_hold, finding};
use crate::support::leftovers::{TRACES, until_hung_up};
use crate::support::{TestDb, request_of, tables, workload};

/// A database with pgvector after these statements.
async fn with_vectors(member: &str, sql: &str) -> Option<TestDb> {
    tables(member, &format!("create extension vector schema public;\n{sql}")).await
}

/// Tenants in each partition, which is read alone where a search asks for a tenant.
#[rstest]
#[case::a_tenant_each(20, 20, false)]
#[case::ten_tenants_each(200, 20, true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_by_which_the_table_is_divided_leaves_what_its_partition_has(
    #[case] tenants: i64,
    #[case] partitions: i64,
    #[case] is_found: bool,
    #[values("pg15", "pg18")] member: &str,
) {
    let parts: Vec<String> = (0..partitions)
        .map(|part| {
            let values = (0..tenants).filter(|tenant| tenant % partitions == part);
            let values: Vec<String> = values.map(|tenant| tenant.to_string()).collect();
            format!(
                "create table ml.items_{part} partition of ml.items for values in ({})",
                values.join(", ")
            )
        })
        .collect();
    let sql = format!(
        "create table ml.items (id bigint, tenant bigint, embedding public.vector(3)) partition by list (tenant);
{};
insert into ml.items select i, i % {tenants}, array[i, i % 7, 1]::public.vector(3) from generate_series(1, 6000) as i;
create index items_embedding on ml.items using hnsw (embedding public.vector_l2_ops);
analyze ml.items",
        parts.join(";\n")
    );
    let Some(db) = with_vectors(member, &sql).await else { return };
    let statements = "sql,calls,mean_ms
select id from ml.items where tenant = $2 order by embedding <-> $1 limit 10,500,20
";
    let (analysis, _) = judged(&db, SMALL, statements).await;
    let found = finding(&analysis, "vector/filtered-search").is_some();
    assert_eq!(found, is_found, "{member}: {analysis:#?}");
}

const WIDE: &str = "create table ml.items (id bigint, embedding public.vector(384));
insert into ml.items
select i, (select array_agg(sin(i * g)) from generate_series(1, 384) as g)::public.vector(384)
from generate_series(1, 2000) as i;
create index items_embedding on ml.items using hnsw (embedding public.vector_l2_ops) with (m = 4, ef_construction = 8);
analyze ml.items";

const NEAREST: &str = "sql,calls,mean_ms
select id from ml.items order by embedding <-> $1 limit 10,500,20
";

async fn asked(db: &TestDb, check: &str) -> Request {
    let set = [("table_bytes_min", 1e6), ("memory_bytes", 6e6), ("dimensions_min", 128.0)];
    let mut request = request_of(Superpower::Vector, &set);
    request.scope.checks = vec![check.to_owned()];
    request.workload = Some(workload(db, NEAREST).await);
    Request { prove: ProveMode::Full, ..request }
}

async fn proved(db: &TestDb, check: &str) -> Analysis {
    crate::support::analyse(db, &asked(db, check).await).await
}

/// Statements that are not changed yet need the index that they have.
#[rstest]
#[case("vector/index-exceeds-memory")]
#[case("vector/wide-elements")]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_at_half_precision_is_built_beside_the_other_and_both_are_tried_out(
    #[case] check: &str,
    #[values("pg15", "pg18")] member: &str,
) {
    let Some(mut db) = with_vectors(member, WIDE).await else { return };
    let before = db.text(TRACES).await;
    let analysis = proved(&db, check).await;
    // A machine that is busy with something else may time the smaller one as slower: then it is refuted, with the numbers.
    if let Some(refuted) = analysis.declined.iter().find(|one| one.reason.contains("refuted")) {
        assert!(refuted.detail.contains("takes clearly longer"), "{member}: {refuted:?}");
        assert!(refuted.detail.contains("index_bytes 4.1 MB -> 2.1 MB"), "{member}: {refuted:?}");
        return;
    }
    let found = finding(&analysis, check).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let [half] = advice(&analysis, found)[..] else { panic!("{member}: {analysis:#?}") };
    assert!(half.statements.iter().all(|one| !one.sql.contains("DROP")), "{:?}", half.statements);
    assert_eq!(half.proof.verdict, Verdict::Confirmed, "{member}: {:#?}", half.proof);
    let bytes = half.proof.measurements.iter().find(|one| one.name == "index_bytes").unwrap();
    assert!(bytes.candidate > 0.0 && bytes.candidate < bytes.baseline * 0.75, "{bytes:?}");
    assert!(half.proof.measurements.iter().any(|one| one.name == "call_ms"), "{:#?}", half.proof);
    until_hung_up(&db).await;
    db.settle().await;
    assert_eq!(db.text(TRACES).await, before, "{member}: the experiment left something behind");

    let mut request = asked(&db, check).await;
    request.prove = ProveMode::None;
    all_hold(&mut db, &analysis, &request).await;
    for statement in &half.statements {
        db.run(&statement.sql).await;
    }
    let after = crate::support::analyse(&db, &request).await;
    let declined = after.declined.iter().find(|one| one.check == check).unwrap();
    assert_eq!(declined.reason, "an index at half precision is there");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn v4_options_of_an_index_are_taken_over_within_what_pgvector_takes(
    #[values("pg15", "pg18")] member: &str,
) {
    // The most links and the widest search that pgvector builds with; ef_construction must be twice m at least.
    for options in [
        "m = 100, ef_construction = 1000",
        "m = 2, ef_construction = 4",
        "m = 100, ef_construction = 200",
    ] {
        let sql =
            WIDE.replace("m = 4, ef_construction = 8", options).replace("(1, 2000)", "(1, 300)");
        let Some(mut db) = with_vectors(member, &sql).await else { return };
        let set = [("table_bytes_min", 0.0), ("dimensions_min", 128.0)];
        let (analysis, request) = judged(&db, &set, NEAREST).await;
        let half = finding(&analysis, "vector/wide-elements");
        let half = half.unwrap_or_else(|| panic!("{member}: {options}: {analysis:#?}"));
        let advised = advice(&analysis, half);
        assert!(advised[0].statements[0].sql.contains("m = "), "{:?}", advised[0].statements);
        all_hold(&mut db, &analysis, &request).await;
    }
}

/// V12: where a B-tree leaves few rows, an exact search misses nothing, and the planner's own choice between it and the graph
/// is what the advice comes down to.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn v12_a_selective_filter_is_searched_exactly_where_a_b_tree_finds_its_rows(
    #[values("pg15", "pg18")] member: &str,
) {
    let index =
        "create index items_embedding on ml.items using hnsw (embedding ext.vector_cosine_ops)";
    let Some(db) = items(member, index).await else { return };
    let filtered = "sql,calls,mean_ms
\"select id from ml.items where tenant = 7 order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,20
";
    let (analysis, _) = judged(&db, SMALL, filtered).await;
    let found = finding(&analysis, "vector/filtered-search");
    let found = found.unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    // The exact search comes first: 40 of 4,000 rows are left.
    let first = advice(&analysis, found)[0];
    assert!(first.statements[0].sql.contains("USING btree (tenant)"), "{:?}", first.statements);
    for statement in &first.statements {
        db.run(&statement.sql).await;
    }
    db.run("analyze ml.items").await;
    let sql = "select id from ml.items where tenant = 7 order by embedding operator(ext.<=>) '[1,2,3]' limit 10";
    let plan = db.client.query(&format!("explain {sql}"), &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(!plan.concat().contains("items_embedding"), "{member}: {plan:#?}");
    assert_eq!(db.client.query(sql, &[]).await.unwrap().len(), 10, "{member}");
    let (analysis, _) = judged(&db, SMALL, filtered).await;
    assert!(finding(&analysis, "vector/filtered-search").is_none(), "{member}: {analysis:#?}");
    // A table that is small enough to be compared row by row needs no graph at all.
    let (analysis, _) = judged(&db, &[("table_bytes_min", 0.0)], SEARCH).await;
    assert!(finding(&analysis, "vector/missing-index").is_none(), "{member}: {analysis:#?}");
}
