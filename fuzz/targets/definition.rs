//! Expressions and definitions, as a target's catalog prints them and as statements spell them.

#![no_main]

use database_optimizer::model::{catalog_spelling, catalog_type, pinned_expression, pinned_index};
use database_optimizer::sql::{explainable, spelled_key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = (pinned_expression(text), pinned_index(text));
    let _ = (catalog_spelling(text), catalog_type(text));
    let _ = (spelled_key(text), explainable(text));
});
