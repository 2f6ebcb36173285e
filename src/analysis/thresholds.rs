//! Thresholds that a check declares are those it reads: otherwise one could set what changes nothing, or miss what does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::checks::{self, Check};
use crate::model::{Case, Policy, Scope, Snapshot, THRESHOLDS_READ};

fn recorded() -> impl Iterator<Item = Snapshot> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/snapshots");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
}

/// The thresholds that each check reads when it judges the recorded snapshots.
fn read() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let (policy, scope) = (Policy::default(), Scope::default());
    let mut read: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for snapshot in recorded() {
        let case = Case::new(&snapshot, &policy, &scope);
        for check in checks::all() {
            THRESHOLDS_READ.take();
            let _ = check.run(&case);
            read.entry(check.id).or_default().extend(THRESHOLDS_READ.take());
        }
    }
    read
}

fn declared(check: &Check) -> BTreeSet<&'static str> {
    check.thresholds.iter().map(|threshold| threshold.name).collect()
}

/// It sets the floors of its helper to 0, so that no policy changes them.
const BY_HELPER: &str = "hybrid-schema/bound-json-key";

#[test]
fn a_threshold_that_a_check_reads_is_declared() {
    let read = read();
    let undeclared = |check: &&Check| {
        let own = declared(check);
        read.get(check.id).is_some_and(|read| read.iter().any(|name| !own.contains(name)))
    };
    let undeclared = checks::all().filter(undeclared).map(|check| check.id);
    let undeclared: Vec<&str> = undeclared.filter(|id| *id != BY_HELPER).collect();
    assert_eq!(undeclared, [] as [&str; 0]);
    assert!(read.values().map(BTreeSet::len).sum::<usize>() > 1, "{read:?}");
}
