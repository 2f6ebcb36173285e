//! Trees of migrations in the styles of Django, Flyway, Prisma and goose: what their review calls serious is what the server
//! does.

mod made;

use std::collections::BTreeMap;
use std::fs;

use database_optimizer::model::{Object, Severity};
use database_optimizer::review::{SqlFile, TargetTables, review};
use rstest::rstest;

use crate::support::blocked::blocked;
use crate::support::{TestDb, server};

/// Statements of a tree at least.
const STATEMENTS_MIN: usize = 200;

/// A statement with the line where it begins.
struct Statement {
    line: usize,
    sql: String,
}

fn files(tree: &str) -> Vec<SqlFile> {
    match tree {
        "prisma" => return made::prisma(),
        "goose" => return made::goose(),
        _ => {}
    }
    let mut paths: Vec<_> = fs::read_dir(format!("tests/it/trees/{tree}"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let file = |path: &std::path::PathBuf| SqlFile {
        path: path.display().to_string(),
        sql: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(file).collect()
}

/// The statements of a file that it runs, each of which ends at the end of a line.
fn statements(sql: &str) -> Vec<Statement> {
    let (mut statements, mut begun, mut from) = (Vec::new(), String::new(), 0);
    for (line, text) in (1..).zip(sql.lines()) {
        if text.starts_with("-- +goose Down") {
            break;
        }
        if text.trim_start().starts_with("--") {
            continue;
        }
        if begun.is_empty() {
            from = line;
        }
        begun += text;
        begun += "\n";
        if text.ends_with(';') {
            statements.push(Statement { line: from, sql: std::mem::take(&mut begun) });
        }
    }
    statements
}

/// What a statement does to tables that were there before its file.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what a server was asked, and not a state")]
struct Effect {
    rewrites: bool,
    scans: bool,
    /// Whether writers wait, or readers too.
    blocks: bool,
    /// Whether one of them is read or written as a whole while others wait for it.
    reads: bool,
}

const TABLES: &str =
    "select coalesce(string_agg(c.oid::text, ',' order by c.oid), '0') from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname in ('public', 'app')";

/// Files and scans of these tables, in the transaction that is open.
async fn state(db: &TestDb, tables: &str) -> (String, i64) {
    let files = format!(
        "select string_agg(pg_relation_filenode(oid)::text, ',' order by oid) from pg_class where oid in ({tables})"
    );
    let scans = format!(
        "select coalesce(sum(coalesce(seq_scan, 0)), 0)::text from pg_stat_xact_user_tables where relid in ({tables})"
    );
    (db.text(&files).await, db.text(&scans).await.parse().unwrap())
}

async fn effect(db: &TestDb, tables: &str, sql: &str) -> Effect {
    let (files, scans) = state(db, tables).await;
    let names = format!(
        "select coalesce(string_agg(oid::regclass::text, ';'), '') from pg_class where oid in ({tables})"
    );
    let names = db.text(&names).await;
    let blocked = blocked(db, sql).await;
    let reads = blocked.iter().any(|table| names.split(';').any(|name| name == table));
    let (files_now, scans_now) = state(db, tables).await;
    let locks = format!(
        "select (count(*) > 0)::text from pg_locks where pid = pg_backend_pid() and relation in ({tables})
        and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
    );
    let blocks = db.text(&locks).await == "true";
    Effect { rewrites: files != files_now, scans: scans_now > scans, blocks, reads }
}

/// Rows in every table that has none: what is empty is read in no time.
async fn fill(db: &TestDb) {
    db.run(
        "do $$ declare t record; begin
            for t in select c.oid::regclass as own from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
                where c.relkind = 'r' and not c.relispartition and n.nspname in ('public', 'app') loop
                begin
                    if t.own::text like '%_log_2025' or t.own::text like '%_log_2024' then
                        execute format('insert into %s (id, day) select 1, make_date(substr(%L, length(%L) - 3)::int, 3, 1)
                            where not exists (select from %s)', t.own, t.own, t.own, t.own);
                    else
                        execute format('insert into %s default values', t.own);
                    end if;
                exception when not_null_violation then null;
                end;
            end loop;
        end $$",
    )
    .await;
}

/// Whether the server does what a check of this name warns of.
fn agrees(check: &str, effect: &Effect) -> bool {
    match check {
        "migration/table-rewrite"
        | "migration/adding-field-with-default"
        | "migration/changing-column-type" => effect.rewrites,
        "migration/attach-partition-scan"
        | "migration/adding-foreign-key-constraint"
        | "migration/adding-not-nullable-field"
        | "migration/constraint-missing-not-valid"
        | "migration/index-not-concurrent"
        | "migration/unique-constraint" => effect.scans && effect.blocks,
        _ => effect.blocks,
    }
}

#[rstest]
#[case("pg14", "django")]
#[case("deb19", "django")]
#[case("pg14", "flyway")]
#[case("deb19", "flyway")]
#[case("pg14", "prisma")]
#[case("deb19", "prisma")]
#[case("pg14", "goose")]
#[case("deb19", "goose")]
#[tokio::test(flavor = "multi_thread")]
async fn no_serious_finding_is_contradicted_and_nothing_that_is_read_under_lock_is_missed(
    #[case] member: &str,
    #[case] tree: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let files = files(tree);
    let reviewed = review(&files, &TargetTables::default(), &|| true);
    assert_eq!(reviewed.gaps, []);
    let mut high = BTreeMap::<(String, usize), Vec<String>>::new();
    for found in reviewed.findings.iter().filter(|found| found.severity == Severity::High) {
        let Object::Source { path, line, .. } = &found.object else { panic!("{found:?}") };
        high.entry((path.clone(), *line as usize)).or_default().push(found.check.clone());
    }
    let (mut seen, mut confirmed) = (0, 0);
    for file in &files {
        fill(&db).await;
        let tables = db.text(TABLES).await;
        let own = statements(&file.sql);
        for (index, statement) in own.iter().enumerate() {
            seen += 1;
            let is_control = ["BEGIN", "COMMIT", "SET CONSTRAINTS"]
                .iter()
                .any(|word| statement.sql.starts_with(word));
            if is_control || statement.sql.contains("concurrently") {
                if !is_control {
                    db.run(&statement.sql).await;
                }
                continue;
            }
            db.run("begin").await;
            let effect = effect(&db, &tables, &statement.sql).await;
            db.run("commit").await;
            let until = own.get(index + 1).map_or(usize::MAX, |next| next.line);
            let within =
                high.range((file.path.clone(), statement.line)..(file.path.clone(), until));
            let checks: Vec<&String> = within.flat_map(|(_, checks)| checks).collect();
            let context = format!(
                "{member} {}:{} {}: {checks:?} {effect:?}",
                file.path, statement.line, statement.sql
            );
            assert!(checks.iter().all(|check| agrees(check, &effect)), "{context}");
            assert!(!effect.reads || !checks.is_empty(), "missed: {context}");
            confirmed += checks.len();
        }
    }
    assert!(seen >= STATEMENTS_MIN && confirmed >= 20, "{seen} statements, {confirmed} confirmed");
}
