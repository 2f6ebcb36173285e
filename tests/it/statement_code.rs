//! Code of a target's own that EXPLAIN of a statement would run, with or without ANALYZE: the statement is not explained, and
//! nothing is called by looking whether it would be.

use database_optimizer::analysis::{self, ExplainError, ExplainRefusal, Request, StatementText};
use database_optimizer::model::{GapReason, Superpower};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::{TestDb, request_of, server, until, workload};

/// What an ordinary role made: functions that are counted, and a table.
const MADE: &str = "create schema ml;
    create function ml.f(text) returns boolean language plpgsql immutable as 'begin return true; end';
    create function ml.g(text) returns text language plpgsql immutable as 'begin return $1; end';
    create domain ml.d as text check (ml.f(value));
    create table ml.t (id int primary key, a text);
    insert into ml.t select i, 'x' || i from generate_series(1, 1000) as i;
    analyze ml.t;
    set search_path = ml";

/// What else was made, and a statement that would run `f` or `g` where it is planned.
const PLANNED: &[(&str, &str)] = &[
    // However a function is called.
    ("", "select * from t where a = g('x')"),
    ("", "select * from t where a = g/* c */ ('x')"),
    ("", "select * from t where a = g-- c\n('x')"),
    ("", "select * from t where a = ml.\"g\"('x')"),
    ("", "select * from t where a = ('x'::text).g"),
    ("alter function g(text) rename to \"É\"", "select * from t where a = É('x')"),
    (
        "alter function g(text) rename to \"ééééééééééééééééééééééééééééééé\"",
        "select * from t where a = éééééééééééééééééééééééééééééééééééé('x')",
    ),
    ("create function h(record) returns text immutable language plpgsql as 'begin return ml.g(''x''); end'", "select * from t where a = (row(1)).h"),
    (
        "create type m as (x int);
        create function h(anyelement) returns text immutable language sql as 'select ml.g(''x'')'",
        "select * from t where a = (row(1)::m).h",
    ),
    (
        "create type m as (x int);
        create function h(m, int default 1) returns text immutable language sql as 'select ml.g(''x'')'",
        "select * from t where a = (row(1)::m).h",
    ),
    (
        "create type m as (x int); create domain dm as m;
        create function h(dm) returns text immutable language sql as 'select ml.g(''x'')'",
        "select * from t where a = (row(1)::m::dm).h",
    ),
    // Operators, those of keywords among them.
    (
        "create function h(text, text) returns text immutable language sql as 'select ml.g($1)';
        create operator ## (function = h, leftarg = text, rightarg = text)",
        "select * from t where a = 'x' operator(ml.##) 'y'",
    ),
    (
        "create type m as (x int);
        create function h(m, text) returns boolean immutable language sql as 'select ml.f($2)';
        create operator !~ (function = h, leftarg = m, rightarg = text)",
        "select * from t where row(1)::m not similar to 'x'",
    ),
    // Literals of types with checks.
    ("", "select '{x}'::d[]"),
    ("", "select '{x}'::_d"),
    ("create domain e as d", "select '{x}'::e[]"),
    ("create type m as (x int, y d)", "select '(1,x)'::m"),
    ("create type m as (x int, y d)", "select '{\"(1,x)\"}'::_m"),
    ("create table u (x int, y d)", "select '{\"(1,x)\"}'::_u"),
    ("create type r as range (subtype = d)", "select '[a,b]'::r"),
    ("create type r as range (subtype = d, multirange_type_name = mr)", "select '{[a,b]}'::mr"),
    (
        "create type m as (x int, y d)",
        "select * from t where a = (jsonb_populate_record(null::m, '{\"y\": \"x\"}')).y",
    ),
    // Functions of PostgreSQL that run what a value names.
    ("", "select * from t where a = array_in('{x}', 'ml.d'::regtype, -1)::text"),
    ("", "select * from t where a = (domain_in('x', 'ml.d'::regtype, -1) is null)::text"),
    ("", "select * from t where a = pg_input_is_valid('{x}', 'ml.d[]')::text"),
    (
        "create function h() returns void language sql as 'select ''{x}''::ml.d[]'",
        "select * from t where a = (fmgr_sql_validator('ml.h'::regproc) is null)::text",
    ),
    ("create view v as select g(a) from t limit 1", "select * from t where a = table_to_xml('ml.v', true, true, '')::text"),
    ("create view v as select g(a) from t limit 1", "select * from t where a = schema_to_xml('ml', true, true, '')::text"),
    (
        "create view v as select g(a) from t limit 1;
        create view w as select * from t where a = table_to_xml('ml.v', true, true, '')::text",
        "select * from w",
    ),
    // Views over what runs code.
    ("create view v as select g('x') as a", "select * from v"),
    ("create view v as select g('x') as a; create view w as select * from v", "select * from w where a = 'x'"),
    ("create index on t (id) where f('x'); create view v as select * from t", "select * from v where id = 1"),
    (
        "create index on t (id) where f('x'); create view v as select * from t; create view w as select * from v",
        "select * from w where id = 1",
    ),
    (
        "create table u () inherits (t); create index on u (id) where f('x'); create view v as select * from t",
        "select * from v where id = 1",
    ),
    (
        "create materialized view mv as select * from t; create index on mv (id) where f('x');
        create view v as select * from mv",
        "select * from v where id = 1",
    ),
    // Writes.
    ("create table u (id int, a text default g('x'))", "insert into u (id) values (1)"),
    (
        "create table u (id int, a text default g('x')); create view v as select * from u;
        alter view v alter a set default g('y')",
        "insert into v (id) values (1)",
    ),
    ("create rule r as on update to t where g('x') = 'x' do also select 1", "update t set a = 'y' where id = 1"),
    ("create rule r as on delete to t do instead select g('x')", "delete from t where id = 1"),
    (
        "create table u (id int); create index on u (id) where f('x');
        create rule r as on delete to t do also select * from u where id = 1",
        "delete from t where id = 1",
    ),
];

