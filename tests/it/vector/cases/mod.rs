//! What is judged of searches by distance: traps, healthy twins, and what must not be advised.

mod rows;

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, GapReason, Superpower};

use crate::support::advice::{advice, finding};
use crate::support::{Own, TestDb, analyse, own_server, request_of, server, workload};

/// Thresholds for tables that are made in no time.
pub(super) const SMALL: &[(&str, f64)] = &[("table_bytes_min", 0.0), ("exact_rows_max", 100.0)];

pub(super) const ITEMS: &str = "create schema ml;
create schema ext;
create extension vector schema ext;
create table ml.items (id bigint, tenant bigint, embedding ext.vector(3));
insert into ml.items select i, i % 100, array[i, i % 7, 1]::ext.vector(3) from generate_series(1, 4000) as i;
analyze ml.items";

/// A table of vectors in a database whose extension is not in `public`, with these statements run after it.
pub(super) async fn items(member: &str, more: &str) -> Option<TestDb> {
    let mut db = TestDb::create(server(member)?).await;
    db.run(ITEMS).await;
    for statement in more.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        db.run(statement).await;
    }
    db.settle().await;
    Some(db)
}

pub(super) async fn judged(
    db: &TestDb,
    set: &[(&str, f64)],
    statements: &'static str,
) -> (Analysis, Request) {
    let mut request = request_of(Superpower::Vector, set);
    if !statements.is_empty() {
        request.workload = Some(workload(db, statements).await);
    }
    (analyse(db, &request).await, request)
}

pub(super) fn checks(analysis: &Analysis) -> Vec<&str> {
    let found = analysis.findings.iter().map(|finding| finding.check.as_str());
    found.filter(|check| *check != "vector/known-defect").collect()
}

pub(super) const SEARCH: &str = "sql,calls,mean_ms
\"select id from ml.items order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,20
";

