//! Keys of questions without parameters, which most are: making a key again costs more than finding its answer.

use std::sync::{PoisonError, RwLock};

use foldhash::HashMap;
use jiff::Timestamp;

use super::CacheKey;

/// Targets at most; beyond that their keys are made again.
const TARGETS_MAX: usize = 10_000;

/// Keys of questions without parameters, by target and kind of answer.
#[derive(Default)]
pub struct PlainKeys {
    by_target: RwLock<HashMap<String, Vec<PlainKey>>>,
}

/// A question without parameters about a target as it is.
#[derive(Debug, Clone, Copy)]
pub struct PlainQuestion<'q> {
    /// The target's name.
    pub target: &'q str,
    /// The target's revision.
    pub revision: i64,
    /// When the target was changed last: a key holds for one such time, and for one revision.
    pub updated_at: Timestamp,
    /// The superpower's name, or `all`.
    pub superpower: &'static str,
}

struct PlainKey {
    superpower: &'static str,
    revision: i64,
    updated_at: Timestamp,
    key: CacheKey,
}

impl PlainKey {
    fn is_of(&self, question: &PlainQuestion<'_>) -> bool {
        self.superpower == question.superpower
            && self.revision == question.revision
            && self.updated_at == question.updated_at
    }
}

impl PlainKeys {
    /// The key of that question.
    pub fn get(&self, question: &PlainQuestion<'_>) -> Option<CacheKey> {
        let by_target = self.by_target.read().unwrap_or_else(PoisonError::into_inner);
        let keys = by_target.get(question.target)?;
        keys.iter().find(|key| key.is_of(question)).map(|key| key.key.clone())
    }

    /// Remember a key in place of the one the question had before.
    pub fn put(&self, question: &PlainQuestion<'_>, key: &CacheKey) {
        let PlainQuestion { target, revision, updated_at, superpower } = *question;
        let mut by_target = self.by_target.write().unwrap_or_else(PoisonError::into_inner);
        if by_target.len() >= TARGETS_MAX {
            by_target.clear();
        }
        let keys = by_target.entry(target.to_owned()).or_default();
        keys.retain(|key| key.superpower != superpower);
        keys.push(PlainKey { superpower, revision, updated_at, key: key.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::KeyParts;

    #[test]
    fn a_key_is_remembered_for_the_target_as_it_was() {
        let keys = PlainKeys::default();
        let parts = KeyParts {
            target: "demo",
            model_version: "v1",
            revision: 1,
            trusts_code: false,
            superpower: "toast",
            request: (),
        };
        let key = CacheKey::new(&parts);
        let before = PlainQuestion {
            target: "demo",
            revision: 1,
            updated_at: Timestamp::UNIX_EPOCH,
            superpower: "toast",
        };
        let after = PlainQuestion { updated_at: Timestamp::MAX, ..before };
        keys.put(&before, &key);
        assert_eq!(keys.get(&before), Some(key.clone()));
        for other in [
            PlainQuestion { target: "other", ..before },
            PlainQuestion { revision: 2, ..before },
            after,
            PlainQuestion { superpower: "all", ..before },
        ] {
            assert_eq!(keys.get(&other), None, "{other:?}");
        }
        keys.put(&after, &key);
        assert_eq!(keys.get(&before), None);
    }
}
