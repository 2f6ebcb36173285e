//! Sessions on a target: what is left in them, how they end, and what a hostile or absent server costs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use database_optimizer::pg::{Error, Question, ResultRow, Session, Target};
use rstest::rstest;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::proxy::Proxy;
use crate::support::{Own, TestDb, own_server, server, until};

fn question(sql: &str) -> Question {
    Question::new("test", sql.to_owned())
}

async fn answer(session: &mut Session, sql: &str) -> Result<String, Error> {
    let mut text = String::new();
    session
        .query(&[question(sql)], |_, row| row.text().map(|row| row.clone_into(&mut text)))
        .await?;
    Ok(text)
}

fn open(dsn: String) -> Target {
    Target::open("test", &dsn.into(), None).unwrap()
}

fn open_at(port: u16, database: &str) -> Target {
    open(format!("postgresql://postgres@127.0.0.1:{port}/{database}?sslmode=disable"))
}

/// Look until it is so.
async fn until_it_says(db: &TestDb, sql: &str, wanted: &str) {
    until(sql, async || db.text(sql).await == wanted).await;
}

// ---- what is left -------------------------------------------------------------------------------------------------

const ADVISORY_LOCKS: &str = "select count(*)::text from pg_locks as l
    join pg_database as d on d.oid = l.database and d.datname = current_database()
    where l.locktype = 'advisory'";

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn advisory_locks_that_a_function_took_end_with_the_visit(
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let target = open_at(server.port, &db.name);
    let lock = "select coalesce(pg_catalog.pg_advisory_lock(4711)::text, '')";

    let mut session = target.session().await.unwrap();
    session.query(&[question(lock)], |_, _| Ok(())).await.unwrap();
    assert_eq!(db.text(ADVISORY_LOCKS).await, "1");
    session.query_finally(&[question(lock)], |_, _| Ok(())).await.unwrap();
    assert_eq!(db.text(ADVISORY_LOCKS).await, "0", "ended with the last question");
    session.finish();

    let mut session = target.session().await.unwrap();
    session.query(&[question(lock)], |_, _| Ok(())).await.unwrap();
    session.finish();
    until_it_says(&db, ADVISORY_LOCKS, "0").await;
    // It is idle once what ended its locks was answered.
    until("the connection is kept", async || target.connections().1 == 1).await;
}

const OURS: &str = "select count(*)::text from pg_stat_activity
    where datname = current_database() and application_name = 'dbopt'";
const OURS_ACTIVE: &str = "select count(*)::text from pg_stat_activity
    where datname = current_database() and application_name = 'dbopt' and state = 'active'";

#[rstest]
#[case::that_only_catches("")]
#[case::that_switches_the_look_after_connections_off(
    "perform pg_catalog.set_config('client_connection_check_interval', '0', false);"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_catches_cancellation_is_ended_and_counts_until_then(
    #[case] first: &str,
    #[values("pg14", "deb18")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    db.run(&format!(
        "create function stubborn() returns text language plpgsql as $$ begin
            {first}
            loop
                begin perform pg_catalog.pg_sleep(600); exception when query_canceled then null; end;
            end loop;
        end $$"
    ))
    .await;
    let role = format!("own_{}", db.name);
    db.run(&format!("create role {role} login")).await;
    let target = Target::open("test", &db.dsn_as(&role), None).unwrap();
    for _ in 0..2 {
        let mut session = target.session().await.unwrap();
        let stubborn =
            timeout(Duration::from_millis(300), answer(&mut session, "select public.stubborn()"));
        assert!(stubborn.await.is_err());
        drop(session);
    }
    assert_eq!(target.connections(), (2, 0), "both are in use for as long as they run");
    let deadline = Instant::now() + Duration::from_secs(20);
    while db.text(OURS_ACTIVE).await != "0" || target.connections().0 > 0 {
        // The two, and one that ends them.
        let ours: u32 = db.text(OURS).await.parse().unwrap();
        assert!(ours <= 3, "{ours} connections");
        assert!(Instant::now() < deadline, "{} active", db.text(OURS_ACTIVE).await);
        tokio::task::yield_now().await;
    }
    let mut session = target.session().await.unwrap();
    assert_eq!(answer(&mut session, "select 'well'").await.unwrap(), "well");
    drop((session, target));
    until_it_says(&db, OURS, "0").await;
    db.run(&format!("drop role {role}")).await;
}

