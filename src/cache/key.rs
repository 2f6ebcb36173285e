//! Keys: typed, versioned, and covering everything an answer depends on. Pure.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Format of the bodies under our keys; to be raised when they change in a way the package's version does not show.
const FORMAT: u32 = 1;

/// The key of an answer: `dbopt:<format>:<model_version>:<target>:<superpower>:<digest>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheKey {
    text: Arc<str>,
    /// Part of the digest, which covers the whole key: hashing it again in a map is cheap.
    hash: u64,
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// What an answer depends on.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct KeyParts<'a, R> {
    /// The target's name.
    pub target: &'a str,
    /// The target's model version.
    pub model_version: &'a str,
    /// The target's revision.
    pub revision: i64,
    /// Whether code of the target's own may run: what would run it is seen then, and is a gap otherwise.
    pub trusts_code: bool,
    /// The superpower's name, `all`, or another kind of answer such as `capabilities`.
    pub superpower: &'a str,
    /// The whole request: scope, policy in force, how far to prove.
    pub request: R,
}

impl CacheKey {
    /// The key of what `parts` ask for, answered by this build.
    ///
    /// # Panics
    /// If the request cannot be written as JSON, which every request of ours can: their maps have names as keys.
    pub fn new<R: Serialize>(parts: &KeyParts<'_, R>) -> Self {
        Self::of_build(parts, env!("CARGO_PKG_VERSION"))
    }

    fn of_build<R: Serialize>(parts: &KeyParts<'_, R>, build: &str) -> Self {
        let mut covered = Vec::with_capacity(512);
        serde_json::to_writer(&mut covered, &(FORMAT, build, parts)).expect("a request is JSON");
        let digest: [u8; 32] = Sha256::digest(covered).into();
        let KeyParts { target, model_version, superpower, .. } = parts;
        let [short, hash] = [&digest[..16], &digest[16..24]];
        let mut hexed = [0; 32];
        hex::encode_to_slice(short, &mut hexed).expect("16 bytes are 32 digits");
        let short = str::from_utf8(&hexed).expect("digits are text");
        Self {
            text: format!("dbopt:{FORMAT}:{model_version}:{target}:{superpower}:{short}").into(),
            hash: hash.iter().fold(0, |hash, byte| (hash << 8) | u64::from(*byte)),
        }
    }

    /// The key as Redis and `cache.key` show it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{Policy, ProveMode, Scope, Severity};

    type Request = (Scope, ProveMode, Policy);

    fn parts(request: &Request) -> KeyParts<'_, &Request> {
        KeyParts {
            target: "demo",
            model_version: "v7",
            revision: 3,
            trusts_code: false,
            superpower: "toast",
            request,
        }
    }

    #[test]
    fn a_key_reads_as_documented_and_is_the_same_every_time() {
        let request = Request::default();
        let key = CacheKey::new(&parts(&request));
        let (head, digest) = key.as_str().rsplit_once(':').unwrap();
        assert_eq!(head, "dbopt:1:v7:demo:toast");
        assert!(digest.len() == 32 && digest.bytes().all(|c| c.is_ascii_hexdigit()));
        assert_eq!(CacheKey::new(&parts(&request)), key);
    }

    #[test]
    fn whatever_an_answer_depends_on_changes_the_digest() {
        let none = Request::default();
        let requests = [
            (Scope { schemas: vec!["ml".into()], ..Scope::default() }, none.1, none.2.clone()),
            (Scope { tables: vec!["ml".into()], ..Scope::default() }, none.1, none.2.clone()),
            (Scope { checks: vec!["ml".into()], ..Scope::default() }, none.1, none.2.clone()),
            (
                Scope { severity_min: Some(Severity::Low), ..Scope::default() },
                none.1,
                none.2.clone(),
            ),
            (none.0.clone(), ProveMode::Full, none.2.clone()),
            (none.0.clone(), none.1, Policy([("share_max".to_owned(), 0.2)].into())),
        ];
        let plain = parts(&none);
        let mut keys: Vec<CacheKey> =
            requests.iter().map(|request| CacheKey::new(&parts(request))).collect();
        keys.push(CacheKey::new(&plain));
        keys.push(CacheKey::new(&KeyParts { target: "other", ..plain }));
        keys.push(CacheKey::new(&KeyParts { model_version: "v8", ..plain }));
        keys.push(CacheKey::new(&KeyParts { revision: 4, ..plain }));
        keys.push(CacheKey::new(&KeyParts { trusts_code: true, ..plain }));
        keys.push(CacheKey::new(&KeyParts { superpower: "gin", ..plain }));
        keys.push(CacheKey::of_build(&plain, "0.0.0"));
        let digests: BTreeSet<_> = keys.iter().map(|key| key.as_str().rsplit(':').next()).collect();
        let hashes: BTreeSet<_> = keys.iter().map(|key| key.hash).collect();
        assert_eq!((digests.len(), hashes.len()), (keys.len(), keys.len()));
    }

    #[test]
    fn parts_that_read_alike_when_joined_have_different_keys() {
        let one = KeyParts { model_version: "v7:demo", ..parts_of(&()) };
        let other = KeyParts { target: "demo:demo", ..parts_of(&()) };
        assert_ne!(CacheKey::new(&one).hash, CacheKey::new(&other).hash);
    }

    fn parts_of(request: &()) -> KeyParts<'_, &()> {
        KeyParts {
            target: "demo",
            model_version: "v7",
            revision: 3,
            trusts_code: false,
            superpower: "toast",
            request,
        }
    }
}
