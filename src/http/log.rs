//! The log of requests. It holds no query string: thresholds are harmless, the rest may not be.

use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;

use super::analysis::X_CACHE;
use super::auth;
use super::problem::LogDetail;
use super::request_id;
use crate::config::is_target_name;
use crate::store::Store;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request as the log and the metrics name it.
pub(super) struct RequestLog {
    pub(super) id: HeaderValue,
    pub(super) method: Method,
    pub(super) route: Option<MatchedPath>,
    /// The trace it is part of.
    trace: Option<String>,
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl RequestLog {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            id: request_id::of(request.headers()),
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            trace: trace(request.headers()),
            uri: request.uri().clone(),
            authorization: request.headers().get(header::AUTHORIZATION).cloned(),
        }
    }

    /// The method, `other` for those of a caller's own making: metrics are not for callers to name.
    pub(super) fn method_name(&self) -> &'static str {
        let known = [
            (Method::GET, "GET"),
            (Method::POST, "POST"),
            (Method::PATCH, "PATCH"),
            (Method::DELETE, "DELETE"),
            (Method::PUT, "PUT"),
            (Method::HEAD, "HEAD"),
            (Method::OPTIONS, "OPTIONS"),
        ];
        known.iter().find(|(method, _)| *method == self.method).map_or("other", |(_, name)| name)
    }

    /// The path as it was declared, `none` where no path matched.
    pub(super) fn route_name(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    /// The target that the path names.
    fn target(&self) -> Option<&str> {
        let named = self.route.as_ref()?.as_str().starts_with(TARGET_ROUTE);
        let name = self.uri.path().split('/').nth(3)?;
        (named && is_target_name(name)).then_some(name)
    }

    /// Say what became of it, once: failures with their cause, work done, and what came from the cache only to
    /// who wants to know everything.
    pub(super) fn log(&self, response: &mut Response, took: Duration, store: &Store) {
        let status = response.status();
        let cause = response.extensions_mut().remove::<LogDetail>();
        let cause = cause.as_ref().map(|LogDetail(cause)| cause.as_str());
        macro_rules! answered {
            ($level:ident) => {
                if tracing::enabled!(tracing::Level::$level) {
                    // Its id alone: who holds a key that is not known is a stranger.
                    let key = self.authorization.as_ref().and_then(auth::token);
                    let key = key.and_then(|token| store.known_key(token));
                    tracing::event!(
                        tracing::Level::$level,
                        id = self.id.to_str().unwrap_or_default(),
                        trace = self.trace.as_deref(),
                        method = self.method_name(),
                        route = self.route_name(),
                        target = self.target(),
                        key = key.as_ref().map(|key| key.id.as_str()),
                        status = status.as_u16(),
                        took_ms = rounded_ms(took),
                        cause,
                        "answered"
                    );
                }
            };
        }
        match status {
            StatusCode::INTERNAL_SERVER_ERROR => answered!(ERROR),
            status if status.is_server_error() => answered!(WARN),
            _ if is_cached(response) => answered!(DEBUG),
            _ => answered!(INFO),
        }
    }
}

/// How paths begin that name a target.
const TARGET_ROUTE: &str = "/v1/targets/{target}";

/// Milliseconds with the digits that mean something.
pub(super) fn rounded_ms(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

fn is_cached(response: &Response) -> bool {
    response.headers().get(X_CACHE).is_some_and(|cache| cache == "hit")
}

/// The trace id of a `traceparent` header, as W3C writes it.
pub(super) fn trace(headers: &HeaderMap) -> Option<String> {
    let mut parts = headers.get(TRACEPARENT)?.to_str().ok()?.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str| text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    let valid = version.len() == 2 && trace.len() == 32 && hex(version) && hex(trace);
    (valid && trace.bytes().any(|c| c != b'0')).then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_taken_only_from_a_valid_traceparent() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |text: &str| {
            let headers = HeaderMap::from_iter([(TRACEPARENT, text.parse().unwrap())]);
            trace(&headers)
        };
        assert_eq!(of(&format!("00-{id}-00f067aa0ba902b7-01")).as_deref(), Some(id));
        assert_eq!(of(&format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32))), None);
        assert_eq!(of("00-xyz-1-01"), None);
    }

    #[test]
    fn durations_have_three_digits_behind_the_point() {
        let printed = |nanos| rounded_ms(Duration::from_nanos(nanos)).to_string();
        assert_eq!(printed(1_234_567_891), "1234.568");
        assert_eq!((printed(499), printed(1_000_000)), ("0".to_owned(), "1".to_owned()));
    }

    #[test]
    fn a_method_of_a_caller_s_own_making_names_no_metric() {
        let named = |method: &str| {
            let request = Request::builder().method(method).body(axum::body::Body::empty());
            RequestLog::of(&request.unwrap()).method_name()
        };
        assert_eq!((named("GET"), named("BREW"), named("get")), ("GET", "other", "other"));
    }
}
