//! Keys that are new since the last sample, and keys that vanished: only where chance does not explain it.

use crate::checks::number::{float, whole};
use crate::model::observation::{ColumnContract, Drift, KeyPresence, KeyRule, KeySample};
use crate::model::{Confidence, Finding, Object, Policy, Severity, Threshold, Unit, grouped};

pub(super) static KEY_CHANCE_MAX: Threshold = Threshold {
    name: "key_chance_max",
    default: 0.001,
    unit: Unit::Ratio,
    reason: "samples miss rare keys: where nothing changed, one analysis in a thousand may say so all the same",
};

/// Keys that are reported of each column.
const KEYS_LISTED: usize = 10;

/// A key that one sample has and the other has not.
pub(super) struct KeyDifference {
    pub(super) path: String,
    is_new: bool,
    /// In the sample that has it.
    documents: u64,
    now: u64,
    before: u64,
    since: String,
}

/// The keys that are new or vanished, the most frequent first; what is below one of them is not reported again.
pub(super) fn changed(
    drift: &Drift,
    contract: &ColumnContract,
    policy: &Policy,
) -> Vec<KeyDifference> {
    let (Some(now), Some(before)) = (&drift.keys, &contract.before) else { return Vec::new() };
    let chance_max = policy.get(&KEY_CHANCE_MAX);
    let mut changes = Vec::new();
    // What the contract names is expected to come; what it forbids is reported as that, and is expected to go.
    for (is_new, has, lacks) in [(true, now, before), (false, before, now)] {
        if lacks.keys_left_out {
            continue;
        }
        // One chance for all keys together.
        let chance_max = chance_max / float(has.keys.len()).max(1.0);
        for (path, presence) in only_in(has, lacks) {
            let matters = match presence.rule {
                KeyRule::Named => !is_new,
                KeyRule::Open => true,
                KeyRule::Data | KeyRule::Forbidden => false,
            };
            if matters && chance(*presence, has, lacks) < chance_max {
                changes.push(KeyDifference {
                    path: path.clone(),
                    is_new,
                    documents: presence.documents,
                    now: now.documents,
                    before: before.documents,
                    since: before.observed_at.to_string(),
                });
            }
        }
    }
    changes.sort_by(|a, b| (b.documents, &a.path).cmp(&(a.documents, &b.path)));
    changes.truncate(KEYS_LISTED);
    changes
}

/// Keys of one sample that the other has not, without those below another of them.
fn only_in<'a>(
    has: &'a KeySample,
    lacks: &'a KeySample,
) -> impl Iterator<Item = (&'a String, &'a KeyPresence)> {
    let only = has.keys.iter().filter(|(path, _)| !lacks.keys.contains_key(*path));
    only.filter(|(path, _)| {
        let ends = path.match_indices(['.', '[']).map(|(at, _)| &path[..at]);
        !ends
            .into_iter()
            .any(|above| has.keys.contains_key(above) && !lacks.keys.contains_key(above))
    })
}

/// How likely it is that all that have the key are in the one sample and none is in the other, if nothing changed: drawn
/// without putting back, from both together. By groups of documents, as what was written together is read together;
/// where every row was read both times, by documents.
fn chance(presence: KeyPresence, has: &KeySample, lacks: &KeySample) -> f64 {
    let (with, here, there) = if has.complete && lacks.complete {
        (presence.documents, has.documents, lacks.documents)
    } else {
        (presence.groups, has.groups, lacks.groups)
    };
    (0..with).fold(1.0, |chance, drawn| {
        let left = float(here.saturating_sub(drawn));
        chance * left / (left + float(there))
    })
}

