//! Sizes of documents, worked out here and returned by real servers.

use database_optimizer::jsonb::{Conversion, DocumentCounts, conversion, stored_bytes};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rstest::rstest;

use crate::support::{TestDb, server};

/// Documents at a time, and how often: all in all some thousands.
const BATCH: usize = 500;
const BATCHES: usize = 8;

/// A number as people and programs write it.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?",
        "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,6})?[eE][+-]?[0-9]{1,2}",
        "-?[1-9]0{0,12}",
        "0\\.0{0,80}[0-9]{1,3}",
    ]
}

fn string() -> impl Strategy<Value = String> {
    // What no text of PostgreSQL can hold is no document's fault.
    "[^\\x00]{0,40}".prop_map(|text| serde_json::Value::from(text).to_string())
}

/// The text of a document; keys repeat, are empty, and come in any order.
fn document() -> impl Strategy<Value = String> {
    let literal = prop_oneof![Just("null"), Just("true"), Just("false")].prop_map(str::to_owned);
    let leaf = prop_oneof![literal, number(), string()];
    let key = prop_oneof![
        Just("\"k\"".to_owned()),
        "[a-c]{0,3}".prop_map(|k| format!("\"{k}\"")),
        string()
    ];
    leaf.prop_recursive(6, 80, 8, move |inner| {
        let array = prop::collection::vec(inner.clone(), 0..8);
        let object = prop::collection::vec((key.clone(), inner), 0..8);
        prop_oneof![
            array.prop_map(|items| format!("[{}]", items.join(", "))),
            object.prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                format!("{{{}}}", fields.join(", "))
            }),
        ]
    })
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_size_of_every_document_is_what_the_server_stores(
    #[values("deb15", "pg16", "pg17", "pg18", "deb18", "deb19")] member: &str,
) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let mut runner = TestRunner::deterministic();
    let strategy = document();
    for _ in 0..BATCHES {
        let documents: Vec<String> =
            (0..BATCH).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        let sql = "select pg_column_size(d::jsonb), d::jsonb::text from unnest($1::text[]) with ordinality as u(d, n) order by n";
        let rows = db.client.query(sql, &[&documents]).await.unwrap();
        for (document, row) in documents.iter().zip(&rows) {
            let told = u64::try_from(row.get::<_, i32>(0)).unwrap();
            assert_eq!(stored_bytes(document), Ok(told), "{member}: {document}");
            let mut counts = DocumentCounts::default();
            counts.add(row.get(1));
            assert_eq!((counts.uncompressed_bytes, counts.malformed), (told, 0), "{document}");
        }
    }
}

/// The text of a document with a character more, which most often breaks it.
fn damaged() -> impl Strategy<Value = String> {
    let character = prop_oneof!["[\\x01-\\x20]", "[\"\\\\,:\\[\\]{}0u.e-]", "[^\\x00]"];
    (document(), any::<prop::sample::Index>(), character).prop_map(
        |(mut text, place, character)| {
            let places: Vec<usize> =
                text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            text.insert_str(*place.get(&places), &character);
            text
        },
    )
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_converts_is_what_the_server_takes(#[values("pg16", "deb19")] member: &str) {
    let Some(server) = server(member) else { return };
    let db = TestDb::create(server).await;
    let mut runner = TestRunner::deterministic();
    let strategy = prop_oneof![damaged(), document()];
    for _ in 0..BATCHES {
        let documents: Vec<String> =
            (0..BATCH).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        let sql = "select pg_input_is_valid(d, 'json'), pg_input_is_valid(d, 'jsonb') \
            from unnest($1::text[]) with ordinality as u(d, n) order by n";
        let rows = db.client.query(sql, &[&documents]).await.unwrap();
        for (document, row) in documents.iter().zip(&rows) {
            let converts = conversion(document);
            let taken = (row.get(0), row.get(1));
            let expected = match converts {
                Ok(Conversion::Exact | Conversion::Kept) => taken == (true, true),
                // A key given twice is no error to the server; what stands behind it was not read.
                Ok(Conversion::Lost) => true,
                Err(_) => taken == (false, false),
            };
            assert!(expected, "{member}: {converts:?}, {taken:?}: {document:?}");
        }
    }
}
