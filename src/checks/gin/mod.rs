//! GIN Index Tuner: pending lists, operator classes, growth.

mod any_of_array;
mod bloated_index;
mod drainer;
mod existing;
mod growing_keys;
mod index;
mod indexed;
mod jsonb_ops_for_containment;
mod known_defect;
mod ledger;
pub(crate) mod limit;
mod missing_containment_index;
mod partial;
pub(in crate::checks) mod pending_limit_unit;
mod pending_list_backlog;
mod searched_expression;
mod serving;
pub(in crate::checks) mod small_pending_limit;
mod spelling;
mod unservable_operator;
mod unused_index;
mod window;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &known_defect::CHECK,
    &pending_list_backlog::CHECK,
    &pending_limit_unit::CHECK,
    &small_pending_limit::CHECK,
    &jsonb_ops_for_containment::CHECK,
    &unservable_operator::CHECK,
    &missing_containment_index::CHECK,
    &unused_index::CHECK,
    &bloated_index::CHECK,
    &growing_keys::CHECK,
];
