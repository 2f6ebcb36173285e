//! Statements that are explained on a target: nothing is executed that may not be, and nothing is left behind.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use database_optimizer::analysis::{self, StatementText};
use database_optimizer::model::Superpower;
use database_optimizer::pg::Target;
use database_optimizer::store::KeyScope;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Reply, Service, TestDb, request_of, server};

/// A target with a table, a sequence, a view that calls it, and a function of the database's own.
async fn target(member: &str) -> Option<(Service, TestDb)> {
    let db = TestDb::create(server(member)?).await;
    db.run(
        "create schema ml;
        create table ml.features (id bigint primary key, user_id bigint, name text);
        insert into ml.features select i, i % 100, md5(i::text) from generate_series(1, 20000) as i;
        create sequence ml.counter;
        create view ml.inner_view as select nextval('ml.counter') as n;
        create view ml.outer_view as select n + 1 as n from ml.inner_view;
        create function ml.own(bigint) returns bigint language plpgsql immutable as 'begin return $1; end';
        create operator ml.=== (function = ml.own, rightarg = bigint);
        create type ml.pair as (a bigint, b text);
        create function ml.differs(bigint, bigint) returns boolean language plpgsql immutable as 'begin return $1 <> $2; end';
        create operator ml.<#> (
            function = pg_catalog.int8eq, leftarg = bigint, rightarg = bigint, negator = operator(ml.<##>), restrict = eqsel
        );
        create operator ml.<##> (
            function = ml.differs, leftarg = bigint, rightarg = bigint, negator = operator(ml.<#>), restrict = neqsel
        );
        create view ml.negated as select id from ml.features where not (user_id operator(ml.<#>) 3);
        create table ml.indexed (n bigint);
        create index on ml.indexed (n) where not (n operator(ml.<#>) 3);
        analyze ml.features",
    )
    .await;
    let service = Service::start().await;
    service.register("db", db.dsn().expose_secret()).await;
    Some((service, db))
}

async fn explained(service: &Service, body: Value) -> Reply {
    service.with("POST", "/v1/targets/db/plan/decode", body).await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_explained_with_values_without_values_and_executed(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some((service, db)) = target(member).await else { return };
    let sql = "select * from ml.features where user_id = $1 and name = %s";
    for (more, source, loops) in [
        (json!({}), "generic", Value::Null),
        (json!({"parameters": [7, "x"]}), "explained", Value::Null),
        (json!({"parameters": ["7", null], "analyze": true}), "analyzed", json!(1)),
    ] {
        let mut body = json!({"sql": sql, "settings": {"work_mem": "1MB"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = explained(&service, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        let plan = reply.json();
        assert_eq!(plan["source"], source, "{plan:#}");
        if source == "generic" {
            assert!(plan["plan"]["conditions"][0]["text"].as_str().unwrap().contains("$1"));
        }
        if source != "analyzed" {
            assert_eq!(plan["plan"]["schema"], "ml", "{plan:#}");
            assert_eq!(plan["plan"]["actual_loops"], loops);
        }
        assert_eq!(plan["settings"]["work_mem"], "1MB", "{plan:#}");
    }
    drop(db);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_volatile_or_the_database_s_own_is_refused_by_name(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some((service, db)) = target(member).await else { return };
    for (sql, analyze, named) in [
        ("select nextval('ml.counter')", true, "pg_catalog.nextval"),
        ("select pg_advisory_lock(1)", true, "pg_catalog.pg_advisory_lock"),
        ("select * from ml.outer_view", true, "`inner_view` calls `pg_catalog.nextval`"),
        ("select * from (values (random())) as v", true, "pg_catalog.random"),
        ("select 1 limit pg_sleep(0)::text::int", true, "pg_catalog.pg_sleep"),
        ("select ml.own(1)", false, "`ml.own`"),
        ("select operator(ml.===) 5::bigint", false, "operator `===` calls `ml.own`"),
        ("select ('(1,x)'::ml.pair).a.own", false, "`ml.own`"),
        ("select (f).id.own from ml.features as f", false, "`ml.own`"),
        (
            "select 1 where not (1::bigint operator(ml.<#>) 3)",
            false,
            "operator `<##>` calls `ml.differs`",
        ),
        ("select * from ml.negated", false, "operator `<##>` calls `ml.differs`"),
        ("select n from ml.indexed where n = 1", false, "`indexed`, by its index"),
        ("select ('(1,ml.counter)'::ml.pair).b.nextval", true, "pg_catalog.nextval"),
        ("select txid_current()", true, "pg_catalog.txid_current"),
    ] {
        let reply = explained(&service, json!({"sql": sql, "analyze": analyze})).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{sql}: {reply:?}");
        assert_eq!(reply.problem(), "statement-refused", "{sql}");
        assert!(reply.text.contains(named), "{sql}: {reply:?}");
    }
    assert_eq!(db.text("select is_called::text from ml.counter").await, "false");
    let plain = explained(&service, json!({"sql": "select * from ml.outer_view"})).await;
    assert_eq!(plain.status, StatusCode::OK, "{plain:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_reads_is_not_executed_wherever_the_foreign_table_stands(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some((service, db)) = target(member).await else { return };
    let port = db.text("select current_setting('port')").await;
    db.run(&format!(
        "create extension postgres_fdw;
        create server other foreign data wrapper postgres_fdw options (port '{port}');
        create foreign table ml.far (n bigint) server other;
        create view ml.farther as select n from ml.far;
        create table ml.lists (n bigint) partition by list (n);
        create foreign table ml.list partition of ml.lists for values in (1) server other;
        create materialized view ml.copied as select n, random() from ml.far with no data"
    ))
    .await;
    for (sql, named) in [
        ("select * from ml.far", "foreign table `far`"),
        ("select * from ml.farther", "foreign table `far`"),
        ("select * from ml.lists", "foreign table `list`"),
    ] {
        let reply = explained(&service, json!({"sql": sql, "analyze": true})).await;
        assert_eq!(reply.problem(), "statement-refused", "{sql}");
        assert!(reply.text.contains(named), "{sql}: {reply:?}");
        let reply = explained(&service, json!({"sql": sql})).await;
        assert_eq!(reply.status, StatusCode::OK, "{sql}: {reply:?}");
    }
    let copied = json!({"sql": "select * from ml.copied", "analyze": true});
    let reply = explained(&service, copied).await;
    assert!(reply.text.contains("55000"), "it is read as a table is, and has no rows: {reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_volatile_by_its_parts_is_not_executed_on_a_trusted_target_either() {
    let Some((_service, db)) = target("pg18").await else { return };
    db.run(
        "create function ml.step(bigint, bigint) returns bigint language sql volatile as 'select $2';
        create aggregate ml.total(bigint) (sfunc = ml.step, stype = bigint);
        create domain ml.counted as bigint check (value < nextval('ml.counter'));
        create domain ml.twice as ml.counted;
        create view ml.counts as select id::ml.twice as id from ml.features",
    )
    .await;
    let trusting = Target::open("test", &db.dsn(), None).unwrap().trusting_code(true);
    for (sql, named) in [
        ("select ml.total(id) from ml.features", "`ml.total` is volatile"),
        ("select 1::ml.twice", "domain `counted` calls `pg_catalog.nextval`"),
        ("select * from ml.counts", "domain `counted` calls `pg_catalog.nextval`"),
    ] {
        let text = StatementText { sql: sql.to_owned(), analyze: true, ..StatementText::default() };
        let request = request_of(Superpower::Plan, &[]);
        let error = analysis::explain(&trusting, request, text).await.unwrap_err();
        assert!(error.to_string().contains(named), "{sql}: {error}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_sample_by_a_method_of_postgresql_s_own_is_executed(
    #[values("pg15", "pg18")] member: &str,
) {
    let Some((_service, db)) = target(member).await else { return };
    let plain = Target::open("test", &db.dsn(), None).unwrap();
    let explain = async |sql: &str| {
        let text = StatementText { sql: sql.to_owned(), analyze: true, ..StatementText::default() };
        analysis::explain(&plain, request_of(Superpower::Plan, &[]), text).await
    };
    for method in ["system", "bernoulli"] {
        let sql =
            format!("select count(*) from ml.features tablesample {method} (50) repeatable (1)");
        assert!(explain(&sql).await.is_ok(), "{method}");
    }
    // A function of that name is none.
    db.run("create function ml.system() returns int language sql volatile as 'select 1'").await;
    let error = explain("select ml.system()").await.unwrap_err();
    assert!(error.to_string().contains("`ml.system`"), "{error}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_volatile_is_executed_where_it_is_allowed_by_its_schema_and_name(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some((_service, db)) = target(member).await else { return };
    db.run(
        "create function ml.drawn() returns float language plpgsql volatile as 'begin return random(); end'",
    )
    .await;
    let plain = Target::open("test", &db.dsn(), None).unwrap();
    let trusting = Target::open("test", &db.dsn(), None).unwrap().trusting_code(true);
    for (target, sql, allowed, refused) in [
        (&plain, "select random() from ml.features", "pg_catalog.random", None),
        (&trusting, "select ml.drawn() from ml.features", "ml.drawn", None),
        (&plain, "select random()", "public.random", Some("allowed by name (`allow_functions`, ")),
        (&plain, "select random(), pg_sleep(9)", "pg_catalog.random", Some("pg_catalog.pg_sleep")),
        (&plain, "select ml.drawn()", "ml.drawn", Some("trust the target (`trust_code`)")),
    ] {
        let allowed_functions = BTreeSet::from([allowed.to_owned()]);
        let sql = sql.to_owned();
        let text =
            StatementText { sql, analyze: true, allowed_functions, ..StatementText::default() };
        let explained = analysis::explain(target, request_of(Superpower::Plan, &[]), text).await;
        match refused {
            None => assert!(explained.unwrap().plan.actual_total_ms.is_some(), "{allowed}"),
            Some(why) => {
                let error = explained.unwrap_err().to_string();
                assert!(error.contains(why), "{error}");
            }
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_explained_and_not_made_and_several_statements_are_refused(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some((service, db)) = target(member).await else { return };
    let delete = json!({"sql": "delete from ml.features"});
    let reply = explained(&service, delete.clone()).await;
    assert_eq!(reply.json()["plan"]["node_type"], "ModifyTable", "{reply:?}");
    for (sql, analyze, field) in [
        ("delete from ml.features", true, "/analyze"),
        ("select * from ml.features for update", true, "/analyze"),
        ("select 1; delete from ml.features", false, "/sql"),
        ("select 1 \\; commit; delete from ml.features", false, "/sql"),
        ("truncate ml.features", false, "/sql"),
        ("select * from ml.features where id = $1", true, "/parameters"),
    ] {
        let reply = explained(&service, json!({"sql": sql, "analyze": analyze})).await;
        assert_eq!(reply.problem(), "invalid-request", "{sql}");
        assert_eq!(reply.json()["errors"][0]["pointer"], field, "{sql}");
    }
    let setting = json!({"sql": "select 1", "settings": {"role": "postgres"}});
    assert_eq!(explained(&service, setting).await.problem(), "invalid-request");
    assert_eq!(db.text("select count(*)::text from ml.features").await, "20000");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_s_words_do_not_reach_the_client() {
    let Some((service, _db)) = target("pg18").await else { return };
    let body = json!({
        "sql": "select * from ml.features where id = $1", "parameters": ["top secret"]
    });
    let reply = explained(&service, body).await;
    assert_eq!(reply.problem(), "statement-refused");
    assert!(reply.text.contains("22P02") && !reply.text.contains("top secret"), "{reply:?}");
    let reply = explained(&service, json!({"sql": "select secret_column from ml.features"})).await;
    assert!(reply.text.contains("42703") && !reply.text.contains("secret_column"), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn executing_a_statement_needs_the_scope_probe() {
    let Some((service, _db)) = target("pg18").await else { return };
    let store = service.app.store();
    let (_, reader) = store.create_key("r", &[KeyScope::Read]).await.unwrap();
    let (_, prober) = store.create_key("p", &[KeyScope::Read, KeyScope::Probe]).await.unwrap();
    for (key, analyze, status) in [
        (&reader, false, StatusCode::OK),
        (&reader, true, StatusCode::FORBIDDEN),
        (&prober, true, StatusCode::OK),
    ] {
        let body = json!({"sql": "select count(*) from ml.features", "analyze": analyze});
        let request = Request::post("/v1/targets/db/plan/decode")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", key.expose_secret()));
        let reply = service.send(request.body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
}
