//! What is recommended is run by an owner or a superuser, in databases where others may create objects. It never runs
//! theirs, whatever they are called.

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{Analysis, Recommendation, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::advice::{advice, clears_and_is_undone_under, execute_under, found};
use crate::support::{TestDb, analyse, request_of, shadow, tables, workload};

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
    let Some(mut db) = tables(member, DOCUMENTS).await else { return };
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
    let Some(mut db) = tables(member, DOCUMENTS).await else { return };
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
    let Some(db) = tables(member, DOCUMENTS).await else { return };
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

/// Indexes whose definitions name all that a definition can: operators, functions, types, collations, operator classes and
/// forms for which the grammar looks an operator up.
const DEFINITIONS: &str = "create table ml.t (id bigint, n integer, name text, at timestamp, data jsonb);
    create index i_class on ml.t using gin (data jsonb_path_ops) with (fastupdate = off);
    create index i_key on ml.t ((data ->> 'true'), (((data -> 'a') ->> 'null')::int)) where data ? '1';
    create index i_lower on ml.t (lower(name) text_pattern_ops desc nulls last) include (id)
        where n > 0 and name like 'a%' and not name ~ '^b';
    create index i_collate on ml.t (name collate \"C\", (name || 'x' collate \"C\"));
    create index i_types on ml.t ((n::numeric(5,1)), (name::varchar(10)), (n::bigint * -5), (at::timestamp(0)));
    create index i_calls on ml.t (date_trunc('day', at), extract(year from at), coalesce(name, 'x'), greatest(n, 1),
        \"left\"(name, 3), (n = any (array[1, 2])), (- n));
    create index i_distinct on ml.t (n) where name is distinct from 'x';
    create index i_nullif on ml.t (nullif(n, 0), (case n when 1 then 'one' else 'more' end));
    create index i_brin on ml.t using brin (at timestamp_minmax_multi_ops (values_per_range = 16)) with (pages_per_range = 32);
    create index i_rows on ml.t (id) where row(n, id) < row(1, 2) and at at time zone 'UTC' > '2020-01-01+00'";

/// Each is there twice, so that one of them is dropped, and built again by undo.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_built_again_by_its_definition_and_by_postgresqls_own_objects(
    #[values("pg14", "pg15", "deb19")] member: &str,
) {
    let twice = DEFINITIONS.split(";\n").flat_map(|statement| {
        let again =
            statement.contains("create index").then(|| statement.replacen(" on ", "_2 on ", 1));
        std::iter::once(statement.to_owned()).chain(again)
    });
    let Some(mut db) = tables(member, &twice.collect::<Vec<_>>().join(";\n")).await else { return };
    let request = request_of(Superpower::Plan, &[]);
    let analysis = analyse(&db, &request).await;
    let found: Vec<_> =
        analysis.findings.iter().filter(|f| f.check == "plan/redundant-index").collect();
    assert_eq!(found.len(), DEFINITIONS.matches("create index").count(), "{member}: {analysis:#?}");
    let all: Vec<_> = found.iter().flat_map(|found| advice(&analysis, found)).collect();
    shadow::plant(&db, &all).await;
    for found in found {
        for path in shadow::PATHS {
            let tried = (advice(&analysis, found)[0], *path);
            clears_and_is_undone_under(&mut db, &request, found, tried).await;
        }
    }
    shadow::assert_unused(&db).await;
}

/// A definition leaves out the schema of what the search path shows: ours shows nothing but PostgreSQL's own, whatever the
/// role has set, and texts are quoted one way.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_read_under_settings_of_our_own(#[values("pg14", "deb19")] member: &str) {
    let sql = "create operator public.+ (function = public.g, leftarg = text, rightarg = text);
        create table ml.t (a text, b text);
        create index i on ml.t ((a operator(public.+) b), ((a || E'\\\\''')));
        create index j on ml.t ((a operator(public.+) b), ((a || E'\\\\''')))";
    let sql = sql.replace(
        "create operator",
        "create function public.g(a text, b text) returns text immutable return a;\n        create operator",
    );
    let Some(db) = tables(member, &sql).await else { return };
    for setting in [
        "search_path = public, pg_catalog, ml",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
    ] {
        // From 19 on strings conform always.
        let set = format!("alter database {} set {setting}", db.name);
        if db.client.simple_query(&set).await.is_err() {
            assert!(setting.starts_with("standard"), "{member}: {setting}");
        }
    }
    let mut request = request_of(Superpower::Plan, &[]);
    request.scope.checks = vec!["plan/redundant-index".to_owned()];
    let target = Target::open("test", &db.dsn(), None).unwrap().trusting_code(true);
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    let undo = &advice(&analysis, found(&analysis, "plan/redundant-index"))[0].undo[0].sql;
    assert_eq!(
        undo,
        "CREATE INDEX CONCURRENTLY j ON ml.t USING btree (((a OPERATOR(public.+) b)), \
         ((a OPERATOR(pg_catalog.||) '\\'''::pg_catalog.text)));",
        "{member}"
    );
}

/// The expression of an index has PostgreSQL's own operators, and is the one that the application's statement has.
#[rstest]
#[case::texts("data ->> 'true' = 'x7'")]
#[case::numbers("(data ->> 'null')::int = 7")]
#[case::nested("(data -> 'a' ->> 'null')::uuid = 'c81e728d-9d4c-2f63-6f06-7f89cc14862c'")]
#[case::subscripts("data['1'] = '7.5'")]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_on_what_gin_does_not_serve_is_used_by_the_statement(
    #[case] condition: &str,
    #[values("pg14", "deb19")] member: &str,
) {
    let sql = format!("{DOCUMENTS};\ncreate index t_gin on ml.t using gin (data);\nanalyze ml.t");
    let Some(mut db) = tables(member, &sql).await else { return };
    let mut request = request_of(Superpower::Gin, &[("table_bytes_min", 1e5)]);
    request.scope.checks = vec!["gin/unservable-operator".to_owned()];
    let statements =
        format!("sql,calls,mean_ms\n\"select id from ml.t where {condition}\",9500,9\n");
    request.workload = Some(workload(&db, statements.leak()).await);
    let analysis = analyse(&db, &request).await;
    let index = advice(&analysis, found(&analysis, "gin/unservable-operator"))[0];
    shadow::plant(&db, &[index]).await;
    execute_under(&mut db, &index.statements, shadow::PATHS[1]).await;
    db.run("set search_path = ''").await;
    db.run("analyze ml.t").await;
    let plan = format!("explain (format json) select id from ml.t where {condition}");
    let plan: serde_json::Value = db.client.query_one(&plan, &[]).await.unwrap().get(0);
    assert!(plan.to_string().contains("\"Index Name\""), "{member}: {plan:#}");
    shadow::assert_unused(&db).await;
}

/// No index is advised that the server would refuse, or that would hold what another session does not find.
#[rstest]
#[case::a_cast_by_the_session("(data ->> '1')::timestamptz > now()")]
#[case::a_function("lower(data ->> 'true') = 'x7'")]
#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_others_decide_is_found_and_not_indexed(#[case] condition: &str) {
    let sql = format!("{DOCUMENTS};\ncreate index t_gin on ml.t using gin (data);\nanalyze ml.t");
    let Some(db) = tables("pg18", &sql).await else { return };
    let mut request = request_of(Superpower::Gin, &[("table_bytes_min", 1e5)]);
    request.scope.checks = vec!["gin/unservable-operator".to_owned()];
    let statements =
        format!("sql,calls,mean_ms\n\"select id from ml.t where {condition}\",9500,9\n");
    request.workload = Some(workload(&db, statements.leak()).await);
    let analysis = analyse(&db, &request).await;
    let found = found(&analysis, "gin/unservable-operator");
    assert!(found.message.contains("an index on it is not advised"), "{found:#?}");
    assert!(advice(&analysis, found).is_empty());
}
