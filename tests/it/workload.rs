//! Logs that real servers write are read: each execution once, with its keys, in each format.

use std::collections::BTreeMap;
use std::fs;

use database_optimizer::analysis;
use database_optimizer::model::{GapReason, QualifiedName};
use database_optimizer::sql::{Catalog, CatalogRelation, Column, path_to_string};
use database_optimizer::workload::{
    Bookkeeper, Entry, STATEMENTS_MAX, SourceFormat, SourceReader, StatementSource,
};
use rstest::rstest;
use tokio_postgres::{Client, NoTls};

use crate::support::{Own, TestServer, own_server, until};

const SETTINGS: &[&str] = &[
    "logging_collector=on",
    "log_filename=log",
    "log_min_messages=warning",
    "log_rotation_size=0",
    "session_preload_libraries=auto_explain",
];

/// How a session logs what it runs, and whether the log then shows parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logging {
    /// Texts with durations, and plans in this format.
    Both(&'static str),
    /// Texts, and durations apart.
    Apart,
    /// Nothing but plans.
    Plans(&'static str),
}

impl Logging {
    fn options(self) -> String {
        match self {
            Self::Both(format) => {
                format!(
                    "-c log_min_duration_statement=0 -c auto_explain.log_min_duration=0 -c auto_explain.log_format={format}"
                )
            }
            Self::Apart => "-c log_statement=all -c log_duration=on".to_owned(),
            Self::Plans(format) => {
                format!("-c auto_explain.log_min_duration=0 -c auto_explain.log_format={format}")
            }
        }
    }
}

async fn session(server: &TestServer, options: &str) -> Client {
    let mut config: tokio_postgres::Config = server.dsn("postgres").parse().unwrap();
    let (client, connection) = config.options(options).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Statements, each distinguished from the same one that another session logs otherwise by what stands in place of `#`.
const SIMPLE: &str =
    "select /*#*/ data ->> 'simple'\nfrom features where data ->> 'naïve \"key\"' = 'it''s'";
const BOUND: &str = "select /*#*/ data ->> $1 from features where id = $2";
const FETCHED: &str = "select /*#*/ data -> 'fetched' from features";
const SEVERAL: &str =
    "select /*#*/ data -> 'first' from features; select data -> 'second' from features";
const PREPARED: &str = "prepare p(text) as select /*#*/ data ->> $1 from features";

const FAILING: &str = "select /*#*/ nope from features";

/// Runs statements, and says how often each should be read.
async fn run(mut client: Client, logging: Logging) -> BTreeMap<String, u64> {
    let tagged = |sql: &str| sql.replace('#', &format!("{logging:?}"));
    for _ in 0..3 {
        client.batch_execute(&tagged(SIMPLE)).await.unwrap();
    }
    let bound = client.prepare(&tagged(BOUND)).await.unwrap();
    for id in 0..4_i32 {
        client.query(&bound, &[&"bound", &id]).await.unwrap();
    }
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind(&tagged(FETCHED), &[]).await.unwrap();
    for _ in 0..3 {
        transaction.query_portal(&portal, 1).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let mut expected = BTreeMap::from([(SIMPLE, 3), (BOUND, 4), (FETCHED, 1)]);
    // Plans alone do not show whether two statements were sent together.
    if !matches!(logging, Logging::Plans(_)) {
        client.batch_execute(&tagged(SEVERAL)).await.unwrap();
        client.batch_execute(&tagged(PREPARED)).await.unwrap();
        client.batch_execute("execute p('executed')").await.unwrap();
        client.batch_execute(&tagged(FAILING)).await.unwrap_err();
        expected.extend([(SEVERAL, 1), (PREPARED, 2)]);
        if logging == Logging::Apart {
            // It was logged before it failed.
            expected.insert(FAILING, 1);
        }
    }
    expected.into_iter().map(|(sql, calls)| (tagged(sql), calls)).collect()
}

fn catalog() -> Catalog {
    let column = |name: &str, json| Column { name: name.to_owned(), json };
    let columns = vec![column("id", false), column("data", true)];
    let mut catalog = Catalog::default();
    let name = QualifiedName { schema: "public".to_owned(), name: "features".to_owned() };
    catalog.insert(name, CatalogRelation::Table(columns));
    catalog
}

/// The log in one format, once its last statement is in it.
async fn log(server: &TestServer, client: &Client, suffix: &str) -> Vec<u8> {
    let row = client.query_one("show data_directory", &[]).await.unwrap();
    let path = format!("{}/log/log{suffix}", row.get::<_, String>(0));
    let mut log = Vec::new();
    until(&format!("{}: {path} comes to its end", server.name), async || {
        log = fs::read(&path).unwrap_or_default();
        String::from_utf8_lossy(&log).contains("the end")
    })
    .await;
    log
}

fn read(log: &[u8], format: SourceFormat, chunk: usize) -> Vec<Entry> {
    let (mut reader, mut entries) = (SourceReader::new(None).of_database("postgres"), Vec::new());
    log.chunks(chunk).for_each(|chunk| reader.push(chunk, |entry| entries.push(entry)));
    let read = reader.finish(|entry| entries.push(entry));
    assert_eq!(read.format, Some(format));
    assert_eq!((read.counts.malformed, read.counts.skipped, read.counts.cut_off), (0, 0, 0));
    entries
}

/// How often each statement on documents was read that was logged so.
fn calls(entries: &[Entry], logging: Logging) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_of(entry, logging)) {
        assert!(entry.total_ms.is_some() || entry.sql.contains("nope"), "{}", entry.sql);
        *calls.entry(entry.sql.clone()).or_default() += entry.calls;
    }
    calls
}

fn is_of(entry: &Entry, logging: Logging) -> bool {
    entry.sql.contains(&format!("/*{logging:?}*/")) && !entry.is_plan_alone()
}

/// Calls by path.
fn paths(entries: &[Entry], logging: Logging) -> BTreeMap<String, u64> {
    let catalog = catalog();
    let mut book = Bookkeeper::new(&catalog);
    for entry in entries.iter().filter(|entry| is_of(entry, logging)) {
        book.add(StatementSource::Log, entry);
    }
    let ledger = book.into_ledger();
    let (_, _, column) = ledger.columns().next().unwrap();
    let paths = column.paths.iter();
    paths.map(|(path, used)| (path_to_string(path), used.touched.calls)).collect()
}

const LOGGINGS: &[Logging] = &[
    Logging::Both("text"),
    Logging::Both("json"),
    Logging::Both("xml"),
    Logging::Both("yaml"),
    Logging::Apart,
    Logging::Plans("text"),
    Logging::Plans("json"),
    Logging::Plans("xml"),
    Logging::Plans("yaml"),
];

#[rstest]
#[case("pg14")]
#[case("pg15")]
#[case("pg17")]
#[case("pg18")]
#[case("deb19")]
#[tokio::test]
async fn each_execution_is_read_once_with_its_keys(#[case] member: &str) {
    let destination = match member {
        "pg14" => "log_destination=stderr,csvlog",
        _ => "log_destination=stderr,csvlog,jsonlog",
    };
    let settings = [SETTINGS, &[destination]].concat();
    let own = Own { purpose: "workload", settings: &settings, ..Own::default() };
    let Some(server) = own_server(member, &own) else { return };
    let client = session(server, "").await;
    let schema = "create table features (id int, data jsonb);
        insert into features select n, '{}' from generate_series(1, 3) n";
    client.batch_execute(schema).await.unwrap();
    let mut expected = Vec::new();
    for logging in LOGGINGS {
        expected.push((*logging, run(session(server, &logging.options()).await, *logging).await));
    }
    client.batch_execute("set log_min_duration_statement = 0; select 'the end'").await.unwrap();
    for (suffix, format) in [
        ("", SourceFormat::Stderr),
        (".csv", SourceFormat::Csvlog),
        (".json", SourceFormat::Jsonlog),
    ] {
        if format == SourceFormat::Jsonlog && member == "pg14" {
            continue;
        }
        let log = log(server, &client, suffix).await;
        let entries = read(&log, format, usize::MAX);
        assert_eq!(read(&log, format, 113), entries);
        for (logging, expected) in &expected {
            let context = format!("{member} {format:?} {logging:?}");
            assert_eq!(calls(&entries, *logging), *expected, "{context}");
            let paths = paths(&entries, *logging);
            // Before 16, plans do not show parameters.
            let told = server.major >= 16 || !matches!(logging, Logging::Plans(_));
            assert_eq!(paths[if told { "bound" } else { "$" }], 4, "{context}");
            assert_eq!((paths["simple"], paths["fetched"]), (3, 1), "{context}");
            assert_eq!(paths["\"naïve \\\"key\\\"\""], 3, "{context}");
        }
    }
}

#[test]
fn statements_beyond_those_that_are_kept_leave_a_gap() {
    let catalog = catalog();
    let gaps = |statements: usize| {
        let mut book = Bookkeeper::new(&catalog);
        for key in 0..statements {
            let sql = format!("select data ->> 'key{key}' from features");
            book.add(StatementSource::List, &Entry::once(sql));
        }
        analysis::workload(&book.into_ledger()).not_read
    };
    assert_eq!(gaps(STATEMENTS_MAX), []);
    let left = gaps(STATEMENTS_MAX + 1);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0].reason, GapReason::BudgetSpent);
    assert!(left[0].detail.starts_with("501 statements that use documents "), "{left:#?}");
}
