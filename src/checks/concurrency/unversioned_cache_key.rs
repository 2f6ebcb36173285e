//! `concurrency/unversioned-cache-key`, explained in the page beside this file.

use super::source_code::unread;
use crate::checks::Check;
use crate::model::{Case, Gap, Judgement, Severity, Superpower, Topic};

pub(super) static CHECK: Check = Check {
    id: "concurrency/unversioned-cache-key",
    superpower: Superpower::Concurrency,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT],
    uses: &[],
    requires: &[],
    thresholds: &[],
    page: include_str!("unversioned_cache_key.md"),
    judge,
};

fn judge(_case: &Case<'_>) -> Result<Judgement, Gap> {
    Err(unread(
        "cache_keys",
        "which keys a cache is written under is known from the service's source code",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, snapshot};
    use super::*;
    use crate::model::{GapReason, Policy};

    #[test]
    fn what_is_in_the_source_is_a_gap_and_no_pass() {
        let outcome = CHECK.run(&case(&snapshot(), &Policy::default()));
        let gap = outcome.expect_err("the source is not read");
        assert_eq!(gap.reason, GapReason::NotVisibleInSql);
        assert!(gap.lift.is_some());
    }
}
