//! Rendered answers, in process and in Redis behind one type. A cache that fails costs time, never an answer.

mod body;
mod key;

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;

pub use body::Body;
pub use key::{Key, KeyParts};

use crate::config::CacheConfig;
use crate::model::CacheStatus;

/// Rendered answers by key; `E` is what a computation may fail with. Cheap to clone.
///
/// Make it after the metrics recorder is installed: its counters are bound once.
pub struct Cache<E> {
    errors: PhantomData<fn() -> E>,
}

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Redis URL cannot be parsed.
    #[error(
        "DBOPT_REDIS_URL must be redis://[user:password@]host[:port][/database] or a Unix socket's unix:///path"
    )]
    MalformedUrl,
}

/// An answer to send.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The body, which says `status` itself where it has a place for it.
    pub body: Bytes,
    /// ASCII and quoted, as the header wants it; the same for all statuses of one computation.
    pub etag: Bytes,
    /// When it was computed.
    pub made_at: Timestamp,
    /// Where it came from.
    pub status: CacheStatus,
}

impl<E: Send + Sync + 'static> Cache<E> {
    /// A cache in process, and in Redis where a URL is given. Does not connect yet.
    pub fn new(config: &CacheConfig, redis_url: Option<&SecretString>) -> Result<Self, Error> {
        let _ = (config, redis_url);
        unimplemented!("being written")
    }

    /// The answer of that key: from the cache, or computed once for all who ask at the same time.
    ///
    /// `bypass` computes it anew and stores it. Errors are shared with who waits, and not stored.
    pub async fn get_or_compute<F, Fut>(
        &self,
        key: &Key,
        compute: F,
        bypass: bool,
    ) -> Result<Answer, Arc<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Body, E>> + Send + 'static,
    {
        let _ = (key, compute, bypass);
        unimplemented!("being written")
    }
}
