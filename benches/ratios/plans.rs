//! Plans read, beside `serde_json` reading the same bytes.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use database_optimizer::explain::read;
use serde_json::Value;

use crate::table::{Measured, Table};

/// Partitions below an Append, each of three nodes: 9,001 nodes with the root, as many as the largest plan known has.
const PARTITIONS: usize = 3_000;
const ROUNDS: usize = 7;

fn json() -> String {
    let node = |kind: &str, rest: &str| {
        format!(
            "{{\n \"Node Type\": \"{kind}\",\n \"Parent Relationship\": \"Member\",\n \"Parallel Aware\": false,\n \
             \"Async Capable\": false,\n \"Startup Cost\": 4.33,\n \"Total Cost\": 24.21,\n \"Plan Rows\": 6,\n \
             \"Plan Width\": 115,\n \"Actual Startup Time\": 0.017,\n \"Actual Total Time\": 0.230,\n \
             \"Actual Rows\": 6.00,\n \"Actual Loops\": 1,\n \"Disabled\": false,\n \"Shared Hit Blocks\": 320,\n \
             \"Shared Read Blocks\": 4,\n \"Temp Read Blocks\": 0,\n \"Temp Written Blocks\": 0{rest}}}"
        )
    };
    let partition = |n: usize| {
        let index = node("Bitmap Index Scan", ",\n \"Index Cond\": \"(customer = 5)\"");
        let heap = format!(
            ",\n \"Relation Name\": \"orders_{n}\",\n \"Alias\": \"o\",\n \"Recheck Cond\": \"(customer = 5)\",\n \"Plans\": [{index}]"
        );
        node(
            "Sort",
            &format!(
                ",\n \"Sort Key\": [\"o.day DESC\", \"o.id\"],\n \"Plans\": [{}]",
                node("Bitmap Heap Scan", &heap)
            ),
        )
    };
    let partitions: Vec<String> = (0..PARTITIONS).map(partition).collect();
    format!(
        "[{{\"Plan\": {}}}]",
        node("Append", &format!(",\n \"Plans\": [{}]", partitions.join(",\n")))
    )
}

fn text() -> String {
    let figures =
        "(cost=4.33..24.21 rows=6 width=115) (actual time=0.017..0.230 rows=6.00 loops=1)";
    let mut text = format!("Append  {figures}\n");
    for n in 0..PARTITIONS {
        let _ = write!(
            text,
            "  ->  Sort  {figures}\n        Sort Key: o.day DESC, o.id\n        Sort Method: quicksort  Memory: 25kB\n        \
             Buffers: shared hit=320 read=4\n        ->  Bitmap Heap Scan on orders_{n} o  {figures}\n              \
             Recheck Cond: (customer = 5)\n              Heap Blocks: exact=36\n              Buffers: shared hit=320 read=4\n              \
             ->  Bitmap Index Scan on orders_{n}_customer_idx  {figures}\n                    Index Cond: (customer = 5)\n                    \
             Buffers: shared hit=80\n"
        );
    }
    text
}

/// Milliseconds.
fn time(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
pub fn measure() -> Table {
    let (json, text) = (json(), text());
    assert_eq!(read(&json).unwrap()[0].nodes.len(), 9_001);
    assert_eq!(read(&text).unwrap()[0].nodes.len(), 9_001);
    let (mut ratios, mut of_json, mut of_text, mut speeds) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let parsed = time(|| {
            black_box(serde_json::from_str::<Value>(&json).unwrap());
        });
        let read_json = time(|| {
            black_box(read(&json).unwrap());
        });
        let read_text = time(|| {
            black_box(read(&text).unwrap());
        });
        ratios.push(parsed / read_json);
        of_json.push(read_json);
        of_text.push(read_text);
        speeds.push(text.len() as f64 / 1e3 / read_text);
    }
    let mut table = Table::default();
    let row = |what: &str, rounds: Vec<f64>, detail: String| Measured {
        what: what.to_owned(),
        rounds,
        detail,
    };
    let bytes = format!("9,001 nodes, {} bytes", json.len());
    table.at_least(0.5, row("JSON plans read / parsed by serde_json", ratios, bytes));
    table.at_most(40.0, row("JSON plan of 9,001 nodes, ms", of_json, String::new()));
    table.at_most(
        15.0,
        row("text plan of 9,001 nodes, ms", of_text, format!("{} bytes", text.len())),
    );
    table.at_least(100.0, row("text plans, MB/s on one core", speeds, String::new()));
    table
}
