//! Migrations, as `dbopt review` and `POST /v1/review/migration` take them.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &str| bodies::review(input));
