//! Whether a pooler has to stand in front, in which mode, and its configuration.

use serde::Serialize;
use utoipa::ToSchema;

use super::plan::ConnectionPlan;
use super::seen::ServerLimits;
use crate::model::pooler::PoolerVersion;

/// Whether a pooler is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PoolerVerdict)]
pub enum PoolerVerdict {
    /// Without one the service cannot keep to its budget.
    Needed,
    /// The pools of the processes do.
    NotNeeded,
    /// What it depends on is not known.
    Unknown,
}

/// When `PgBouncer` gives a server connection to another client.
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
    pub verdict: PoolerVerdict,
    /// In which mode.
    pub mode: PoolMode,
    /// Why.
    pub reasons: Vec<String>,
}

/// What a decision rests on beside the plan.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// Pods, given or observed.
    pub pods: Option<u32>,
    /// The threshold `pods`.
    pub pods_max: u32,
    /// What the server said.
    pub seen: &'a ServerLimits,
}

/// New sessions a second from which on each request connects by itself: 4 ms of a core each, a fifth of one in all.
const NEW_SESSIONS_MANY: f64 = 50.0;

/// Decide by the plan, the number of pods, how often clients connect, and what statements keep in their session.
pub fn decide(plan: &ConnectionPlan, grounds: Grounds<'_>) -> Decision {
    let Grounds { pods, pods_max, seen } = grounds;
    let mut reasons = Vec::new();
    let too_many = plan.budget.zip(plan.processes).filter(|(budget, all)| all > budget);
    if let Some((budget, processes)) = too_many {
        reasons.push(format!("{processes} processes share a budget of {budget} connections"));
    }
    if let Some(pods) = pods.filter(|pods| *pods >= pods_max) {
        reasons.push(format!("{pods} pods, at least {pods_max}: each deployment reconnects all"));
    }
    if let Some(mean) = seen.new_sessions.as_ref().filter(|mean| mean.value > NEW_SESSIONS_MANY) {
        reasons
            .push(format!("{:.0} {}: clients do not keep their connections", mean.value, mean.of));
    }
    let verdict = match (reasons.is_empty(), plan.budget.zip(plan.processes)) {
        (false, _) => PoolerVerdict::Needed,
        (true, Some(_)) => PoolerVerdict::NotNeeded,
        (true, None) => PoolerVerdict::Unknown,
    };
    let mode = match &seen.session_state {
        Some(kept) if !kept.is_empty() => {
            let kept = kept.iter();
            reasons.extend(
                kept.map(|one| format!("transaction mode breaks {one}: keep session mode")),
            );
            PoolMode::Session
        }
        Some(_) => PoolMode::Transaction,
        None => {
            reasons.push(
                "no workload is known: which statements need their session was not looked at"
                    .to_owned(),
            );
            PoolMode::Transaction
        }
    };
    Decision { verdict, mode, reasons }
}

/// What a `pgbouncer.ini` is written for.
#[derive(Debug, Clone, Copy)]
pub struct Ini<'a> {
    /// The release; the configuration has nothing that it does not know.
    pub version: PoolerVersion,
    /// When a connection goes to another client.
    pub mode: PoolMode,
    /// Connections to the server.
    pub budget: u32,
    /// Connections of clients.
    pub clients: u32,
    /// Where the server is; a name to be replaced where it is absent.
    pub server: (Option<&'a str>, Option<u32>),
}

