//! `concurrency/oversized-pool`, explained in the page beside this file.

use super::seen;
use crate::checks::Check;
use crate::checks::number::float;
use crate::model::observation::SessionGroup;
use crate::model::pooler::CONNECTIONS_MAX;
use crate::model::{
    Case, Confidence, Declined, Finding, Gap, Judgement, Object, Severity, Superpower, Threshold,
    Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Concurrency,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::SESSIONS, Topic::CONNECTION_LIMITS],
    uses: &[],
    requires: &[],
    thresholds: &[&CONNECTIONS_MAX, &IDLE_SHARE_MIN],
    page: include_str!("oversized_pool.md"),
    judge,
};

const ID: &str = "concurrency/oversized-pool";

static IDLE_SHARE_MIN: Threshold = Threshold {
    name: "idle_share_min",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "a pool that works with more than half of its connections is not larger than its load",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement { gaps: seen::unseen(case), ..Judgement::default() };
    let most = case.policy.get(&CONNECTIONS_MAX);
    // Of a role with several pools the largest is named: they are one object.
    let mut groups = seen::groups(case, false)?;
    groups.sort_by_key(|group| std::cmp::Reverse(group.sessions));
    let mut named: Vec<&str> = Vec::new();
    for group in groups {
        let Some(role) = group.role.as_deref().filter(|role| !named.contains(role)) else {
            continue;
        };
        let idle_share = float(group.idle) / float(group.sessions.max(1));
        if float(group.sessions) <= most || idle_share < case.policy.get(&IDLE_SHARE_MIN) {
            continue;
        }
        named.push(role);
        let finding = of_group(group, role, idle_share);
        judgement.declined.push(Declined::new(
            ID,
            finding.object.clone(),
            "the application sets the size of its pool",
            "a CONNECTION LIMIT refuses what the pool still opens; `dbopt concurrency --cores … --pods … --workers …` gives its size",
        ));
        judgement.findings.push(finding);
    }
    Ok(judgement)
}

fn of_group(group: &SessionGroup, role: &str, idle_share: f64) -> Finding {
    let SessionGroup { sessions, used_last_minute, .. } = group;
    // Used within the minute is the most that can have worked at the same time; that alone proves that others were not.
    let proven = used_last_minute * 2 <= *sessions;
    let (severity, confidence) = if proven {
        (Severity::Medium, Confidence::High)
    } else {
        (Severity::Low, Confidence::Medium)
    };
    let client = seen::client(group.application.as_deref(), Some(role));
    let message = format!(
        "{client} holds {sessions} connections: {} are idle now, {used_last_minute} were used in the last minute",
        group.idle
    );
    let object = Object::Role { role: role.to_owned() };
    let finding = Finding::new(ID, object, severity, message)
        .confidence(confidence)
        .statistic("session_groups.sessions", *sessions, Unit::Count)
        .statistic("session_groups.idle_share", idle_share, Unit::Ratio)
        .statistic("session_groups.used_last_minute", *used_last_minute, Unit::Count);
    match group.used_p95 {
        Some(used) => finding.statistic("session_groups.used_p95_at_least", used, Unit::Count),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, group, snapshot};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn found(snapshot: &Snapshot) -> Vec<(Severity, String)> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        assert_eq!(judgement.findings.len(), judgement.declined.len());
        judgement.findings.into_iter().map(|f| (f.severity, f.message)).collect()
    }

    #[test]
    fn a_pool_of_more_than_fifty_is_found_where_half_of_it_is_idle() {
        let mut seen = snapshot();
        for (sessions, used, expected) in [
            (50, 1, None),
            (51, 1, Some(Severity::Medium)),
            (60, 29, Some(Severity::Medium)),
            (60, 31, None),
        ] {
            *edit(&mut seen.concurrency.groups) = vec![group(false, sessions, used)];
            assert_eq!(found(&seen).first().map(|one| one.0), expected, "{sessions} {used}");
        }
        *edit(&mut seen.concurrency.groups) = vec![group(false, 80, 4)];
        let expected =
            "`web` as `app` holds 80 connections: 76 are idle now, 4 were used in the last minute";
        assert_eq!(found(&seen)[0].1, expected);
    }

    #[test]
    fn a_pool_that_hands_out_its_connections_in_turn_is_low() {
        let mut seen = snapshot();
        let turning = SessionGroup { used_last_minute: 80, ..group(false, 80, 4) };
        *edit(&mut seen.concurrency.groups) = vec![turning];
        assert_eq!(found(&seen)[0].0, Severity::Low);
    }

    #[test]
    fn a_role_is_one_object_and_other_databases_are_left_out() {
        let mut seen = snapshot();
        let elsewhere = SessionGroup { is_current: Some(false), ..group(false, 500, 0) };
        let other = SessionGroup { application: Some("jobs".to_owned()), ..group(false, 70, 0) };
        *edit(&mut seen.concurrency.groups) = vec![group(false, 60, 0), other, elsewhere];
        let found = found(&seen);
        assert!(
            found.len() == 1 && found[0].1.starts_with("`jobs` as `app` holds 70"),
            "{found:?}"
        );
    }
}
