//! Kinds of statements that were met in migrations of public projects, in names of our own.

use super::*;

/// Check, severity and confidence of each finding.
fn judged(sql: &str) -> Vec<(String, Severity, Confidence)> {
    let file = SqlFile { path: "m.sql".to_owned(), sql: format!("{TIMEOUT}{sql}") };
    let review = review(&[file], &TargetTables::default(), &|| true);
    assert!(review.gaps.is_empty(), "{sql}: {:#?}", review.gaps);
    let own = review.findings.into_iter();
    own.map(|one| (one.check, one.severity, one.confidence)).collect()
}

/// The messages of a check.
fn said(check: &str, files: &[&str]) -> Vec<String> {
    let files: Vec<SqlFile> = (1..)
        .zip(files)
        .map(|(nth, sql)| SqlFile { path: format!("{nth}.sql"), sql: (*sql).to_owned() })
        .collect();
    let found = review(&files, &TargetTables::default(), &|| true).findings;
    let are_sentences = found.iter().all(|one| !one.message.starts_with(char::is_lowercase));
    assert!(are_sentences, "{found:#?}");
    found.into_iter().filter(|one| one.check == check).map(|one| one.message).collect()
}

#[test]
fn what_a_dropped_type_or_schema_takes_along_is_data() {
    use {Confidence as C, Severity as S};
    for (sql, severity, confidence) in [
        ("drop schema reports cascade;", S::High, C::High),
        ("DROP SCHEMA IF EXISTS a, \"B\" CASCADE;", S::Medium, C::Medium),
        ("drop type ranking cascade;", S::High, C::Medium),
        ("drop type if exists app.ranking cascade;", S::Medium, C::Low),
        ("drop domain email cascade;", S::High, C::Medium),
        ("drop extension hstore cascade;", S::High, C::Medium),
        ("drop owned by app_user;", S::High, C::High),
        ("create type other as enum ('a'); drop type ranking cascade;", S::High, C::Medium),
    ] {
        let expected = ("migration/drop-cascade".to_owned(), severity, confidence);
        assert_eq!(judged(sql), [expected], "{sql}");
    }
    for silent in [
        "drop schema reports;",
        "drop type if exists ranking;",
        "drop type ranking restrict;",
        "drop view totals cascade;",
        "drop function f() cascade;",
        "create type ranking as enum ('a'); drop type ranking cascade;",
        "create schema if not exists reports; drop schema reports cascade;",
        "create function cascade_all() returns int language sql as 'select 1';",
    ] {
        assert_eq!(judged(silent), [], "{silent}");
    }
    let told = said("migration/drop-cascade", &["drop type if exists \"Rank\" cascade;"]);
    assert!(
        told[0].starts_with("Where that type exists, CASCADE drops every column of"),
        "{told:?}"
    );
    assert!(told[0].contains("`Rank`"), "{told:?}");
}

#[test]
fn an_index_of_which_nothing_is_known_may_not_be_there() {
    const CHECK: &str = "migration/drop-index-not-concurrent";
    let low = (CHECK.to_owned(), Severity::Low, Confidence::Low);
    assert_eq!(judged("drop index if exists orders_old_idx;"), [low]);
    let found = judged("drop index orders_old_idx;");
    assert_eq!(found, [(CHECK.to_owned(), Severity::Medium, Confidence::High)]);
    let made = "create table t (id int primary key, a int); create index t_a on t (a);";
    let of_known = said(CHECK, &[made, "drop index if exists t_a;"]);
    assert!(of_known[0].starts_with("A normal `DROP INDEX`"), "{of_known:?}");
    let locked = said("migration/no-lock-timeout", &[made, "drop index if exists t_a;"]);
    assert!(locked[0].contains("lock on `t` is waited for"), "{locked:?}");
}

#[test]
fn in_utc_timestamps_of_both_kinds_are_the_same_bytes() {
    const CHECK: &str = "migration/changing-column-type";
    let made = "create table t (id int primary key, at timestamp, day date, fine timestamp(6));";
    let change = "alter table t alter at type timestamptz using at;";
    for set in [
        "set timezone = 'UTC';",
        "SET TimeZone TO 'utc';",
        "set time zone 'Etc/UTC';",
        "set session time zone 'GMT';",
        "begin; set local timezone = 'UTC';",
    ] {
        let zoned = format!("{set} {change}");
        assert_eq!(said(CHECK, &[made, &zoned]), [] as [&str; 0], "{set}");
        // The type that the column has is not known.
        assert_eq!(said(CHECK, &[&zoned]), [] as [&str; 0], "{set}");
    }
    for not_utc in [
        "",
        "set timezone = 'Europe/Vienna';",
        "set timezone = 'UTC'; reset timezone;",
        "set timezone = 'UTC'; set timezone to default;",
        "begin; set local timezone = 'UTC'; commit;",
        "set application_name = 'utc';",
    ] {
        let told = said(CHECK, &[made, &format!("{not_utc} {change}")]);
        assert!(
            told[0].contains("unless the time zone of the session is UTC"),
            "{not_utc} {told:?}"
        );
    }
    for rewritten in [
        "alter table t alter day type timestamptz;",
        "alter table t alter fine type timestamptz(3);",
        "alter table t alter at type timestamptz using at at time zone 'UTC';",
    ] {
        let told = said(CHECK, &[made, &format!("set timezone = 'UTC'; {rewritten}")]);
        assert_eq!(told.len(), 1, "{rewritten}");
    }
}

