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

#[cfg(test)]
mod tests {
    use super::testing::{case, snapshot};
    use crate::model::observation::Concurrency;
    use crate::model::{Observation, Policy};

    #[test]
    fn where_nothing_was_seen_every_check_leaves_a_gap() {
        let mut seen = snapshot();
        *seen.concurrency = Concurrency::default();
        for check in super::CHECKS {
            let outcome = check.run(&case(&seen, &Policy::default()));
            let silent = outcome.is_ok_and(|judged| judged.gaps.is_empty());
            assert!(!silent, "{}", check.id);
        }
    }

    #[test]
    fn where_one_source_was_not_seen_what_needs_it_leaves_a_gap() {
        let unseen = Concurrency::default();
        let mut limits = snapshot();
        limits.concurrency.limits = unseen.limits;
        let mut groups = snapshot();
        groups.concurrency.groups = unseen.groups;
        let mut signs = snapshot();
        signs.concurrency.pooler_signs = unseen.pooler_signs;
        let mut workload = snapshot();
        workload.workload = Observation::default();
        for (seen, check) in [
            (&limits, "concurrency/connection-headroom"),
            (&limits, "concurrency/oversized-pool"),
            (&groups, "concurrency/oversized-pool"),
            (&groups, "concurrency/pooler-needed"),
            (&signs, "concurrency/pooler-needed"),
            (&signs, "concurrency/session-state-behind-pooler"),
            (&workload, "concurrency/session-state-behind-pooler"),
        ] {
            let check = super::CHECKS.iter().find(|one| one.id == check);
            let check = check.unwrap_or_else(|| unreachable!("it is registered"));
            let outcome = check.run(&case(seen, &Policy::default()));
            let silent = outcome.is_ok_and(|judged| judged.gaps.is_empty());
            assert!(!silent, "{}", check.id);
        }
    }
}
