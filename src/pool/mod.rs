//! How many connections a service needs, and whether a pooler has to stand in front. Pure: numbers in, numbers out.

mod asked;
mod code;
mod input;
mod plan;
mod pooler;
mod queue;
mod report;
mod seen;

pub use asked::{Asked, Fault};
pub use input::{Input, Provenance};
pub use plan::{Given, Plan, Pool, plan};
pub use pooler::{Decision, Grounds, Ini, PoolMode, Verdict, decide, pgbouncer_ini};
pub use queue::{Run, Waiting, connections_for, simulated_mean_wait_ms, waiting};
pub use report::{Code, PgBouncer, PoolPlan, pool_plan};
pub use seen::{Mean, Seen, seen};
