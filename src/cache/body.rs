//! Rendered bodies, and the one place in them that says where the answer came from.

use bytes::Bytes;

/// A rendered body.
#[derive(Debug, Clone)]
pub struct Body {
    bytes: Bytes,
}

impl Body {
    /// A rendered `Analysis` (or anything else with `"cache":{"status":"…"`), in whatever status:
    /// the cache writes the true one into it.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into() }
    }
}
