//! Concurrency Architect: connections, pools and sessions.

mod connection_headroom;
mod idle_in_transaction;
mod impure_transform;
mod oversized_pool;
mod pooler_needed;
mod recognised;
mod seen;
mod sequential_round_trips;
mod session_state_behind_pooler;
mod source_code;
mod sync_driver_in_async;
#[cfg(test)]
mod testing;
mod unversioned_cache_key;

use super::Check;

/// Every check, in the order of listings.
pub(super) static CHECKS: &[&Check] = &[
    &oversized_pool::CHECK,
    &connection_headroom::CHECK,
    &pooler_needed::CHECK,
    &idle_in_transaction::CHECK,
    &session_state_behind_pooler::CHECK,
    &sync_driver_in_async::CHECK,
    &sequential_round_trips::CHECK,
    &unversioned_cache_key::CHECK,
    &impure_transform::CHECK,
];
