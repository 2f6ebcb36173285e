//! The plan as it is answered: sizes, code to paste, and whether a pooler is needed.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::code;
use super::plan::{ConnectionPlan, Given, plan};
use super::pooler::{Decision, Grounds, Ini, PoolerVerdict, decide, pgbouncer_ini};
use super::request::PoolInputs;
use super::seen::ServerLimits;
use crate::model::pooler::{CONNECTIONS_MAX, PODS_MAX, PoolerDefect, PoolerVersion};
use crate::model::{Policy, Server};

/// The release that a configuration is written for where none is named.
const NEWEST: PoolerVersion = PoolerVersion(1, 26, 1);

/// Connections of clients for each that its budget has, at least.
const CLIENTS_MIN: u32 = 100;

/// How many connections a service should open, and what stands in front of them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PoolPlan {
    /// The target.
    #[schema(example = "demo")]
    pub target: String,
    /// When the server was looked at.
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Timestamp,
    /// The server.
    pub server: Server,
    /// The plan.
    #[serde(flatten)]
    pub plan: ConnectionPlan,
    /// The pool as code to paste; absent where there is none.
    pub code: Option<Code>,
    /// Whether `PgBouncer` is needed.
    pub pgbouncer: PgBouncer,
}

/// A pool's size as code to paste.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Code {
    /// For asyncpg.
    pub asyncpg: String,
    /// For `SQLAlchemy`.
    pub sqlalchemy: String,
}

/// Whether `PgBouncer` is needed, and how it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PgBouncer {
    /// Whether, in which mode, and why.
    #[serde(flatten)]
    pub decision: Decision,
    /// The release that the configuration is written for: the one that was named, or the newest known.
    #[schema(example = "1.26.1")]
    pub version: String,
    /// Faults of the release that was named, which later ones repair.
    pub known_defects: Vec<PoolerDefect>,
    /// `pgbouncer.ini`; absent where it is not needed, or the budget is not known.
    pub ini: Option<String>,
}

/// The server that was visited, and when.
pub struct VisitedServer<'v> {
    /// The target.
    pub target: &'v str,
    /// The server.
    pub server: Server,
    /// When the visit began.
    pub observed_at: Timestamp,
}

/// Plan for a service by what the caller knows and what the server said.
pub fn pool_plan(
    visited: VisitedServer<'_>,
    request: &PoolInputs,
    seen: &ServerLimits,
    policy: &Policy,
) -> PoolPlan {
    let connections_max = whole(policy.get(&CONNECTIONS_MAX));
    let plan = plan(Given { request, seen, connections_max });
    let pods = request.pods.or(seen.clients);
    let decision = decide(&plan, Grounds { pods, pods_max: whole(policy.get(&PODS_MAX)), seen });
    let named = request.pgbouncer();
    let version = named.unwrap_or(NEWEST);
    let ini = plan.budget.filter(|budget| *budget > 0 && decision.verdict == PoolerVerdict::Needed);
    let ini = ini.map(|budget| {
        pgbouncer_ini(Ini {
            version,
            mode: decision.mode,
            budget,
            // Each process keeps a few, and a deployment has twice the processes.
            clients: plan.processes.unwrap_or(0).saturating_mul(4).max(CLIENTS_MIN),
            server: (request.server_host.as_deref(), request.server_port),
        })
    });
    let code = plan
        .pool
        .map(|pool| Code { asyncpg: code::asyncpg(pool), sqlalchemy: code::sqlalchemy(pool) });
    PoolPlan {
        target: visited.target.to_owned(),
        observed_at: visited.observed_at,
        server: visited.server,
        plan,
        code,
        pgbouncer: PgBouncer {
            decision,
            version: version.to_string(),
            known_defects: named.map(PoolerVersion::known_defects).unwrap_or_default(),
            ini,
        },
    }
}

/// A threshold as a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the bounds of u32"
)]
fn whole(threshold: f64) -> u32 {
    threshold.clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(request: &PoolInputs) -> PoolPlan {
        let server = Server { version: "18.6".to_owned(), major: 18, in_recovery: false };
        let seen = ServerLimits {
            max_connections: 200,
            reserved_connections: 3,
            ..ServerLimits::default()
        };
        let policy = Policy::default();
        let observed_at = Timestamp::UNIX_EPOCH;
        let visited = VisitedServer { target: "demo", server, observed_at };
        pool_plan(visited, request, &seen, &policy)
    }

    #[test]
    fn a_pool_comes_as_code_and_a_pooler_as_its_configuration() {
        let request = PoolInputs {
            cores: Some(16),
            pods: Some(8),
            workers: Some(2),
            ..PoolInputs::default()
        };
        let direct = planned(&request);
        assert!(direct.code.is_some_and(|code| code.asyncpg.contains("max_size=2)")));
        assert_eq!(direct.pgbouncer.ini, None);
        let version = Some("1.18.0".to_owned());
        let many = planned(&PoolInputs { pods: Some(60), pgbouncer_version: version, ..request });
        assert_eq!((many.code, many.plan.pool), (None, None));
        let pgbouncer = many.pgbouncer;
        assert!(pgbouncer.ini.is_some_and(|ini| ini.contains("\nmax_client_conn = 480\n")));
        assert_eq!(pgbouncer.version, "1.18.0");
        assert_eq!(pgbouncer.known_defects.len(), 3);
    }

    #[test]
    fn without_cores_there_is_no_number_in_a_configuration() {
        let request = PoolInputs { pods: Some(60), workers: Some(2), ..PoolInputs::default() };
        let plan = planned(&request);
        assert_eq!(plan.pgbouncer.decision.verdict, PoolerVerdict::Needed);
        assert_eq!((plan.pgbouncer.ini, plan.code), (None, None));
    }
}
