//! How long requests wait for a connection: the M/M/c queue, and a simulation that a test holds it to.

use serde::Serialize;
use utoipa::ToSchema;

/// What a queue before a number of connections does to requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Waiting {
    /// Connections that serve the queue.
    pub connections: u32,
    /// Share of the time that a connection works.
    pub busy_ratio: f64,
    /// Share of requests that wait at all (Erlang C).
    pub wait_ratio: f64,
    /// Mean time that a request waits, those that do not included.
    pub mean_wait_ms: f64,
    /// Time that 95 of 100 requests wait at most.
    pub p95_wait_ms: f64,
}

impl Waiting {
    /// With the digits that it is printed with.
    pub(super) fn rounded(self) -> Self {
        Self {
            connections: self.connections,
            busy_ratio: rounded(self.busy_ratio),
            wait_ratio: rounded(self.wait_ratio),
            mean_wait_ms: rounded(self.mean_wait_ms),
            p95_wait_ms: rounded(self.p95_wait_ms),
        }
    }
}

/// To four digits after the point: more would pretend to a precision that no load has.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

/// The waiting time of requests that arrive at random and take times that are distributed exponentially.
/// Absent where the queue grows without end, and for numbers that are no rate or no time.
pub fn waiting(connections: u32, arrival_rate: f64, service_time_ms: f64) -> Option<Waiting> {
    let load = offered(arrival_rate, service_time_ms)?;
    let servers = f64::from(connections);
    if load >= servers {
        return None;
    }
    let blocked = (1..=connections).fold(1.0, |blocked, n| {
        let one = load * blocked;
        one / (f64::from(n) + one)
    });
    let busy_ratio = load / servers;
    let wait_ratio = blocked / (1.0 - busy_ratio * (1.0 - blocked));
    let drain_ms = service_time_ms / (servers - load);
    let p95_wait_ms = if wait_ratio > 0.05 { drain_ms * (wait_ratio / 0.05).ln() } else { 0.0 };
    let mean_wait_ms = wait_ratio * drain_ms;
    Some(Waiting { connections, busy_ratio, wait_ratio, mean_wait_ms, p95_wait_ms })
}

/// The fewest connections, up to a limit, with which requests wait no longer than the target on average.
pub fn connections_for(
    arrival_rate: f64,
    service_time_ms: f64,
    target_wait_ms: f64,
    limit: u32,
) -> Option<u32> {
    (1..=limit).find(|connections| {
        waiting(*connections, arrival_rate, service_time_ms)
            .is_some_and(|waiting| waiting.mean_wait_ms <= target_wait_ms)
    })
}

/// How long a simulation runs, and with which numbers.
#[derive(Debug, Clone, Copy)]
pub struct Simulation {
    /// Requests that arrive.
    pub requests: u32,
    /// Where the random numbers begin.
    pub seed: u64,
}

/// The mean wait of simulated requests, served in the order in which they arrive. The same seed gives the same.
pub fn simulated_mean_wait_ms(
    connections: u32,
    arrival_rate: f64,
    service_time_ms: f64,
    run: Simulation,
) -> Option<f64> {
    let load = offered(arrival_rate, service_time_ms)?;
    if connections == 0 || run.requests == 0 || load >= f64::from(connections) {
        return None;
    }
    let mut random = Random(run.seed);
    let mut free_at_ms = vec![0.0_f64; usize::try_from(connections).ok()?];
    let (mut now_ms, mut waited_ms) = (0.0, 0.0);
    for _ in 0..run.requests {
        now_ms += random.exponential(1000.0 / arrival_rate);
        let first = free_at_ms.iter_mut().min_by(|a, b| a.total_cmp(b))?;
        let starts_ms = first.max(now_ms);
        waited_ms += starts_ms - now_ms;
        *first = starts_ms + random.exponential(service_time_ms);
    }
    Some(waited_ms / f64::from(run.requests))
}

/// Connections that work at once on average, where the numbers make sense.
fn offered(arrival_rate: f64, service_time_ms: f64) -> Option<f64> {
    let is_sound = |number: f64| number.is_finite() && number > 0.0;
    let load = arrival_rate * service_time_ms / 1000.0;
    (is_sound(arrival_rate) && is_sound(service_time_ms) && is_sound(load)).then_some(load)
}

/// `splitmix64`: enough for a simulation, and the same on every machine.
struct Random(u64);

impl Random {
    fn exponential(&mut self, mean: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The upper 32 bits, moved off zero, whose logarithm is infinite.
        let upper = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
        -mean * ((f64::from(upper) + 0.5) / 4_294_967_296.0).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Simulation = Simulation { requests: 2_000_000, seed: 7 };

    #[test]
    fn a_single_connection_waits_as_the_textbook_says() {
        // M/M/1 at 80 %: 0.8 of the requests wait, 40 ms on average at 10 ms each.
        let waiting = waiting(1, 80.0, 10.0).unwrap();
        assert!((waiting.wait_ratio - 0.8).abs() < 1e-9);
        assert!((waiting.mean_wait_ms - 40.0).abs() < 1e-9);
    }

    #[test]
    fn the_simulation_and_the_formula_agree_within_five_percent() {
        for (connections, arrival_rate, service_time_ms) in
            [(1, 50.0, 10.0), (2, 150.0, 10.0), (8, 700.0, 10.0), (20, 170.0, 100.0)]
        {
            let formula = waiting(connections, arrival_rate, service_time_ms).unwrap();
            let simulated =
                simulated_mean_wait_ms(connections, arrival_rate, service_time_ms, RUN).unwrap();
            let error = (simulated / formula.mean_wait_ms - 1.0).abs();
            assert!(error < 0.05, "{connections} connections: {error} off");
        }
    }

    #[test]
    fn a_queue_that_grows_without_end_has_no_waiting_time() {
        assert_eq!(waiting(2, 200.0, 10.0), None);
        assert_eq!(waiting(0, 1.0, 1.0), None);
        assert_eq!(simulated_mean_wait_ms(2, 200.0, 10.0, RUN), None);
    }

    #[test]
    fn numbers_that_are_no_rate_give_no_waiting_time() {
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(waiting(4, odd, 10.0), None);
            assert_eq!(waiting(4, 10.0, odd), None);
        }
    }

    #[test]
    fn the_fewest_connections_that_keep_the_target_are_found() {
        let fewest = connections_for(700.0, 10.0, 2.0, 50).unwrap();
        assert!(waiting(fewest, 700.0, 10.0).unwrap().mean_wait_ms <= 2.0);
        assert!(waiting(fewest - 1, 700.0, 10.0).is_none_or(|one| one.mean_wait_ms > 2.0));
        assert_eq!(connections_for(700.0, 10.0, 2.0, 7), None);
    }
}
