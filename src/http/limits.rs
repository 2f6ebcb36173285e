//! How many requests at the same time, and how long each.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{self, Problem};
use super::query;
use crate::analysis;
use crate::app::App;

/// What all requests share.
pub(super) struct Limits {
    places: Arc<Semaphore>,
    timeout: Duration,
}

/// A place among the requests that are answered at the same time, for so long.
pub(super) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    time: Duration,
}

impl Limits {
    pub(super) fn of(app: &App) -> Self {
        let limits = app.limits();
        let places = limits.concurrency.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), timeout: limits.request_timeout }
    }

    /// A place for the request, if one is free. Probes are answered however busy the service is.
    pub(super) fn place(&self, request: &Request) -> Result<Place, Problem> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok();
        if permit.is_none() && !["/healthz", "/readyz"].contains(&request.uri().path()) {
            return Err(problem::overloaded());
        }
        let mut time = self.timeout;
        if query::asks_for_full_proof(request.uri().query().unwrap_or_default()) {
            time += analysis::PROOF_TIME_MAX;
        }
        Ok(Place { _permit: permit, time })
    }
}

impl Place {
    /// How long the answer may take.
    pub(super) fn time(&self) -> Duration {
        self.time
    }
}
