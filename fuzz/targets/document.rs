//! Documents of a target, counted as text.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &str| bodies::document(input));
