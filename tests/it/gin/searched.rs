//! Searches of expressions over a column, and of arrays by `= ANY`: what is advised for them serves them, as EXPLAIN says.

use database_optimizer::model::{Analysis, Number};
use rstest::rstest;

use super::workload::judged;
use crate::support::TestDb;
use crate::support::advice::{advice, all_hold, finding};
use crate::support::{analyse, server};

const MISSING: &str = "gin/missing-containment-index";
const UNSERVED: &str = "gin/unservable-operator";

const PAGES: &str = "create table ml.page (id bigint primary key, body text, tags varchar(20)[], d jsonb, title varchar(80) default 'T');
insert into ml.page
select i, md5(i::text) || ' ' || md5((i * 7)::text), array['t' || i % 997, 'u' || i % 1009],
    jsonb_build_object('tags', jsonb_build_array('a' || i % 2000), 'author', jsonb_build_object('id', i % 3000))
from generate_series(1, 8000) as i;
analyze ml.page";

const TEXT_SEARCH: &str =
    "select id from ml.page where to_tsvector('english', body) @@ plainto_tsquery('english', 'x')";
const QUALIFIED: &str = "select id from ml.page p where plainto_tsquery('simple', 'x') @@ pg_catalog.to_tsvector('pg_catalog.simple'::regconfig, p.body)";
const JOINED: &str = "select id from ml.page where to_tsvector('english', coalesce(title, '') || ' ' || (body || ' ')) @@ plainto_tsquery('english', 'x')";
const OF_ARRAY: &str = "select id from ml.page where d -> 'tags' @> '[\"a5\"]'";
const BY_SUBSCRIPT: &str = "select id from ml.page where d['author'] @> '{\"id\": 7}'";
const BY_KEY: &str = "select id from ml.page where d -> 'tags' ? 'a5'";
const ANY: &str = "select id from ml.page where 't5' = any (tags)";

async fn plan(db: &TestDb, statement: &str) -> String {
    db.run("set enable_seqscan = off").await;
    let rows = db.client.query(&format!("explain (costs off) {statement}"), &[]).await.unwrap();
    db.run("reset enable_seqscan").await;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

#[rstest]
#[case::text_search(TEXT_SEARCH, "to_tsvector('pg_catalog.english'::pg_catalog.regconfig, body)")]
#[case::with_schemas_and_sides_exchanged(QUALIFIED, "'pg_catalog.simple'::pg_catalog.regconfig")]
#[case::columns_joined_by_blanks(
    JOINED,
    "COALESCE(title, '') OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) (body OPERATOR(pg_catalog.||) ' ')"
)]
#[case::a_key(OF_ARRAY, "jsonb_path_ops")]
#[case::a_subscript(BY_SUBSCRIPT, "(d['author']) pg_catalog.jsonb_path_ops")]
#[case::keys_of_a_key(BY_KEY, "'tags'::pg_catalog.text))")]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_on_the_expression_is_advised_and_serves_the_statement_as_it_is_spelled(
    #[case] statement: &str,
    #[case] expected: &str,
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let mut db = TestDb::filled(server, PAGES).await;
    let (analysis, request) = judged(&db, &[statement]).await;
    let found = finding(&analysis, MISSING).unwrap_or_else(|| panic!("{member}: {analysis:#?}"));
    let [built] = advice(&analysis, found)[..] else { panic!("{member}: {analysis:#?}") };
    let sql = &built.statements[0].sql;
    assert!(sql.contains(expected), "{sql}");
    all_hold(&mut db, &analysis, &request).await;
    db.run(sql).await;
    let plan = plan(&db, statement).await;
    assert!(plan.contains("Bitmap Index Scan on page_"), "{member}: {plan}");
    let after = analyse(&db, &request).await;
    assert!(finding(&after, MISSING).is_none(), "{member}: {after:#?}");
}

