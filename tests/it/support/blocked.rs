//! Tables that the server reads as a whole while others wait for them.

use std::collections::BTreeMap;

use super::{TestDb, server};

/// Tables, and rows in those that have no others below them.
pub const TABLES: &str = "create table t (id int, a int, b int);
create table u (id int primary key);
create table m (k int, v int) partition by range (k);
create table c (k int, v int);
create table n (k int not null, v int) partition by range (k);
create table d (k int not null, v int);
create table l (k int not null, v int) partition by list (k);
create table h (k int not null, v int) partition by hash (k);";
const ROWS: &str = "insert into u select generate_series(1, 9); insert into t select g, g, g from generate_series(1, 9) as g;
insert into c select g, g from generate_series(1, 9) as g; insert into d select * from c;";

/// Statements, each behind what is made of the tables before.
const STATEMENTS: &str = include_str!("../scans/statements.sql");

/// What is made of the tables before, and a statement.
fn cases() -> Vec<(&'static str, &'static str)> {
    let blocks =
        STATEMENTS.split("\n\n").skip(1).map(|block| block.trim_end().trim_end_matches(';'));
    blocks.map(|block| block.rsplit_once(";\n").unwrap_or(("", block))).collect()
}

/// Scans and files of all tables, by name.
const STATE: &str = "select coalesce(string_agg(concat_ws(' ', c.oid::regclass, coalesce(s.seq_scan, 0), pg_relation_filenode(c.oid),
        exists (select from pg_locks as l where l.pid = pg_backend_pid() and l.relation = c.oid
            and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))), ';'), '')
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    left join pg_stat_xact_user_tables as s on s.relid = c.oid
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')";

/// By table: its scans and file, and whether others wait for it.
type TableStates = BTreeMap<String, (String, bool)>;

async fn state(db: &TestDb) -> TableStates {
    let text = db.text(STATE).await;
    let table = |line: &str| {
        let (table, state) = line.split_once(' ').unwrap();
        let (state, is_locked) = state.rsplit_once(' ').unwrap();
        (table.to_owned(), (state.to_owned(), is_locked == "t"))
    };
    text.split(';').filter(|line| !line.is_empty()).map(table).collect()
}

/// Tables that a statement of the transaction reads or writes as a whole while others wait for them.
pub async fn blocked(db: &TestDb, statement: &str) -> Vec<String> {
    let before = state(db).await;
    db.run(statement).await;
    let after = state(db).await;
    let is_blocked = |(table, (now, is_locked)): &(String, (String, bool))| {
        *is_locked && before.get(table).is_some_and(|(then, _)| then != now)
    };
    after.into_iter().filter(is_blocked).map(|(table, _)| table).collect()
}

/// Holds what is found of each statement, behind what comes before it, against the tables that the server reads.
pub async fn hold_to_the_server(
    member: &str,
    found: impl AsyncFn(&TestDb, &str, &str) -> Vec<String>,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let (mut wrong, mut reads) = (Vec::new(), 0);
    let cases = cases();
    for (before, statement) in &cases {
        db.run("drop schema if exists o cascade; drop schema public cascade; create schema public")
            .await;
        db.run(&format!("{TABLES} {ROWS} {before}")).await;
        db.run("begin").await;
        let blocked = blocked(&db, statement).await;
        db.run("rollback").await;
        let found = found(&db, before, statement).await;
        reads += usize::from(!blocked.is_empty());
        if found.is_empty() != blocked.is_empty() {
            wrong.push(format!(
                "{before}; {statement}: the server reads {blocked:?}, found {found:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{member}: {} wrong: {wrong:#?}", wrong.len());
    assert!(reads > 40 && cases.len() - reads > 40, "{member}: {reads} of {} read", cases.len());
}
