//! What every request passes: an id, a place among the others, a time limit, the log and the metrics.
//!
//! One function, because a layer of its own for each would cost a cached answer more than the cache does.

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::response::{IntoResponse as _, Response};
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Timeout, timeout_at};
use tower::{Layer, Service};

use super::limits::{Limits, Place};
use super::log::{self, Passed};
use super::meter::Meter;
use super::problem::{self, Problem};
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

impl Service<Request> for Fronted {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        let entry = Entry {
            begun: Instant::now(),
            id: request_id::of(request.headers()),
            passed: Passed {
                method: request.method().clone(),
                route: request.extensions().get::<MatchedPath>().cloned(),
                trace: log::trace(request.headers()),
            },
            shared: Arc::clone(&self.shared),
        };
        let way = match self.shared.limits.place(&request) {
            Ok(place) => {
                let answer = timeout_at(entry.begun + place.time(), self.routes.call(request));
                Way::Routed { answer, place }
            }
            Err(problem) => Way::Refused { problem: Some(problem) },
        };
        Answering { way, entry: Some(entry) }
    }
}

pin_project! {
    /// Lets a request pass, counts it, and logs what became of it.
    ///
    /// A future by hand: an async block would hold the request three times, and a boxed one costs what a cached answer
    /// can feel.
    pub(super) struct Answering {
        #[pin]
        way: Way,
        entry: Option<Entry>,
    }
}

pin_project! {
    #[project = WayProjected]
    enum Way {
        Routed {
            #[pin]
            answer: Timeout<RouteFuture<Infallible>>,
            place: Place,
        },
        Refused { problem: Option<Problem> },
    }
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answering = self.project();
        let response = match answering.way.project() {
            WayProjected::Routed { answer, place } => {
                match catch_unwind(AssertUnwindSafe(|| answer.poll(context))) {
                    Ok(polled) => match ready!(polled) {
                        Ok(Ok(response)) => response,
                        Ok(Err(never)) => match never {},
                        Err(_) => problem::timed_out(place.time().as_secs()).into_response(),
                    },
                    Err(panic) => problem::panicked_with(&*panic).into_response(),
                }
            }
            WayProjected::Refused { problem } => {
                let problem = problem.take().expect("a future that has ended is not polled again");
                problem.into_response()
            }
        };
        let entry = answering.entry.take().expect("a future that has ended is not polled again");
        Poll::Ready(Ok(entry.leave(response)))
    }
}

/// What is kept of a request until its answer leaves.
struct Entry {
    begun: Instant,
    id: HeaderValue,
    passed: Passed,
    shared: Arc<Shared>,
}

impl Entry {
    fn leave(self, mut response: Response) -> Response {
        let took = self.begun.elapsed();
        let counted = (response.status(), took);
        self.shared.meter.count(self.passed.method_name(), self.passed.route_name(), counted);
        self.passed.log(&self.id, &mut response, took);
        response.headers_mut().insert(X_REQUEST_ID, self.id);
        response
    }
}
