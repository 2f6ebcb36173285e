//! What was seen of the examples of the pages, judged again without a server: each check has its unit test on recorded values.
//!
//! `DBOPT_RECORD=1 cargo test --test it every_page_holds` records them again, where what is observed has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use database_optimizer::analysis::{Request, decode, judge_snapshot};
use database_optimizer::checks::{self, Check};
use database_optimizer::model::{SNAPSHOT_FORMAT, Snapshot, Superpower};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::Value;

use super::{Example, GAP, plan_text};
use crate::support::{members_for, request_of};

const FOLDER: &str = "tests/fixtures/pages";

/// What was seen of a page's examples, by their headings: a snapshot, or the plan of the statement.
type Recorded = BTreeMap<String, Value>;

/// Keeps what was seen of an example on the newest server that the check is run on, where that is asked for.
pub(super) fn record(check: &Check, example: &Example, member: &str, seen: &impl Serialize) {
    let is_newest = members_for(check.id, example.needs).last().is_some_and(|last| last == member);
    if std::env::var_os("DBOPT_RECORD").is_none() || !is_newest {
        return;
    }
    let path = file(check);
    let mut recorded = if path.exists() { read(&path) } else { Recorded::new() };
    recorded.insert(example.heading.clone(), serde_json::to_value(seen).unwrap());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::best());
    serde_json::to_writer(file, &recorded).unwrap();
}

fn file(check: &Check) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.json.gz", check.id))
}

fn read(path: &Path) -> Recorded {
    let mut json = String::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

#[tokio::test]
async fn what_was_seen_of_each_page_is_judged_the_same_without_a_server() {
    let (mut judged_of, mut wrong) = (BTreeSet::new(), Vec::new());
    for check in checks::all().filter(|check| file(check).exists()) {
        judged_of.insert(check.superpower);
        for (heading, seen) in read(&file(check)) {
            let example = Example::of(check, &heading);
            let mut request = request_of(check.superpower, &example.set);
            request.scope.checks.push(check.id.to_owned());
            let (is_found, gaps) = match seen {
                Value::String(plan) => decoded(request, plan).await,
                snapshot => judged(&request, snapshot),
            };
            if is_found != (heading == "Fires") || gaps == 0 && GAP.ends_with(&heading) {
                wrong.push(format!("{}: {heading}", check.id));
            }
        }
    }
    assert!(wrong.is_empty(), "judged otherwise than on the server: {wrong:#?}");
    assert_eq!(judged_of.len(), Superpower::ALL.len(), "{judged_of:?}");
}

/// Whether something was found, and how many gaps name a remedy.
fn judged(request: &Request, snapshot: Value) -> (bool, usize) {
    assert_eq!(snapshot["format"], SNAPSHOT_FORMAT, "record it again");
    let snapshot: Snapshot = serde_json::from_value(snapshot).unwrap();
    let analysis = judge_snapshot("recorded", request, &snapshot);
    let gaps = analysis.gaps.iter().filter(|gap| gap.lift.is_some()).count();
    (!analysis.findings.is_empty(), gaps)
}

async fn decoded(request: Request, plan: String) -> (bool, usize) {
    let plans = decode(request, plan_text(plan)).await.unwrap();
    let found = plans.plans().iter().any(|plan| !plan.findings.is_empty());
    (found, plans.plans().iter().map(|plan| plan.gaps.len()).sum())
}