/// A `pgbouncer.ini`, in UTF-8 without a secret.
pub fn pgbouncer_ini(ini: Ini<'_>) -> String {
    let Ini { version, mode, budget, clients, server: (host, port) } = ini;
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
    let replace =
        if host.is_none() { "; replace db.example.com by the server's address\n" } else { "" };
    let (host, port) = (host.unwrap_or("db.example.com"), port.unwrap_or(5432));
    // The query names its schema, for an unqualified one can be answered by another's search_path, and takes VALID UNTIL
    // into account (CVE-2025-2291).
    format!(
        "[databases]\n{replace}* = host={host} port={port}\n\n[pgbouncer]\nlisten_addr = *\nlisten_port = 6432\n\
         auth_type = scram-sha-256\nauth_file = /etc/pgbouncer/userlist.txt\nauth_user = pgbouncer\n\
         auth_query = SELECT rolname, CASE WHEN rolvaliduntil < pg_catalog.now() THEN NULL ELSE rolpassword END \
         FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolcanlogin\n\
         pool_mode = {mode}\nmax_client_conn = {clients}\ndefault_pool_size = {budget}\n\
         max_db_connections = {budget}\nquery_wait_timeout = 4\n{prepared}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::seen::Mean;
    use super::*;
    use crate::pool::{Given, PoolInputs, plan};

    fn seen() -> ServerLimits {
        let session_state = Some(Vec::new());
        ServerLimits {
            max_connections: 100,
            reserved_connections: 3,
            session_state,
            ..ServerLimits::default()
        }
    }

    fn decided(cores: Option<u32>, pods: u32, seen: &ServerLimits) -> Decision {
        let request =
            PoolInputs { cores, pods: Some(pods), workers: Some(2), ..PoolInputs::default() };
        let plan = plan(Given { request: &request, seen, connections_max: 50 });
        decide(&plan, Grounds { pods: Some(pods), pods_max: 50, seen })
    }

    fn ini(version: PoolerVersion, server: (Option<&str>, Option<u32>)) -> String {
        pgbouncer_ini(Ini {
            version,
            mode: PoolMode::Transaction,
            budget: 20,
            clients: 400,
            server,
        })
    }

    #[test]
    fn a_service_within_its_budget_needs_no_pooler() {
        let decision = decided(Some(16), 8, &seen());
        assert_eq!(decision.verdict, PoolerVerdict::NotNeeded);
        assert_eq!(decision.reasons, Vec::<String>::new());
    }

    #[test]
    fn more_processes_than_connections_need_a_pooler() {
        let decision = decided(Some(4), 8, &seen());
        assert_eq!(decision.verdict, PoolerVerdict::Needed);
        assert_eq!(decision.reasons, ["16 processes share a budget of 8 connections"]);
    }

    #[test]
    fn many_pods_need_a_pooler_even_where_cores_are_not_known() {
        assert_eq!(decided(None, 50, &seen()).verdict, PoolerVerdict::Needed);
        assert_eq!(decided(None, 49, &seen()).verdict, PoolerVerdict::Unknown);
    }

    #[test]
    fn clients_that_connect_for_each_request_need_a_pooler() {
        let of = "new sessions per second of this database, the mean over 2 hours".to_owned();
        let seen = ServerLimits { new_sessions: Some(Mean { value: 60.0, of }), ..seen() };
        let decision = decided(Some(16), 8, &seen);
        assert_eq!(decision.verdict, PoolerVerdict::Needed);
        assert!(decision.reasons[0].starts_with("60 new sessions per second"));
    }

    #[test]
    fn statements_that_need_their_session_keep_session_mode() {
        let seen = ServerLimits { session_state: Some(vec!["LISTEN"]), ..seen() };
        assert_eq!(decided(Some(4), 8, &seen).mode, PoolMode::Session);
    }

    #[test]
    fn an_unknown_workload_is_said() {
        let seen = ServerLimits { session_state: None, ..seen() };
        assert!(decided(Some(16), 8, &seen).reasons[0].starts_with("no workload is known"));
    }

    #[test]
    fn prepared_statements_are_tracked_from_1_21_on() {
        let prepared = "\nmax_prepared_statements = 200\n";
        assert!(ini(PoolerVersion(1, 21, 0), (None, None)).contains(prepared));
        assert!(!ini(PoolerVersion(1, 18, 0), (None, None)).contains("\nmax_prepared_statements"));
    }

    #[test]
    fn the_server_is_a_name_to_be_replaced_unless_it_was_given() {
        let version = PoolerVersion(1, 26, 1);
        let placeholder = ini(version, (None, None));
        assert!(placeholder.contains("; replace db.example.com"), "{placeholder}");
        assert!(!placeholder.contains("127.0.0.1"), "{placeholder}");
        let given = ini(version, (Some("pg.internal"), Some(5433)));
        assert!(given.contains("\n* = host=pg.internal port=5433\n") && !given.contains("example"));
    }

    #[test]
    fn the_query_for_passwords_names_its_schema_and_refuses_expired_ones() {
        let ini = ini(PoolerVersion(1, 26, 1), (None, None));
        assert!(ini.contains("FROM pg_catalog.pg_authid") && ini.contains("rolvaliduntil"));
    }
}