/// What an index could not have, or may have already in another spelling, has no statement.
#[rstest]
#[case::the_session_decides(
    "to_tsvector(body) @@ plainto_tsquery('x')",
    Some("depends on the session"),
    ""
)]
#[case::another_configuration(
    "to_tsvector('ours', body) @@ plainto_tsquery('x')",
    None,
    "`to_tsvector('ours', body) @@` finds rows in 5,000 calls, and no index serves them; it calls"
)]
#[case::values_within(
    "to_tsvector('english', coalesce(body, 'none')) @@ plainto_tsquery('x')",
    Some("constants of the statements"),
    ""
)]
#[case::no_text(
    "to_tsvector('english', body || id) @@ plainto_tsquery('x')",
    None,
    "it joins columns that are not of text"
)]
#[case::of_any_configuration(
    "to_tsvector($1, body) @@ plainto_tsquery($2)",
    None,
    "by `to_tsvector` make 5,000 calls, and their texts do not show the text search configuration"
)]
#[case::of_any_key(
    "d -> $1 @> '[\"a5\"]'",
    None,
    "by `d -> $1 @>` make 5,000 calls, and their texts do not show the key"
)]
#[case::of_a_computed_key(
    "d -> lower(title) @> '[\"a5\"]'",
    None,
    "finds rows in 5,000 calls, and no index serves them"
)]
#[case::weighted(
    "setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', body), 'B') @@ plainto_tsquery('x')",
    Some("constants of the statements"),
    ""
)]
#[case::vectors_put_together(
    "to_tsvector('english', title) || to_tsvector('english', body) @@ plainto_tsquery('x')",
    None,
    "which dbopt does not write"
)]
#[case::of_a_function(
    "jsonb_path_query_first(d, '$.tags') @> '[\"a5\"]'",
    None,
    "finds rows in 5,000 calls, and no index serves them"
)]
#[tokio::test(flavor = "multi_thread")]
async fn no_index_is_advised_on_what_no_index_can_hold(
    #[case] condition: &str,
    #[case] message: Option<&str>,
    #[case] why: &str,
) {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::filled(server, PAGES).await;
    let statement = format!("select id from ml.page where {condition}");
    let (analysis, _) = judged(&db, &[&statement]).await;
    let found = finding(&analysis, MISSING);
    assert_eq!(found.is_some(), message.is_some(), "{analysis:#?}");
    if let (Some(found), Some(message)) = (found, message) {
        assert!(found.message.contains(message) && found.recommendations.is_empty(), "{found:#?}");
    }
    let is_gap = analysis.gaps.iter().any(|gap| gap.detail.contains("text search configuration"));
    assert_eq!(is_gap, condition.contains("($1"), "{analysis:#?}");
    let gaps = analysis.gaps.iter().map(|gap| (&gap.detail, condition.contains('$')));
    let declined = analysis.declined.iter().map(|one| (&one.detail, !condition.contains("$1")));
    let said = gaps.chain(declined).any(|(detail, fits)| fits && detail.contains(why));
    assert!(message.is_some() || said, "{analysis:#?}");
}

/// Texts of `pg_stat_statements` leave out the constants of an expression: an index on it with any may serve them.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_may_serve_statements_without_their_constants_is_taken_to() {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::filled(server, PAGES).await;
    let statement = "select id from ml.page where to_tsvector($1, coalesce(title, $2) || $3 || body) @@ plainto_tsquery($4)";
    let is_gap = |analysis: &Analysis| {
        analysis.gaps.iter().any(|gap| gap.detail.contains("text search configuration"))
    };
    let (analysis, _) = judged(&db, &[statement]).await;
    assert!(is_gap(&analysis), "{analysis:#?}");
    db.run("create index on ml.page using gin (to_tsvector('english', coalesce(title, '') || ' - ' || body))")
        .await;
    let (analysis, _) = judged(&db, &[statement]).await;
    assert!(!is_gap(&analysis) && finding(&analysis, MISSING).is_none(), "{analysis:#?}");
}

fn rewrite(analysis: &Analysis, check: &str) -> String {
    let found = finding(analysis, check).unwrap_or_else(|| panic!("{analysis:#?}"));
    assert!(found.recommendations.is_empty(), "{found:#?}");
    let evidence = found.evidence.iter().find(|one| one.name == "condition").unwrap();
    let Number::Name(condition) = &evidence.value else { panic!("{evidence:?}") };
    condition.clone()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn any_of_an_array_is_rewritten_to_what_finds_the_same_rows_by_an_index(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::filled(server, PAGES).await;
    db.run("insert into ml.page (id, tags) values (-1, null), (-2, '{null}'), (-3, '{null,t5}'), (-4, '{}')")
        .await;
    let (analysis, _) = judged(&db, &[ANY]).await;
    let condition = rewrite(&analysis, MISSING).replace("$1", "'t5'");
    db.run("create index page_tags on ml.page using gin (tags)").await;
    let rewritten = format!("select id from ml.page where {condition}");
    assert!(plan(&db, &rewritten).await.contains("page_tags"), "{condition}");
    assert!(!plan(&db, ANY).await.contains("page_tags"), "= ANY is served after all");
    let rows =
        |statement: &str| format!("select json_agg(id order by id)::text from ({statement}) as r");
    assert_eq!(db.text(&rows(&rewritten)).await, db.text(&rows(ANY)).await);

    let (analysis, _) = judged(&db, &[ANY]).await;
    assert!(finding(&analysis, MISSING).is_none(), "{analysis:#?}");
    assert_eq!(rewrite(&analysis, UNSERVED).replace("$1", "'t5'"), condition);
    // Where another condition finds the rows by that index, it serves the statement.
    let both = format!("{ANY} and tags && array['u7']::varchar[]");
    let (analysis, _) = judged(&db, &[&both]).await;
    assert!(finding(&analysis, UNSERVED).is_none(), "{analysis:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_share_rows_by_inheritance_have_no_index_that_finds_them_all() {
    let Some(server) = server("deb19") else { return };
    let rows = "create table ml.note (id bigint, d jsonb);
create table ml.note_a () inherits (ml.note);
insert into ml.note select i, jsonb_build_object('b', md5(i::text)) from generate_series(1, 6000) as i;
insert into ml.note_a select i, jsonb_build_object('b', md5(i::text)) from generate_series(1, 6000) as i;
analyze";
    let db = TestDb::filled(server, rows).await;
    let (analysis, _) = judged(&db, &["select id from ml.note where d @> '{\"b\": \"x\"}'"]).await;
    assert!(finding(&analysis, MISSING).is_none(), "{analysis:#?}");
    let declined = analysis.declined.iter().find(|one| one.check == MISSING).unwrap();
    assert_eq!(declined.reason, "inheritance");
}
