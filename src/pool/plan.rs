//! From cores, pods and workers to the size of each process's pool.

use serde::Serialize;
use utoipa::ToSchema;

use super::input::{Input, Inputs, Provenance};
use super::queue::{
    Simulation, Waiting, connections_for, rounded, simulated_mean_wait_ms, waiting,
};
use super::request::PoolInputs;
use super::seen::ServerLimits;
use crate::model::{Gap, GapReason};

/// The numbers that a plan may rest on.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// What the caller knows.
    pub request: &'a PoolInputs,
    /// What the server said.
    pub seen: &'a ServerLimits,
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
pub struct ConnectionPlan {
    /// The formula, with names where numbers are not known.
    pub formula: &'static str,
    /// What the plan rests on, each with where it comes from.
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
    /// The mean wait of the same queue, simulated request by request.
    pub simulated_mean_wait_ms: Option<f64>,
    /// One queue before the whole budget, as a pooler makes it.
    pub shared_waiting: Option<Waiting>,
    /// The fewest connections that keep the target wait, were the queue shared.
    pub connections_needed: Option<u32>,
    /// What could not be said.
    pub gaps: Vec<Gap>,
}

const FORMULA: &str = "min(cores * 2 + spindles, connections_max, max_connections - \
    reserved_connections - other_sessions - maintenance_connections) / (pods * workers)";

const FORMULA_WITH_LIMIT: &str = "min(cores * 2 + spindles, connections_max, max_connections - \
    reserved_connections - other_sessions - maintenance_connections, connection_limit) / (pods * workers)";

/// A request that waits longer than this is better refused.
const TIMEOUT_MS_MAX: u32 = 4000;

/// Connections that are left to people, backups, migrations and dbopt.
pub(super) const MAINTENANCE_CONNECTIONS: u32 = 5;

/// How long a request may wait where nothing is said: a fifth of 50 ms, in which an inference answers.
const TARGET_WAIT_MS: f64 = 10.0;

/// Enough for a mean within a few percent, and over in milliseconds.
const RUN: Simulation = Simulation { requests: 200_000, seed: 7 };

/// Divide what the server can usefully serve at once among the processes of a service.
pub fn plan(given: Given<'_>) -> ConnectionPlan {
    let mut inputs = Inputs::default();
    let mut gaps = given.seen.gaps.clone();
    let ceiling = ceiling(given, &mut inputs, &mut gaps);
    let processes = processes(given, &mut inputs, &mut gaps);
    let headroom = headroom(given, &mut inputs);
    let budget = ceiling.map(|ceiling| ceiling.min(given.connections_max).min(headroom));
    let size = budget.zip(processes).map(|(budget, processes)| budget / processes);
    let size = size.filter(|size| *size > 0);
    let load = load(given, &mut inputs, &mut gaps);
    let target_wait_ms =
        inputs.take_or("target_wait_ms", given.request.target_wait_ms, TARGET_WAIT_MS);
    let per_process = load.zip(processes).map(|((rate, ms), all)| (rate / f64::from(all), ms));
    let own = size.zip(per_process).and_then(|(size, (rate, ms))| waiting(size, rate, ms));
    let shared = budget.zip(load).and_then(|(budget, (rate, ms))| waiting(budget, rate, ms));
    if let (Some(size), Some((rate, ms)), None) = (size, per_process, own) {
        let work = rate * ms / 1000.0;
        let detail = format!(
            "each process needs {work:.1} connections at once and has {size}: its queue grows without end"
        );
        gaps.push(Gap::new("waiting", GapReason::NotEnoughEvidence, detail));
    } else if own.is_none() && load.is_some() {
        let detail = "no waiting time without a pool for each process";
        gaps.push(Gap::new("waiting", GapReason::NotEnoughEvidence, detail));
    }
    ConnectionPlan {
        formula: match given.seen.connection_limit {
            Some(_) => FORMULA_WITH_LIMIT,
            None => FORMULA,
        },
        inputs: inputs.into_list(),
        ceiling,
        budget,
        processes,
        pool: size.map(|size| Pool { size, overflow: 0, timeout_ms: timeout_ms(own) }),
        waiting: own.map(Waiting::rounded),
        simulated_mean_wait_ms: own
            .zip(per_process)
            .and_then(|(own, (rate, ms))| simulated_mean_wait_ms(own.connections, rate, ms, RUN))
            .map(rounded),
        shared_waiting: shared.map(Waiting::rounded),
        connections_needed: budget
            .zip(load)
            .and_then(|(budget, (rate, ms))| connections_for(rate, ms, target_wait_ms, budget)),
        gaps,
    }
}

fn ceiling(given: Given<'_>, inputs: &mut Inputs, gaps: &mut Vec<Gap>) -> Option<u32> {
    let cores = inputs.given("cores", positive(given.request.cores));
    inputs.given("replicas", given.request.replicas);
    let spindles = inputs.take_or("spindles", given.request.spindles, 0);
    if cores.is_none() {
        let detail =
            "SQL does not show the cores of the server, so there is the formula and no number";
        gaps.push(missing("cores", detail).lifted_by("give `cores`, as its container is limited"));
    }
    cores.map(|cores| cores.saturating_mul(2).saturating_add(spindles))
}

