//! What a review says of rewrites is what the server does.

use database_optimizer::model::Severity;
use database_optimizer::review::{SqlFile, TargetTables, review};
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
#[case("deb19")]
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
            review(&[SqlFile { path: "m.sql".to_owned(), sql }], &TargetTables::default(), &|| {
                true
            });
        let says = reviewed.findings.iter().any(|found| found.severity == Severity::High);
        assert_eq!(says, *expected, "{member}: {statement}: {reviewed:#?}");
    }
}

/// Changes of type: from, to, and whether the server writes the rows.
const CHANGES: &[(&str, &str, bool)] = &[
    ("varchar(100)", "text", false),
    ("varchar(100)", "varchar(200)", false),
    ("varchar(100)", "varchar", false),
    ("varchar(100)", "varchar(50)", true),
    ("text", "varchar", false),
    ("text", "varchar(10)", true),
    ("char(10)", "text", true),
    ("numeric(8, 2)", "numeric(10, 2)", false),
    ("numeric(8, 2)", "numeric", false),
    ("numeric(8, 2)", "numeric(10, 4)", true),
    ("numeric(8, 2)", "numeric(6, 2)", true),
    ("numeric", "numeric(10, 2)", true),
    ("smallint", "integer", true),
    ("integer", "bigint", true),
    ("integer", "numeric", true),
    ("bigint", "text", true),
    ("timestamp(3)", "timestamp", false),
    ("timestamp(3)", "timestamp(6)", false),
    ("timestamp", "timestamp(3)", true),
    ("timestamptz(3)", "timestamptz", false),
    ("time(3)", "time", false),
    ("interval(3)", "interval", false),
    ("interval", "interval(3)", true),
    ("date", "timestamp", true),
    ("cidr", "inet", false),
    ("varbit(8)", "varbit(16)", false),
    ("varbit(16)", "varbit(8)", true),
    ("json", "jsonb", true),
    ("real", "double precision", true),
    ("uuid", "text", true),
    ("text", "text", false),
];

#[rstest]
#[case("pg14")]
#[case("pg18")]
#[case("deb19")]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_type_is_serious_where_the_server_writes_the_rows(#[case] member: &str) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    for (old, new, expected) in CHANGES {
        let declares = format!("create table c (id int primary key, c {old})");
        let change = format!("alter table c alter column c type {new}");
        db.run("drop table if exists c").await;
        db.run(&declares).await;
        db.run("insert into c (id) values (1)").await;
        let before = db.text("select pg_relation_filenode('c')::text").await;
        db.run(&change).await;
        let after = db.text("select pg_relation_filenode('c')::text").await;
        assert_eq!(before != after, *expected, "{member}: {old} to {new}");

        let high = high(&declares, &change);
        assert_eq!(!high.is_empty(), *expected, "{member}: {old} to {new}: {high:?}");
    }
}

/// Checks of serious findings in a statement that runs after a file.
fn high(before: &str, statement: &str) -> Vec<String> {
    let sql = format!("set lock_timeout = 1; set statement_timeout = 1;\n{statement};");
    let files = [
        SqlFile { path: "0.sql".to_owned(), sql: format!("{before};") },
        SqlFile { path: "1.sql".to_owned(), sql },
    ];
    let reviewed = review(&files, &TargetTables::default(), &|| true);
    let of_statement = |found: &&database_optimizer::model::ReportedFinding| {
        found.severity == Severity::High && found.object.to_string().starts_with("1.sql")
    };
    reviewed.findings.iter().filter(of_statement).map(|found| found.check.clone()).collect()
}

/// What is there, a statement, the table that it may read, and whether the server reads it under a lock that others wait for.
const SCANS: &[(&str, &str, &str, bool)] = &[
    ("", "alter table t alter column a set not null", "t", true),
    (
        "alter table t add constraint n check (a is not null)",
        "alter table t alter column a set not null",
        "t",
        false,
    ),
    (
        "alter table t add constraint n check (a > 0 and a is not null)",
        "alter table t alter column a set not null",
        "t",
        false,
    ),
    ("", "alter table t add constraint p check (a > 0)", "t", true),
    ("", "alter table t add constraint p check (a > 0) not valid", "t", false),
    (
        "alter table t add constraint p check (a > 0) not valid",
        "alter table t validate constraint p",
        "t",
        false,
    ),
    ("", "alter table r add constraint f foreign key (a) references u (id)", "r", true),
    ("", "alter table r add constraint f foreign key (a) references u (id) not valid", "r", false),
    ("", "alter table m attach partition c for values from (1) to (10)", "c", true),
    (
        "alter table c add constraint b check (k >= 1 and k < 10)",
        "alter table m attach partition c for values from (1) to (10)",
        "c",
        false,
    ),
    (
        "alter table c add constraint b check (k >= 0)",
        "alter table m attach partition c for values from (1) to (10)",
        "c",
        true,
    ),
    ("", "create index i on t (a)", "t", true),
    ("", "alter table t alter column a drop not null", "t", false),
    ("", "alter table t alter column a set default 1", "t", false),
    ("", "alter table t drop column b", "t", false),
    ("", "alter table t add column x text", "t", false),
    ("", "alter table t add column x int check (x > 0)", "t", true),
    ("", "alter table t add column x int default 1 check (x > 0)", "t", true),
    ("", "alter table t add column x int references u (id)", "t", false),
    ("", "alter table t add column x int default null references u (id)", "t", true),
    ("", "alter table t add column x int default 1 references u (id)", "t", true),
    ("", "alter table t add constraint e exclude using btree (a with =)", "t", true),
    ("", "create index i on only m (k)", "m", false),
    ("", "alter table t set logged", "t", false),
    ("create domain pos as int", "alter table t add column x pos default 1", "t", false),
    ("create domain pos as int check (value > 0)", "alter table t add column x pos", "t", true),
    (
        "create domain base as int check (value > 0); create domain pos as base",
        "alter table t add column x pos",
        "t",
        true,
    ),
    (
        "create domain pos as int; alter domain pos add constraint above check (value > 0)",
        "alter table t add column x pos",
        "t",
        true,
    ),
];

#[rstest]
#[case("pg14")]
#[case("pg18")]
#[case("deb19")]
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_reads_a_table_under_lock_is_serious_and_one_that_does_not_is_not(
    #[case] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let tables = "create table t (id int, a int, b int); create table u (id int primary key);
        create table r (id int, a int); create table m (k int not null) partition by range (k);
        create table c (k int not null)";
    for (before, statement, table, expected) in SCANS {
        db.run(
            "drop table if exists t, r, u, m, c cascade; drop domain if exists pos, base cascade",
        )
        .await;
        db.run(tables).await;
        db.run("insert into u values (1); insert into t values (1, 1, 1); insert into r values (1, 1); insert into c values (5)").await;
        db.run(before).await;
        db.run("begin").await;
        let scans = format!(
            "select coalesce(seq_scan, 0)::text from pg_stat_xact_user_tables where relid = '{table}'::regclass"
        );
        let scans_before = db.text(&scans).await;
        db.run(statement).await;
        let locks = format!(
            "select (count(*) > 0)::text from pg_locks where pid = pg_backend_pid() and relation = '{table}'::regclass
            and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
        );
        let reads = db.text(&scans).await != scans_before && db.text(&locks).await == "true";
        db.run("rollback").await;
        assert_eq!(reads, *expected, "{member}: {before}; {statement}");

        let high = high(&format!("{tables};\n{before}"), statement);
        assert_eq!(!high.is_empty(), *expected, "{member}: {before}; {statement}: {high:?}");
    }
}
