//! What is recommended is run by an owner or a superuser, in databases where others may create objects. It never runs
//! theirs, whatever they are called.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, Recommendation, Superpower};
use rstest::rstest;

use crate::hybrid_schema::{found, made};
use crate::support::advice::{advice, clears_and_is_undone_under, execute_under};
use crate::support::{TestDb, analyse, request_of, shadow, workload};

const HOT: &str = "hybrid-schema/hot-key-in-document";

/// Keys that are literals of other types, too: without a type of its own such a literal fits more than one operator.
const DOCUMENTS: &str = "create table ml.t (id bigint primary key, data jsonb not null);
    insert into ml.t select i, jsonb_build_object('true', 'x' || i % 100, 'null', i % 100, '1', i % 100 + 0.5,
            'a', jsonb_build_object('null', md5((i % 100)::text)::uuid, 'true', 'x' || i % 100), 'note', repeat('x', 200))
        from generate_series(1, 5000) as i;
    vacuum (analyze) ml.t";

async fn request(db: &TestDb, condition: &str) -> Request {
    let small = [("table_bytes_min", 1e5)];
    let mut request = request_of(Superpower::HybridSchema, &small);
    request.scope.checks = vec![HOT.to_owned()];
    let statements = format!(
        "sql,calls,mean_ms\n\"select id from ml.t where {condition}\",950,9\n\
         \"select data ->> 'note' from ml.t where id = 12\",50,0.1\n"
    );
    request.workload = Some(workload(db, statements.leak()).await);
    request
}

fn ways(analysis: &Analysis) -> Vec<&Recommendation> {
    let all = advice(analysis, found(analysis, HOT));
    assert!(all.iter().any(|r| r.action == "index_key"), "{analysis:#?}");
    all
}

#[rstest]
#[case::texts("data ->> 'true' = 'x7'")]
#[case::numbers("(data ->> 'null')::int = 7")]
#[case::fractions("(data ->> '1')::numeric = 7.5")]
#[case::nested("(data -> 'a' ->> 'null')::uuid = 'c81e728d-9d4c-2f63-6f06-7f89cc14862c'")]
#[case::paths("data #>> '{a,true}' = 'x7'")]
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_look_like_other_literals_are_read_by_postgresqls_own_operators(
    #[case] condition: &str,
    #[values("pg14", "pg18")] member: &str,
) {
    let Some(mut db) = made(member, DOCUMENTS).await else { return };
    let request = request(&db, condition).await;
    let analysis = analyse(&db, &request).await;
    let all = ways(&analysis);
    shadow::plant(&db, &all).await;
    for recommendation in all {
        for path in shadow::PATHS {
            let tried = (recommendation, *path);
            clears_and_is_undone_under(&mut db, &request, found(&analysis, HOT), tried).await;
        }
    }
    shadow::assert_unused(&db).await;

    // The planner takes the index for the statement as the application writes it.
    let index = ways(&analysis).into_iter().find(|r| r.action == "index_key").unwrap();
    execute_under(&mut db, &index.statements, shadow::PATHS[1]).await;
    db.run("set search_path = ''").await;
    let plan = format!("explain (format json) select id from ml.t where {condition}");
    let plan: serde_json::Value = db.client.query_one(&plan, &[]).await.unwrap().get(0);
    assert!(plan.to_string().contains("\"Index Name\""), "{member}: {plan:#}");
    shadow::assert_unused(&db).await;
}

/// The function of the trigger is of the session that writes, and is called under its search path.
#[rstest]
#[case::default("\"$user\", public")]
#[case::before_the_catalog("public, pg_catalog")]
#[tokio::test(flavor = "multi_thread")]
async fn rows_written_later_are_followed_by_postgresqls_own_operators(
    #[case] path: &str,
    #[values("pg14", "pg18")] member: &str,
) {
    let Some(mut db) = made(member, DOCUMENTS).await else { return };
    let request = request(&db, "(data ->> 'null')::int = 7").await;
    let analysis = analyse(&db, &request).await;
    let column = ways(&analysis).into_iter().find(|r| r.action == "promote_key").unwrap();
    execute_under(&mut db, &column.statements, path).await;
    shadow::plant(&db, &[column]).await;
    db.run(&format!("set search_path = {path}")).await;
    db.run("insert into ml.t (id, data) values (100000, E'{\"null\": 12345}')").await;
    db.run("set search_path = ''").await;
    let followed = "select t::text from ml.t as t where id = 100000";
    assert!(db.text(followed).await.ends_with(",12345)"), "{}", db.text(followed).await);
}

/// A test of the test: what is not qualified is caught under either path.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_leaves_the_choice_to_the_search_path_is_caught(
    #[values("pg14", "pg18")] member: &str,
) {
    let Some(db) = made(member, DOCUMENTS).await else { return };
    let careless = [
        "do $$ begin perform from ml.t where (data ->> 'true') is not null; end $$",
        "do $$ begin perform length('x'); perform pg_relation_size('ml.t'); end $$",
        "create table ml.u (key text); insert into ml.u values ('x')",
    ];
    shadow::plant_for(&db, &careless.join("\n")).await;
    db.run("set search_path = public, pg_catalog").await;
    for sql in careless {
        let error = db.client.simple_query(sql).await.unwrap_err();
        let error = error.as_db_error().unwrap().message().to_owned();
        assert!(error.contains("shadow") || error.contains("enum"), "{member}: {error}: {sql}");
    }
    // By default it takes an operator that fits a literal better.
    db.run("reset search_path").await;
    let exact = "select pg_catalog.count(t.data ->> 'true'::pg_catalog.jsonb) from ml.t as t";
    assert!(db.client.simple_query(exact).await.is_err(), "{member}");
    let unknown = db.client.simple_query(careless[0]).await;
    assert!(unknown.is_err(), "{member}: an unknown literal is no text any more");
}
