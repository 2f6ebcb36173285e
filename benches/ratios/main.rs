//! What the service costs beside the least it could cost, as ratios measured in one run.
//!
//! `scripts/bench` runs it. Nothing here fails because of a time: a machine that is busy with something else
//! would decide the outcome. The table says what was reached and what was aimed at.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by panicking")]
#![expect(clippy::print_stdout, reason = "the table is the answer")]
#![expect(unreachable_pub, reason = "nobody else can reach into a benchmark")]

mod bare_redis;
mod documents;
mod http;
mod load;
mod log;
mod plans;
mod process;
mod statements;
#[path = "../../tests/it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests, which need more of it")]
mod support;
mod table;
mod visit;
mod xray;

/// `ratios [documents] [plans] [log] [http] [visit] [delay] [xray]` runs these parts, all of them by default; `ratios visit-once DSN SUPERPOWER` is one
/// visit in a process of its own, for the bench itself; `ratios load-cached` is load for a profiler.
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` runs benches, too, and marks a bench run by this word.
    if !words.iter().any(|word| word == "--bench") {
        println!("not measured: run scripts/bench");
        return;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| *w != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let ["visit-once", dsn, superpower] = words.as_slice() {
        return runtime.block_on(process::visit_once(dsn, superpower));
    }
    if words == ["load-cached"] {
        return runtime.block_on(http::load_cached());
    }
    let wanted = |part: &str| words.is_empty() || words.contains(&part);
    // A table for each part, at once: what comes after it may fail.
    if wanted("documents") {
        println!("{}", documents::measure());
    }
    if wanted("log") {
        println!("{}", log::measure());
    }
    if wanted("plans") {
        println!("{}", plans::measure());
    }
    if wanted("http") {
        println!("{}", runtime.block_on(http::measure()));
    }
    if wanted("delay") {
        println!("{}", runtime.block_on(visit::measure_delay()));
    }
    if wanted("visit") {
        println!("{}", runtime.block_on(visit::measure_catalog()));
    }
    if wanted("xray") {
        println!("{}", runtime.block_on(xray::measure()));
    }
}
