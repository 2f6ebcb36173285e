//! Rendered bodies, and the one place in them that says where the answer came from. Pure.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use crate::model::CacheStatus;

/// A rendered body, kept as a hit says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedBody {
    hit: Bytes,
    status_at: Option<usize>,
    is_passing: bool,
    /// What identifies it, where that is not its bytes.
    identity: Option<[u8; 16]>,
}

/// What stands before the status in a rendered `Analysis`. Inside a JSON string its quotes would be
/// escaped, so the first one found is the field itself.
const BEFORE: &str = r#""cache":{"status":""#;

const HIT: &str = CacheStatus::Hit.as_str();

impl RenderedBody {
    /// A rendered `Analysis` (or anything else with `"cache":{"status":"…"`), in whatever status:
    /// the cache writes the true one into it. A body without that place is left as it is.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        match find_status(&bytes) {
            Some(span) => {
                let status_at = Some(span.start);
                let hit = splice(&bytes, span, HIT);
                Self { hit, status_at, is_passing: false, identity: None }
            }
            None => Self { hit: bytes, status_at: None, is_passing: false, identity: None },
        }
    }

    /// The same of an answer that the next computation may better: it never counts as fresh.
    #[must_use]
    pub fn passing(self, is_passing: bool) -> Self {
        Self { is_passing, ..self }
    }

    /// The same, identified by `said`: what it says without what differs at each computation, such as times.
    #[must_use]
    pub fn identified_by(self, said: &[u8]) -> Self {
        Self { identity: Some(short(said)), ..self }
    }

    /// Whether the next computation may better it.
    pub(super) fn is_passing(&self) -> bool {
        self.is_passing
    }

    /// A body as [`Self::hit`] and [`Self::status_at`] gave it; `None` if no hit stands there.
    pub(super) fn restore(hit: Bytes, status_at: Option<usize>) -> Option<Self> {
        let stands = |at: usize| hit.get(at..at + HIT.len()) == Some(HIT.as_bytes());
        let is_passing = false;
        status_at.is_none_or(stands).then_some(Self { hit, status_at, is_passing, identity: None })
    }

    /// Its bytes, as a hit says it.
    pub fn bytes(&self) -> &[u8] {
        &self.hit
    }

    /// The body as a hit says it.
    pub(super) fn hit(&self) -> &Bytes {
        &self.hit
    }

    /// Where its status stands.
    pub(super) fn status_at(&self) -> Option<usize> {
        self.status_at
    }

    /// The body as `status` says it. A hit costs no copy.
    pub(super) fn in_status(&self, status: CacheStatus) -> Bytes {
        match self.status_at {
            Some(at) if status != CacheStatus::Hit => {
                splice(&self.hit, at..at + HIT.len(), status.as_str())
            }
            _ => self.hit.clone(),
        }
    }

    /// Identifies what the body says, whatever its status.
    pub(super) fn digest(&self) -> [u8; 16] {
        self.identity.unwrap_or_else(|| short(&self.hit))
    }
}

fn short(bytes: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    short
}

fn find_status(bytes: &[u8]) -> Option<Range<usize>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let start = text.find(BEFORE)? + BEFORE.len();
    let length = text[start..].find('"')?;
    let written = &text[start..start + length];
    let known = CacheStatus::ALL.iter().any(|status| status.as_str() == written);
    known.then_some(start..start + length)
}

fn splice(bytes: &[u8], span: Range<usize>, status: &str) -> Bytes {
    let mut spliced = BytesMut::with_capacity(bytes.len() + status.len());
    spliced.extend_from_slice(&bytes[..span.start]);
    spliced.extend_from_slice(status.as_bytes());
    spliced.extend_from_slice(&bytes[span.end..]);
    spliced.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Analysis, CacheInfo, Cost, Server};

    fn analysis(status: CacheStatus) -> Vec<u8> {
        let analysis = Analysis {
            target: r#""cache":{"status":"miss""#.to_owned(),
            superpower: "toast".to_owned(),
            observed_at: jiff::Timestamp::UNIX_EPOCH,
            server: Server { version: "18.6".to_owned(), major: 18, in_recovery: false },
            cost: Cost::default(),
            cache: Some(CacheInfo {
                status,
                key: "dbopt:1:v7:demo:toast:5c1f".to_owned(),
                model_version: "v7".to_owned(),
                ttl_seconds: 300,
            }),
            tables: None,
            findings: Vec::new(),
            recommendations: Vec::new(),
            declined: Vec::new(),
            gaps: Vec::new(),
            is_passing: false,
        };
        serde_json::to_vec(&analysis).unwrap()
    }

    #[test]
    fn an_analysis_says_its_status_in_every_status() {
        let body = RenderedBody::new(analysis(CacheStatus::Miss));
        for status in CacheStatus::ALL {
            assert_eq!(body.in_status(status), analysis(status), "{status:?}");
            assert_eq!(RenderedBody::new(analysis(status)).digest(), body.digest());
        }
    }

    #[test]
    fn a_hit_shares_the_stored_bytes() {
        let body = RenderedBody::new(analysis(CacheStatus::Miss));
        assert_eq!(body.in_status(CacheStatus::Hit).as_ptr(), body.hit().as_ptr());
    }

    #[test]
    fn a_body_without_a_status_is_left_as_it_is() {
        for text in
            [r#"{"target":"demo"}"#, r#"{"cache":{"status":"other"}}"#, "\"cache\":{\"status\":\""]
        {
            let body = RenderedBody::new(text);
            assert_eq!(body.in_status(CacheStatus::Stale), text);
        }
        let body = RenderedBody::new(Bytes::from_static(b"\xff\xfe"));
        assert_eq!(body.in_status(CacheStatus::Miss), b"\xff\xfe".as_slice());
    }

    #[test]
    fn different_bodies_have_different_digests() {
        assert_ne!(RenderedBody::new("a").digest(), RenderedBody::new("b").digest());
    }

    #[test]
    fn a_body_is_restored_only_where_a_hit_stands() {
        let body = RenderedBody::new(analysis(CacheStatus::Miss));
        let again = RenderedBody::restore(body.hit().clone(), body.status_at());
        assert_eq!(again, Some(body.clone()));
        assert_eq!(RenderedBody::restore(body.hit().clone(), Some(0)), None);
        assert_eq!(RenderedBody::restore(body.hit().clone(), Some(usize::MAX - 3)), None);
    }
}
