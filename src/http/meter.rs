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

/// A route that was answered, as metrics name it.
#[derive(Clone, Copy)]
pub(super) struct AnsweredRoute<'r> {
    pub(super) method: &'static str,
    pub(super) route: &'r str,
    pub(super) status: StatusCode,
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
    pub(super) fn count(&self, answered: AnsweredRoute<'_>, took: Duration) {
        let seconds = took.as_secs_f64();
        {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(bound) = find(&routes, answered) {
                return bound.count(seconds);
            }
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        // Another request may have been first.
        if find(&routes, answered).is_none() {
            let bound = StatusMeter::new(answered);
            routes.entry(answered.route.to_owned()).or_default().push(bound);
        }
        if let Some(bound) = find(&routes, answered) {
            bound.count(seconds);
        }
    }
}

fn find<'a>(
    routes: &'a HashMap<String, Vec<StatusMeter>>,
    answered: AnsweredRoute<'_>,
) -> Option<&'a StatusMeter> {
    let AnsweredRoute { method, route, status } = answered;
    routes.get(route)?.iter().find(|bound| bound.method == method && bound.status == status)
}

impl StatusMeter {
    fn new(answered: AnsweredRoute<'_>) -> Self {
        let AnsweredRoute { method, route, status } = answered;
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
