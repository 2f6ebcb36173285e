//! How many requests at the same time, and how long each.

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::clients::{ClientShare, Shares};
use super::problem::{self, Problem};
use super::query;
use crate::analysis;
use crate::app::App;

/// What is answered however busy the service is: probes, and what an operator looks at then.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// How long an upload of any length may take. What limits it is that it goes on.
const UPLOAD_TIME_MAX: Duration = Duration::from_hours(1);

/// What all requests share.
pub(super) struct RequestLimiter {
    places: Arc<Semaphore>,
    /// Of the places those of requests with bodies, which may be slow to come.
    bodies: Arc<Shares>,
    timeout: Duration,
}

/// A place among the requests that are answered at the same time, for so long.
pub(super) struct Permit {
    _semaphore: Option<OwnedSemaphorePermit>,
    _body: Option<ClientShare>,
    time: Duration,
}

impl RequestLimiter {
    pub(super) fn of(app: &App) -> Self {
        let limits = app.limits();
        let places = limits.concurrency.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            bodies: Shares::new(places / 4, places / 2),
            timeout: limits.request_timeout,
        }
    }

    /// A place for the request, if one is free. Probes are answered however busy the service is.
    pub(super) fn permit(&self, request: &Request) -> Result<Permit, Problem> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok();
        let path = request.uri().path();
        if permit.is_none() && !ALWAYS.contains(&path) {
            return Err(problem::overloaded());
        }
        let body =
            match sends(request).then(|| self.bodies.take(request.extensions().get().copied())) {
                Some(None) => return Err(problem::overloaded()),
                body => body.flatten(),
            };
        let mut time = self.timeout;
        if request.method() == Method::POST && path.ends_with("/workload") {
            time = time.max(UPLOAD_TIME_MAX);
        }
        if query::wants_full_proof(request.uri().query().unwrap_or_default()) {
            time += analysis::PROOF_TIME_MAX;
        }
        Ok(Permit { _semaphore: permit, _body: body, time })
    }
}

/// Whether a body is still to come.
fn sends(request: &Request) -> bool {
    !request.body().is_end_stream()
}

impl Permit {
    /// How long the answer may take.
    pub(super) fn time(&self) -> Duration {
        self.time
    }
}
