//! Code of a target's own that planning or reading would run with our role's rights: it is found, and not run.

use std::collections::BTreeMap;

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{GapReason, ProveMode};
use database_optimizer::pg::Target;
use rstest::rstest;

use crate::support::{TestDb, server};

const SOURCE: &str = include_str!("../../src/observe/sql/foreign_code.sql");

/// What the source says, as `relation: kind object`.
async fn found(db: &TestDb) -> BTreeMap<String, String> {
    let sql = format!(
        "select coalesce(json_object_agg(q.oid::oid::regclass, concat_ws(' ', q.kind, q.object)), '{{}}')::text
        from ({SOURCE}) as q
        where q.oid is not null and not q.on_write"
    );
    serde_json::from_str(&db.text(&sql).await).unwrap()
}

/// Each case: what makes it, and what is found of its table `t`; nothing where it is none of the target's own code.
const CASES: &[(&str, &str)] = &[
    // Whose code it is.
    ("create index i on t (lower(a)) where length(a) > 3 and b @> '{}'", ""),
    ("create index i on t (id) where f(a)", "index i"),
    ("create index i on t (g(a))", "index i"),
    ("create index i on t using gin (a gin_trgm_ops); create index on t ((similarity(a, 'x')))", ""),
    ("create table u (h hstore); create index on u using gin (h); alter table t add h hstore", ""),
    // Operators by their functions.
    (
        "create operator === (function = f2, leftarg = jsonb, rightarg = jsonb);
        create index i on t (id) where b operator(=== ) '{}'",
        "index i",
    ),
    (
        "create operator === (function = jsonb_eq, leftarg = jsonb, rightarg = jsonb);
        create index i on t (id) where b operator(=== ) '{}'",
        "",
    ),
    (
        "create function c(int, int) returns int language sql immutable as 'select 0';
        create operator class k for type int using btree as operator 1 <, operator 2 <=, operator 3 =,
            operator 4 >=, operator 5 >, function 1 c(int, int);
        create index i on t (id k)",
        "index i",
    ),
    // Types.
    ("create domain d as text check (f(value)); alter table t add c d", "type of column c"),
    ("create domain d as text check (f(value)); alter table t add c d[]", "type of column c"),
    (
        "create domain d as text check (f(value)); create domain e as d; alter table t add c e",
        "type of column c",
    ),
    (
        "create domain d as text check (f(value)); create type m as (x int, y d); alter table t add c m",
        "type of column c",
    ),
    ("create domain d as text check (length(value) < 9 and value ~ 'x'); alter table t add c d", ""),
    (
        "create domain d as int check (pg_advisory_lock(value) is not null); alter table t add c d",
        "type of column c",
    ),
    (
        "create domain d as text check (query_to_xml(value, true, true, '') is not null); alter table t add c d",
        "type of column c",
    ),
    (
        "create function s(float8, float8) returns float8 language sql immutable as 'select $1 - $2';
        create type r as range (subtype = float8, subtype_diff = s); alter table t add c r",
        "type of column c",
    ),
    ("create table u (a text); create index on u (g(a)); alter table t add c u", ""),
    // Rows.
    ("create statistics s on g(a), id from t", "statistics s"),
    ("create statistics s on a, id from t", ""),
    ("alter table t enable row level security; create policy p on t using (f(a))", ""),
    // What the server made for a type.
    ("create type r as range (subtype = float8); alter table t add c r", ""),
    // What runs on writes alone.
    ("create rule r as on update to t do also select g('x')", ""),
    ("alter table t add c text generated always as (g(a)) stored", ""),
    ("alter table t add c text default g('x')", ""),
    ("alter table t add check (f(a))", ""),
    // Trees.
    ("create table u () inherits (t); create index on u (g(a))", "partition or child u"),
    ("drop table t; create table t (a text) partition by list (g(a))", "partition key"),
    (
        "drop table t; create table t (id int, a text) partition by range (id);
        create table u partition of t for values from (1) to (9); create index on u (g(a))",
        "partition or child u",
    ),
    // Views.
    ("drop table t; create table u (a text); create view t as select g(a) from u", "view t"),
    (
        "drop table t; create table u (a text); create index on u (g(a)); create view t as select a from u",
        "relation u",
    ),
    (
        "create function s(text, text) returns text language sql immutable as 'select $1';
        create aggregate last_of(text) (sfunc = s, stype = text);
        drop table t; create table u (a text); create view t as select last_of(a) from u",
        "view t",
    ),
    ("drop table t; create table u (a text); create materialized view t as select g(a) from u", ""),
];

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn relations_that_run_code_of_the_targets_own_are_found_and_no_others(
    #[values("pg14", "pg16", "pg18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(
        "create extension pg_trgm; create extension hstore;
        create function f(text) returns boolean language plpgsql immutable as 'begin return true; end';
        create function f2(jsonb, jsonb) returns boolean language sql immutable as 'select true';
        create function g(text) returns text language plpgsql immutable as 'begin return $1; end'",
    )
    .await;
    assert_eq!(found(&db).await, BTreeMap::new());
    for (sql, wanted) in CASES {
        db.run("begin; create table t (id int primary key, a text, b jsonb)").await;
        db.run(sql).await;
        let found = found(&db).await;
        assert_eq!(found.get("t").map_or("", String::as_str), *wanted, "{sql}\n{found:?}");
        db.run("rollback").await;
    }
}

