//! JSON Schemas, as contracts are registered, with the patterns in them; and documents, as a target holds them, judged by them.

#![no_main]

use database_optimizer::contract::{Contract, Verdicts};
use libfuzzer_sys::fuzz_target;

/// What begins the document behind the schema.
const BEHIND: char = '\u{1}';

fuzz_target!(|input: &str| {
    let (schema, document) = input.split_once(BEHIND).unwrap_or((input, "{}"));
    if let Ok(contract) = Contract::parse(schema) {
        let mut verdicts = Verdicts::default();
        verdicts.add(&contract, document);
        let drift = verdicts.into_drift();
        assert_eq!(drift.judged + drift.unjudged, 1);
    }
});
