//! Output of EXPLAIN, in any format, as people paste it.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &str| bodies::explain(input));
