//! Hybrid Schema Engineer: tables, and the documents in their columns.

mod bound_json_key;
mod business_key_in_document;
pub(in crate::checks) mod deep_nesting;
mod hot_key_in_document;
mod indexing;
mod key_change;
pub(in crate::checks) mod long_keys;
pub(in crate::checks) mod missing_primary_key;
mod mixed_key_types;
mod names;
pub(in crate::checks) mod padded_columns;
mod promotion;
mod schema_drift;
mod table;
pub(in crate::checks) mod text_json;
mod workload;

use super::Check;

pub(super) use schema_drift::ID as SCHEMA_DRIFT;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &long_keys::CHECK,
    &hot_key_in_document::CHECK,
    &deep_nesting::CHECK,
    &padded_columns::CHECK,
    &missing_primary_key::CHECK,
    &business_key_in_document::CHECK,
    &text_json::CHECK,
    &bound_json_key::CHECK,
    &schema_drift::CHECK,
    &mixed_key_types::CHECK,
];
