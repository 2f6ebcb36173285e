//! Uploads of a workload, in whichever format they turn out to be, and what the statements in them mean.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies::workload(input));