fn processes(given: Given<'_>, inputs: &mut Inputs, gaps: &mut Vec<Gap>) -> Option<u32> {
    let observed = given
        .seen
        .clients
        .map(|clients| (clients, "addresses of its sessions now, at least".to_owned()));
    let pods = inputs.given_or_observed("pods", positive(given.request.pods), observed);
    let workers = inputs.given("workers", positive(given.request.workers));
    let processes = pods.zip(workers).map(|(pods, workers)| pods.saturating_mul(workers));
    if processes.is_none() {
        let detail = "a pool belongs to a process, and how many there are does not show in SQL";
        gaps.push(missing("processes", detail).lifted_by("give `pods` and `workers`"));
    }
    processes
}

fn headroom(given: Given<'_>, inputs: &mut Inputs) -> u32 {
    let ServerLimits { max_connections, reserved_connections, other_sessions, .. } = given.seen;
    inputs.add(Input::of("connections_max", given.connections_max, Provenance::Policy));
    let others = match &given.request.role {
        Some(_) => "sessions of other roles and databases now",
        None => "sessions of other databases now: those of this one count for the service",
    };
    for (name, value, note) in [
        ("max_connections", *max_connections, None),
        ("reserved_connections", *reserved_connections, None),
        ("other_sessions", *other_sessions, Some(others.to_owned())),
    ] {
        inputs.add(Input { note, ..Input::of(name, value, Provenance::Observed) });
    }
    let note = Some("for people, backups and migrations".to_owned());
    let maintenance =
        Input::of("maintenance_connections", MAINTENANCE_CONNECTIONS, Provenance::Default);
    inputs.add(Input { note, ..maintenance });
    let of_server = max_connections
        .saturating_sub(*reserved_connections)
        .saturating_sub(*other_sessions)
        .saturating_sub(MAINTENANCE_CONNECTIONS);
    let Some((limit, of)) = given.seen.connection_limit else { return of_server };
    let input = Input::of("connection_limit", limit, Provenance::Observed);
    inputs.add(Input { note: Some(of.to_owned()), ..input });
    of_server.min(limit)
}

