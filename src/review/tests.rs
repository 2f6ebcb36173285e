//! What is found in short migrations.

mod locks;
mod public;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use super::*;

/// `line:column check`, for each finding.
fn found(sql: &str) -> Vec<String> {
    let file = SqlFile { path: "m.sql".to_owned(), sql: sql.to_owned() };
    let review = review(&[file], &TargetTables::default(), &|| true);
    assert!(review.gaps.is_empty(), "{:#?}", review.gaps);
    let told = review.findings.iter().map(|finding| {
        let place = finding.object.to_string();
        let place = place.trim_start_matches("m.sql:").to_owned();
        format!("{place} {}", finding.check)
    });
    told.collect()
}

const TIMEOUT: &str = "set lock_timeout = '2s';\nset statement_timeout = '5s';\n";

fn under_timeout(sql: &str) -> Vec<String> {
    found(&format!("{TIMEOUT}{sql}"))
}

#[test]
fn new_tables_are_judged_by_keys_types_and_order() {
    let sql = "create table ml.t (
    seen boolean not null, id bigint not null, kept boolean not null, at timestamptz,
    data json
);";
    assert_eq!(
        under_timeout(sql),
        [
            "3:1 hybrid-schema/missing-primary-key",
            "3:1 hybrid-schema/padded-columns",
            "5:5 hybrid-schema/text-json",
        ]
    );
    let healthy = "create table ml.t (id bigint primary key, at timestamptz, seen bool, data jsonb compression lz4);
create table ml.u (a bigint);
alter table only ml.u add constraint u_pkey primary key (a);
create unlogged table ml.v (a bigint);
create temp table w (a bigint);
create table ml.stg_x (a bigint);
create table ml.y (like ml.t including all);
create table ml.p1 partition of ml.p for values in (1);";
    let found = under_timeout(healthy);
    assert!(!found.iter().any(|found| found.contains("hybrid-schema")), "{found:?}");
}

