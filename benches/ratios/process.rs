//! One visit in a process of its own, so that its memory and its start are its own.

use std::process::Command;
use std::time::{Duration, Instant};

use database_optimizer::analysis::{self, Request};
use database_optimizer::model::{ProveMode, Superpower};
use database_optimizer::pg::Target;
use serde::{Deserialize, Serialize};

/// What one visit took.
#[derive(Debug, Serialize, Deserialize)]
pub struct Visit {
    /// The process, from its start to its end; set by who started it.
    #[serde(skip)]
    pub process: Duration,
    /// From asking for a session to the analysis.
    pub analysis_ms: f64,
    /// The part of it in which the target worked or its rows were read.
    pub target_ms: f64,
    pub round_trips: u32,
    pub rows_read: u64,
    pub bytes_read: u64,
    /// The most memory the process ever held.
    pub resident_kb: u64,
    /// The answer as JSON.
    pub answer_bytes: usize,
}

/// The analysis that is measured: a visit of one superpower or of all, and its judgement, without experiments.
pub fn request(superpower: Option<Superpower>) -> Request {
    Request { prove: ProveMode::None, ..Request::new(superpower) }
}

/// How a superpower is named to a process of its own; all of them where none is.
pub fn name(superpower: Option<Superpower>) -> &'static str {
    superpower.map_or("all", Superpower::as_str)
}

/// Visit, and print what it took.
pub async fn visit_once(dsn: &str, superpower: &str) {
    let superpower = Superpower::ALL.iter().copied().find(|one| one.as_str() == superpower);
    let target = Target::open("bench", &dsn.to_owned().into(), None).unwrap();
    let begun = Instant::now();
    let analysis = analysis::analyse(&target, &request(superpower)).await.unwrap();
    let analysis_ms = begun.elapsed().as_secs_f64() * 1e3;
    let cost = &analysis.cost;
    // Sampling is the third round trip: nothing was left out. Where there is no document, GIN needs no sample.
    let needed = if superpower == Some(Superpower::Gin) { 2..=3 } else { 3..=3 };
    assert!(needed.contains(&cost.round_trips), "{:#?}", analysis.gaps);
    let visit = Visit {
        process: Duration::ZERO,
        analysis_ms,
        target_ms: cost.target_ms,
        round_trips: cost.round_trips,
        rows_read: cost.rows_read,
        bytes_read: cost.bytes_read,
        resident_kb: resident_kb(),
        answer_bytes: serde_json::to_vec(&analysis).unwrap().len(),
    };
    println!("{}", serde_json::to_string(&visit).unwrap());
}

/// A visit by another process of this program.
pub fn visit_apart(dsn: &str, superpower: Option<Superpower>) -> Visit {
    let begun = Instant::now();
    let this = std::env::current_exe().unwrap();
    let output =
        Command::new(this).args(["--bench", "visit-once", dsn, name(superpower)]).output().unwrap();
    let process = begun.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let visit: Visit = serde_json::from_slice(&output.stdout).unwrap();
    Visit { process, ..visit }
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
