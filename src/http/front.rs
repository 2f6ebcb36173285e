//! What every request passes: an id, a place among the others, a time limit, the log and the metrics.
//!
//! One function, because a layer of its own for each would cost a cached answer more than the cache does.

use std::any::Any;
use std::convert::Infallible;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::Route;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::limits::Limits;
use super::log::{self, Passed};
use super::meter::Meter;
use super::problem;
use super::request_id::{self, X_REQUEST_ID};
use crate::app::App;

/// What all requests share.
#[derive(Clone)]
pub(super) struct Front {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    meter: Meter,
}

impl Front {
    pub(super) fn of(app: &App) -> Self {
        let shared = Shared { limits: Limits::of(app), meter: Meter::default() };
        Self { shared: Arc::new(shared) }
    }
}

/// The routes behind the front.
#[derive(Clone)]
pub(super) struct Fronted {
    shared: Arc<Shared>,
    routes: Route,
}

impl Layer<Route> for Front {
    type Service = Fronted;

    fn layer(&self, routes: Route) -> Fronted {
        Fronted { shared: Arc::clone(&self.shared), routes }
    }
}

/// Let a request pass, count it, and log what became of it.
impl Service<Request> for Fronted {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let begun = Instant::now();
        let id = request_id::of(request.headers());
        let passed = Passed {
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            trace: log::trace(request.headers()),
        };
        let shared = Arc::clone(&self.shared);
        let ended = move |mut response: Response| {
            let took = begun.elapsed();
            let counted = (response.status(), took);
            shared.meter.count(passed.method_name(), passed.route_name(), counted);
            passed.log(&id, &mut response, took);
            response.headers_mut().insert(X_REQUEST_ID, id);
            Ok(response)
        };
        // Futures put together instead of awaited: an async block would hold the request three times.
        match self.shared.limits.place(&request) {
            Ok(place) => {
                let answering = place.hold(begun, self.routes.call(request));
                let answering = AssertUnwindSafe(answering).catch_unwind();
                let panicked =
                    |panic: Box<dyn Any + Send>| problem::panicked_with(&*panic).into_response();
                answering.map(move |answered| ended(answered.unwrap_or_else(panicked))).boxed()
            }
            Err(problem) => ready(ended(problem.into_response())).boxed(),
        }
    }
}
