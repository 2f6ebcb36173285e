//! What the checks share that read the source code of a service.

use crate::model::{Gap, GapReason};

/// The database does not show what is in the source. A gap, never a pass.
pub(super) fn unread(observation: &str, detail: &str) -> Gap {
    Gap::new(observation, GapReason::NotVisibleInSql, detail)
        .lifted_by("a later release, whose `dbopt review PATH` reads Python sources")
}