/// Requests per second, and the time that each holds a connection.
fn load(given: Given<'_>, inputs: &mut Inputs, gaps: &mut Vec<Gap>) -> Option<(f64, f64)> {
    let observed =
        |mean: &Option<super::seen::Mean>| mean.clone().map(|mean| (mean.value, mean.of));
    let Given { request, seen, .. } = given;
    let rate = inputs.given_or_observed(
        "arrival_rate",
        request.arrival_rate,
        observed(&seen.arrival_rate),
    );
    let ms = inputs.given_or_observed(
        "service_time_ms",
        request.service_time_ms,
        observed(&seen.service_time_ms),
    );
    if rate.is_none() || ms.is_none() {
        let detail = "no waiting time without the load: neither given nor counted for long enough";
        let gap = Gap::new("waiting", GapReason::NotEnoughEvidence, detail);
        gaps.push(gap.lifted_by("give `arrival_rate` and `service_time_ms`"));
    } else if request.arrival_rate.is_none() {
        let detail = "the rate is a mean: the busiest minute needs more connections than it";
        let gap = Gap::new("peaks", GapReason::NotEnoughHistory, detail);
        gaps.push(gap.lifted_by("give `arrival_rate` of the busiest minute"));
    }
    rate.zip(ms)
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

#[cfg(test)]
mod tests {
    use super::super::seen::Mean;
    use super::*;
    use crate::model::Number;

    fn seen() -> ServerLimits {
        ServerLimits {
            max_connections: 100,
            reserved_connections: 3,
            other_sessions: 5,
            ..ServerLimits::default()
        }
    }

    fn request(cores: u32, pods: u32, workers: u32) -> PoolInputs {
        let (cores, pods, workers) = (Some(cores), Some(pods), Some(workers));
        PoolInputs { cores, pods, workers, ..PoolInputs::default() }
    }

    fn planned(request: &PoolInputs, seen: &ServerLimits) -> ConnectionPlan {
        plan(Given { request, seen, connections_max: 50 })
    }

    fn gap<'a>(plan: &'a ConnectionPlan, name: &str) -> Option<&'a Gap> {
        plan.gaps.iter().find(|gap| gap.observation == name)
    }

    #[test]
    fn the_ceiling_is_of_the_whole_server_and_divided_among_its_processes() {
        let plan = planned(&request(16, 8, 2), &seen());
        assert_eq!((plan.ceiling, plan.budget, plan.processes), (Some(32), Some(32), Some(16)));
        assert_eq!(plan.pool.map(|pool| pool.size), Some(2));
    }

    #[test]
    fn a_core_count_is_never_invented() {
        let plan = planned(&PoolInputs { cores: None, ..request(1, 8, 2) }, &seen());
        assert_eq!((plan.ceiling, plan.budget, plan.pool), (None, None, None));
        assert!(plan.formula.starts_with("min(cores * 2 + spindles"));
        assert!(gap(&plan, "cores").is_some_and(|gap| gap.lift.is_some()));
        assert!(plan.inputs.iter().all(|input| input.name != "cores"));
    }

    #[test]
    fn all_pools_together_stay_within_the_threshold_and_the_headroom() {
        for cores in [1, 4, 16, 64, u32::MAX] {
            for processes in [1, 3, 16, 200, u32::MAX] {
                for max_connections in [0, 10, 100, 5000] {
                    let seen = ServerLimits { max_connections, ..seen() };
                    let plan = planned(&request(cores, processes, 1), &seen);
                    let Some(pool) = plan.pool else { continue };
                    let all = (pool.size + pool.overflow) * processes;
                    assert!(all <= 50 && all + 8 + MAINTENANCE_CONNECTIONS <= max_connections);
                }
            }
        }
    }

    #[test]
    fn a_connection_limit_of_the_database_or_the_role_bounds_the_plan() {
        let limited = ServerLimits { connection_limit: Some((20, "of the role")), ..seen() };
        let plan = planned(&request(16, 8, 2), &limited);
        assert_eq!((plan.budget, plan.pool.map(|pool| pool.size)), (Some(20), Some(1)));
        assert!(
            plan.formula.contains("connection_limit")
                && plan.inputs.iter().any(|one| one.name == "connection_limit")
        );
    }

    #[test]
    fn more_processes_than_connections_have_no_pool_of_their_own() {
        let mut request = request(16, 50, 4);
        (request.arrival_rate, request.service_time_ms) = (Some(100.0), Some(10.0));
        let plan = planned(&request, &seen());
        assert_eq!(plan.pool, None);
        assert!(gap(&plan, "waiting").is_some(), "what is absent is said");
    }

    #[test]
    fn one_shared_queue_waits_less_than_a_queue_for_each_process() {
        let mut request = request(16, 8, 2);
        (request.arrival_rate, request.service_time_ms) = (Some(1600.0), Some(10.0));
        let plan = planned(&request, &seen());
        let (own, shared) = (plan.waiting.unwrap(), plan.shared_waiting.unwrap());
        assert!(own.mean_wait_ms > shared.mean_wait_ms);
        let error = plan.simulated_mean_wait_ms.unwrap() / own.mean_wait_ms - 1.0;
        assert!(error.abs() < 0.05, "{error}");
    }

    #[test]
    fn a_queue_that_grows_without_end_is_a_gap_with_its_numbers() {
        let mut request = request(16, 8, 2);
        (request.arrival_rate, request.service_time_ms) = (Some(4000.0), Some(10.0));
        let plan = planned(&request, &seen());
        assert_eq!(plan.waiting, None);
        let expected =
            "each process needs 2.5 connections at once and has 2: its queue grows without end";
        assert_eq!(gap(&plan, "waiting").unwrap().detail, expected);
    }

    #[test]
    fn requests_give_up_before_five_seconds() {
        let mut request = request(16, 8, 2);
        request.arrival_rate = Some(3190.0);
        request.service_time_ms = Some(10.0);
        let pool = planned(&request, &seen()).pool.unwrap();
        assert!((1000..5000).contains(&pool.timeout_ms));
    }

    #[test]
    fn each_input_says_where_it_comes_from() {
        let mean = |value| Some(Mean { value, of: "the mean over 2 days".to_owned() });
        let seen = ServerLimits {
            clients: Some(8),
            arrival_rate: mean(80.0),
            service_time_ms: mean(4.0),
            ..seen()
        };
        let request = PoolInputs { pods: None, service_time_ms: Some(5.0), ..request(16, 1, 2) };
        let plan = planned(&request, &seen);
        for (name, value, provenance) in [
            ("cores", Number::Whole(16), Provenance::Given),
            ("spindles", Number::Whole(0), Provenance::Default),
            ("pods", Number::Whole(8), Provenance::Observed),
            ("max_connections", Number::Whole(100), Provenance::Observed),
            ("connections_max", Number::Whole(50), Provenance::Policy),
            ("maintenance_connections", Number::Whole(5), Provenance::Default),
            ("arrival_rate", Number::Fraction(80.0), Provenance::Observed),
            ("service_time_ms", Number::Fraction(5.0), Provenance::Given),
            ("target_wait_ms", Number::Fraction(10.0), Provenance::Default),
        ] {
            let input = plan.inputs.iter().find(|one| one.name == name).unwrap();
            assert_eq!((&input.value, input.provenance), (&value, provenance), "{name}");
        }
        let rate = plan.inputs.iter().find(|one| one.name == "arrival_rate").unwrap();
        assert_eq!(rate.note.as_deref(), Some("the mean over 2 days"));
        assert!(gap(&plan, "peaks").is_some(), "a mean hides peaks");
    }
}
