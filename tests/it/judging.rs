//! Snapshots that were recorded are judged without a server, and what a check does not see it does not judge.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use database_optimizer::analysis::{Request, judge_snapshot};
use database_optimizer::checks;
use database_optimizer::model::{Analysis, Snapshot, Topic};
use rstest::rstest;
use serde::Deserialize as _;
use serde_json::{Value, json};

fn recorded(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn read(snapshot: &Value) -> Snapshot {
    Snapshot::deserialize(snapshot).unwrap()
}

fn judged(snapshot: &Snapshot, check: &str) -> Analysis {
    let mut request = Request::new(None);
    request.add_check(check).unwrap();
    judge_snapshot("recorded", &request, snapshot)
}

/// The snapshot without one of its topics, where that is one observation.
fn without(snapshot: &Value, topic: &str) -> Option<Value> {
    let mut snapshot = snapshot.clone();
    *snapshot.pointer_mut(&format!("/{}", topic.replace('.', "/")))? = unseen(topic);
    Some(snapshot)
}

/// The snapshot without one of its topics, all observations of its superpower where it stands for several.
fn without_all(snapshot: &Value, topic: &str) -> Option<Value> {
    without(snapshot, topic).or_else(|| {
        let mut snapshot = snapshot.clone();
        let (superpower, _) = topic.split_once('.')?;
        let all = snapshot.get_mut(superpower)?.as_object_mut()?;
        all.values_mut().for_each(|observation| *observation = unseen(topic));
        Some(snapshot)
    })
}

fn unseen(topic: &str) -> Value {
    json!({"unseen": {"observation": topic, "reason": "timed_out", "detail": "blanked"}})
}

/// Whether a check names a topic. Statements are part of the workload.
fn reads(check: &checks::Check, topic: Topic) -> bool {
    check.topics().any(|own| own == topic || own == Topic::STATEMENTS && topic == Topic::WORKLOAD)
}

#[rstest]
fn a_recorded_snapshot_is_read_and_judged_the_same_twice(
    #[files("tests/fixtures/snapshots/*.json")] path: PathBuf,
) {
    let snapshot = read(&recorded(&path));
    for check in checks::all() {
        let (once, twice) = (judged(&snapshot, check.id), judged(&snapshot, check.id));
        assert_eq!(serde_json::to_value(&once).unwrap(), serde_json::to_value(&twice).unwrap());
    }
}

#[rstest]
fn a_check_steps_aside_with_a_gap_where_something_it_needs_was_not_seen(
    #[files("tests/fixtures/snapshots/*.json")] path: PathBuf,
) {
    let recorded = recorded(&path);
    let mut dishonest = Vec::new();
    // No contract is registered in these, and without one there is nothing to judge.
    let judging = || checks::all().filter(|check| check.id != checks::SCHEMA_DRIFT);
    // Whether statements are read is no observation of its own: they are part of the workload.
    let mut known: BTreeSet<Topic> = checks::all().flat_map(checks::Check::topics).collect();
    known.remove(&Topic::STATEMENTS);
    let full = read(&recorded);
    let is_idle = |check: &&checks::Check| {
        let analysis = judged(&full, check.id);
        analysis.findings.is_empty() && analysis.declined.is_empty()
    };
    let idle: BTreeSet<&str> = judging().filter(is_idle).map(|check| check.id).collect();
    for topic in known {
        let name = topic.as_str();
        let one = without(&recorded, name).as_ref().map(read);
        for check in judging().filter(|check| !reads(check, topic)) {
            if one.as_ref().is_some_and(|one| steps_aside(&judged(one, check.id))) {
                dishonest.push(format!("{} without {name}, which it does not name", check.id));
            }
        }
        let Some(all) = without_all(&recorded, name).as_ref().map(read) else { continue };
        for check in judging().filter(|check| check.needs.contains(&topic)) {
            let analysis = judged(&all, check.id);
            // A check that has nothing to judge does not miss what it would judge it by.
            let says = steps_aside(&analysis) || idle.contains(check.id);
            if !analysis.findings.is_empty() || !says {
                dishonest.push(format!("{} without {name}", check.id));
            }
        }
    }
    assert!(dishonest.is_empty(), "these find something or say nothing: {dishonest:#?}");
}

fn steps_aside(analysis: &Analysis) -> bool {
    analysis.gaps.iter().any(|gap| gap.detail.contains("blanked"))
}