impl KeyDifference {
    pub(super) fn finding(self, check: &'static str, object: Object) -> Finding {
        let Self { is_new, documents, now, before, since, .. } = self;
        let [having, all, once] = [documents, now, before].map(|count| grouped(float(count)));
        let (severity, message) = if is_new {
            let message = format!(
                "`{object}` is new: {having} of {all} documents have it, and none of {once} had it on {}",
                day(&since)
            );
            (Severity::Info, message)
        } else {
            let message = format!(
                "`{object}` vanished: none of {all} documents has it, and {having} of {once} had it on {}",
                day(&since)
            );
            (Severity::Low, message)
        };
        let name = if is_new { "new_key_documents" } else { "vanished_key_documents" };
        Finding::new(check, object, severity, message)
            .confidence(Confidence::Medium)
            .measured("documents", whole(float(now)), Unit::Count)
            .measured("documents_before", whole(float(before)), Unit::Count)
            .measured(name, whole(float(documents)), Unit::Count)
            .measured("since", since.as_str(), Unit::Name)
    }
}

fn day(since: &str) -> &str {
    since.split('T').next().unwrap_or(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(documents: u64, complete: bool, keys: &[(&str, u64, KeyRule)]) -> KeySample {
        let keys = keys.iter().map(|(path, groups, rule)| {
            let documents = groups * if complete { 1 } else { 20 };
            let presence = KeyPresence { documents, groups: *groups, rule: *rule };
            ((*path).to_owned(), presence)
        });
        KeySample {
            observed_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            documents,
            groups: documents.div_ceil(20),
            complete,
            keys_left_out: false,
            keys: keys.collect(),
        }
    }

    fn changes(before: KeySample, now: KeySample) -> Vec<(String, bool)> {
        let drift = Drift { keys: Some(now), ..Drift::default() };
        let [schema, table, column] = ["ml", "t", "data"].map(str::to_owned);
        let contract = ColumnContract { schema, table, column, before: Some(before) };
        let changes = changed(&drift, &contract, &Policy::default()).into_iter();
        changes.map(|change| (change.path, change.is_new)).collect()
    }

    #[test]
    fn a_key_of_a_few_groups_may_be_missed_and_one_of_many_cannot() {
        let before = |groups| sample(2000, false, &[("seldom", groups, KeyRule::Open)]);
        let now = || sample(2000, false, &[]);
        assert_eq!(changes(before(9), now()), []);
        assert_eq!(changes(before(12), now()), [("seldom".to_owned(), false)]);
        let many: Vec<String> = (0..1000).map(|n| format!("k{n}")).collect();
        let many: Vec<(&str, u64, KeyRule)> =
            many.iter().map(|key| (key.as_str(), 12, KeyRule::Open)).collect();
        assert_eq!(changes(sample(2000, false, &many), now()), [], "one chance for all of them");
    }

    #[test]
    fn what_the_contract_names_may_come_and_what_it_forbids_may_go() {
        let all = |rule| sample(2000, false, &[("key", 100, rule)]);
        let none = || sample(2000, false, &[]);
        for (rule, comes, goes) in [
            (KeyRule::Named, false, true),
            (KeyRule::Open, true, true),
            (KeyRule::Data, false, false),
            (KeyRule::Forbidden, false, false),
        ] {
            assert_eq!(!changes(none(), all(rule)).is_empty(), comes, "{rule:?}");
            assert_eq!(!changes(all(rule), none()).is_empty(), goes, "{rule:?}");
        }
    }

    #[test]
    fn what_is_below_a_new_key_is_told_with_it() {
        let keys =
            [("a", 100, KeyRule::Open), ("a.b", 100, KeyRule::Open), ("a[].c", 100, KeyRule::Open)];
        let found = changes(sample(2000, false, &[]), sample(2000, false, &keys));
        assert_eq!(found, [("a".to_owned(), true)]);
    }

    #[test]
    fn where_more_keys_were_than_can_be_told_apart_none_is_new() {
        let before = KeySample { keys_left_out: true, ..sample(2000, false, &[]) };
        assert_eq!(changes(before, sample(2000, false, &[("key", 100, KeyRule::Open)])), []);
    }

    #[test]
    fn small_tables_are_read_whole_and_judged_by_documents() {
        let before = |documents| sample(100, true, &[("key", documents, KeyRule::Named)]);
        assert_eq!(changes(before(5), sample(100, true, &[])), []);
        assert_eq!(changes(before(40), sample(100, true, &[])).len(), 1);
    }
}
