//! Messages of servers that are none, and rows by the types of their columns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use database_optimizer::pg::{Error, ResultRow};
use rstest::rstest;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{answer, open_at, question};
use crate::support::server;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], length.as_slice(), body].concat()
}

/// A message that says it is of these bytes, and of which the rest follows.
fn header(kind: u8, bytes: u32) -> Vec<u8> {
    [&[kind], bytes.to_be_bytes().as_slice()].concat()
}

/// A server that accepts every login and answers each query with these bytes; the last of them without end.
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
