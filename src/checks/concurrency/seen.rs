//! What the checks share about sessions: which are of this database, and what our role is not shown.

use crate::model::observation::{ConnectionLimits, SessionGroup};
use crate::model::{Case, Gap, GapReason, alter_system, counted, grant};

/// Groups of sessions of the visited database: by role and application, or by role alone.
pub(super) fn groups<'a>(case: &Case<'a>, whole_role: bool) -> Result<Vec<&'a SessionGroup>, Gap> {
    let groups = case.snapshot.concurrency.groups.get()?;
    let here = groups.iter().filter(|group| group.is_current == Some(true));
    Ok(here.filter(|group| group.whole_role == whole_role).collect())
}

/// What a client is called: its application and role, or its role alone.
pub(super) fn client(application: Option<&str>, role: Option<&str>) -> String {
    let role = role.unwrap_or("unknown");
    match application.filter(|name| !name.is_empty()) {
        Some(application) => format!("`{application}` as `{role}`"),
        None => format!("`{role}`"),
    }
}

/// Why sessions are missing from what was seen, where some are.
pub(super) fn unseen(case: &Case<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    match case.snapshot.concurrency.limits.get() {
        Ok(ConnectionLimits { hidden, .. }) if *hidden > 0 => {
            let detail = format!(
                "{} neither state nor application to our role",
                counted(*hidden, "session of another role shows", "sessions of other roles show")
            );
            let gap = Gap::new("sessions", GapReason::MissingPrivilege, detail);
            gaps.push(gap.lifted_by(grant("pg_monitor")));
        }
        Ok(_) => {}
        Err(gap) => gaps.push(gap.clone()),
    }
    let groups = case.snapshot.concurrency.groups.get().map(Vec::as_slice).unwrap_or_default();
    let untracked: i64 = groups.iter().filter(|one| one.whole_role).map(|one| one.untracked).sum();
    if untracked > 0 {
        let detail = format!(
            "{} with `track_activities` off: no state is known",
            counted(untracked, "session runs", "sessions run")
        );
        let gap = Gap::new("sessions", GapReason::NotVisibleInSql, detail);
        gaps.push(gap.lifted_by(alter_system("track_activities", "on")));
    }
    gaps
}
