//! The log of requests. It holds no query string: thresholds are harmless, the rest may not be.

use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

use super::analysis::X_CACHE;
use super::problem::Cause;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request as the log and the metrics name it.
pub(super) struct Passed {
    pub(super) method: Method,
    pub(super) route: Option<MatchedPath>,
    /// The trace it is part of.
    pub(super) trace: Option<String>,
}

impl Passed {
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

    /// Say what became of it, once: failures with their cause, work done, and what came from the cache only to
    /// who wants to know everything.
    pub(super) fn log(&self, id: &HeaderValue, response: &mut Response, took: Duration) {
        let status = response.status();
        let cause = response.extensions_mut().remove::<Cause>();
        let cause = cause.as_ref().map(|Cause(cause)| cause.as_str());
        let id = id.to_str().unwrap_or_default();
        let (method, route) = (self.method_name(), self.route_name());
        let trace = self.trace.as_deref();
        let took_ms = took.as_secs_f64() * 1e3;
        let status_code = status.as_u16();
        macro_rules! answered {
            ($level:ident) => {
                tracing::$level!(
                    id,
                    trace,
                    method,
                    route,
                    status = status_code,
                    took_ms,
                    cause,
                    "answered"
                )
            };
        }
        match status {
            StatusCode::INTERNAL_SERVER_ERROR => answered!(error),
            status if status.is_server_error() => answered!(warn),
            _ if is_cached(response) => answered!(debug),
            _ => answered!(info),
        }
    }
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
    fn a_method_of_a_caller_s_own_making_names_no_metric() {
        let named = |method: &str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            Passed { method, route: None, trace: None }.method_name()
        };
        assert_eq!((named("GET"), named("BREW"), named("get")), ("GET", "other", "other"));
    }
}
