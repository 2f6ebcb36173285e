//! How many connections a service needs, and whether a pooler has to stand in front. Pure: numbers in, numbers out.

mod code;
mod input;
mod plan;
mod pooler;
mod queue;
mod report;
mod request;
mod seen;

pub use input::{Input, Provenance};
pub use plan::{ConnectionPlan, Given, Pool, plan};
pub use pooler::{Decision, Grounds, Ini, PoolMode, PoolerVerdict, decide, pgbouncer_ini};
pub use queue::{Simulation, Waiting, connections_for, simulated_mean_wait_ms, waiting};
pub use report::{Code, PgBouncer, PoolPlan, VisitedServer, pool_plan};
pub use request::{InputFault, PoolInputs};
pub use seen::{Mean, ServerLimits, seen};
