//! Whether a pooler has to stand in front, in which mode, and its configuration.

use serde::Serialize;
use utoipa::ToSchema;

use super::plan::Plan;

/// Whether a pooler is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Without one the service cannot keep to its budget.
    Needed,
    /// The pools of the processes do.
    NotNeeded,
    /// What it depends on is not known.
    Unknown,
}

/// When PgBouncer gives a server connection to another client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PoolMode {
    /// After each transaction: session state is lost.
    Transaction,
    /// When the client leaves: session state is kept, and few connections are saved.
    Session,
}

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Decision {
    /// Whether one is needed.
    pub verdict: Verdict,
    /// In which mode.
    pub mode: PoolMode,
    /// Why.
    pub reasons: Vec<String>,
}

/// A release of PgBouncer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PoolerVersion(pub u32, pub u32, pub u32);

impl PoolerVersion {
    /// From what `pgbouncer --version` or `SHOW VERSION` prints.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.split_whitespace().find_map(|word| {
            let mut parts = word.split('.').map(str::parse::<u32>);
            let first_two = parts.next()?.ok().zip(parts.next()?.ok())?;
            Some((first_two, parts.next().and_then(Result::ok).unwrap_or(0)))
        });
        number.map(|((major, minor), patch)| Self(major, minor, patch))
    }

    /// Whether prepared statements outlive a transaction (`max_prepared_statements`).
    pub fn tracks_prepared_statements(self) -> bool {
        self >= Self(1, 21, 0)
    }

    /// What a later release of PgBouncer repairs that can be reached without login.
    pub fn known_defects(self) -> Vec<&'static str> {
        let mut defects = Vec::new();
        if self < Self(1, 25, 1) {
            defects.push("1.25.1 repairs SQL that runs before login where search_path is tracked");
        }
        if self < Self(1, 25, 2) {
            defects.push("1.25.2 repairs a crash that needs no login");
        }
        defects
    }
}

/// Decide by the plan, the number of pods and what statements keep in their session. `pods_max` is the threshold `pods`.
pub fn decide(plan: &Plan, pods: Option<u32>, pods_max: u32, session_state: &[&str]) -> Decision {
    let mut reasons = Vec::new();
    let too_many = plan.budget.zip(plan.processes).filter(|(budget, all)| all > budget);
    if let Some((budget, processes)) = too_many {
        reasons.push(format!("{processes} processes share a budget of {budget} connections"));
    }
    if let Some(pods) = pods.filter(|pods| *pods >= pods_max) {
        reasons.push(format!("{pods} pods, at least {pods_max}: each deployment reconnects all"));
    }
    let verdict = match (reasons.is_empty(), plan.budget.zip(plan.processes)) {
        (false, _) => Verdict::Needed,
        (true, Some(_)) => Verdict::NotNeeded,
        (true, None) => Verdict::Unknown,
    };
    let mode = if session_state.is_empty() { PoolMode::Transaction } else { PoolMode::Session };
    let kept = session_state.iter();
    reasons.extend(kept.map(|one| format!("transaction mode breaks {one}: keep session mode")));
    Decision { verdict, mode, reasons }
}

/// A `pgbouncer.ini` of that release for a budget of server connections, in UTF-8 without a secret.
pub fn pgbouncer_ini(version: PoolerVersion, mode: PoolMode, budget: u32, clients: u32) -> String {
    let mode = match mode {
        PoolMode::Transaction => "transaction",
        PoolMode::Session => "session",
    };
    // A release that does not know the parameter does not start with it.
    let prepared = if version.tracks_prepared_statements() {
        "max_prepared_statements = 200\n"
    } else {
        "; this release loses prepared statements in transaction mode: switch the driver's off\n"
    };
    // The query names its schema: an unqualified one can be answered by another's search_path.
    format!(
        "[databases]\n* = host=127.0.0.1 port=5432\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = 6432\n\
         auth_type = scram-sha-256\nauth_file = /etc/pgbouncer/userlist.txt\nauth_user = pgbouncer\n\
         auth_query = SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename = $1\n\
         pool_mode = {mode}\nmax_client_conn = {clients}\ndefault_pool_size = {budget}\n\
         max_db_connections = {budget}\nquery_wait_timeout = 4\n{prepared}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Asked, Given, Seen, plan};

    fn planned(cores: Option<u32>, pods: u32) -> Plan {
        let asked = Asked { cores, pods: Some(pods), workers: Some(2), ..Asked::default() };
        let seen = Seen { max_connections: 100, reserved_connections: 3, other_sessions: 0 };
        plan(Given { asked: &asked, seen, connections_max: 50 })
    }

    #[test]
    fn a_service_within_its_budget_needs_no_pooler() {
        let decision = decide(&planned(Some(16), 8), Some(8), 50, &[]);
        assert_eq!(decision.verdict, Verdict::NotNeeded);
        assert_eq!(decision.reasons, Vec::<String>::new());
    }

    #[test]
    fn more_processes_than_connections_need_a_pooler() {
        let decision = decide(&planned(Some(4), 8), Some(8), 50, &[]);
        assert_eq!(decision.verdict, Verdict::Needed);
        assert_eq!(decision.reasons, ["16 processes share a budget of 8 connections"]);
    }

    #[test]
    fn many_pods_need_a_pooler_even_where_cores_are_not_known() {
        let plan = planned(None, 50);
        assert_eq!(decide(&plan, Some(50), 50, &[]).verdict, Verdict::Needed);
        assert_eq!(decide(&plan, Some(49), 50, &[]).verdict, Verdict::Unknown);
    }

    #[test]
    fn statements_that_need_their_session_keep_session_mode() {
        let decision = decide(&planned(Some(4), 8), Some(8), 50, &["LISTEN"]);
        assert_eq!(decision.mode, PoolMode::Session);
    }

    #[test]
    fn prepared_statements_are_tracked_from_1_21_on() {
        let ini = |version| pgbouncer_ini(version, PoolMode::Transaction, 20, 400);
        assert!(ini(PoolerVersion(1, 21, 0)).contains("\nmax_prepared_statements = 200\n"));
        assert!(!ini(PoolerVersion(1, 18, 0)).contains("\nmax_prepared_statements"));
    }

    #[test]
    fn a_version_is_read_as_pgbouncer_prints_it() {
        let printed = "PgBouncer 1.18.0\nlibevent 2.1.12-stable\nadns: c-ares 1.18.1";
        assert_eq!(PoolerVersion::parse(printed), Some(PoolerVersion(1, 18, 0)));
        assert_eq!(PoolerVersion::parse("1.25"), Some(PoolerVersion(1, 25, 0)));
        assert_eq!(PoolerVersion::parse("unknown"), None);
    }

    #[test]
    fn releases_with_known_defects_are_named_until_repaired() {
        assert_eq!(PoolerVersion(1, 24, 1).known_defects().len(), 2);
        assert_eq!(PoolerVersion(1, 25, 1).known_defects().len(), 1);
        assert!(PoolerVersion(1, 25, 2).known_defects().is_empty());
    }

    #[test]
    fn the_query_for_passwords_names_its_schema() {
        let ini = pgbouncer_ini(PoolerVersion(1, 25, 2), PoolMode::Session, 20, 400);
        assert!(ini.contains("FROM pg_catalog.pg_shadow"));
    }
}