// ---- what changed -------------------------------------------------------------------------------------------------

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_was_promoted_is_no_standby_at_the_next_visit(
    #[values("deb15", "deb18")] member: &str,
) {
    let Some(primary) = own_server(member, &Own { purpose: "to-be-followed", ..Own::default() })
    else {
        return;
    };
    let own = Own {
        purpose: "to-be-promoted",
        primary: Some(primary),
        settings: &["hot_standby=on"],
        ..Own::default()
    };
    let standby = own_server(member, &own).unwrap();
    let target = open(standby.dsn("postgres"));
    let pid = "select pg_catalog.pg_backend_pid()::text";

    let mut session = target.session().await.unwrap();
    let before = answer(&mut session, pid).await.unwrap();
    assert!(session.facts().in_recovery);
    session.finish();
    let (client, connection) =
        tokio_postgres::connect(&standby.dsn("postgres"), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.execute("select pg_promote()", &[]).await.unwrap();

    let mut session = target.session().await.unwrap();
    assert_eq!(answer(&mut session, pid).await.unwrap(), before, "the same connection");
    assert!(!session.facts().in_recovery);
}

// ---- connections that died ----------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_that_died_silently_is_replaced_within_seconds() {
    let Some(server) = server("deb18") else { return };
    let db = TestDb::create(server).await;
    let proxy = Proxy::start(server.port, Duration::ZERO).await;
    let target = open_at(proxy.port, &db.name);
    for _ in 0..2 {
        let mut session = target.session().await.unwrap();
        answer(&mut session, "select 'well'").await.unwrap();
        session.query_finally(&[question("select 'well'")], |_, _| Ok(())).await.unwrap();
        session.finish();
        proxy.silence();
        let begun = Instant::now();
        let mut session = target.session().await.unwrap();
        let mut rows = Vec::new();
        let asked = [question("select 'one'"), question("select 'two'")];
        session
            .query_finally(&asked, |_, row| row.text().map(|row| rows.push(row.to_owned())))
            .await
            .unwrap();
        assert_eq!(rows, ["one", "two"], "each row once");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        session.finish();
        proxy.silence();
        let trial = target.trial().await.unwrap();
        assert_eq!(trial.rows("select 'tried'").await.unwrap(), ["tried"]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        trial.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_that_the_server_ended_cost_no_caller_an_error() {
    let Some(server) = server("pg14") else { return };
    let db = TestDb::create(server).await;
    let target = open_at(server.port, &db.name);
    let (mut one, mut two) = (target.session().await.unwrap(), target.session().await.unwrap());
    for session in [&mut one, &mut two] {
        session.query_finally(&[question("select 'well'")], |_, _| Ok(())).await.unwrap();
    }
    one.finish();
    two.finish();
    db.run(
        "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'dbopt'",
    )
    .await;
    for _ in 0..2 {
        let mut session = target.session().await.unwrap();
        assert_eq!(answer(&mut session, "select 'well'").await.unwrap(), "well");
    }
}

// ---- servers that are none ----------------------------------------------------------------------------------------

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], length.as_slice(), body].concat()
}

/// A message that says it is of these bytes, and of which the rest follows.
fn header(kind: u8, bytes: u32) -> Vec<u8> {
    [&[kind], bytes.to_be_bytes().as_slice()].concat()
}

/// A server that lets everybody in, and sends this to whoever asks something; the last of it for ever.
struct Impostor {
    port: u16,
    sent: Arc<AtomicU64>,
}

impl Impostor {
    async fn start(first: Vec<u8>, for_ever: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (first, for_ever) = (first.clone(), for_ever.clone());
                tokio::spawn(serve(socket, first, for_ever, counter.clone()));
            }
        });
        Self { port, sent }
    }
}

async fn serve(mut socket: TcpStream, first: Vec<u8>, for_ever: Vec<u8>, sent: Arc<AtomicU64>) {
    let mut request = [0; 4096];
    let _ = socket.read(&mut request).await;
    let welcome = [
        message(b'R', &[0; 4]),
        message(b'S', b"server_version\x0018.0\0"),
        message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
        message(b'Z', b"I"),
    ];
    let _ = socket.write_all(&welcome.concat()).await;
    // An answer to what was not sent yet would be no answer.
    let mut asked = Vec::new();
    while !asked.windows(8).any(|words| words == b"select 1") {
        match socket.read(&mut request).await {
            Ok(length @ 1..) => asked.extend_from_slice(&request[..length]),
            _ => return,
        }
    }
    let _ = socket.write_all(&first).await;
    while !for_ever.is_empty() && socket.write_all(&for_ever).await.is_ok() {
        sent.fetch_add(for_ever.len() as u64, Ordering::Relaxed);
    }
}

#[rstest]
#[case::with_a_row(b'D')]
#[case::with_an_error(b'E')]
#[case::with_a_notice(b'N')]
#[case::with_a_setting(b'S')]
#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_end_ends_the_connection_at_its_header(#[case] kind: u8) {
    let impostor = Impostor::start(header(kind, 2_000_000_000), vec![b'x'; 65536]).await;
    let target = open_at(impostor.port, "d");
    let mut session = target.session().await.unwrap();
    let outcome = timeout(Duration::from_secs(10), answer(&mut session, "select 1")).await;
    assert!(matches!(outcome, Ok(Err(Error::TooMuch { .. }))), "{outcome:?}");
    let sent = impostor.sent.load(Ordering::Relaxed);
    assert!(sent < 32 << 20, "{sent} bytes");
}