#[test]
fn documents_are_judged_where_they_are_written_and_not_where_they_are_read() {
    let long = "hybrid-schema/long-keys";
    let deep = "hybrid-schema/deep-nesting";
    let cases: &[(&str, &[&str])] = &[
        (r#"insert into t (d) values ('{"user_id": 1, "timestamp": 2}');"#, &[long]),
        (r#"insert into t (d) values ('{"uid": 1, "ts": 2}');"#, &[]),
        ("update t set d = jsonb_build_object('user_id', 1) where id = 7;", &[long]),
        ("update t set d = '{}' where d @> '{\"user_id\": 1}';", &[]),
        (
            "insert into t select jsonb_build_object('a', jsonb_build_array(jsonb_build_object('b', jsonb_build_object('c', 1))));",
            &[deep],
        ),
        (r#"insert into t values ('{"a": [{"b": [1]}]}');"#, &[deep]),
        ("insert into t values ('{1,2,3}', 'a {user} b');", &[]),
        ("create index concurrently if not exists i on t ((data ->> 'session'));", &[long]),
        ("select jsonb_build_object('user_id', 1);", &[]),
    ];
    for (sql, expected) in cases {
        let told: Vec<String> = expected.iter().map(|check| format!("3:1 {check}")).collect();
        assert_eq!(under_timeout(sql), told, "{sql}");
    }
}

#[test]
fn a_table_that_the_file_makes_is_waited_for_by_nobody() {
    let waited = |sql: &str| {
        let found = under_timeout(sql);
        found.into_iter().filter(|found| found.contains(" migration/")).collect::<Vec<_>>()
    };
    let after = "alter table only t add constraint t_pkey primary key (a);
create index on public.t (b);
alter table t add constraint fk foreign key (a) references other (id);";
    assert_eq!(
        waited(&format!("create table public.t (a int not null, b int);\n{after}")),
        [] as [&str; 0]
    );
    assert_eq!(waited(after).len(), 3);
    // What is made where it is not there is there already only where something says so.
    let optional = "create table if not exists t (a int primary key);";
    assert_eq!(waited(&format!("{optional}\n{after}")), [] as [&str; 0]);
    let dropped = format!("{optional}\ndrop table t;\n{optional}\n{after}");
    assert!(!waited(&dropped).iter().any(|found| found.contains("index")), "{dropped}");
    for other in ["ml.u", "x.public"] {
        let sql = format!("create table {other} (a int primary key);\n{after}");
        assert_eq!(waited(&sql).len(), 3, "{sql}");
    }
    assert_eq!(waited(&format!("{after}\ncreate table t (a int primary key);")).len(), 3);
}

#[test]
fn a_key_is_a_key_however_its_table_is_called_and_a_unique_constraint_may_serve_as_one() {
    for keyed in [
        "create table public.t (a int);\nalter table t add primary key (a);",
        "create table t (a int);\nalter table ml.t add primary key (a);",
        "create table t (a int not null unique);",
        "create table t (a int not null, \"B\" int not null, unique (a, \"B\"));",
    ] {
        let found = under_timeout(keyed);
        assert!(!found.iter().any(|found| found.contains("primary-key")), "{keyed}: {found:?}");
    }
    for keyless in [
        "create table ml.t (a int);\nalter table x.t add primary key (a);",
        "create table t (a int unique);",
        "create table t (a int not null, b int, unique (a, b));",
    ] {
        let found = under_timeout(keyless);
        assert!(
            found.iter().any(|found| found.ends_with("missing-primary-key")),
            "{keyless}: {found:?}"
        );
    }
}

#[test]
fn what_a_block_does_is_a_gap_and_no_pass() {
    let gaps = |sql: &str| {
        let file = SqlFile { path: "m.sql".to_owned(), sql: format!("{TIMEOUT}{sql}") };
        review(&[file], &TargetTables::default(), &|| true).gaps.len()
    };
    assert_eq!(gaps("do $$ begin create table x (a json); end $$;"), 1);
    assert_eq!(gaps("do language plpgsql $a$ begin EXECUTE 'drop table x'; end $a$;"), 1);
    assert_eq!(gaps("do $$ begin perform created_at from t; end $$;"), 0);
    assert_eq!(
        gaps("create function f() returns void language plpgsql as $$ begin drop table x; end $$;"),
        0
    );
}

#[test]
fn unsafe_ddl_is_found_where_it_stands() {
    let sql = "create index on big (a);\n  alter table big alter column a type bigint;";
    let found = found(sql);
    assert!(found.iter().any(|found| found == "1:1 migration/index-not-concurrent"), "{found:?}");
    assert!(
        found.iter().any(|found| found.ends_with("migration/changing-column-type")),
        "{found:?}"
    );
    assert!(found.iter().any(|found| found.ends_with("migration/no-lock-timeout")), "{found:?}");
}

#[test]
fn a_comment_suppresses_what_it_names_and_nothing_else() {
    let table = "create table t (\n  a boolean, id bigint, b boolean, c bigint, d json\n);";
    let both = ["3:1 hybrid-schema/missing-primary-key", "hybrid-schema/text-json"];
    assert_eq!(under_timeout(table).len(), 3, "{both:?}");
    let named =
        "-- dbopt-ignore hybrid-schema/missing-primary-key, hybrid-schema/padded-columns - a log";
    let left = under_timeout(&format!("{named}\n\n{table}"));
    assert_eq!(left, ["6:46 hybrid-schema/text-json"]);
    let file = under_timeout(&format!("{table}\n-- dbopt-ignore-file hybrid-schema/text-json"));
    assert_eq!(file.len(), 2, "{file:?}");
}

#[test]
fn what_is_no_sql_is_a_gap_and_the_rest_is_judged() {
    let sql =
        format!("{TIMEOUT}create table t (a json);\nselect from where (;\ncreate table u (a int);");
    let files = [SqlFile { path: "m.sql".to_owned(), sql }];
    let review = review(&files, &TargetTables::default(), &|| true);
    assert!(!review.gaps.is_empty() && review.gaps.len() <= 2, "{review:#?}");
    assert!(review.findings.iter().any(|f| f.check == "hybrid-schema/text-json"), "{review:#?}");
}

#[test]
fn the_longest_statements_that_are_read_are_survived() {
    for part in
        ["- ", "not ", "case when ", "1 + ", "1 union select 1, 2 ", "prepare a as ", "join a "]
    {
        let sql = format!("select {}1;", part.repeat(600));
        review(&[SqlFile { path: "m.sql".to_owned(), sql }], &TargetTables::default(), &|| true);
    }
}

#[test]
fn files_that_there_is_no_time_for_are_gaps_by_name() {
    let file =
        |path: &str| SqlFile { path: path.to_owned(), sql: "create table t (a json);".to_owned() };
    let files = [file("a.sql"), file("b.sql")];
    for steps in 0..5 {
        let asked = AtomicUsize::new(0);
        let review =
            review(&files, &TargetTables::default(), &|| asked.fetch_add(1, Relaxed) < steps);
        let unreviewed: Vec<_> = review.gaps.iter().map(|gap| &gap.detail[..21]).collect();
        assert_eq!(unreviewed.len(), 2, "{review:?}");
        assert!(unreviewed.contains(&"a.sql was not reviewe") && review.findings.is_empty());
    }
}

#[test]
fn what_is_blocked_and_for_how_long_is_told_where_the_tables_are_known() {
    let relation = |oid, name: &str, pages| crate::model::observation::Relation {
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        kind: crate::model::observation::RelationKind::Table,
        parent: None,
        pages,
        rows: Some(40_000.0),
        toastable: true,
        primary_key: true,
        live_rows: 0,
        toast_pages: 0,
        toast_counted: true,
        toast_live_chunks: 0,
        index_pages: 0,
    };
    let sizes = TargetTables::of(&[relation(1, "big", 1_000_000), relation(2, "small", 10)]);
    let sql =
        "create index on big (a);\ncreate index on public.small (a);\ncreate index on other (a);";
    let file = SqlFile { path: "m.sql".to_owned(), sql: format!("{TIMEOUT}{sql}") };
    let findings = review(&[file], &sizes, &|| true).findings;
    let told: Vec<_> =
        findings.iter().map(|f| (f.severity, f.message.contains("blocks `"))).collect();
    assert_eq!(told, [(Severity::High, true), (Severity::Low, true), (Severity::High, false)]);
    assert!(findings[0].message.ends_with("(blocks `big`, for about 164 s)"), "{findings:#?}");
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,200}", cut in 0_usize..400) {
        let sql = format!("create table t (a json, b jsonb default '{{\"long\": [{{}}]}}'); {text}");
        let cut = (0..=cut.min(sql.len())).rev().find(|at| sql.is_char_boundary(*at)).unwrap_or(0);
        review(&[SqlFile { path: "m".to_owned(), sql: sql[..cut].to_owned() }], &TargetTables::default(), &|| true);
    }
}

#[test]
fn defaults_that_are_the_same_for_all_rows_rewrite_nothing() {
    let rewrites = |column: &str| {
        let found = under_timeout(&format!("alter table t add column c {column};"));
        found.into_iter().any(|found| found.contains("adding-field-with-default"))
    };
    for column in [
        "int default -1",
        "numeric default (0)::numeric",
        "timestamptz default (now() + interval '180 days')",
        "timestamp default (now() at time zone 'utc')",
        "timestamp default timezone('utc'::text, now())",
        "date default current_date",
        "text default current_setting('app.tenant', true)",
        "text[] default array[]::text[]",
        "text default to_char(now(), 'YYYY')",
        "bool default (not true)",
        "text default coalesce(null, 'a')",
        "int default (case when true then 1 else 2 end)",
        "int default pg_catalog.length('abc')",
    ] {
        assert!(!rewrites(column), "{column}");
    }
    for column in [
        "bigserial",
        "int generated always as identity",
        "int generated always as (i + 1) stored",
        "timestamptz default clock_timestamp()",
        "uuid default gen_random_uuid()",
        "text default md5(random()::text)",
        "text default app.make_code()",
    ] {
        assert!(rewrites(column), "{column}");
    }
}

#[test]
fn what_rewrites_a_table_is_found() {
    for sql in [
        "alter table t set unlogged;",
        "alter table t set logged;",
        "alter table t set access method heap2;",
        "alter table t set tablespace fast;",
        "alter table t alter column a set expression as (b + 1);",
        "cluster t using t_pkey;",
        "vacuum full t;",
        "repack t;",
        "refresh materialized view v;",
    ] {
        let found = under_timeout(sql);
        assert!(
            found.iter().any(|found| found.ends_with("migration/table-rewrite")),
            "{sql} {found:?}"
        );
    }
    for sql in [
        "vacuum t;",
        "repack (concurrently) t;",
        "refresh materialized view concurrently v;",
        "vacuum (full false) t;",
    ] {
        let found = under_timeout(sql);
        assert!(
            !found.iter().any(|found| found.ends_with("migration/table-rewrite")),
            "{sql} {found:?}"
        );
    }
}

#[test]
fn sections_that_undo_are_not_judged_and_places_stay() {
    for (up, down) in [
        ("-- migrate:up", "-- migrate:down"),
        ("-- +goose Up", "-- +goose Down"),
        ("-- +migrate Up", "-- +migrate Down"),
        ("-- Up Migration", "-- Down Migration"),
    ] {
        let sql = format!(
            "{up}\ncreate table t (id int primary key);\n{down}\ndrop table t;\n{up}\ndrop table u;"
        );
        let found = under_timeout(&sql);
        assert_eq!(found, ["8:1 migration/drop-table"], "{down}");
    }
}

#[test]
fn a_statement_that_cannot_be_parsed_is_one_gap_and_nothing_is_concluded_from_it() {
    let files =
        [SqlFile { path: "m.sql".to_owned(), sql: "create table app.x (id bigint,".to_owned() }];
    let review = review(&files, &TargetTables::default(), &|| true);
    assert_eq!((review.gaps.len(), review.findings.len()), (1, 0), "{review:#?}");
}

#[test]
fn not_valid_is_no_advice_for_what_builds_an_index() {
    let missing = |constraint: &str| {
        let found = under_timeout(&format!("alter table t add constraint c {constraint};"));
        found.iter().any(|found| found.ends_with("constraint-missing-not-valid"))
    };
    assert!(!missing("primary key (a)"));
    assert!(!missing("exclude using gist (a with &&)"));
    assert!(missing("check (a > 0)"));
    assert!(!missing("foreign key (a) references u (a)"), "another check is about these");
}

/// Checks that are found of a file that this runner sends.
fn run_by(runner: Runner, sql: &str) -> Vec<String> {
    let file = SqlFile { path: "m.sql".to_owned(), sql: format!("{TIMEOUT}{sql}") };
    let review = review_by(&[file], &TargetTables::default(), runner, &|| true);
    review.findings.iter().map(|finding| finding.check.clone()).collect()
}

#[test]
fn what_fails_in_a_transaction_is_found_where_the_runner_makes_one() {
    let index = "create index concurrently if not exists i on t (a);";
    let several = format!("{index}\nalter table t add column b int;");
    let fails = |runner: &str, sql: &str| {
        let found = run_by(runner.parse().unwrap(), sql);
        found.iter().any(|check| check == "migration/concurrent-index-in-transaction")
    };
    for runner in ["psql", "sqitch"] {
        assert!(!fails(runner, &several), "{runner}");
        assert!(fails(runner, &format!("begin;\n{index}\ncommit;")), "{runner}");
        assert!(!fails(runner, &format!("begin;\nselect 1;\ncommit;\n{index}")), "{runner}");
    }
    for runner in ["golang-migrate", "prisma", "flyway"] {
        assert!(fails(runner, &several), "{runner}");
        let alone = SqlFile { path: "m.sql".to_owned(), sql: index.to_owned() };
        let review =
            review_by(&[alone], &TargetTables::default(), runner.parse().unwrap(), &|| true);
        assert!(
            !review.findings.iter().any(|found| found.check.ends_with("in-transaction")),
            "{runner}"
        );
    }
    for runner in ["alembic", "django", "rails", "diesel", "refinery", "drizzle", "supabase"] {
        assert!(fails(runner, index), "{runner}");
    }
    for (runner, marker) in [
        ("goose", "-- +goose NO TRANSACTION"),
        ("sql-migrate", "-- +migrate Up notransaction"),
        ("atlas", "-- atlas:txmode none"),
        ("liquibase", "--changeset a:1 runInTransaction:false"),
    ] {
        assert!(fails(runner, index), "{runner}");
        assert!(!fails(runner, &format!("{marker}\n{several}")), "{runner}");
    }
    // Without its transaction the file is still sent in one message.
    assert!(fails("dbmate", &format!("-- migrate:up transaction:false\n{several}")));
    assert!("mysql".parse::<Runner>().unwrap_err().contains("golang-migrate"));
}

#[test]
fn other_statements_that_no_transaction_takes_are_found_too() {
    for sql in [
        "vacuum t;",
        "alter system set work_mem = '1MB';",
        "reindex schema app;",
        "create database d;",
        "repack (concurrently) t;",
        "alter table p detach partition p1 concurrently;",
    ] {
        let of =
            |runner| run_by(runner, sql).contains(&"migration/statement-in-transaction".to_owned());
        assert!(of(Runner::Rails) && of(Runner::Prisma) && !of(Runner::Psql), "{sql}");
    }
    for (sql, check) in [
        ("drop index concurrently i;", "migration/concurrent-index-in-transaction"),
        ("reindex table concurrently t;", "migration/concurrent-index-in-transaction"),
    ] {
        assert!(run_by(Runner::Alembic, sql).contains(&check.to_owned()), "{sql}");
    }
    let refreshed = run_by(Runner::Alembic, "refresh materialized view concurrently v;");
    assert!(!refreshed.iter().any(|check| check.ends_with("in-transaction")), "{refreshed:?}");
}

#[test]
fn data_of_a_whole_table_that_is_changed_at_once_is_found() {
    let whole = |sql: &str| {
        under_timeout(sql).iter().any(|found| found.ends_with("migration/whole-table-change"))
    };
    for sql in [
        "update t set a = 1;",
        "delete from t;",
        "update only app.t set a = a + 1 where true;",
        "alter table t add column b int;\nupdate t set b = a where b is null;",
    ] {
        assert!(whole(sql), "{sql}");
    }
    for sql in [
        "update t set a = 1 where id between 1 and 1000;",
        "delete from t where old;",
        "update t set a = u.a from u where u.id = t.id;",
        "update t set b = a where b is null;",
        "create table t (id int primary key, a int);\nupdate t set a = 1;",
        "select 1;",
    ] {
        assert!(!whole(sql), "{sql}");
    }
}

#[test]
fn a_partition_is_read_while_it_is_attached_unless_a_check_proves_its_bounds() {
    let severity = |before: &str, sql: &str| {
        let files = [("0.sql", before), ("1.sql", sql)];
        let files = files
            .map(|(path, sql)| SqlFile { path: path.to_owned(), sql: format!("{TIMEOUT}{sql}") });
        let review = review(&files, &TargetTables::default(), &|| true);
        let mut found = review.findings.into_iter();
        found.find(|found| found.check == "migration/attach-partition-scan").map(|one| one.severity)
    };
    let scanned = |before: &str, sql: &str| severity(before, sql) == Some(Severity::High);
    let attach =
        "alter table p attach partition c for values from ('2026-01-01') to ('2026-02-01');";
    let nullable = "alter table c add constraint b check (k >= '2026-01-01' and k < '2026-02-01');";
    assert_eq!(severity(nullable, attach), Some(Severity::Medium), "k may be the key, and NULL");
    let filled = "alter table c alter column k set not null;";
    assert_eq!(severity(&format!("{filled} {nullable}"), attach), None);
    let check = "alter table c add constraint b
        check (k is not null and k >= '2026-01-01' and k < '2026-02-01')";
    assert!(scanned("", attach));
    assert!(scanned(&format!("{check} not valid;"), attach));
    assert!(scanned(&check.replace("2026-02", "2026-03"), attach));
    assert_eq!(severity(&format!("{check};"), attach), None);
    let validated = format!("{check} not valid;\nalter table c validate constraint b;");
    assert_eq!(severity(&validated, attach), None);
    assert!(scanned(&format!("{validated} alter table c drop constraint b;"), attach));
    assert_eq!(severity("", &format!("create table c (k date primary key);\n{attach}")), None);
}

#[test]
fn a_constraint_proves_nothing_before_it_is_valid_and_nothing_of_another_column() {
    let found = |sql: &str| {
        let found = under_timeout(sql);
        found.into_iter().filter(|one| one.contains("not-nullable")).collect::<Vec<_>>()
    };
    let set = "alter table t alter column a set not null;";
    let check = "alter table t add constraint n check (a is not null) not valid;";
    let validated = format!("{check}\nalter table t validate constraint n;");
    assert_eq!(found(&format!("{validated}\n{set}")), [] as [&str; 0]);
    assert_eq!(found(&format!("{set}\n{validated}")), ["3:15 migration/adding-not-nullable-field"]);
    assert_eq!(found(&format!("{check}\n{set}")), ["4:15 migration/adding-not-nullable-field"]);
    assert_eq!(
        found(&format!("{validated}\n{set}\nalter table t alter b set not null;")),
        ["6:15 migration/adding-not-nullable-field"]
    );
    // What is validated here may be what an earlier file, which is not here, has added.
    let elsewhere = found(&format!("alter table t validate constraint n;\n{set}"));
    assert_eq!(elsewhere, ["4:15 migration/adding-not-nullable-field"]);
    let several = "alter table t\n  alter column a set not null,\n  alter column b set not null;";
    assert_eq!(
        found(&format!("{validated}\n{several}")),
        ["7:3 migration/adding-not-nullable-field"]
    );
}

#[test]
fn a_change_of_type_is_judged_by_the_type_that_an_earlier_file_declares() {
    let severity = |old: &str, new: &str| {
        let declares = format!("create table t (id int primary key, c {old});");
        let files = [("0.sql", declares), ("1.sql", format!("alter table t alter c type {new};"))];
        let files = files
            .map(|(path, sql)| SqlFile { path: path.to_owned(), sql: format!("{TIMEOUT}{sql}") });
        let review = review(&files, &TargetTables::default(), &|| true);
        let mut found = review.findings.iter();
        found.find(|one| one.check == "migration/changing-column-type").map(|one| one.severity)
    };
    assert_eq!(severity("varchar(100)", "text"), None);
    assert_eq!(severity("character varying(20)", "varchar(40)"), None);
    assert_eq!(severity("numeric(8, 2)", "decimal(12, 2)"), None);
    assert_eq!(severity("varchar(100)", "varchar(10)"), Some(Severity::High));
    assert_eq!(severity("int", "bigint"), Some(Severity::High));
    assert_eq!(severity("timestamp", "timestamptz"), Some(Severity::Medium));
    assert_eq!(severity("app.mood", "app.mood2"), Some(Severity::Medium));
}

#[test]
fn a_limit_of_a_pending_list_in_bytes_is_found_wherever_a_migration_sets_it() {
    let unit = "gin/pending-limit-unit";
    let small = "gin/small-pending-limit";
    let cases: &[(&str, Option<&str>)] = &[
        (
            "create index concurrently if not exists i on t using gin (d) with (gin_pending_list_limit = 4194304);",
            Some(unit),
        ),
        (
            "create index concurrently if not exists i on t using gin (d) with (fastupdate = on, GIN_PENDING_LIST_LIMIT=4194304);",
            Some(unit),
        ),
        ("alter index i set (gin_pending_list_limit = 131072);", Some(unit)),
        ("alter system set gin_pending_list_limit = 4194304;", Some(unit)),
        ("alter system set gin_pending_list_limit to '4194304';", Some(unit)),
        ("alter database d set gin_pending_list_limit = 4194304;", Some(unit)),
        ("alter role r in database d set gin_pending_list_limit to 4194304;", Some(unit)),
        (
            "create index concurrently if not exists i on t using gin (d) with (gin_pending_list_limit = 64);",
            Some(small),
        ),
        ("alter database d set gin_pending_list_limit = '64kB';", Some(small)),
        // Meant as it is written.
        ("alter database d set gin_pending_list_limit = '1GB';", None),
        (
            "create index concurrently if not exists i on t using gin (d) with (gin_pending_list_limit = 4096);",
            None,
        ),
        ("alter index i set (gin_pending_list_limit = 256);", None),
        ("alter index i set (gin_pending_list_limit = 65536);", None),
        // There is no list.
        (
            "create index concurrently if not exists i on t using gin (d) with (gin_pending_list_limit = 4194304, fastupdate = false);",
            None,
        ),
        ("alter index i reset (gin_pending_list_limit);", None),
        ("alter system reset gin_pending_list_limit;", None),
        // For a load within this session.
        ("set gin_pending_list_limit = 4194304;", None),
    ];
    for (sql, expected) in cases {
        let all = under_timeout(sql);
        let told: Vec<&str> =
            all.iter().filter_map(|one| one.split_once(' ')).map(|(_, check)| check).collect();
        let told: Vec<&str> = told.into_iter().filter(|check| check.starts_with("gin/")).collect();
        assert_eq!(told, expected.iter().copied().collect::<Vec<_>>(), "{sql}");
    }
}