/// The same where it is executed.
const EXECUTED: &[(&str, &str)] = &[
    ("create domain e as d", "select a::e from t limit 1"),
    (
        "create extension tablefunc schema ml",
        "select * from crosstab('select ml.g(''x''), ''a''::text, ''b''::text') as c (a text, b text)",
    ),
    ("", "select query_to_xml('select ml.g(''x'')', true, true, '')"),
    ("create view v as select g(a) from t", "select count(*) from v"),
    (
        "create function s(text, text) returns text immutable language sql as 'select ml.g($2)';
        create aggregate last_of(text) (sfunc = s, stype = text)",
        "select last_of(a) from t",
    ),
];

/// Objects with names and types that our own look-ups use: what they pick first where they look into the search path.
const SHADOWS: &str = "
    create function ml.eq(oid, int) returns boolean language plpgsql as 'begin return ml.f(''x''); end';
    create operator ml.>= (function = ml.eq, leftarg = oid, rightarg = int);
    create function ml.eq(name, name) returns boolean language plpgsql as 'begin return ml.f(''x''); end';
    create operator ml.~ (function = ml.eq, leftarg = name, rightarg = name);
    create function ml.eq(name, text) returns boolean language plpgsql as 'begin return ml.f(''x''); end';
    create operator ml.= (function = ml.eq, leftarg = name, rightarg = text)";

/// Statements that call nothing of `ml`, beside objects that others could have made.
const HARMLESS: &[(&str, &str)] = &[
    ("create type r as range (subtype = float8)", "select * from t where a = 'x'"),
    ("create type kind as enum ('a', 'b')", "select * from t where a = 'a'::kind::text"),
    (
        "create extension hstore schema ml; create extension pg_trgm schema ml",
        "select * from t where a % 'x' and similarity(a, 'y') > 0.5",
    ),
    ("create table u (id int, a text default g('x'))", "select * from u where id = 1"),
    ("create rule r as on delete to t do instead select g('x')", "select * from t where id = 1"),
    ("create table u (id int, a text check (f(a)))", "insert into u (id) values (1)"),
    ("create view v as select * from t", "select * from v where id = 1"),
    ("", "select t.a, (t.a || 'x') from t where a not similar to 'x' order by id"),
];

/// Calls of what was made, by all sessions that have ended; ours have.
async fn calls(db: &mut TestDb) -> String {
    let others = "select count(*)::text from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    // The session before reports what it called when it ends.
    db.settle().await;
    until("other sessions end", async || db.text(others).await == "0").await;
    db.settle().await;
    db.text(
        "select coalesce(sum(calls), 0)::text from pg_stat_user_functions where schemaname = 'ml'",
    )
    .await
}

/// What making it called is not counted.
async fn counted_from_here(db: &mut TestDb) {
    calls(db).await;
    db.run("select pg_stat_reset()").await;
}

async fn made(member: &str) -> Option<TestDb> {
    let db = TestDb::create(server(member)?).await;
    let counting = format!(
        "alter database {0} set track_functions = 'all'; alter database {0} set search_path = ml, public",
        db.name
    );
    db.run(&counting).await;
    Some(db)
}

