//! Every answer carries an id, the caller's own where it sent a plain one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header, in both directions.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ones are not ids.
const LENGTH_MAX: usize = 128;

/// The caller's id, or one of ours.
pub(super) fn of(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(&X_REQUEST_ID).filter(|id| is_plain(id));
    given.cloned().unwrap_or_else(made)
}

/// Letters, digits and a few marks: it goes into logs.
fn is_plain(id: &HeaderValue) -> bool {
    let plain = |c: &u8| c.is_ascii_alphanumeric() || b"-_.:".contains(c);
    (1..=LENGTH_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain)
}

/// Random in its first half, which all ids of this process share; counted in its second. Randomness for each
/// would be a call to the kernel for each.
fn made() -> HeaderValue {
    static PROCESS: LazyLock<[u8; 8]> = LazyLock::new(|| {
        let mut bytes = [0; 8];
        // Without randomness ids repeat after a restart, which harms no one.
        let _ = getrandom::fill(&mut bytes);
        bytes
    });
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&*PROCESS);
    bytes[8..].copy_from_slice(&MADE.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let mut text = [0; 32];
    let written = hex::encode_to_slice(bytes, &mut text);
    let id = written.ok().and_then(|()| HeaderValue::from_bytes(&text).ok());
    id.unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_kept() {
        let plain = |id: &str| is_plain(&HeaderValue::from_str(id).unwrap());
        assert!(plain("4bf92f35-77b3.4da6:1_x"));
        assert!(!plain("") && !plain("a b") && !plain("<script>") && !plain(&"a".repeat(129)));
        assert_ne!(made(), made());
    }
}
