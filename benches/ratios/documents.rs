//! Documents counted, beside `serde_json` reading the same bytes.

use std::hint::black_box;
use std::time::Instant;

use database_optimizer::jsonb::DocumentCounts;
use serde_json::Value;

use crate::table::{Measured, Table};

const DOCUMENTS: usize = 100_000;
const ROUNDS: usize = 5;

/// A document of about 1 kB, as `jsonb` prints it.
fn document(n: usize) -> String {
    let features: Vec<String> = (0..24)
        .map(|k| format!("\"feature_{k:02}\": {}.{:04}", n * 31 % 977 + k, n * 7 % 9999))
        .collect();
    let tags: Vec<String> = (0..8).map(|k| format!("\"tag-{}\"", (n + k) % 40)).collect();
    format!(
        "{{\"tags\": [{}], \"segment\": \"{}\", \"features\": {{{}}}, \"identifier\": \"svc-{n}\", \
         \"description\": \"{}\"}}",
        tags.join(", "),
        ["new", "loyal", "at risk", "churned"][n % 4],
        features.join(", "),
        "a sentence of some words about a user ".repeat(5),
    )
}

/// Megabytes a second.
#[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
fn speed(bytes: usize, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    bytes as f64 / 1e6 / begun.elapsed().as_secs_f64()
}

pub fn measure() -> Table {
    let mut table = Table::default();
    let documents: Vec<String> = (0..DOCUMENTS).map(document).collect();
    let bytes: usize = documents.iter().map(String::len).sum();
    let (mut ratios, mut speeds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let parsed = speed(bytes, || {
            for document in &documents {
                black_box(serde_json::from_str::<Value>(document).unwrap());
            }
        });
        let counted = speed(bytes, || {
            let mut counts = DocumentCounts::default();
            for document in &documents {
                counts.add(document);
            }
            assert_eq!(black_box(counts).malformed, 0);
        });
        ratios.push(counted / parsed);
        speeds.push(counted);
    }
    let mean = bytes / DOCUMENTS;
    table.at_least(
        0.7,
        Measured {
            what: "documents counted / parsed by serde_json".to_owned(),
            rounds: ratios,
            detail: format!("{DOCUMENTS} documents of {mean} bytes"),
        },
    );
    table.at_least(
        200.0,
        Measured {
            what: "documents counted, MB/s on one core".to_owned(),
            rounds: speeds,
            detail: String::new(),
        },
    );
    table
}
