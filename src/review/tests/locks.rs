//! Locks that are waited for, and what is advised where the server refuses the usual advice.

use super::*;

/// The files `1.sql`, `2.sql` and so on; the checks and messages of the last.
fn of_last(runner: Runner, files: &[&str]) -> Vec<(String, String)> {
    let files: Vec<SqlFile> = (1..)
        .zip(files)
        .map(|(nth, sql)| SqlFile { path: format!("{nth}.sql"), sql: (*sql).to_owned() })
        .collect();
    let last = files.last().map_or("", |file| &file.path).to_owned();
    let review = review_by(&files, &TargetTables::default(), runner, &|| true);
    assert!(review.gaps.is_empty(), "{:#?}", review.gaps);
    let own = review.findings.into_iter().filter(|one| one.object.to_string().starts_with(&last));
    own.map(|one| (one.check, one.message)).collect()
}

/// The places at which a lock is waited for without a limit.
fn unlimited(sql: &str) -> Vec<String> {
    let all = found(sql).into_iter();
    all.filter_map(|one| one.strip_suffix(" migration/no-lock-timeout").map(str::to_owned))
        .collect()
}

#[test]
fn a_lock_without_a_limit_is_found_once_where_others_wait_behind_it() {
    for sql in [
        "alter table t add a int;",
        "create index i on t (a);",
        "create trigger x before update on t for each row execute function f();",
        "create policy p on t using (true);",
        "drop table t;",
        "drop index i;",
        "truncate t;",
        "lock table t in share mode;",
        "reindex table t;",
        "create table n (id int primary key, t int references t);",
        "create table p1 partition of p for values in (1);",
        "alter table t rename a to b;",
        "vacuum full t;",
        "drop trigger x on t;",
    ] {
        assert_eq!(unlimited(sql), ["1:1"], "{sql}");
        assert_eq!(unlimited(&format!("{sql}\n{sql}")), ["1:1"], "{sql}");
        assert_eq!(unlimited(&format!("select 1;\n{sql}")), ["2:1"], "{sql}");
        for set in [
            "set lock_timeout = '2s';",
            "SET LOCAL LOCK_TIMEOUT TO 2000;",
            "select set_config('lock_timeout', '2s', true);",
        ] {
            assert_eq!(unlimited(&format!("{set}\n{sql}")), [] as [&str; 0], "{set} {sql}");
        }
    }
}

#[test]
fn what_stops_no_one_needs_no_limit() {
    for sql in [
        "create function f() returns int language sql as 'select 1';",
        "drop function f();",
        "create type e as enum ('a');",
        "alter type e add value 'b';",
        "create extension pgcrypto;",
        "create schema s;",
        "alter table t validate constraint c;",
        "alter table t alter a set statistics 500;",
        "alter table t set (fillfactor = 70);",
        "create index concurrently i on t (a);",
        "drop index concurrently i;",
        "reindex (concurrently) table t;",
        "refresh materialized view concurrently v;",
        "lock table t in access share mode;",
        "vacuum t;",
        "comment on table t is 'x';",
        "alter index i rename to j;",
        "alter table p detach partition p1 concurrently;",
        "create table n (id int primary key); create index on n (id); alter table n add a int;",
        "create table n (id int primary key, parent int references n);",
        "create table n as select 1 as id; create index on n (id);",
        "insert into t values (1);",
    ] {
        assert_eq!(unlimited(sql), [] as [&str; 0], "{sql}");
    }
}

const PARTITIONED: &str = "create table p (k int not null, v int) partition by range (k);
create table p1 partition of p for values from (0) to (9);
create table t (id int primary key);
create index p_v on p (v);
create index t_id on t (id);";

#[test]
fn a_partitioned_table_is_advised_what_the_server_takes_there() {
    let cases = [
        ("create index i on p (v);", "ON ONLY `p`"),
        ("drop index p_v;", "set lock_timeout"),
        (
            "alter table p add constraint f foreign key (v) references t;",
            "add it to each partition",
        ),
        ("alter table p add constraint u unique (k, v);", "adopt it there"),
        ("alter table p add primary key (k);", "adopt it there"),
    ];
    for (sql, advice) in cases {
        let sql = format!("{TIMEOUT}{sql}");
        let found = of_last(Runner::Psql, &[PARTITIONED, &sql]);
        let [(_, message)] = &found[..] else { panic!("{sql}: {found:#?}") };
        assert!(message.contains(advice) && message.contains("refused"), "{sql}: {message}");
        let plain = sql.replace("p_v", "t_id").replace(" p ", " t ");
        let found = of_last(Runner::Psql, &[PARTITIONED, &plain]);
        assert!(!found.iter().any(|(_, message)| message.contains("refused")), "{found:#?}");
    }
}

#[test]
fn a_constraint_is_validated_in_another_transaction_than_the_one_that_locks_its_table() {
    let add = "alter table t add constraint c check (a > 0) not valid;";
    let validate = "alter table t validate constraint c;";
    let is_found = |runner: Runner, sql: &str| {
        let found = of_last(runner, &[&format!("{TIMEOUT}{sql}")]);
        found.iter().any(|(check, _)| check == "migration/constraint-missing-not-valid")
    };
    let both = format!("{add}\n{validate}");
    assert!(is_found(Runner::Flyway, &both));
    assert!(is_found(Runner::Django, &both));
    assert!(!is_found(Runner::Psql, &both));
    assert!(is_found(Runner::Psql, &format!("begin;\n{both}\ncommit;")));
    let apart = format!("begin;\n{add}\ncommit;\nbegin;\n{validate}\ncommit;");
    assert!(!is_found(Runner::Psql, &apart));
    assert!(!is_found(Runner::Flyway, validate));
    let of_other = "alter table u add a int;";
    assert!(!is_found(Runner::Flyway, &format!("{of_other}\n{validate}")));
    let weak = "alter table t alter a set statistics 500;";
    assert!(!is_found(Runner::Flyway, &format!("{weak}\n{validate}")));
}

