//! Faults that make no noise, part by part: killed, frozen, slow, cut, silently dead, read-only, full, restarted. What each
//! costs who asks is printed, for the matrix.

mod callers;
mod redis;
mod store;
mod target;

use std::time::{Duration, Instant};

use crate::support::Service;

/// Ask until it is well again, and say how long that took.
async fn recovers(service: &Service, path: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let reply = service.get(path).await;
        if reply.status.as_u16() == 200 {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{reply:?}");
        tokio::task::yield_now().await;
    }
}

/// A row of the matrix.
fn row((part, fault): (&str, &str), answer: &str, took: Duration, recovery: Duration) {
    let (took, recovery) = (took.as_secs_f64(), recovery.as_secs_f64());
    eprintln!("| {part} | {fault} | {answer} | {took:.2} s | {recovery:.2} s |");
}
