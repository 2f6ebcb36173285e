//! Concurrency Architect: connections, pools and sessions.

mod recognised;
mod seen;
mod source_code;
#[cfg(test)]
mod testing;

checks! {
    oversized_pool,
    connection_headroom,
    pooler_needed,
    idle_in_transaction,
    session_state_behind_pooler,
    sync_driver_in_async,
    sequential_round_trips,
    unversioned_cache_key,
    impure_transform,
}

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
