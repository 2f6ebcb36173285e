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

struct PlainKey {
    superpower: &'static str,
    /// The target's revision and the time of its last change: a key holds for one of each.
    version: (i64, Timestamp),
    key: CacheKey,
}

impl PlainKeys {
    /// The key of that question about the target as it is.
    pub fn get(
        &self,
        target: &str,
        version: (i64, Timestamp),
        superpower: &'static str,
    ) -> Option<CacheKey> {
        let by_target = self.by_target.read().unwrap_or_else(PoisonError::into_inner);
        let keys = by_target.get(target)?;
        let key = keys.iter().find(|key| key.superpower == superpower && key.version == version);
        key.map(|key| key.key.clone())
    }

    /// Remember a key in place of the one the question had before.
    pub fn put(
        &self,
        target: &str,
        version: (i64, Timestamp),
        (superpower, key): (&'static str, &CacheKey),
    ) {
        let mut by_target = self.by_target.write().unwrap_or_else(PoisonError::into_inner);
        if by_target.len() >= TARGETS_MAX {
            by_target.clear();
        }
        let keys = by_target.entry(target.to_owned()).or_default();
        keys.retain(|key| key.superpower != superpower);
        keys.push(PlainKey { superpower, version, key: key.clone() });
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
        let (before, after) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        keys.put("demo", (1, before), ("toast", &key));
        assert_eq!(keys.get("demo", (1, before), "toast"), Some(key.clone()));
        for (target, version, superpower) in [
            ("other", (1, before), "toast"),
            ("demo", (2, before), "toast"),
            ("demo", (1, after), "toast"),
            ("demo", (1, before), "all"),
        ] {
            assert_eq!(keys.get(target, version, superpower), None);
        }
        keys.put("demo", (1, after), ("toast", &key));
        assert_eq!(keys.get("demo", (1, before), "toast"), None);
    }
}
