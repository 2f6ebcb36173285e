//! How many requests at the same time, and how long each.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{problem, query};
use crate::analysis;
use crate::app::App;

/// What all requests share.
pub(super) struct Limits {
    places: Semaphore,
    timeout: Duration,
}

impl Limits {
    pub(super) fn of(app: &App) -> Self {
        let limits = app.limits();
        let places = limits.concurrency.min(Semaphore::MAX_PERMITS);
        Self { places: Semaphore::new(places), timeout: limits.request_timeout }
    }

    /// Answer in time, or say that there is no answer. Probes are answered however busy the service is.
    pub(super) async fn hold(&self, request: Request, next: Next) -> Response {
        let place = self.places.try_acquire();
        if place.is_err() && !["/healthz", "/readyz"].contains(&request.uri().path()) {
            return problem::overloaded().into_response();
        }
        let mut time = self.timeout;
        if query::asks_for_full_proof(request.uri().query().unwrap_or_default()) {
            time += analysis::PROOF_TIME_MAX;
        }
        match timeout(time, next.run(request)).await {
            Ok(response) => response,
            Err(_) => problem::timed_out(time.as_secs()).into_response(),
        }
    }
}
