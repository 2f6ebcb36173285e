//! One cached answer, and its form in Redis. Pure.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use jiff::Timestamp;

use super::{Answer, CacheKey, Gzip, RenderedBody};
use crate::model::CacheStatus;

/// One cached answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CachedAnswer {
    body: RenderedBody,
    digest: [u8; DIGEST_BYTES],
    gzip: Gzip,
    etag: Bytes,
    cache_control: Bytes,
    made_at: Timestamp,
    fresh_until_ms: i64,
}

/// First bytes of a value of ours; the last one is the version of its form.
const MAGIC: &[u8; 8] = b"dbopt\0c\x02";

/// Magic, checksum, time, time to live, place of the status, digest, all little endian.
const HEADER_BYTES: usize = 8 + 4 + 8 + 8 + 4 + DIGEST_BYTES;

const DIGEST_BYTES: usize = 16;

/// For "no place of the status".
const NOWHERE: u32 = u32::MAX;

impl CachedAnswer {
    /// An answer computed from what was seen at `made_at`, fresh for `ttl`.
    pub(super) fn new(body: RenderedBody, made_at: Timestamp, ttl: Duration) -> Self {
        let digest = body.digest();
        Self::identified(body, digest, made_at, ttl)
    }

    /// An answer whose digest is known.
    fn identified(
        body: RenderedBody,
        digest: [u8; DIGEST_BYTES],
        made_at: Timestamp,
        ttl: Duration,
    ) -> Self {
        let mut hexed = [0; 2 * DIGEST_BYTES];
        hex::encode_to_slice(digest, &mut hexed).expect("a byte is two digits");
        let mut etag = BytesMut::with_capacity(2 * DIGEST_BYTES + 4);
        // Weak: the bodies of one computation say the same, but for the status.
        etag.put_slice(b"W/\"");
        etag.put_slice(&hexed);
        etag.put_slice(b"\"");
        let etag = etag.freeze();
        let cache_control = Bytes::from(format!("private, max-age={}", ttl.as_secs()));
        let fresh_until_ms = made_at.as_millisecond().saturating_add(millis(ttl));
        Self { body, digest, gzip: Gzip::default(), etag, cache_control, made_at, fresh_until_ms }
    }

    /// Whether it still counts as fresh.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now.as_millisecond() < self.fresh_until_ms
    }

    /// Whether it was made before `other`.
    pub(super) fn is_older_than(&self, other: &Self) -> bool {
        self.made_at < other.made_at
    }

    /// Bytes held for it, for weighing; with room for its compressed form, which comes later.
    pub(super) fn bytes(&self) -> usize {
        self.body.hit().len() / 4 * 5 + self.etag.len() + size_of::<Self>()
    }

    /// The answer to send now.
    pub(super) fn answer(&self, status: CacheStatus, now: Timestamp) -> Answer {
        let age = now.duration_since(self.made_at).as_secs();
        Answer {
            body: self.body.in_status(status),
            gzip: match status {
                CacheStatus::Hit => self.gzip.clone(),
                // What says another status is another body.
                _ => Gzip::default(),
            },
            etag: self.etag.clone(),
            cache_control: self.cache_control.clone(),
            made_at: self.made_at,
            age_seconds: u64::try_from(age).unwrap_or(0),
            status,
        }
    }

    /// The value to store under `key`.
    pub(super) fn encode(&self, key: &CacheKey) -> Bytes {
        let made_at_ms = self.made_at.as_millisecond();
        let status_at = self.body.status_at().and_then(|at| u32::try_from(at).ok());
        let hit = self.body.hit();
        let mut value = BytesMut::with_capacity(HEADER_BYTES + hit.len());
        value.put_slice(MAGIC);
        value.put_u32_le(0);
        value.put_i64_le(made_at_ms);
        value.put_i64_le(self.fresh_until_ms - made_at_ms);
        value.put_u32_le(status_at.unwrap_or(NOWHERE));
        value.put_slice(&self.digest);
        value.put_slice(hit);
        let checksum = checksum(key, &value[12..]);
        value[8..12].copy_from_slice(&checksum.to_le_bytes());
        value.freeze()
    }

    /// The entry that was stored under `key`; `None` if that is nothing of ours, whole and unharmed.
    pub(super) fn decode(key: &CacheKey, value: &Bytes) -> Option<Self> {
        let (header, _) = value.split_first_chunk::<HEADER_BYTES>()?;
        let (magic, rest) = header.split_first_chunk::<8>()?;
        let (stored_checksum, rest) = rest.split_first_chunk::<4>()?;
        if magic != MAGIC || u32::from_le_bytes(*stored_checksum) != checksum(key, &value[12..]) {
            return None;
        }
        let (made_at_ms, rest) = rest.split_first_chunk::<8>()?;
        let (ttl_ms, rest) = rest.split_first_chunk::<8>()?;
        let (status_at, rest) = rest.split_first_chunk::<4>()?;
        let digest = rest.try_into().ok()?;
        let status_at = Some(u32::from_le_bytes(*status_at)).filter(|at| *at != NOWHERE);
        let body =
            RenderedBody::restore(value.slice(HEADER_BYTES..), status_at.map(|at| at as usize))?;
        let made_at = Timestamp::from_millisecond(i64::from_le_bytes(*made_at_ms)).ok()?;
        let ttl = Duration::from_millis(u64::try_from(i64::from_le_bytes(*ttl_ms)).ok()?);
        // Covered by the checksum: it need not be computed again for every reader.
        Some(Self::identified(body, digest, made_at, ttl))
    }
}

