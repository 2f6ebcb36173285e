//! What was found in many documents, counted by path and kind, in memory that does not grow with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::key_rule::key_rule;
use super::path::PathStep;
use super::value::{Deviation, DocumentVerdict, judge};
use super::{Contract, Registered};
use crate::contract::shape::above;
use crate::model::DocumentKey;
use crate::model::observation::{Drift, DriftAt, DriftKind, KeyPresence, KeyRule};

/// Paths distinguished at most.
const PATHS_MAX: usize = 200;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Verdicts {
    drift: Drift,
    at: BTreeMap<String, DriftAt>,
}

impl Verdicts {
    /// Judge one document, as text. What is no JSON that can be held, such as a number beyond every float, is not judged.
    pub fn add(&mut self, contract: &Contract, text: &str) {
        let verdict = serde_json::from_str(text).map(|document| judge(contract, &document));
        match verdict {
            Ok(DocumentVerdict::Kept) => self.drift.judged += 1,
            Ok(DocumentVerdict::Unknown) | Err(_) => self.drift.unjudged += 1,
            Ok(DocumentVerdict::Broken(found)) => {
                self.drift.judged += 1;
                self.drift.broken += 1;
                self.count(found);
            }
        }
    }

    /// Documents that no one came to judge.
    pub fn leave(&mut self, documents: u64) {
        self.drift.unjudged += documents;
    }

    fn count(&mut self, found: Vec<Deviation>) {
        let kinds: BTreeSet<DriftKind> = found.iter().map(|(_, kind)| *kind).collect();
        for kind in kinds {
            *self.drift.kinds.entry(kind).or_default() += 1;
        }
        let mut last: Option<String> = None;
        for (path, kind) in found {
            if self.at.len() >= PATHS_MAX && !self.at.contains_key(&path) {
                self.drift.paths_left_out += 1;
                continue;
            }
            let at = self.at.entry(path.clone()).or_default();
            // What was found comes sorted by path.
            if last.as_ref() != Some(&path) {
                at.documents += 1;
            }
            *at.kinds.entry(kind).or_default() += 1;
            last = Some(path);
        }
    }

    /// All of it, the most frequent first.
    pub fn into_drift(self) -> Drift {
        let mut paths: Vec<DriftAt> =
            self.at.into_iter().map(|(path, at)| DriftAt { path, ..at }).collect();
        paths.sort_by(|a, b| (b.documents, &a.path).cmp(&(a.documents, &b.path)));
        Drift { paths, ..self.drift }
    }
}

impl Registered {
    /// Whether it is of that column.
    pub fn is_of(&self, schema: &str, table: &str, column: &str) -> bool {
        self.schema == schema && self.table == table && self.column == column
    }
}

/// The names among these keys, with how many documents and groups of them have each, and what the contract says of it. Keys that are data are
/// left out, and what is below them.
pub fn names(
    contract: &Contract,
    keys: &[DocumentKey],
    presence: &BTreeMap<String, (u64, u64)>,
) -> BTreeMap<String, KeyPresence> {
    let mut names = BTreeMap::new();
    let mut paths: HashMap<&str, Vec<PathStep<'_>>> = HashMap::from([("", Vec::new())]);
    for key in keys.iter().filter(|key| !key.is_data) {
        let Some(path) = paths.get(above(key)) else { continue };
        let step = key.name.as_deref().map_or(PathStep::Items, PathStep::Key);
        let path = [path.as_slice(), &[step]].concat();
        let key_rule = key_rule(contract, &path);
        if key_rule == KeyRule::Data {
            continue;
        }
        if key.name.is_some() {
            let (documents, groups) = presence.get(&key.path).copied().unwrap_or_default();
            names.insert(key.path.clone(), KeyPresence { documents, groups, rule: key_rule });
        }
        paths.insert(&key.path, path);
    }
    names
}