/// The driver would ask for the type, for the one below it, and so on, until the stack of the process is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_a_type_that_nobody_asked_for_ends_the_connection() {
    let described = [
        message(b'C', b"BEGIN\0"),
        message(b'Z', b"T"),
        message(b'1', b""),
        message(b'2', b""),
        message(b'T', b"\x00\x01a\0\0\0\0\0\0\0\0\x01\x86\xa0\xff\xff\xff\xff\xff\xff\0\0"),
    ];
    let impostor = Impostor::start(described.concat(), Vec::new()).await;
    let target = open_at(impostor.port, "d");
    let mut session = target.session().await.unwrap();
    let outcome = timeout(Duration::from_secs(10), answer(&mut session, "select 1")).await;
    assert!(matches!(outcome, Ok(Err(Error::ConnectionLost { .. }))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_end_are_taken_up_to_a_limit() {
    let described = [
        message(b'C', b"BEGIN\0"),
        message(b'Z', b"T"),
        message(b'1', b""),
        message(b'2', b""),
        message(b'T', b"\x00\x01a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"),
    ];
    let value = vec![b'x'; 1 << 20];
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    let row = message(b'D', &[&[0, 1], length.as_slice(), &value].concat());
    let impostor = Impostor::start(described.concat(), row).await;
    let target = open_at(impostor.port, "d");
    let mut session = target.session().await.unwrap();
    let outcome = timeout(Duration::from_mins(1), answer(&mut session, "select 1")).await;
    assert!(matches!(outcome, Ok(Err(Error::TooMuch { .. }))), "{outcome:?}");
    let sent = impostor.sent.load(Ordering::Relaxed);
    assert!((1 << 30..(1 << 30) + (64 << 20)).contains(&sent), "{sent} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_statement_mode_is_named_with_what_to_do() {
    let refusal = message(
        b'E',
        b"SFATAL\0C08P01\0Mtransaction blocks not allowed in statement pooling mode\0\0",
    );
    let impostor = Impostor::start(refusal, Vec::new()).await;
    let target = open_at(impostor.port, "d");
    let mut session = target.session().await.unwrap();
    let error = answer(&mut session, "select 1").await.unwrap_err();
    assert!(matches!(error, Error::StatementPooling { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "target `test` is behind a pooler in statement mode; name the server itself, or a pool in session or transaction mode"
    );
}

/// As sources are read: each field is a column, in their order.
#[derive(Debug, PartialEq, Deserialize)]
struct Values {
    truth: bool,
    small: i64,
    large: u64,
    real: f64,
    double: f64,
    name: String,
    letter: Letter,
    absent: Option<i64>,
    list: Vec<Option<String>>,
    at: jiff::Timestamp,
    nested: BTreeMap<String, Vec<i64>>,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Letter {
    #[serde(rename = "r")]
    Table,
}

const VALUES: &str = "select true, 7::int2, 8::int8, 0.1::float4, 0.1::float8, 'Größe'::name, 'r'::\"char\", null::int8,
    array['a', null, 'c'], '2026-11-30 10:00:00.5+00'::timestamptz, '{\"a\": [1, 2]}'::json";

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_read_by_the_types_of_its_columns() {
    let Some(server) = server("pg15") else { return };
    let target = open_at(server.port, "postgres");
    let mut session = target.session().await.unwrap();
    let mut rows = Vec::new();
    let on_row = |_, row: ResultRow<'_>| {
        rows.push(row.decode::<Values>());
        Ok(())
    };
    session.query(&[question(VALUES)], on_row).await.unwrap()[0].clone().unwrap();
    let nested = BTreeMap::from([("a".to_owned(), vec![1, 2])]);
    let expected = Values {
        truth: true,
        small: 7,
        large: 8,
        real: 0.1,
        double: 0.1,
        name: "Größe".to_owned(),
        letter: Letter::Table,
        absent: None,
        list: vec![Some("a".to_owned()), None, Some("c".to_owned())],
        at: "2026-11-30T10:00:00.5Z".parse().unwrap(),
        nested,
    };
    assert_eq!(rows, [Ok(expected)]);
    session.finish();
}

#[derive(Debug, PartialEq, Deserialize)]
struct Number {
    number: f64,
}

#[rstest]
#[case::another_type("'secret'")]
#[case::a_null("null::float8")]
#[case::a_type_that_is_not_read("1.5::numeric")]
#[case::no_number("'NaN'::float8")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_as_another_type_is_refused_by_the_name_of_its_column(#[case] value: &str) {
    let Some(server) = server("pg15") else { return };
    let target = open_at(server.port, "postgres");
    let mut session = target.session().await.unwrap();
    let mut refusals = Vec::new();
    let on_row = |_, row: ResultRow<'_>| {
        refusals.push(row.decode::<Number>().map_err(|refused| refused.to_string()));
        Ok(())
    };
    let sql = format!("select {value} as number");
    session.query(&[question(&sql)], on_row).await.unwrap()[0].clone().unwrap();
    assert_eq!(refusals, [Err("column \"number\"".to_owned())]);
    session.finish();
}