#[test]
fn what_the_files_declare_is_no_matter_of_doubt() {
    let silent = |before: &str, sql: &str| {
        let found = of_last(Runner::Psql, &[before, &format!("{TIMEOUT}{sql}")]);
        found.is_empty()
    };
    let function =
        |of: &str| format!("create function app.f() returns int {of} language sql as 'select 1';");
    let added = "alter table t add z int default app.f();";
    assert!(silent(&function("immutable"), added) && silent(&function("stable"), added));
    assert!(!silent(&function(""), added) && !silent(&function("volatile"), added));

    let table = "create table t (id int primary key, c varchar(20));";
    assert!(silent(table, "alter table t alter c type text using c::text;"));
    assert!(silent(
        table,
        "alter table t alter c type varchar(40) using CAST(\"c\" AS varchar(40));"
    ));
    assert!(!silent(table, "alter table t alter c type text using trim(c);"));
    assert!(!silent(
        table,
        "alter table t alter c type varchar(40) using c::varchar(9)::varchar(40);"
    ));

    assert!(silent(
        table,
        "alter table t add constraint f foreign key (id) references t not enforced;"
    ));
    assert!(silent(table, "alter table t add constraint k check (id > 0) not enforced;"));
    assert!(!silent(table, "alter table t add constraint k check (id > 0) enforced;"));

    let unlogged = "create unlogged table t (id int);";
    assert!(silent(unlogged, "alter table t set unlogged;"));
    assert!(!silent(unlogged, "alter table t set logged;"));

    assert!(!silent("create domain d as int not null;", "alter table t add z d default 1;"));
    assert!(!silent(
        "create domain d as int;",
        "alter domain d add constraint c check (value > 0);"
    ));
    assert!(silent(
        "create domain d as int;",
        "alter domain d add constraint c check (value > 0) not valid;"
    ));
    assert!(silent(
        "",
        "create domain d as int; alter domain d add constraint c check (value > 0);"
    ));
}

#[test]
fn what_a_new_table_lacks_matters_to_nobody() {
    let new = "create table n (id int primary key, a int not null);";
    for sql in [
        "alter table n add b int not null;",
        "alter table n drop column a;",
        "alter table n rename a to b;",
        "alter table n rename to m;",
        "alter table n alter a drop not null;",
        "drop table n;",
        "create index i on n (a); drop index i;",
    ] {
        assert_eq!(under_timeout(&format!("{new} {sql}")), [] as [&str; 0], "{sql}");
        assert_ne!(under_timeout(sql), [] as [&str; 0], "{sql}");
    }
}

#[test]
fn variables_of_psql_and_placeholders_of_runners_are_names() {
    for sql in [
        "create table :schema.t (id int primary key);",
        "create table ${schema}.t (id int primary key);",
        "create table t_${suffix.x} (id int primary key);",
        "create function :s.f() returns setof :s.t as $$ select a[1:n] from :s.t where b = a::int $$ language sql;",
        "insert into t values (:'value', :\"column\", a[1:n], a::text, '${x}', ':y');",
    ] {
        assert_eq!(under_timeout(sql), [] as [&str; 0], "{sql}");
    }
    for unclosed in ["select ${", "select a${b", "select $ {}", ":", "select :", "$${"] {
        let file = SqlFile { path: "m.sql".to_owned(), sql: unclosed.to_owned() };
        review(&[file], &TargetTables::default(), &|| true);
    }
    let found = of_last(Runner::Psql, &[&format!("{TIMEOUT}create index i on :s.t (a);")]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn flyway_runs_a_file_of_nothing_else_outside_of_a_transaction() {
    let fails = |sql: &str| {
        let found = of_last(Runner::Flyway, &[sql]);
        found.iter().any(|(check, _)| check.ends_with("in-transaction"))
    };
    let (one, other) = ("create index concurrently i on t (a);", "drop index concurrently j;");
    assert!(!fails(one) && !fails(&format!("{one}\n{other}")) && !fails("vacuum t;"));
    assert!(fails(&format!("{TIMEOUT}{one}")), "it refuses what is mixed");
    for unknown in
        ["reindex index concurrently i;", "alter table p detach partition q concurrently;"]
    {
        assert!(fails(unknown), "it does not know {unknown}");
    }
}

#[test]
fn a_changeset_of_liquibase_is_a_transaction_of_its_own() {
    let checks = |sql: &str| -> Vec<String> {
        let found =
            of_last(Runner::Liquibase, &[&format!("--liquibase formatted sql\n{TIMEOUT}{sql}")]);
        found.into_iter().map(|(check, _)| check).collect()
    };
    let (add, validate) = (
        "alter table t add constraint c check (a > 0) not valid;",
        "alter table t validate constraint c;",
    );
    assert_eq!(
        checks(&format!("--changeset a:1\n{add}\n-- changeset a:2\n{validate}")),
        [] as [&str; 0]
    );
    assert_eq!(checks(&format!("--changeset a:1\n{add}\n{validate}")).len(), 1);
    let index = "create index concurrently i on t (a);";
    let outside = format!("--changeset a:1 runInTransaction:false\n{index}");
    assert_eq!(checks(&outside), [] as [&str; 0]);
    assert_eq!(checks(&format!("{outside}\n--changeset a:2\n{index}")).len(), 1);
    assert_eq!(checks(&format!("--changeset a:0\nselect 1;\n{outside}")), [] as [&str; 0]);
}
