//! What every request passes: an id, a place among the others, a time limit, the log and the metrics.
//!
//! One function, because a layer of its own for each would cost a cached answer more than the cache does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use super::limits::Limits;
use super::log::{self, Passed};
use super::meter::Meter;
use super::problem;
use super::request_id::{self, X_REQUEST_ID};
use crate::app::App;

/// What all requests share.
#[derive(Clone)]
pub(super) struct Front {
    limits: Arc<Limits>,
    meter: Arc<Meter>,
}

impl Front {
    pub(super) fn of(app: &App) -> Self {
        Self { limits: Arc::new(Limits::of(app)), meter: Arc::default() }
    }
}

/// Let a request pass, count it, and log what became of it.
pub(super) async fn pass(State(front): State<Front>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id::of(request.headers());
    request.headers_mut().insert(X_REQUEST_ID, id.clone());
    let passed = Passed {
        method: request.method().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        trace: log::trace(request.headers()),
    };
    let answered = AssertUnwindSafe(front.limits.hold(request, next)).catch_unwind().await;
    let mut response =
        answered.unwrap_or_else(|panic| problem::panicked_with(&*panic).into_response());
    let took = begun.elapsed();
    front.meter.count(passed.method_name(), passed.route_name(), (response.status(), took));
    passed.log(&id, &mut response, took);
    keep(&mut response, id);
    response
}

fn keep(response: &mut Response, id: HeaderValue) {
    response.headers_mut().insert(X_REQUEST_ID, id);
}
