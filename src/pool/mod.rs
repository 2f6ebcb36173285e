//! How many connections a service needs, and whether a pooler has to stand in front. Pure: numbers in, numbers out.

mod code;
mod plan;
mod pooler;
mod queue;

pub use code::{asyncpg, sqlalchemy};
pub use plan::{Asked, Given, Input, Plan, Pool, Provenance, Seen, plan};
pub use pooler::{Decision, PoolMode, PoolerVersion, Verdict, decide, pgbouncer_ini};
pub use queue::{Run, Waiting, connections_for, simulated_mean_wait_ms, waiting};
