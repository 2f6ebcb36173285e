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

/// The first sets the floors of its helper to 0, so that no policy changes them. The second finds rows by `rows_left_max`, which
/// another check of its superpower declares.
const BY_HELPERS: [&str; 2] = ["hybrid-schema/bound-json-key", "gin/jsonb-ops-for-containment"];

#[test]
fn a_threshold_that_a_check_reads_is_declared() {
    let read = read();
    let undeclared = |check: &&Check| {
        let own = declared(check);
        read.get(check.id).is_some_and(|read| read.iter().any(|name| !own.contains(name)))
    };
    let undeclared = checks::all().filter(undeclared).map(|check| check.id);
    let undeclared: Vec<&str> = undeclared.filter(|id| !BY_HELPERS.contains(id)).collect();
    assert_eq!(undeclared, [] as [&str; 0]);
    assert!(read.values().map(BTreeSet::len).sum::<usize>() > 1, "{read:?}");
}

/// All of the source, without blanks.
fn source() -> String {
    let (mut source, mut folders) =
        (String::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                source.extend(std::fs::read_to_string(path).unwrap().split_whitespace());
            }
        }
    }
    source
}

/// Whether a constant is borrowed, be it by its path: `&NAME`, `&size::NAME`.
fn borrows(source: &str, constant: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = source.match_indices(constant);
    found.any(|(at, _)| {
        let path = source[..at].trim_end_matches(|c| is_part(c) || c == ':');
        let is_whole = source[path.len()..at].is_empty() || source[..at].ends_with(':');
        is_whole && path.ends_with('&') && !source[at + constant.len()..].starts_with(is_part)
    })
}

/// By the source: not every branch is taken on the recorded snapshots.
#[test]
fn a_threshold_that_is_declared_is_read() {
    let source = source();
    // What stands in the lists of checks is declared there, not read.
    let mut rest = source.split("thresholds:&[");
    let mut read = rest.next().unwrap_or_default().to_owned();
    read.extend(rest.filter_map(|rest| Some(rest.split_once(']')?.1)));
    let before = source.split(":Threshold=Threshold{").collect::<Vec<_>>();
    let declared = before.iter().rev().skip(1).filter_map(|text| text.rsplit("static").next());
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let declared: BTreeSet<&str> = declared.filter(is_name).collect();
    assert!(declared.len() > 100, "{declared:?}");
    let unread: Vec<&&str> = declared.iter().filter(|name| !borrows(&read, name)).collect();
    assert_eq!(unread, [] as [&&str; 0]);
}
