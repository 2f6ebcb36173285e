//! Expressions and definitions, as a target's catalog prints them and as statements spell them.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &str| bodies::definition(input));