#[test]
fn a_type_that_files_enumerate_is_converted_to_and_from() {
    const CHECK: &str = "migration/changing-column-type";
    let made = "create type \"Kind\" as enum ('a', 'b'); create table t (id int primary key, kind \"Kind\", name text);";
    for change in [
        "alter table t alter name type \"Kind\" using name::\"Kind\";",
        "alter table t alter kind type text;",
    ] {
        let told = said(CHECK, &[made, change]);
        assert!(
            told[0].contains("rewrites the table and its indexes") && !told[0].contains("unless")
        );
    }
    // A domain of text is the same bytes.
    let told = said(CHECK, &[made, "alter table t alter name type email using name::email;"]);
    assert!(told[0].contains("unless the one is binary coercible"), "{told:?}");
}

#[test]
fn another_collation_rebuilds_indexes_and_leaves_rows() {
    let made = "create table t (id int primary key, name varchar);";
    let change = "alter table t alter name type varchar collate \"C\";";
    let told = said("migration/changing-column-type", &[made, change]);
    assert!(told[0].contains("rebuilds every index") && !told[0].contains("rewrites"), "{told:?}");
}

#[test]
fn what_is_advised_for_a_new_column_is_something_it_can_be() {
    const CHECK: &str = "migration/adding-field-with-default";
    for (column, advice) in [
        ("a int generated always as (b * 2) stored", "let a trigger compute it"),
        ("a bigint generated always as identity", "nextval of a sequence"),
        ("a bigserial", "nextval of a sequence"),
        ("a uuid default gen_random_uuid()", "set the default for new rows"),
    ] {
        let told = said(CHECK, &[&format!("alter table t add {column};")]);
        assert!(told[0].contains(advice), "{told:?}");
    }
}

#[test]
fn what_is_no_sql_is_one_gap_up_to_the_next_statement() {
    let gaps = |sql: &str| {
        let file = SqlFile { path: "m.sql".to_owned(), sql: sql.to_owned() };
        review(&[file], &TargetTables::default(), &|| true).gaps.len()
    };
    let printed = "Config loaded - from: postgresql://localhost/dictation...\nselect 1;\ncreate table t (id int primary key);\n\
                   Done! New modes:\n   - all_time (unchanged)\n   - by_lesson (new)\ninsert into t values (1);\nselect 2;";
    assert_eq!(gaps(printed), 2);
    assert_eq!(gaps("select 1;\nselect 2;"), 0);
}

#[test]
fn nothing_is_said_of_a_statement_whose_end_the_server_refuses() {
    let sql = "alter table t add constraint t_a_key unique (a) where a is not null;\ncreate index i on t (b);";
    let file = SqlFile { path: "m.sql".to_owned(), sql: format!("{TIMEOUT}{sql}") };
    let review = review(&[file], &TargetTables::default(), &|| true);
    assert_eq!(review.gaps.len(), 1);
    let checks: Vec<&str> = review.findings.iter().map(|one| one.check.as_str()).collect();
    assert_eq!(checks, ["migration/index-not-concurrent"]);
}

#[test]
fn what_is_binary_coercible_is_no_rewrite() {
    const CHECK: &str = "migration/changing-column-type";
    let made = "create domain plain as text; create domain small as varchar(10) check (value <> '');
        create table t (id int primary key, x xml, b bit(3), o oid, i int, d plain, s small, v bit varying(8));";
    for change in [
        "x type text",
        "b type bit varying",
        "o type int",
        "i type oid",
        "d type text",
        "s type text",
    ] {
        assert_eq!(
            said(CHECK, &[made, &format!("alter table t alter {change};")]),
            [] as [&str; 0]
        );
    }
    for change in ["x type varchar(10)", "v type bit(8)", "i type bigint", "d type varchar(10)"] {
        let told = said(CHECK, &[made, &format!("alter table t alter {change};")]);
        assert!(told.len() == 1 && !told[0].contains("unless"), "{change} {told:?}");
    }
}

#[test]
fn a_domain_has_its_constraints_from_the_statement_on_that_adds_them() {
    const CHECK: &str = "migration/table-rewrite";
    let made = "create domain plain as text;";
    let (add, constrain) = ("alter table t add c plain;", "alter domain plain set not null;");
    assert_eq!(said(CHECK, &[made, add, constrain]), [] as [&str; 0]);
    assert_eq!(said(CHECK, &[made, constrain, add]).len(), 1);
    assert_eq!(said(CHECK, &[&format!("{made} {constrain} {add}")]).len(), 1);
}

#[test]
fn domains_are_followed_to_the_type_they_are_of_and_not_in_a_circle() {
    const CHECK: &str = "migration/changing-column-type";
    let table = "create table t (id int primary key, c a);";
    let change = "alter table t alter c type text;";
    for chain in [
        "create domain b as text; create domain a as b;",
        "create domain app.b text; create domain app.a app.b;",
    ] {
        assert_eq!(said(CHECK, &[chain, table, change]), [] as [&str; 0], "{chain}");
    }
    // The server refuses the first two; with schemas it takes the last.
    for circle in [
        "create domain a as a;",
        "create domain a as b; create domain b as a;",
        "create domain x.b as int; create domain y.a as x.b; create domain y.b as y.a;",
        "create domain a as b; create domain b as c; create domain c as a;",
    ] {
        assert_eq!(said(CHECK, &[circle, table, change]).len(), 1, "{circle}");
    }
}
