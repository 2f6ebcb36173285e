//! The fuzz targets are part of no build: here they are compiled, and fed with their seeds and pieces of them.

use std::path::Path;

#[path = "../../fuzz/bodies.rs"]
mod bodies;

/// Feeds the seeds of a target: each as it is, cut at several places, and twice in a row.
fn feed(target: &str, body: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let seed = std::fs::read(entry.unwrap().path()).unwrap();
        body(&seed);
        body(&[seed.as_slice(), seed.as_slice()].concat());
        for part in 1..8 {
            body(&seed[..seed.len() * part / 8]);
            body(&seed[seed.len() * part / 8..]);
        }
        seeds += 1;
    }
    assert!(seeds > 0, "{target}");
}

fn feed_text(target: &str, body: impl Fn(&str)) {
    feed(target, |seed| body(&String::from_utf8_lossy(seed)));
}

#[test]
fn fuzz_targets_take_their_seeds() {
    feed_text("address", bodies::address);
    feed_text("contract", bodies::contract);
    feed_text("definition", bodies::definition);
    feed_text("document", bodies::document);
    feed_text("explain", bodies::explain);
    feed_text("review", bodies::review);
    feed_text("statement", bodies::statement);
    feed("workload", bodies::workload);
}
