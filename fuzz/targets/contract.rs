//! JSON Schemas, as contracts are registered, with the patterns in them.

#![no_main]

use database_optimizer::contract::Contract;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|schema: &str| {
    let _ = Contract::parse(schema);
});
