//! `wal/peak-hour-vacuum`, explained in the page beside this file.

use crate::checks::Check;
use crate::model::{Case, Gap, GapReason, Judgement, Severity, Superpower, Topic};

pub(super) static CHECK: Check = Check {
    id: "wal/peak-hour-vacuum",
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT],
    uses: &[],
    requires: &[],
    thresholds: &[],
    page: include_str!("peak_hour_vacuum.md"),
    judge,
};

/// The hours of the day at which a server is busy are not known to one visit, nor to two.
fn judge(_case: &Case<'_>) -> Result<Judgement, Gap> {
    let detail = "one visit does not show at which hours the server is busy, nor when vacuum ran before the last time";
    Err(Gap::new("vacuum_hours", GapReason::NotEnoughHistory, detail)
        .lifted_by("dbopt serve with a store, so that visits of a week are kept"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, snapshot};
    use super::*;
    use crate::model::Policy;

    #[test]
    fn one_visit_is_a_gap_that_says_what_it_takes() {
        let outcome = CHECK.run(&case(&snapshot(), &Policy::default()));
        assert!(matches!(outcome, Err(gap) if gap.reason == GapReason::NotEnoughHistory));
    }
}
