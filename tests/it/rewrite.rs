//! What a review says of rewrites is what the server does.

use database_optimizer::model::Severity;
use database_optimizer::review::{Sizes, SqlFile, review};
use rstest::rstest;

use crate::support::{TestDb, server};

const TABLE: &str = "create table t (
    i int not null default 1, s varchar(100) default 'a', n numeric(8, 2) default 1, at timestamp default now(), p text
)";

/// Statements, and whether they rewrite the table.
const STATEMENTS: &[(&str, bool)] = &[
    ("alter table t add column c int default -1", false),
    ("alter table t add column c numeric default (0)::numeric", false),
    ("alter table t add column c timestamptz default (now() + interval '180 days')", false),
    ("alter table t add column c timestamp default (now() at time zone 'utc')", false),
    ("alter table t add column c timestamp default timezone('utc'::text, now())", false),
    ("alter table t add column c date default current_date", false),
    ("alter table t add column c text default current_setting('app.tenant', true)", false),
    ("alter table t add column c timestamptz default current_timestamp(3)", false),
    ("alter table t add column c timestamp default localtimestamp", false),
    ("alter table t add column c text default current_user", false),
    ("alter table t add column c text[] default array[]::text[]", false),
    ("alter table t add column c jsonb default jsonb_build_object()", false),
    ("alter table t add column c jsonb not null default '{}'", false),
    ("alter table t add column c text default to_char(now(), 'YYYY')", false),
    ("alter table t add column c text default coalesce(null, 'a')", false),
    ("alter table t add column c int default (case when true then 1 else 2 end)", false),
    ("alter table t add column c text default upper('a') || 'b'", false),
    ("alter table t add column c int", false),
    ("alter table t add column c timestamptz default clock_timestamp()", true),
    ("alter table t add column c uuid default gen_random_uuid()", true),
    ("alter table t add column c float default random()", true),
    ("alter table t add column c text default md5(random()::text)", true),
    ("alter table t add column c bigserial", true),
    ("alter table t add column c int generated always as identity", true),
    ("alter table t add column c int generated always as (i + 1) stored", true),
    ("alter table t alter column i type bigint", true),
    ("alter table t alter column p type int using length(p)", true),
    ("alter table t set unlogged", true),
    ("vacuum full t", true),
    ("vacuum t", false),
];

#[rstest]
#[case("pg14")]
#[case("pg18")]
#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_is_found_at_high_where_the_server_rewrites_and_nowhere_else(
    #[case] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let file = "select pg_relation_filenode('t')::text";
    for (statement, expected) in STATEMENTS {
        db.run("drop table if exists t").await;
        db.run(TABLE).await;
        db.run("insert into t default values").await;
        let before = db.text(file).await;
        db.run(statement).await;
        assert_eq!(db.text(file).await != before, *expected, "{member}: {statement}");

        let sql = format!("set lock_timeout = 1; set statement_timeout = 1;\n{statement};");
        let reviewed =
            review(&[SqlFile { path: "m.sql".to_owned(), sql }], &Sizes::default(), &|| true);
        let says = reviewed.findings.iter().any(|found| found.severity == Severity::High);
        assert_eq!(says, *expected, "{member}: {statement}: {reviewed:#?}");
    }
}
