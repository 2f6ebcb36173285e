//! Which rows a search gets, and which types and orders an index serves.

use rstest::rstest;

use super::cases::{SMALL, checks, items, judged};
use crate::support::advice::{advice, all_hold, finding};

const LIMIT: &str = "vector/limit-above-ef-search";
const MISSING: &str = "vector/missing-index";
const HNSW: &str = "create index items_e on ml.items using hnsw (embedding ext.vector_l2_ops)";
const LISTS: &str = "create index items_e on ml.items using ivfflat (embedding ext.vector_l2_ops) with (lists = 10)";

/// A list of statements with a search by L2 distance, and what follows it.
macro_rules! search {
    ($behind:literal) => {
        concat!(
            "sql,calls,mean_ms\n\"select id from ml.items order by embedding operator(ext.<->) '[1,2,3]' ",
            $behind,
            "\",500,2\n"
        )
    };
}

#[rstest]
#[case::skipped_rows_count(HNSW, search!("limit 10 offset 100"), Some("asks for 110 rows gets 40 at most"))]
#[case::the_first_page_suffices(HNSW, search!("limit 10 offset 30"), None)]
#[case::so_many_are_sorted(HNSW, search!("limit 1500"), None)]
#[case::one_list_holds_too_few(LISTS, search!("limit 900"), Some("asks for 900 rows gets about 400"))]
#[case::one_list_holds_enough(LISTS, search!("limit 300"), None)]
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_asks_for_more_rows_than_its_index_returns_is_found(
    #[case] index: &str,
    #[case] statements: &'static str,
    #[case] expected: Option<&str>,
) {
    let Some(mut db) = items("pg18", index).await else { return };
    let (analysis, request) = judged(&db, SMALL, statements).await;
    let found = finding(&analysis, LIMIT).map(|found| found.message.as_str());
    assert_eq!(found.is_some(), expected.is_some(), "{analysis:#?}");
    if let (Some(found), Some(expected)) = (found, expected) {
        assert!(found.contains(expected), "{found}");
        all_hold(&mut db, &analysis, &request).await;
    }
}

#[rstest]
#[case("set hnsw.ef_search = 200")]
#[case("set local hnsw.ef_search = 200")]
#[case("select set_config('hnsw.ef_search', '200', true)")]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_application_sets_itself_declines_a_limit(#[case] sets: &str) {
    let Some(db) = items("pg18", HNSW).await else { return };
    let statements = format!("{}\"{sets}\",500,0.1\n", search!("limit 200"));
    let (analysis, _) = judged(&db, SMALL, statements.leak()).await;
    assert!(finding(&analysis, LIMIT).is_none(), "{analysis:#?}");
    let declined = analysis.declined.iter().find(|one| one.check == LIMIT).unwrap();
    assert_eq!(declined.reason, "the application sets it itself");
}

#[rstest]
#[case::a_domain(
    "create domain ml.emb as ext.vector(3); alter table ml.items alter embedding type ml.emb; analyze ml.items",
    search!("limit 10"),
    "((embedding::ext.vector(3)) ext.vector_l2_ops)"
)]
#[case::bits_of_varying_length(
    "alter table ml.items alter embedding type varbit(64) using id::bit(64); analyze ml.items",
    "sql,calls,mean_ms\nselect id from ml.items order by embedding operator(ext.<~>) $1 limit 10,500,20\n",
    "((embedding::bit(64)) ext.bit_hamming_ops)"
)]
#[tokio::test(flavor = "multi_thread")]
async fn the_index_that_is_advised_on_a_cast_can_be_built(
    #[case] change: &str,
    #[case] statements: &'static str,
    #[case] expected: &str,
) {
    for member in ["pg15", "pg18"] {
        let Some(db) = items(member, change).await else { continue };
        let (analysis, _) = judged(&db, SMALL, statements).await;
        let found = finding(&analysis, MISSING).unwrap_or_else(|| panic!("{analysis:#?}"));
        let sql = &advice(&analysis, found)[0].statements[0].sql;
        assert!(sql.contains(expected), "{sql}");
        db.run(sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_need_every_row_and_an_index_has_no_nulls_to_begin_with() {
    let Some(db) = items("pg18", HNSW).await else { return };
    let grouped = "sql,calls,mean_ms
\"select tenant from ml.items group by tenant order by min(embedding operator(ext.<->) '[1,2,3]') limit 10\",500,20
\"select distinct id, embedding operator(ext.<->) '[1,2,3]' as d from ml.items order by d limit 10\",500,20
";
    let (analysis, _) = judged(&db, SMALL, grouped).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
    let (analysis, _) = judged(&db, SMALL, search!("nulls first limit 10")).await;
    let found = finding(&analysis, "vector/operator-class-mismatch").unwrap();
    assert!(found.message.contains("NULLS FIRST"), "{}", found.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_at_half_precision_is_never_the_one_to_drop() {
    let more = "create index items_half on ml.items using hnsw ((embedding::ext.halfvec(3)) ext.halfvec_l2_ops)";
    let Some(db) = items("pg18", more).await else { return };
    let set = [("table_bytes_min", 0.0), ("memory_bytes", 100_000.0)];
    let (analysis, _) = judged(&db, &set, "").await;
    let declined =
        analysis.declined.iter().filter(|one| one.check == "vector/index-exceeds-memory");
    assert_eq!(declined.count(), 0, "{analysis:#?}");
    assert!(finding(&analysis, "vector/index-exceeds-memory").is_some(), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_over_the_few_rows_of_a_b_tree_needs_no_class_and_has_no_limit() {
    let Some(db) = items("pg18", HNSW).await else { return };
    db.run("create index on ml.items (tenant); alter table ml.items add primary key (id); analyze ml.items").await;
    let statements = "sql,calls,mean_ms
\"select id from ml.items where tenant = 7 order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,2
\"select id from ml.items where id in (1, 2, 3) order by embedding operator(ext.<=>) '[1,2,3]' limit 10\",500,2
\"select id from ml.items where tenant = 7 order by embedding operator(ext.<->) '[1,2,3]' limit 100\",500,2
";
    let (analysis, _) = judged(&db, SMALL, statements).await;
    assert!(checks(&analysis).is_empty(), "{analysis:#?}");
}
