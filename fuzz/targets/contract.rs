//! JSON Schemas, as contracts are registered, with the patterns in them; and documents, as a target holds them, judged by them.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &str| bodies::contract(input));
