//! Hybrid Schema Engineer: tables, and the documents in their columns.

mod indexing;
mod key_change;
mod names;
mod promotion;
mod table;
mod workload;

pub(super) use schema_drift::ID as SCHEMA_DRIFT;

checks! {
    pub(in crate::checks) long_keys,
    hot_key_in_document,
    pub(in crate::checks) deep_nesting,
    pub(in crate::checks) padded_columns,
    pub(in crate::checks) missing_primary_key,
    business_key_in_document,
    pub(in crate::checks) text_json,
    bound_json_key,
    schema_drift,
    mixed_key_types,
}
