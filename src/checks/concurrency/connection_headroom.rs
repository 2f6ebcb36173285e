//! `concurrency/connection-headroom`, explained in the page beside this file.

use super::seen;
use crate::checks::Check;
use crate::checks::number::float;
use crate::model::{
    Case, Confidence, Declined, Finding, Gap, Judgement, Object, Severity, Superpower, Threshold,
    Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Concurrency,
    worst: Severity::Critical,
    needs: &[Topic::CONTEXT, Topic::CONNECTION_LIMITS],
    uses: &[],
    requires: &[],
    thresholds: &[&CONNECTIONS_USED_MAX],
    page: include_str!("connection_headroom.md"),
    judge,
};

const ID: &str = "concurrency/connection-headroom";

static CONNECTIONS_USED_MAX: Threshold = Threshold {
    name: "connections_used_max",
    default: 0.8,
    unit: Unit::Ratio,
    reason: "a rolling deployment doubles one service for a minute: a fifth has to be free for it",
};

/// Share from which on the next deployment is refused.
const CRITICAL: f64 = 0.95;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let limits = case.snapshot.concurrency.limits.get()?;
    let mut judgement = Judgement { gaps: seen::unseen(case), ..Judgement::default() };
    let server = Use {
        object: Object::Cluster,
        name: "The server".to_owned(),
        of: "connections that roles without a privilege may have",
        used: limits.all_sessions(),
        limit: limits.usable(),
        // Which of the hidden ones are clients is not known.
        confidence: if limits.hidden > 0 { Confidence::Medium } else { Confidence::High },
        remedy: "max_connections",
        how: "a restart, and memory for each; fewer and smaller pools cost nothing: `dbopt concurrency --cores … --pods … --workers …`",
    };
    let database = limits.database_limit.map(|limit| Use {
        object: Object::Database { database: limits.database.clone() },
        name: format!("Database `{}`", limits.database),
        of: "connections that its CONNECTION LIMIT allows",
        used: limits.sessions_in_database,
        limit,
        confidence: Confidence::High,
        remedy: "CONNECTION LIMIT of the database",
        how: "only you know what the limit is for: ALTER DATABASE … CONNECTION LIMIT",
    });
    judgement.add(case, server);
    if let Some(database) = database {
        judgement.add(case, database);
    }
    match case.snapshot.concurrency.role_limits.get() {
        Ok(roles) => {
            for one in roles {
                judgement.add(
                    case,
                    Use {
                        object: Object::Role { role: one.role.clone() },
                        name: format!("Role `{}`", one.role),
                        of: "connections that its CONNECTION LIMIT allows",
                        used: one.sessions,
                        limit: one.connection_limit,
                        confidence: Confidence::High,
                        remedy: "CONNECTION LIMIT of the role",
                        how: "only you know what the limit is for: ALTER ROLE … CONNECTION LIMIT",
                    },
                );
            }
        }
        Err(gap) => judgement.gaps.push(gap.clone()),
    }
    Ok(judgement)
}

/// How much of a limit is used.
struct Use {
    object: Object,
    name: String,
    of: &'static str,
    used: i64,
    limit: i64,
    confidence: Confidence,
    remedy: &'static str,
    how: &'static str,
}

impl Judgement {
    fn add(&mut self, case: &Case<'_>, one: Use) {
        let Use { object, name, of, used, limit, confidence, remedy, how } = one;
        let share = float(used) / float(limit.max(1));
        // A limit of a few is meant to be reached.
        let small = limit < 5 && object != Object::Cluster;
        if share <= case.policy.get(&CONNECTIONS_USED_MAX) || small {
            return;
        }
        let severity = if share >= CRITICAL { Severity::Critical } else { Severity::High };
        let severity = if object == Object::Cluster { severity } else { Severity::Medium };
        let message = format!("{name} has {used} of {limit} {of}: {} left", (limit - used).max(0));
        let finding = Finding::new(ID, object.clone(), severity, message)
            .confidence(confidence)
            .statistic("connection_limits.sessions", used, Unit::Count)
            .statistic("connection_limits.limit", limit, Unit::Count);
        self.findings.push(finding);
        self.declined.push(Declined::new(
            ID,
            object,
            format!("raising {remedy} is not advised unseen"),
            how.to_owned(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, snapshot};
    use super::*;
    use crate::model::observation::RoleLimit;
    use crate::model::{Observation, Policy, Snapshot};

    fn found(snapshot: &Snapshot) -> Vec<(Severity, String)> {
        let judgement = CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_default();
        assert_eq!(judgement.findings.len(), judgement.declined.len());
        judgement.findings.into_iter().map(|f| (f.severity, f.message)).collect()
    }

    #[test]
    fn what_is_reserved_for_others_is_no_headroom() {
        let mut seen = snapshot();
        // 100 less 3 for superusers and 7 for pg_use_reserved_connections: 90.
        edit(&mut seen.concurrency.limits).reserved = 7;
        for (sessions, expected) in
            [(72, None), (73, Some(Severity::High)), (86, Some(Severity::Critical))]
        {
            edit(&mut seen.concurrency.limits).sessions = sessions;
            assert_eq!(found(&seen).first().map(|one| one.0), expected, "{sessions}");
        }
        let expected =
            "The server has 86 of 90 connections that roles without a privilege may have: 4 left";
        assert_eq!(found(&seen)[0].1, expected);
    }

    #[test]
    fn a_limit_of_a_role_or_of_the_database_is_told_from_that_of_the_server() {
        let mut seen = snapshot();
        let role = |connection_limit, sessions| RoleLimit {
            role: "etl".to_owned(),
            connection_limit,
            sessions,
        };
        seen.concurrency.role_limits = Observation::Seen(vec![role(20, 17), role(2, 2)]);
        let limits = edit(&mut seen.concurrency.limits);
        (limits.database_limit, limits.sessions_in_database) = (Some(10), 10);
        let messages: Vec<String> = found(&seen).into_iter().map(|one| one.1).collect();
        assert_eq!(
            messages,
            [
                "Database `app` has 10 of 10 connections that its CONNECTION LIMIT allows: 0 left",
                "Role `etl` has 17 of 20 connections that its CONNECTION LIMIT allows: 3 left",
            ]
        );
    }

    #[test]
    fn sessions_that_are_not_shown_are_counted_and_said() {
        let mut seen = snapshot();
        edit(&mut seen.concurrency.limits).hidden = 90;
        let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
        assert_eq!(judgement.findings[0].confidence, Confidence::Medium);
        assert_eq!(judgement.gaps[0].reason, crate::model::GapReason::MissingPrivilege);
    }
}
