//! From cores, pods and workers to the size of each process's pool.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::queue::{Waiting, connections_for, waiting};
use crate::model::{Gap, GapReason};

/// What the caller knows. Nothing that is absent is invented.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    /// Cores of the database server, as its container is limited.
    pub cores: Option<u32>,
    /// Disks that seek at the same time; 0 where the data is cached.
    pub spindles: Option<u32>,
    /// Standbys of this server. Their senders have slots of their own (`max_wal_senders`) and take no connection.
    pub replicas: Option<u32>,
    /// Pods of the service.
    pub pods: Option<u32>,
    /// Processes in each pod.
    pub workers: Option<u32>,
    /// Requests per second of the whole service.
    pub arrival_rate: Option<f64>,
    /// Time that a request holds a connection.
    pub service_time_ms: Option<f64>,
    /// How long a request may wait for a connection on average.
    pub target_wait_ms: Option<f64>,
}

/// What the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// `max_connections`.
    pub max_connections: u32,
    /// `superuser_reserved_connections` and, from 16 on, `reserved_connections`.
    pub reserved_connections: u32,
    /// Sessions of others than the service that is planned for.
    pub other_sessions: u32,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The caller gave it.
    Given,
    /// The server said it.
    Observed,
    /// A threshold in force.
    Policy,
    /// Nobody gave it, and the value changes no plan for the worse.
    Assumed,
}

/// A number that the plan rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: u32,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// The numbers that a plan may rest on.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// What the caller knows.
    pub asked: &'a Asked,
    /// What the server said.
    pub seen: Seen,
    /// The threshold `connections_max`.
    pub connections_max: u32,
}

/// The pool of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pool {
    /// Connections that it keeps.
    pub size: u32,
    /// Connections that it may open beyond; part of the budget, too.
    pub overflow: u32,
    /// How long a request waits for a connection before it gives up.
    pub timeout_ms: u32,
}

/// How many connections, and why.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Plan {
    /// The formula, with names where numbers are not known.
    pub formula: &'static str,
    /// What the plan rests on.
    pub inputs: Vec<Input>,
    /// Useful active connections of the whole server; absent without cores.
    pub ceiling: Option<u32>,
    /// Connections that the service may open in all; absent without cores.
    pub budget: Option<u32>,
    /// Processes among which the budget is divided.
    pub processes: Option<u32>,
    /// The pool of each process that connects directly; absent where the budget does not give each a connection.
    pub pool: Option<Pool>,
    /// The queue of each process before its own pool.
    pub waiting: Option<Waiting>,
    /// One queue before the whole budget, as a pooler makes it.
    pub shared_waiting: Option<Waiting>,
    /// The fewest connections that keep the target wait, were the queue shared.
    pub connections_needed: Option<u32>,
    /// What could not be said.
    pub gaps: Vec<Gap>,
}

const FORMULA: &str = "min(cores * 2 + spindles, connections_max, \
    max_connections - reserved_connections - other_sessions) / (pods * workers)";

/// A request that waits longer than this is better refused.
const TIMEOUT_MS_MAX: u32 = 4000;

/// Divide what the server can usefully serve at once among the processes of a service.
pub fn plan(given: Given<'_>) -> Plan {
    let Given { asked, seen, connections_max } = given;
    let mut gaps = Vec::new();
    let ceiling = positive(asked.cores)
        .map(|cores| cores.saturating_mul(2).saturating_add(asked.spindles.unwrap_or(0)));
    if ceiling.is_none() {
        gaps.push(missing("cores", "SQL does not show the cores of the server: give `cores`"));
    }
    let processes = positive(asked.pods)
        .zip(positive(asked.workers))
        .map(|(pods, workers)| pods.saturating_mul(workers));
    if processes.is_none() {
        gaps.push(missing("processes", "a pool belongs to a process: give `pods` and `workers`"));
    }
    let headroom = seen
        .max_connections
        .saturating_sub(seen.reserved_connections)
        .saturating_sub(seen.other_sessions);
    let budget = ceiling.map(|ceiling| ceiling.min(connections_max).min(headroom));
    let size = budget.zip(processes).map(|(budget, processes)| budget / processes);
    let size = size.filter(|size| *size > 0);
    let load = asked.arrival_rate.zip(asked.service_time_ms);
    if load.is_none() {
        let detail = "no waiting time without `arrival_rate` and `service_time_ms`";
        gaps.push(missing("waiting", detail));
    }
    let own = size.zip(processes).zip(load);
    let own = own
        .and_then(|((size, processes), (rate, ms))| waiting(size, rate / f64::from(processes), ms));
    let shared = budget.zip(load).and_then(|(budget, (rate, ms))| waiting(budget, rate, ms));
    let needed = budget.zip(load).zip(asked.target_wait_ms);
    Plan {
        formula: FORMULA,
        inputs: inputs(given),
        ceiling,
        budget,
        processes,
        pool: size.map(|size| Pool { size, overflow: 0, timeout_ms: timeout_ms(own) }),
        waiting: own,
        shared_waiting: shared,
        connections_needed: needed
            .and_then(|((budget, (rate, ms)), target)| connections_for(rate, ms, target, budget)),
        gaps,
    }
}