/// What of it runs where a relation is written to, and the types whose values it reads, as `name: kind object`.
const NAMED: &[(&str, &str)] = &[
    ("alter table t add c text default g('x')", "t: default of column c"),
    ("alter table t add c text generated always as (g(a)) stored", "t: generated column c"),
    ("create rule r as on update to t do also select g('x')", "t: rule r"),
    (
        "create table u (x text default g('x')); create view v as select * from u",
        "u: default of column x, v: relation u",
    ),
    (
        "create table u (x text); create index on u (g(x)); create rule r as on delete to t do also select * from u",
        "t: relation u",
    ),
    ("create domain d as text check (f(value))", "_d: type, d: type"),
    (
        "create domain d as text check (f(value)); create type m as (x d)",
        "_d: type, _m: type, d: type, m: type",
    ),
    (
        "create domain d as text check (pg_input_is_valid(value, 'd')); create table u (x d)",
        "_d: type, _u: type, d: type, u: type",
    ),
];

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_writes_run_and_types_that_run_code_are_found_by_their_names(
    #[values("pg16", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(
        "create function f(text) returns boolean language plpgsql immutable as 'begin return true; end';
        create function g(text) returns text language plpgsql immutable as 'begin return $1; end'",
    )
    .await;
    let named = format!(
        "select string_agg(q.name || ': ' || concat_ws(' ', q.kind, q.object), ', ' order by q.name collate \"C\")
        from ({SOURCE}) as q where q.oid is null or q.on_write"
    );
    for (sql, wanted) in NAMED {
        db.run("begin; create table t (id int primary key, a text)").await;
        db.run(sql).await;
        assert_eq!(db.text(&named).await, *wanted, "{member}: {sql}");
        db.run("rollback").await;
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_counts_for_a_role_that_it_binds(#[values("pg14", "deb18")] member: &str) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let role = format!("bound_{}", db.name);
    db.run(&format!(
        "create role {role}; create table t (a text); alter table t enable row level security;
        create function f(text) returns boolean language sql immutable as 'select true';
        create policy p on t using (f(a))"
    ))
    .await;
    assert_eq!(found(&db).await, BTreeMap::new(), "a superuser bypasses it");
    db.run(&format!("set role {role}")).await;
    assert_eq!(found(&db).await["t"], "policy p");
    db.run(&format!("reset role; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_an_extension_count_as_its_own_only_where_a_superuser_owns_them() {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::create(server).await;
    let role = format!("maker_{}", db.name);
    db.run(&format!(
        "create role {role}; grant create on database {} to {role};
        create extension vector; create table v (e vector(3));
        insert into v select array[i, 1, 1]::float4[]::vector from generate_series(1, 9) as i;
        create index on v using hnsw (e vector_l2_ops)",
        db.name
    ))
    .await;
    db.run(&format!("grant create on schema public to {role}; set role {role}")).await;
    db.run(
        "create extension citext; create table c (a citext primary key);
        create function f(text) returns boolean language sql immutable as 'select true';
        alter extension citext add function f(text);
        create table t (a text); create index i on t (a) where f(a)",
    )
    .await;
    let found = found(&db).await;
    db.run("reset role").await;
    assert_eq!(found, BTreeMap::from([("t".to_owned(), "index i".to_owned())]));
    drop(db.text("select 1::text").await);
    db.run(&format!("drop owned by {role} cascade; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_generated_column_calls_no_function_of_the_targets_own() {
    let Some(server) = server("pg18") else { return };
    let db = TestDb::create(server).await;
    db.run("create function g(text) returns text language sql immutable as 'select $1'").await;
    let refused = db
        .client
        .simple_query("create table t (a text, c text generated always as (g(a)) virtual)")
        .await
        .unwrap_err();
    assert!(refused.as_db_error().unwrap().message().contains("user-defined function"));
    db.run("create table t (a text, c text generated always as (lower(a)) virtual)").await;
    assert_eq!(found(&db).await, BTreeMap::new());
}

// ---- the escalation itself ----------------------------------------------------------------------------------------

/// Tables with findings, whose owner lets whoever plans or reads them call `trap`, and one that is harmless.
const TRAPS: &str = "
create schema ml;
create function ml.trap(text) returns boolean language plpgsql immutable as 'begin return true; end';
create function ml.trap(bigint) returns bigint language plpgsql immutable as 'begin return $1; end';
create table ml.harmless (id bigint, payload text compression pglz, data jsonb);
insert into ml.harmless
select i, (select string_agg(md5(g::text), '') from generate_series(1, 95) as g) || i,
    jsonb_build_object('id', i, 'kind', i % 7)
from generate_series(1, 12000) as i;
create table ml.partial (like ml.harmless including all);
insert into ml.partial select * from ml.harmless;
create index trap_idx on ml.partial (id) where ml.trap('x');
create table ml.expression (like ml.harmless including all);
insert into ml.expression select * from ml.harmless;
create index on ml.expression (ml.trap(id));
create table ml.keys (like ml.harmless including all);
insert into ml.keys select * from ml.harmless;
create unique index on ml.keys (id);
create statistics ml.trap_stats on (ml.trap(id)), id from ml.keys;
create domain ml.checked as text check (ml.trap(value));
create table ml.domains (id bigint, payload text compression pglz, data jsonb, checked ml.checked);
insert into ml.domains select h.*, 'x' from ml.harmless as h;
";

/// Calls of functions of the database, by all sessions that have ended.
const CALLS: &str =
    "select coalesce(sum(calls), 0)::text from pg_stat_user_functions where schemaname = 'ml'";

/// What leads to nothing but by reading or planning: an experiment, a full scan, samples, documents.
async fn trapped(member: &str) -> Option<(TestDb, String)> {
    let mut db = TestDb::create(server(member)?).await;
    db.run(TRAPS).await;
    db.run("analyze").await;
    db.settle().await;
    // From here on calls are counted.
    db.run(
        "do $$ begin
        execute format('alter database %I set track_functions = ''all''', current_database());
    end $$",
    )
    .await;
    db.settle().await;
    let role = format!("own_{}", db.name);
    db.run(&format!(
        "create role {role} login; grant pg_read_all_data to {role};
        grant usage, create on schema ml to {role}"
    ))
    .await;
    db.run("select pg_stat_reset()").await;
    db.settle().await;
    Some((db, role))
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_analysis_calls_no_function_of_the_database_and_says_what_it_left_out(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some((mut db, role)) = trapped(member).await else { return };
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let request = Request { prove: ProveMode::Full, ..Request::new(None) };

    let analysis = analysis::analyse(&target, &request).await.unwrap();
    let subject = |table: &str| analysis::SampledColumn {
        schema: Some("ml".to_owned()),
        table: table.to_owned(),
        column: Some("data".to_owned()),
    };
    let report = analysis::documents(&target, &subject("partial")).await.unwrap();
    drop(target);

    for table in ["partial", "expression", "keys", "domains"] {
        let named = format!("`ml.{table}` was not read");
        let gap = analysis.gaps.iter().find(|gap| gap.detail.starts_with(&named));
        let gap = gap.unwrap_or_else(|| panic!("{table}: {:#?}", analysis.gaps));
        assert_eq!(gap.reason, GapReason::ForeignCode);
    }
    assert!(report.gaps.iter().any(|gap| gap.reason == GapReason::ForeignCode), "{report:?}");
    let harmless = analysis.findings.iter().any(|found| found.message.contains("ml.harmless"));
    assert!(harmless, "{:#?}", analysis.findings);
    db.settle().await;
    assert_eq!(db.text(CALLS).await, "0");

    // That they would have been called, and seen: a plan suffices.
    db.run("explain select id from ml.partial where id = 1").await;
    db.settle().await;
    assert_ne!(db.text(CALLS).await, "0");
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_trusted_is_read_all_the_same() {
    let Some((db, role)) = trapped("deb18").await else { return };
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap().trusting_code(true);
    let analysis = analysis::analyse(&target, &Request::new(None)).await.unwrap();
    assert!(analysis.gaps.iter().all(|gap| gap.reason != GapReason::ForeignCode));
    let found = analysis.findings.iter().any(|found| found.message.contains("ml.partial"));
    assert!(found, "{:#?}", analysis.findings);
    drop(target);
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}

/// A table that was harmless when it was looked at, and is none when it is to be proved.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_a_visit_may_not_read_is_not_read_for_a_proof_either() {
    let Some((mut db, role)) = trapped("pg16").await else { return };
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    let request = Request { prove: ProveMode::Full, ..Request::new(None) };
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    let of_keys = analysis.recommendations.iter().filter(|advice| {
        advice.statements.iter().any(|statement| statement.sql.contains("ml.keys"))
    });
    let reasons: Vec<_> = of_keys.filter_map(|advice| advice.proof.reason.as_deref()).collect();
    assert!(
        reasons.contains(&"reading the table would run code of the database's own"),
        "{reasons:?}"
    );
    drop(target);
    db.settle().await;
    assert_eq!(db.text(CALLS).await, "0");
    db.run(&format!("drop owned by {role}; drop role {role}")).await;
}
