//! `concurrency/impure-transform`, explained in the page beside this file.

use super::source_code::unread;
use crate::checks::Check;
use crate::model::{Case, Gap, Judgement, Severity, Superpower, Topic};

pub(super) static CHECK: Check = Check {
    id: "concurrency/impure-transform",
    superpower: Superpower::Concurrency,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT],
    uses: &[],
    requires: &[],
    thresholds: &[],
    page: include_str!("impure_transform.md"),
    judge,
};

fn judge(_case: &Case<'_>) -> Result<Judgement, Gap> {
    Err(unread(
        "transforms",
        "what a transformation depends on is known from the pipeline's source code",
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
