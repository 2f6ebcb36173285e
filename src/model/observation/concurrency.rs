//! What the Concurrency Architect reads: sessions, limits of connections, signs of a pooler.

use serde::{Deserialize, Serialize};

use crate::model::{Observation, Topic};

/// What the Concurrency Architect reads. dbopt's own sessions are in none of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Concurrency {
    /// The client sessions that hold most.
    pub sessions: Observation<Vec<ClientSession>>,
    /// Client sessions, counted.
    pub groups: Observation<Vec<SessionGroup>>,
    /// Signs of a pooler in front.
    pub pooler_signs: Observation<Vec<PoolerSign>>,
    /// How many sessions there may be.
    pub limits: Observation<ConnectionLimits>,
    /// Roles with a limit of their own.
    pub role_limits: Observation<Vec<RoleLimit>>,
    /// What sessions of the database did since its counters were reset.
    pub counters: Observation<SessionCounters>,
}

/// A client session. Its statement is not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSession {
    /// The process.
    pub pid: i64,
    /// Its role.
    pub role: Option<String>,
    /// Its database.
    pub database: Option<String>,
    /// Whether that is the one that was visited.
    pub is_current: bool,
    /// What the application calls itself, without addresses.
    pub application: Option<String>,
    /// `active`, `idle`, `idle in transaction` and the like.
    pub state: Option<String>,
    /// How long it has been connected.
    pub backend_age_s: Option<f64>,
    /// How long its transaction has been open.
    pub transaction_age_s: Option<f64>,
    /// How long it has been in its state.
    pub state_age_s: Option<f64>,
    /// What it waits for: `Lock:transactionid`.
    pub wait_event: Option<String>,
    /// Transactions begun since the oldest one it may still see.
    pub xmin_age: Option<i64>,
    /// Processes that it waits for.
    pub blocked_by: Vec<i64>,
    /// Sessions that wait for it, or behind one that does.
    pub blocks: i64,
    /// The client's address, hashed with a key of this answer; absent for a Unix socket.
    pub client: Option<String>,
}

/// Client sessions of one role in one database: of one application, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionGroup {
    /// Their database.
    pub database: Option<String>,
    /// Whether that is the one that was visited.
    pub is_current: Option<bool>,
    /// Their role.
    pub role: Option<String>,
    /// What the application calls itself, without addresses.
    pub application: Option<String>,
    /// Whether these are the sessions of all applications.
    pub whole_role: bool,
    /// Sessions.
    pub sessions: i64,
    /// Those that run a statement.
    pub active: i64,
    /// Those that wait for one outside of a transaction.
    pub idle: i64,
    /// Those that wait for one in a transaction.
    pub idle_in_transaction: i64,
    /// Those that were not idle at some time of the last minute.
    pub used_last_minute: i64,
    /// Sessions that were not idle at the same time, 95 % of the last minute: at least so many, for of each session the last
    /// statement alone is known. Absent for all applications together.
    pub used_p95: Option<i64>,
    /// Different addresses of clients; Unix sockets count for none.
    pub clients: i64,
    /// Those whose state is not tracked.
    pub untracked: i64,
}

/// A sign of a pooler in front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolerSign {
    /// `name`, `address_in_name`, `auth_query` or `discard_all`.
    pub sign: String,
    /// Which pooler: `pgbouncer`, `pgdog`, `unknown` and the like.
    pub pooler: String,
    /// Sessions that show it.
    pub sessions: i64,
}

/// How many sessions there may be, and how many there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionLimits {
    /// `max_connections`.
    pub max_connections: i64,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: i64,
    /// `reserved_connections`; 0 before 16.
    pub reserved: i64,
    /// Client sessions of all databases.
    pub sessions: i64,
    /// Those of this database.
    pub sessions_in_database: i64,
    /// Sessions whose kind and state our role is not shown.
    pub hidden: i64,
    /// This database.
    pub database: String,
    /// Sessions that it may have; absent where it has no limit of its own.
    pub database_limit: Option<i64>,
    /// Prepared transactions of this database.
    pub prepared: i64,
    /// How long the oldest of them has been prepared.
    pub oldest_prepared_s: Option<f64>,
}

/// A role with a limit of connections of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleLimit {
    /// Its name.
    pub role: String,
    /// Sessions that it may have.
    pub connection_limit: i64,
    /// Sessions that it has.
    pub sessions: i64,
}

/// What the sessions of the database did since its counters were reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionCounters {
    /// Sessions that were begun.
    pub sessions: i64,
    /// Time that sessions were connected, of those that ended or reported since.
    pub session_ms: f64,
    /// Time that they ran statements.
    pub active_ms: f64,
    /// Time that they were idle in a transaction.
    pub idle_in_transaction_ms: f64,
    /// Sessions that ended because the client was lost.
    pub abandoned: i64,
    /// Sessions that ended by a fatal error.
    pub fatal: i64,
    /// Sessions that were terminated.
    pub killed: i64,
    /// Transactions, those rolled back included.
    pub transactions: i64,
}

impl Topic {
    /// Client sessions, and signs of a pooler in front of them.
    pub const SESSIONS: Self = Self("concurrency.sessions");
    /// Limits of connections, of the server, the database and roles, and what sessions did.
    pub const CONNECTION_LIMITS: Self = Self("concurrency.limits");
}

impl ConnectionLimits {
    /// Sessions of roles without a privilege that there may be.
    pub fn usable(&self) -> i64 {
        (self.max_connections - self.superuser_reserved - self.reserved).max(0)
    }

    /// Sessions there are, those included whose kind is not shown.
    pub fn all_sessions(&self) -> i64 {
        self.sessions + self.hidden
    }
}
