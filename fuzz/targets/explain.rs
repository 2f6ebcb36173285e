//! Output of EXPLAIN, in any format, as people paste it.

#![no_main]

use database_optimizer::explain::{derive::derive, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    for plan in read(input).unwrap_or_else(|error| error.partial) {
        assert_eq!(derive(&plan).nodes.len(), plan.nodes.len());
    }
});
