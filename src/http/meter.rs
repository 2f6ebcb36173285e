//! Counters and histograms of requests, bound once for each route: looking them up by name costs more than an answer.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::StatusCode;
use foldhash::HashMap;
use metrics::{Counter, Histogram};

/// What is counted, by route.
#[derive(Default)]
pub(super) struct RouteMeter {
    routes: RwLock<HashMap<String, Vec<StatusMeter>>>,
}

/// One method and status of a route.
struct StatusMeter {
    method: &'static str,
    status: StatusCode,
    answered: Counter,
    seconds: Histogram,
}

impl RouteMeter {
    /// Count a request and the time it took.
    pub(super) fn count(
        &self,
        method: &'static str,
        route: &str,
        (status, took): (StatusCode, Duration),
    ) {
        let seconds = took.as_secs_f64();
        {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(bound) = find(&routes, (method, route, status)) {
                return bound.count(seconds);
            }
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        // Another request may have been first.
        if find(&routes, (method, route, status)).is_none() {
            let bound = StatusMeter::new(method, route, status);
            routes.entry(route.to_owned()).or_default().push(bound);
        }
        if let Some(bound) = find(&routes, (method, route, status)) {
            bound.count(seconds);
        }
    }
}

fn find<'a>(
    routes: &'a HashMap<String, Vec<StatusMeter>>,
    (method, route, status): (&str, &str, StatusCode),
) -> Option<&'a StatusMeter> {
    routes.get(route)?.iter().find(|bound| bound.method == method && bound.status == status)
}

impl StatusMeter {
    fn new(method: &'static str, route: &str, status: StatusCode) -> Self {
        let labels = [
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.as_str().to_owned()),
        ];
        Self {
            method,
            status,
            answered: metrics::counter!("dbopt_http_requests_total", &labels),
            seconds: metrics::histogram!("dbopt_http_request_seconds", &labels[..2]),
        }
    }

    fn count(&self, seconds: f64) {
        self.answered.increment(1);
        self.seconds.record(seconds);
    }
}