async fn explained(db: &TestDb, sql: &str, analyze: bool) -> Result<(), ExplainError> {
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let text = StatementText { sql: sql.to_owned(), analyze, ..StatementText::default() };
    analysis::explain(&target, Request::new(Some(Superpower::Plan)), text).await.map(drop)
}

/// Make what a case needs, and look whether its statement is explained; what the case made has called nothing by then.
async fn case(
    db: &mut TestDb,
    (setup, sql): (&str, &str),
    analyze: bool,
) -> Result<(), ExplainError> {
    db.run("drop schema if exists ml cascade").await;
    db.run(MADE).await;
    db.run(setup).await;
    counted_from_here(db).await;
    let outcome = explained(db, sql, analyze).await;
    let called = calls(db).await;
    assert_eq!(called, "0", "{}: {setup}; {sql}: {outcome:?}", db.server.name);
    outcome
}

fn is_refused(outcome: &Result<(), ExplainError>) -> bool {
    match outcome {
        Err(ExplainError::NotExplainable(_)) => true,
        Err(ExplainError::Refused(refusal)) => match refusal {
            ExplainRefusal::Code { .. } | ExplainRefusal::Named(_) => true,
            // A function that this version does not have.
            ExplainRefusal::Refused { sqlstate, .. } => sqlstate == "42883",
            ExplainRefusal::Target(_) => false,
        },
        _ => false,
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_whose_plan_would_call_a_function_of_the_database_is_not_explained(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(mut db) = made(member).await else { return };
    for planned in PLANNED {
        let outcome = case(&mut db, *planned, false).await;
        assert!(is_refused(&outcome), "{member}: {planned:?}: {outcome:?}");
    }
    for executed in EXECUTED {
        let outcome = case(&mut db, *executed, true).await;
        assert!(is_refused(&outcome), "{member}: {executed:?}: {outcome:?}");
    }
}

/// A test of the test: the server calls them for each of these.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_plan_of_each_of_these_calls_one(#[values("deb18")] member: &str) {
    let Some(mut db) = made(member).await else { return };
    for (setup, sql) in PLANNED {
        db.run("drop schema if exists ml cascade").await;
        db.run(MADE).await;
        db.run(setup).await;
        counted_from_here(&mut db).await;
        let _ = db.client.simple_query(&format!("explain {sql}")).await;
        assert_ne!(calls(&mut db).await, "0", "{setup}; {sql}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_calls_none_is_explained_whatever_stands_beside_it(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(mut db) = made(member).await else { return };
    for harmless in HARMLESS {
        let outcome = case(&mut db, *harmless, false).await;
        assert!(outcome.is_ok(), "{member}: {harmless:?}: {outcome:?}");
    }
}

/// The owner of the database can set `standard_conforming_strings = off` for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_read_as_it_was_looked_through() {
    let Some(mut db) = made("deb18").await else { return };
    let off = format!("alter database {} set standard_conforming_strings = off", db.name);
    db.run(&off).await;
    let outcome = case(&mut db, ("", "select '\\' || ', g(''x''), --'"), false).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn no_look_for_code_uses_what_others_put_into_the_search_path(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(mut db) = made(member).await else { return };
    let outcome = case(&mut db, (SHADOWS, "select id from t"), false).await;
    assert!(is_refused(&outcome), "the statement may use one of them: {outcome:?}");
}

/// Statements of the workload are written by the roles that run them.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_visit_explains_none_of_these_either(#[values("pg14", "deb18")] member: &str) {
    let Some(mut db) = made(member).await else { return };
    db.run(MADE).await;
    db.run(SHADOWS).await;
    db.run(
        "create table ml.u (id int, a text default ml.g('x')); create type ml.m as (x int, y ml.d);
        create table ml.w (id int); create index on ml.w (id) where ml.f('x'); create view ml.v as select * from ml.w",
    )
    .await;
    counted_from_here(&mut db).await;
    let statements = "sql,calls,mean_ms
select id from v where id = 1,50,9
\"select '(1,x)'::m\",50,8
select id from t where a = any ('{x}'::_d),50,7
insert into u (id) values (1),50,6
select g/**/('x'),50,5
select ('x'::text).g,50,4
\"select * from t where a = table_to_xml('ml.v', true, true, '')::text\",50,3
";
    let mut request = request_of(Superpower::Plan, &[]);
    request.workload = Some(workload(&db, statements).await);
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    drop(target);
    assert_eq!(calls(&mut db).await, "0", "{member}");
    let refused = analysis.gaps.iter().filter(|gap| {
        gap.reason == GapReason::ForeignCode && gap.detail.contains("was not explained")
    });
    assert_eq!(refused.count(), 7, "{member}: {:#?}", analysis.gaps);
}
