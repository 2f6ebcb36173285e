//! Snapshots that were recorded are judged without a server, and what a check does not see it does not judge.

use std::path::{Path, PathBuf};

use database_optimizer::analysis::{Request, judge_snapshot};
use database_optimizer::checks;
use database_optimizer::model::{Analysis, Snapshot, Superpower, Topic};
use rstest::rstest;
use serde_json::{Value, json};

fn recorded(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn judged(snapshot: &Value, check: &str) -> Analysis {
    let snapshot: Snapshot = serde_json::from_value(snapshot.clone()).unwrap();
    let mut request = Request::new(None);
    request.add_check(check).unwrap();
    judge_snapshot("recorded", &request, &snapshot)
}

/// The snapshot without one of its topics.
fn blanked(snapshot: &Value, topic: &str) -> Value {
    let mut snapshot = snapshot.clone();
    let pointer = format!("/{}", topic.replace('.', "/"));
    let gap = json!({"unseen": {"observation": topic, "reason": "timed_out", "detail": "blanked"}});
    if let Some(observation) = snapshot.pointer_mut(&pointer) {
        *observation = gap;
        return snapshot;
    }
    // A topic that stands for several observations of its superpower.
    let (superpower, _) = topic.split_once('.').unwrap();
    let all = snapshot[superpower].as_object_mut().unwrap_or_else(|| panic!("no {topic}"));
    all.values_mut().for_each(|observation| observation.clone_from(&gap));
    snapshot
}

#[rstest]
fn a_recorded_snapshot_is_read_and_judged_the_same_twice(
    #[files("tests/fixtures/snapshots/*.json")] path: PathBuf,
) {
    let snapshot = recorded(&path);
    for check in checks::all() {
        let (once, twice) = (judged(&snapshot, check.id), judged(&snapshot, check.id));
        assert_eq!(serde_json::to_value(&once).unwrap(), serde_json::to_value(&twice).unwrap());
    }
}

#[rstest]
fn a_check_steps_aside_with_a_gap_where_something_it_needs_was_not_seen(
    #[files("tests/fixtures/snapshots/*.json")] path: PathBuf,
) {
    let snapshot = recorded(&path);
    let mut dishonest = Vec::new();
    // No contract is registered in these, and without one there is nothing to judge.
    // Checks of vectors read counters and settings only for a statement that searches, and these snapshots have none;
    // those of WAL have several sources for one judgement and do with what is left; and they were recorded before sessions
    // were looked at.
    let others = [Superpower::Vector, Superpower::Wal, Superpower::Concurrency];
    let judging = |check: &&checks::Check| {
        check.id != checks::SCHEMA_DRIFT && !others.contains(&check.superpower)
    };
    for check in checks::all().filter(judging) {
        for topic in check.needs.iter().filter(|topic| **topic != Topic::STATEMENTS) {
            let analysis = judged(&blanked(&snapshot, topic.as_str()), check.id);
            if !analysis.findings.is_empty() || analysis.gaps.is_empty() {
                dishonest.push(format!("{} without {}", check.id, topic.as_str()));
            }
        }
    }
    assert!(dishonest.is_empty(), "these find something or say nothing: {dishonest:#?}");
}
