//! What a review of migrations shares with the checks of a database: their ids, and what they compare with.

use super::gin::{pending_limit_unit, small_pending_limit};
use super::hybrid_schema::{
    deep_nesting, long_keys, missing_primary_key, padded_columns, text_json,
};
use super::toast::pglz_on_wide_values;
use crate::model::Threshold;

pub(crate) const DEEP_NESTING: &str = deep_nesting::ID;
pub(crate) const LONG_KEYS: &str = long_keys::ID;
pub(crate) const MISSING_PRIMARY_KEY: &str = missing_primary_key::ID;
pub(crate) const PADDED_COLUMNS: &str = padded_columns::ID;
pub(crate) const PENDING_LIMIT_UNIT: &str = pending_limit_unit::ID;
pub(crate) const PGLZ_ON_WIDE_VALUES: &str = pglz_on_wide_values::ID;
pub(crate) const SMALL_PENDING_LIMIT: &str = small_pending_limit::ID;
pub(crate) const TEXT_JSON: &str = text_json::ID;

/// A review takes no policy: its limits are the defaults.
pub(crate) static DEPTH_MAX: &Threshold = &deep_nesting::DEPTH_MAX;
/// Bytes of a key.
pub(crate) static KEY_LENGTH_MAX: &Threshold = &long_keys::KEY_LENGTH_MAX;
/// The share of a row.
pub(crate) static PADDING_SHARE_MAX: &Threshold = &padded_columns::PADDING_SHARE_MAX;
