//! Hybrid Schema Engineer: tables, and the documents in their columns.

mod business_key_in_document;
mod deep_nesting;
mod missing_primary_key;
mod names;
mod padded_columns;
mod promotion;
mod table;
mod text_json;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &deep_nesting::CHECK,
    &padded_columns::CHECK,
    &missing_primary_key::CHECK,
    &business_key_in_document::CHECK,
    &text_json::CHECK,
];
