//! Every answer carries an id, the caller's own where it sent a plain one.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header, in both directions.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ones are not ids.
const LENGTH_MAX: usize = 128;

/// Keep or make the id, and send it back.
pub(super) async fn keep(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&X_REQUEST_ID).filter(|id| is_plain(id));
    let id = given.cloned().unwrap_or_else(made);
    request.headers_mut().insert(X_REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

/// Letters, digits and a few marks: it goes into logs.
fn is_plain(id: &HeaderValue) -> bool {
    let plain = |c: &u8| c.is_ascii_alphanumeric() || b"-_.:".contains(c);
    (1..=LENGTH_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain)
}

fn made() -> HeaderValue {
    let mut bytes = [0; 16];
    // Without randomness ids repeat, which harms nobody.
    let _ = getrandom::fill(&mut bytes);
    HeaderValue::from_str(&hex::encode(bytes)).unwrap_or(HeaderValue::from_static("unknown"))
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
