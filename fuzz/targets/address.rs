//! Where a target is, as DSNs, lists of hosts and versions of poolers say it.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &str| bodies::address(input));
