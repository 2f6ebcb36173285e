//! How many requests at the same time, and how long each.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{problem, query};
use crate::analysis;
use crate::app::App;

/// What all requests share.
#[derive(Clone)]
pub(super) struct Limits {
    places: Arc<Semaphore>,
    timeout: Duration,
}

impl Limits {
    pub(super) fn of(app: &App) -> Self {
        let limits = app.limits();
        let places = limits.concurrency.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), timeout: limits.request_timeout }
    }
}

/// Answer in time, or say that there is no answer. Probes are answered however busy the service is.
pub(super) async fn hold(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let probe = ["/healthz", "/readyz"].contains(&request.uri().path());
    let place = limits.places.try_acquire();
    if place.is_err() && !probe {
        return problem::overloaded().into_response();
    }
    let mut time = limits.timeout;
    if query::asks_for_full_proof(request.uri().query().unwrap_or_default()) {
        time += analysis::PROOF_TIME_MAX;
    }
    match timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => problem::timed_out(time.as_secs()).into_response(),
    }
}