/// Covers the key, so that a value copied from another key is detected.
fn checksum(key: &CacheKey, rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key.as_str().as_bytes());
    hasher.update(rest);
    hasher.finalize()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::KeyParts;

    const TTL: Duration = Duration::from_mins(5);

    fn key(target: &str) -> CacheKey {
        let parts = KeyParts {
            target,
            model_version: "v1",
            revision: 1,
            trusts_code: false,
            superpower: "toast",
            request: (),
        };
        CacheKey::new(&parts)
    }

    fn entry(body: &str) -> CachedAnswer {
        CachedAnswer::new(
            RenderedBody::new(body.to_owned()),
            Timestamp::from_second(1_700_000_000).unwrap(),
            TTL,
        )
    }

    const ANALYSIS: &str = r#"{"cache":{"status":"miss"},"findings":[]}"#;

    #[test]
    fn what_was_stored_is_read_back_without_a_copy() {
        for body in [ANALYSIS, "{}", ""] {
            let value = entry(body).encode(&key("demo"));
            let read = CachedAnswer::decode(&key("demo"), &value).unwrap();
            assert_eq!(read, entry(body));
            assert!(body.is_empty() || value.as_ptr_range().contains(&read.body.hit().as_ptr()));
        }
    }

    #[test]
    fn a_value_of_another_key_is_not_read() {
        let value = entry(ANALYSIS).encode(&key("other"));
        assert_eq!(CachedAnswer::decode(&key("demo"), &value), None);
    }

    #[test]
    fn freshness_ends_with_the_time_to_live() {
        let entry = entry("{}");
        let at = |after: Duration| entry.made_at + after;
        assert!(entry.is_fresh(at(Duration::from_millis(299_999))));
        assert!(!entry.is_fresh(at(TTL)));
    }

    #[test]
    fn every_status_of_one_entry_has_the_same_tag() {
        let entry = entry(ANALYSIS);
        let [hit, stale] =
            [CacheStatus::Hit, CacheStatus::Stale].map(|s| entry.answer(s, Timestamp::now()));
        assert_ne!(hit.body, stale.body);
        assert_eq!(hit.etag, stale.etag);
        assert!(hit.etag.starts_with(b"W/\"") && hit.etag.ends_with(b"\""));
    }

    proptest! {
        #[test]
        fn garbage_is_never_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(CachedAnswer::decode(&key("demo"), &Bytes::from(bytes)), None);
        }

        #[test]
        fn one_changed_byte_is_detected(at: prop::sample::Index, change in 1_u8..) {
            let mut value = entry(ANALYSIS).encode(&key("demo")).to_vec();
            *at.get_mut(&mut value) ^= change;
            prop_assert_eq!(CachedAnswer::decode(&key("demo"), &Bytes::from(value)), None);
        }

        #[test]
        fn a_value_cut_short_is_detected(length: prop::sample::Index) {
            let value = entry(ANALYSIS).encode(&key("demo"));
            let value = value.slice(..length.index(value.len()));
            prop_assert_eq!(CachedAnswer::decode(&key("demo"), &value), None);
        }
    }
}
