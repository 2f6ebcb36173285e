//! `concurrency/pooler-needed`, explained in the page beside this file.

use super::{recognised, seen};
use crate::checks::Check;
use crate::checks::number::float;
use crate::model::pooler::PODS_MAX;
use crate::model::rate::{WINDOW_S_MIN, Window};
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
    thresholds: &[&PODS_MAX, &NEW_SESSIONS_PER_S_MAX, &WINDOW_S_MIN],
    page: include_str!("pooler_needed.md"),
    judge,
};

const ID: &str = "concurrency/pooler-needed";

static NEW_SESSIONS_PER_S_MAX: Threshold = Threshold {
    name: "new_sessions_per_s_max",
    default: 50.0,
    unit: Unit::Count,
    reason: "each costs the server 4 ms of a core with SCRAM (measured on 19): at 50 a fifth of a core",
};

/// Sessions that live longer than this on average are of a pool.
const SHORT_SESSION_S: f64 = 10.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement { gaps: seen::unseen(case), ..Judgement::default() };
    let in_front = recognised::pooler(case)?;
    if let Some(one) = in_front {
        // Clients are counted by their addresses, and these are the pooler's.
        judgement.declined.push(Declined::new(
            ID,
            Object::Cluster,
            format!("{} is in front already", one.pooler.as_str()),
            format!("recognised by {}", one.sign),
        ));
    } else {
        let groups = seen::groups(case, true)?;
        let pods = case.policy.get(&PODS_MAX);
        for group in groups.into_iter().filter(|group| float(group.clients) >= pods) {
            // A role that was dropped while its sessions run: there is nothing left to configure.
            let Some(role) = &group.role else { continue };
            let message = format!(
                "`{role}` connects from {} addresses with {} sessions, without a pooler in between",
                group.clients, group.sessions
            );
            let object = Object::Role { role: role.clone() };
            judgement.findings.push(
                Finding::new(ID, object.clone(), Severity::Medium, message)
                    // Several pods may share an address, and a pod have several.
                    .confidence(Confidence::Medium)
                    .statistic("session_groups.clients", group.clients, Unit::Count)
                    .statistic("session_groups.sessions", group.sessions, Unit::Count),
            );
            judgement.declined.push(elsewhere(object));
        }
    }
    match churn(case) {
        Ok(Some(finding)) => {
            judgement.declined.push(elsewhere(finding.object.clone()));
            judgement.findings.push(finding);
        }
        Ok(None) => {}
        Err(gap) => judgement.gaps.push(gap),
    }
    Ok(judgement)
}

fn elsewhere(object: Object) -> Declined {
    Declined::new(
        ID,
        object,
        "a pooler is no statement",
        "`dbopt concurrency --cores … --pods … --workers …` decides and prints a pgbouncer.ini",
    )
}

/// Sessions that begin and end with each request.
fn churn(case: &Case<'_>) -> Result<Option<Finding>, Gap> {
    let context = case.snapshot.context.get()?;
    let concurrency = &case.snapshot.concurrency;
    let counters = concurrency.counters.get()?;
    let limits = concurrency.limits.get()?;
    let window =
        Window::of_database(context)?.at_least("session_rate", &WINDOW_S_MIN, case.policy)?;
    let rate = window.rate(counters.sessions);
    let mean_s = counters.session_ms / 1000.0 / float(counters.sessions.max(1));
    let many = rate.per_second > case.policy.get(&NEW_SESSIONS_PER_S_MAX);
    if !many || mean_s > SHORT_SESSION_S {
        return Ok(None);
    }
    let message = format!(
        "Database `{}` is connected to {:.0} times a second, for {mean_s:.1} s on average, over {window}",
        limits.database, rate.per_second
    );
    let object = Object::Database { database: limits.database.clone() };
    let finding = Finding::new(ID, object, Severity::Medium, message)
        .statistic("session_counters.sessions_per_second", rate.per_second, Unit::Count)
        .statistic("session_counters.mean_session_s", mean_s, Unit::S)
        .statistic("session_counters.abandoned", counters.abandoned, Unit::Count);
    Ok(Some(finding))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, group, sign, snapshot};
    use super::*;
    use crate::model::observation::SessionGroup;
    use crate::model::{Policy, Snapshot};

    fn judged(snapshot: &Snapshot) -> Judgement {
        CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default()
    }

    fn from(clients: i64) -> Snapshot {
        let mut seen = snapshot();
        let pods = SessionGroup { clients, ..group(true, 200, 3) };
        *edit(&mut seen.concurrency.groups) = vec![pods];
        seen
    }

    #[test]
    fn fifty_addresses_need_a_pooler_and_those_behind_one_do_not() {
        assert!(judged(&from(49)).findings.is_empty());
        let expected =
            "`app` connects from 50 addresses with 200 sessions, without a pooler in between";
        assert_eq!(judged(&from(50)).findings[0].message, expected);
        let mut seen = from(50);
        edit(&mut seen.concurrency.pooler_signs).push(sign("auth_query", "pgbouncer"));
        let judgement = judged(&seen);
        assert!(judgement.findings.is_empty());
        assert_eq!(judgement.declined[0].reason, "PgBouncer is in front already");
    }

    #[test]
    fn discard_all_alone_is_no_pooler() {
        let mut seen = from(50);
        edit(&mut seen.concurrency.pooler_signs).push(sign("discard_all", "unknown"));
        assert_eq!(judged(&seen).findings.len(), 1);
    }

    #[test]
    fn many_short_sessions_are_found_and_long_ones_are_a_pool_s() {
        let mut seen = snapshot();
        let counters = edit(&mut seen.concurrency.counters);
        // Ten days, 60 a second, of 50 ms.
        (counters.sessions, counters.session_ms) = (51_840_000, 2_592_000_000.0);
        let expected = "Database `app` is connected to 60 times a second, for 0.1 s on average, over at most 10 days";
        assert_eq!(judged(&seen).findings[0].message, expected);
        edit(&mut seen.concurrency.counters).session_ms = 2_592_000_000_000.0;
        assert!(judged(&seen).findings.is_empty());
    }

    #[test]
    fn a_window_that_is_too_short_is_a_gap() {
        let mut seen = snapshot();
        let context = edit(&mut seen.context);
        context.counting_since = Some(context.now);
        assert_eq!(judged(&seen).gaps[0].observation, "session_rate");
    }
}
