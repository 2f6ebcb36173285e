//! GIN Index Tuner: pending lists, operator classes, growth.

mod bloated_index;
mod drainer;
mod existing;
mod growing_keys;
mod index;
mod known_defect;
mod pending_limit_unit;
mod pending_list_backlog;
mod small_pending_limit;
mod unused_index;
mod window;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &known_defect::CHECK,
    &pending_list_backlog::CHECK,
    &pending_limit_unit::CHECK,
    &small_pending_limit::CHECK,
    &unused_index::CHECK,
    &bloated_index::CHECK,
    &growing_keys::CHECK,
];