#[tokio::test(flavor = "multi_thread")]
async fn the_index_that_is_advised_serves_the_statement_of_the_workload() {
    for member in ["pg15", "pg18"] {
        let Some(db) = items(member, "").await else { continue };
        let (analysis, _) =
            judged(&db, &[("table_bytes_min", 0.0), ("exact_rows_max", 100.0)], SEARCH).await;
        let found = finding(&analysis, "vector/missing-index").unwrap();
        for statement in &advice(&analysis, found)[0].statements {
            db.run(&statement.sql).await;
        }
        let explain = "explain select id from ml.items
            order by embedding operator(ext.<=>) '[1,2,3]' limit 10";
        let rows = db.client.query(explain, &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join(" ");
        assert!(plan.contains("Index Scan using items_embedding_cosine_hnsw"), "{member}: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_pgvector_has_nothing_to_say_and_no_gap() {
    let Some(server) = server("pg18") else { return };
    let db = TestDb::create(server).await;
    db.run("create table t (id bigint primary key, flags bit(64))").await;
    let (analysis, _) = judged(&db, &[], "").await;
    assert_eq!((analysis.findings.len(), analysis.gaps.len()), (0, 0), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_table_and_a_search_that_a_b_tree_makes_exact_need_no_index() {
    let Some(db) = items("pg18", "create index items_tenant on ml.items (tenant)").await else {
        return;
    };
    let (analysis, _) = judged(&db, &[], SEARCH).await;
    assert!(checks(&analysis).is_empty(), "under 10 MiB: {analysis:#?}");

    let filtered = "sql,calls,mean_ms
\"select id from ml.items where tenant = 7 order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,1
";
    let (analysis, _) = judged(&db, &[("table_bytes_min", 0.0)], filtered).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
    let declined =
        analysis.declined.iter().find(|one| one.check == "vector/missing-index").unwrap();
    assert!(declined.detail.contains("about 40 rows of 4,000"), "{declined:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_no_statement_searches_is_a_gap_and_no_finding() {
    let Some(db) = items("pg18", "").await else { return };
    let aggregate = "sql,calls,mean_ms
\"select avg(embedding operator(ext.<=>) '[1,2,3]') from ml.items\",500,20
";
    let (analysis, _) = judged(&db, &[("table_bytes_min", 0.0)], aggregate).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.observation == "vector_searches").unwrap();
    assert_eq!(gap.reason, GapReason::NotEnoughEvidence);
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_no_index_serves_are_told_with_the_order_to_write() {
    let index =
        "create index items_embedding on ml.items using hnsw (embedding ext.vector_cosine_ops)";
    let Some(db) = items("pg18", index).await else { return };
    for (statement, part) in [
        (
            "sql,calls,mean_ms\n\"select id from ml.items order by 1 - (embedding operator(ext.<=>) '[1,2,3]') desc limit 10\",9,9\n",
            "an expression around `<=>`",
        ),
        (
            "sql,calls,mean_ms\n\"select id from ml.items order by ext.cosine_distance(embedding, '[1,2,3]') limit 10\",9,9\n",
            "the function `cosine_distance`",
        ),
        (
            "sql,calls,mean_ms\n\"select id from ml.items order by embedding operator(ext.<=>) '[1,2,3]' desc limit 10\",9,9\n",
            "the farthest first",
        ),
        (
            "sql,calls,mean_ms\n\"select id from ml.items order by embedding::ext.halfvec(3) operator(ext.<=>) '[1,2,3]' limit 10\",9,9\n",
            "another expression",
        ),
    ] {
        let (analysis, _) = judged(&db, &[], statement).await;
        let found = finding(&analysis, "vector/operator-class-mismatch");
        let found = found.unwrap_or_else(|| panic!("{part}: {analysis:#?}"));
        assert!(found.message.contains(part), "{part}: {}", found.message);
        assert!(found.evidence.iter().any(|one| one.name == "order_by"), "{part}: {found:#?}");
    }
    let (analysis, _) = judged(&db, &[], SEARCH).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_role_or_of_the_application_silence_a_limit_and_say_so() {
    let index = "create index items_embedding on ml.items using hnsw (embedding ext.vector_l2_ops)";
    let Some(db) = items("pg18", index).await else { return };
    let wide = "sql,calls,mean_ms
\"select id from ml.items order by embedding operator(ext.<->) '[1,2,3]' limit 200\",500,2
";
    let (analysis, request) = judged(&db, &[], wide).await;
    let found = finding(&analysis, "vector/limit-above-ef-search").unwrap();
    assert!(found.message.contains("hnsw.ef_search is 40"), "{}", found.message);

    let role = format!("api_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    db.run(&format!("alter role {role} in database {} set hnsw.ef_search = 300", db.name)).await;
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, "vector/limit-above-ef-search").is_none(), "{analysis:#?}");
    let declined = analysis.declined.iter().find(|one| one.check == "vector/limit-above-ef-search");
    assert!(declined.unwrap().detail.contains(&role));
    db.run(&format!(
        "drop owned by {role}; alter role {role} in database {} reset all; drop role {role}",
        db.name
    ))
    .await;

    db.run(&format!("alter database {} set hnsw.iterative_scan = relaxed_order", db.name)).await;
    let analysis = analyse(&db, &request).await;
    assert!(finding(&analysis, "vector/limit-above-ef-search").is_none(), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn above_2000_dimensions_the_key_is_a_cast_or_the_signs() {
    let Some(server) = server("pg18") else { return };
    let mut db = TestDb::create(server).await;
    db.run(
        "create schema ml;
        create extension vector schema public;
        create table ml.items (id bigint, wide public.vector(3072), wider public.vector(5000), any_size public.vector);
        insert into ml.items select i, v.wide, v.wider, '[1,2]' from generate_series(1, 50) as i,
        (select array_fill(i::real, array[3072])::public.vector(3072) as wide, array_fill(i::real, array[5000])::public.vector(5000) as wider
            from generate_series(1, 1) as i) as v;
        analyze ml.items",
    )
    .await;
    db.settle().await;
    let statements = "sql,calls,mean_ms
select id from ml.items order by wide <=> $1 limit 10,500,20
select id from ml.items order by wider <=> $1 limit 10,500,20
select id from ml.items order by any_size <=> $1 limit 10,500,20
";
    let (analysis, request) =
        judged(&db, &[("table_bytes_min", 0.0), ("exact_rows_max", 1.0)], statements).await;
    let statements: Vec<&str> = analysis
        .recommendations
        .iter()
        .flat_map(|r| r.statements.iter().map(|s| s.sql.as_str()))
        .collect();
    assert!(
        statements
            .iter()
            .any(|sql| sql.contains("wide::public.halfvec(3072)) public.halfvec_cosine_ops")),
        "{statements:#?}"
    );
    assert!(
        statements
            .iter()
            .any(|sql| sql.contains("binary_quantize(wider)::bit(5000)) public.bit_hamming_ops")),
        "{statements:#?}"
    );
    assert!(!statements.iter().any(|sql| sql.contains("halfvec(5000)")), "{statements:#?}");
    assert!(
        statements
            .iter()
            .any(|sql| sql.contains("any_size::public.vector(2)) public.vector_cosine_ops")),
        "{statements:#?}"
    );
    crate::support::advice::all_hold(&mut db, &analysis, &request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_failed_build_is_rebuilt_and_a_partitioned_table_is_judged_by_its_root() {
    let Some(db) = items(
        "pg18",
        "create index items_embedding on ml.items using hnsw (embedding ext.vector_cosine_ops);
update pg_index set indisvalid = false where indexrelid = 'ml.items_embedding'::regclass",
    )
    .await
    else {
        return;
    };
    let set = [("table_bytes_min", 0.0), ("exact_rows_max", 100.0)];
    let (analysis, _) = judged(&db, &set, SEARCH).await;
    let found = finding(&analysis, "vector/missing-index").unwrap();
    assert_eq!(
        advice(&analysis, found)[0].statements[0].sql,
        "REINDEX INDEX CONCURRENTLY ml.items_embedding;"
    );

    let Some(server) = server("pg15") else { return };
    let mut db = TestDb::create(server).await;
    db.run(
        "create schema ml;
        create extension vector schema public;
        create table ml.items (id bigint, embedding public.vector(3)) partition by range (id);
        create table ml.items_1 partition of ml.items for values from (0) to (1000);
        create table ml.items_2 partition of ml.items for values from (1000) to (9000);
        insert into ml.items select i, array[i, i % 7, 1]::public.vector(3) from generate_series(1, 4000) as i;
        analyze ml.items",
    )
    .await;
    db.settle().await;
    let statements = "sql,calls,mean_ms
select id from ml.items order by embedding <=> $1 limit 10,500,20
";
    let (analysis, request) = judged(&db, &set, statements).await;
    let found = finding(&analysis, "vector/missing-index").unwrap();
    assert_eq!(checks(&analysis).len(), 1, "one for the root: {analysis:#?}");
    assert!(found.message.starts_with("`ml.items.embedding`"), "{}", found.message);
    crate::support::advice::all_hold(&mut db, &analysis, &request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_connect_judges_by_catalogs_and_is_told_the_rest() {
    let index =
        "create index items_embedding on ml.items using ivfflat (embedding ext.vector_l2_ops)";
    let Some(db) = items("pg18", index).await else { return };
    let role = format!("connect_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let target = database_optimizer::pg::Target::open("test", &db.dsn_as(&role), None).unwrap();
    let analysis =
        database_optimizer::analysis::analyse(&target, &request_of(Superpower::Vector, &[]))
            .await
            .unwrap();
    assert!(finding(&analysis, "vector/stale-lists").is_some(), "{analysis:#?}");
    drop(target);
    db.run(&format!("drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_re_ranks_a_subquery_needs_no_index_of_its_own() {
    let index = "create index items_bits on ml.items
        using hnsw ((ext.binary_quantize(embedding)::bit(3)) ext.bit_hamming_ops)";
    let Some(db) = items("pg18", index).await else { return };
    let re_ranked = "sql,calls,mean_ms
\"select id from (select id, embedding from ml.items order by ext.binary_quantize(embedding)::bit(3) operator(ext.<~>) ext.binary_quantize('[1,2,3]') limit 40) as c order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,2
";
    let (analysis, _) = judged(&db, &[("table_bytes_min", 0.0)], re_ranked).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_tables_and_tables_of_one_row_say_nothing_and_break_nothing() {
    let Some(server) = server("pg15") else { return };
    let mut db = TestDb::create(server).await;
    db.run(
        "create schema ml;
        create extension vector schema public;
        create table ml.none (e public.vector(3), h public.halfvec(3), s public.sparsevec(9), b bit(9), any_size public.vector);
        create table ml.one as select '[1,2,3]'::public.vector(3) as e;
        create index on ml.none using hnsw (e public.vector_l2_ops);
        create index on ml.none using ivfflat (h public.halfvec_l2_ops);
        create index on ml.none using hnsw (s public.sparsevec_l2_ops);
        create index on ml.none using hnsw (b public.bit_jaccard_ops);
        create index on ml.one using ivfflat (e public.vector_cosine_ops)",
    )
    .await;
    db.settle().await;
    let statements = "sql,calls,mean_ms
select * from ml.none order by e <-> $1 limit 500,500,20
select * from ml.one order by e <=> $1 limit 500,500,20
";
    let (analysis, _) = judged(&db, &[("table_bytes_min", 0.0)], statements).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_is_a_gap_and_not_silence() {
    let index =
        "create index items_embedding on ml.items using ivfflat (embedding ext.vector_l2_ops)";
    let Some(db) = items("pg18", index).await else { return };
    db.run("begin; lock table ml.items in access exclusive mode").await;
    let (analysis, _) = judged(&db, &[], SEARCH).await;
    assert!(checks(&analysis).is_empty(), "nothing is known of the index: {analysis:#?}");
    let gap = analysis.gaps.iter().find(|gap| gap.reason == GapReason::Locked);
    assert!(gap.is_some_and(|gap| gap.lift.is_some()), "{:#?}", analysis.gaps);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_literal_of_a_search_is_in_the_answer() {
    let Some(db) = items("pg18", "").await else { return };
    let secret = "sql,calls,mean_ms
\"select id from ml.items where tenant = 424243 order by embedding operator(ext.<=>) '[7.7070717,2,3]' limit 10\",500,20
";
    let (analysis, _) =
        judged(&db, &[("table_bytes_min", 0.0), ("exact_rows_max", 1.0)], secret).await;
    assert!(finding(&analysis, "vector/missing-index").is_some());
    let printed = serde_json::to_string(&analysis).unwrap();
    assert!(!printed.contains("7070717") && !printed.contains("424243"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_proposed_beside_a_graph_where_data_is_static_and_memory_short() {
    let own = Own { purpose: "short", settings: &["shared_buffers=512kB"], ..Own::default() };
    let Some(server) = own_server("pg18", &own) else { return };
    let mut db = TestDb::create(server).await;
    db.run(ITEMS).await;
    db.run("create table ml.hot as select * from ml.items; update ml.hot set id = id + 1; analyze ml.hot")
        .await;
    db.settle().await;
    let searches = "sql,calls,mean_ms
\"select id from ml.items order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,20
\"select id from ml.hot order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,20
";
    let (analysis, request) =
        judged(&db, &[("table_bytes_min", 0.0), ("exact_rows_max", 100.0)], searches).await;
    let methods = |table: &str| -> Vec<bool> {
        let named = format!("`{table}.embedding`");
        let found = analysis.findings.iter().find(|one| one.message.starts_with(&named)).unwrap();
        let sql = advice(&analysis, found);
        sql.iter().map(|one| one.statements[0].sql.contains("USING ivfflat")).collect()
    };
    assert_eq!(methods("ml.items"), [false, true], "{analysis:#?}");
    assert_eq!(methods("ml.hot"), [false], "its centres would go stale: {analysis:#?}");
    crate::support::advice::all_hold(&mut db, &analysis, &request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recall_is_a_gap_that_names_the_experiment_and_no_silence() {
    let index =
        "create index items_embedding on ml.items using hnsw (embedding ext.vector_cosine_ops)";
    let Some(db) = items("pg18", index).await else { return };
    let (analysis, _) = judged(&db, &[], SEARCH).await;
    let gap = analysis.gaps.iter().find(|gap| gap.observation == "vector_recall").unwrap();
    assert_eq!(gap.reason, GapReason::NotEnoughEvidence);
    assert!(gap.lift.as_deref().is_some_and(|lift| lift.contains("experiment")), "{gap:?}");
}
