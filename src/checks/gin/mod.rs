//! GIN Index Tuner: pending lists, operator classes, growth.

mod any_of_array;
mod drainer;
mod existing;
mod index;
mod indexed;
mod ledger;
pub(crate) mod limit;
mod partial;
mod searched_expression;
mod serving;
mod spelling;
mod window;

checks! {
    known_defect,
    pending_list_backlog,
    pub(in crate::checks) pending_limit_unit,
    pub(in crate::checks) small_pending_limit,
    jsonb_ops_for_containment,
    unservable_operator,
    missing_containment_index,
    unused_index,
    bloated_index,
    growing_keys,
}