/// Ten times the wait of the slowest twentieth, at least one second: shorter ones fail at each hiccup.
fn timeout_ms(waiting: Option<Waiting>) -> u32 {
    let Some(waiting) = waiting else { return TIMEOUT_MS_MAX };
    (1..TIMEOUT_MS_MAX / 1000)
        .map(|seconds| seconds * 1000)
        .find(|ms| f64::from(*ms) >= waiting.p95_wait_ms * 10.0)
        .unwrap_or(TIMEOUT_MS_MAX)
}

fn positive(number: Option<u32>) -> Option<u32> {
    number.filter(|number| *number > 0)
}

fn missing(what: &str, detail: &str) -> Gap {
    Gap::new(what, GapReason::NotVisibleInSql, detail)
}

fn inputs(given: Given<'_>) -> Vec<Input> {
    let Given { asked, seen, connections_max } = given;
    let asked_for = [
        ("cores", positive(asked.cores)),
        ("spindles", asked.spindles),
        ("replicas", asked.replicas),
        ("pods", positive(asked.pods)),
        ("workers", positive(asked.workers)),
    ];
    let asked_for = asked_for.into_iter().filter_map(|(name, value)| {
        value.map(|value| Input { name, value, provenance: Provenance::Given })
    });
    let assumed = asked.spindles.is_none().then_some(Input {
        name: "spindles",
        value: 0,
        provenance: Provenance::Assumed,
    });
    let others = [
        ("connections_max", connections_max, Provenance::Policy),
        ("max_connections", seen.max_connections, Provenance::Observed),
        ("reserved_connections", seen.reserved_connections, Provenance::Observed),
        ("other_sessions", seen.other_sessions, Provenance::Observed),
    ];
    let others =
        others.into_iter().map(|(name, value, provenance)| Input { name, value, provenance });
    asked_for.chain(assumed).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Seen = Seen { max_connections: 100, reserved_connections: 3, other_sessions: 5 };

    fn asked(cores: u32, pods: u32, workers: u32) -> Asked {
        let (cores, pods, workers) = (Some(cores), Some(pods), Some(workers));
        Asked { cores, pods, workers, ..Asked::default() }
    }

    fn planned(asked: &Asked, seen: Seen) -> Plan {
        plan(Given { asked, seen, connections_max: 50 })
    }

    #[test]
    fn the_ceiling_is_of_the_whole_server_and_divided_among_its_processes() {
        let plan = planned(&asked(16, 8, 2), SEEN);
        assert_eq!((plan.ceiling, plan.budget, plan.processes), (Some(32), Some(32), Some(16)));
        assert_eq!(plan.pool.map(|pool| pool.size), Some(2));
    }

    #[test]
    fn a_core_count_is_never_invented() {
        let plan = planned(&Asked { cores: None, ..asked(1, 8, 2) }, SEEN);
        assert_eq!((plan.ceiling, plan.budget, plan.pool), (None, None, None));
        assert!(plan.formula.starts_with("min(cores * 2 + spindles"));
        assert!(plan.gaps.iter().any(|gap| gap.observation == "cores"));
        assert!(plan.inputs.iter().all(|input| input.name != "cores"));
    }

    #[test]
    fn all_pools_together_stay_within_the_threshold_and_the_headroom() {
        for cores in [1, 4, 16, 64, u32::MAX] {
            for processes in [1, 3, 16, 200, u32::MAX] {
                for max_connections in [0, 10, 100, 5000] {
                    let seen = Seen { max_connections, ..SEEN };
                    let plan = planned(&asked(cores, processes, 1), seen);
                    let Some(pool) = plan.pool else { continue };
                    let all = (pool.size + pool.overflow) * processes;
                    assert!(all <= 50 && all + 8 <= max_connections);
                }
            }
        }
    }

    #[test]
    fn more_processes_than_connections_have_no_pool_of_their_own() {
        assert_eq!(planned(&asked(16, 50, 4), SEEN).pool, None);
    }

    #[test]
    fn one_shared_queue_waits_less_than_a_queue_for_each_process() {
        let mut asked = asked(16, 8, 2);
        (asked.arrival_rate, asked.service_time_ms) = (Some(1600.0), Some(10.0));
        let plan = planned(&asked, SEEN);
        let (own, shared) = (plan.waiting.unwrap(), plan.shared_waiting.unwrap());
        assert!(own.mean_wait_ms > shared.mean_wait_ms);
    }

    #[test]
    fn requests_give_up_before_five_seconds() {
        let mut asked = asked(16, 8, 2);
        asked.arrival_rate = Some(3190.0);
        asked.service_time_ms = Some(10.0);
        let pool = planned(&asked, SEEN).pool.unwrap();
        assert!((1000..5000).contains(&pool.timeout_ms));
    }

    #[test]
    fn each_input_says_where_it_comes_from() {
        let inputs = planned(&asked(16, 8, 2), SEEN).inputs;
        let of = |name| inputs.iter().find(|one| one.name == name).unwrap().provenance;
        assert_eq!(of("cores"), Provenance::Given);
        assert_eq!(of("spindles"), Provenance::Assumed);
        assert_eq!(of("max_connections"), Provenance::Observed);
        assert_eq!(of("connections_max"), Provenance::Policy);
    }
}
