//! Statements, as workloads, logs, views and the target's own statistics hold them.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &str| bodies::statement(input));
