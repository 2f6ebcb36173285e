//! What every request passes: an id, a place among the others, a time limit, the log and the metrics.
//!
//! One function, because a layer of its own for each would cost a cached answer more than the cache does.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Timeout, timeout_at};
use tower::{Layer, Service};

use super::doors::{Doors, Entrance};
use super::limits::{Limits, Place};
use super::log::Passed;
use super::meter::Meter;
use super::problem::{self, Problem};
use super::request_id::{self, X_REQUEST_ID};
use crate::app::App;
use crate::store::Store;

/// What is sent is of the type that it says, whatever a browser makes of it.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What all requests share.
#[derive(Clone)]
pub(super) struct Front {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    doors: Doors,
    limits: Limits,
    meter: Meter,
}

impl Front {
    pub(super) fn of(app: &App) -> Self {
        let (doors, limits) = (Doors::of(app), Limits::of(app));
        let store = app.store().clone();
        let shared = Shared { store, doors, limits, meter: Meter::default() };
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
            passed: Passed::of(&request),
            shared: Arc::clone(&self.shared),
        };
        let way = match self.shared.limits.place(&request) {
            Ok(place) => self.way(request, place, entry.begun),
            Err(problem) => Way::Refused { problem: Some(problem) },
        };
        Answering { way, entry: Some(entry) }
    }
}

impl Fronted {
    fn way(&mut self, request: Request, place: Place, begun: Instant) -> Way {
        let until = begun + place.time();
        match self.shared.doors.entrance(&request) {
            Entrance::Open => {
                Way::Routed { answer: timeout_at(until, self.routes.call(request)), place }
            }
            Entrance::Shut(problem) => Way::Refused { problem: Some(problem) },
            Entrance::WithKeysOnly(problem) => {
                let (shared, mut routes) = (Arc::clone(&self.shared), self.routes.clone());
                let answer: Pin<Box<dyn Future<Output = Response> + Send>> = Box::pin(async move {
                    match shared.doors.need_key(problem).await {
                        Ok(()) => routes.call(request).await.unwrap_or_else(|never| match never {}),
                        Err(problem) => problem.into_response(),
                    }
                });
                Way::Asked { answer: Box::pin(timeout_at(until, answer)), place }
            }
        }
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
        /// It depends on the store whether it is let in. Boxed, because this is for strangers.
        Asked {
            answer: Pin<Box<Timeout<Pin<Box<dyn Future<Output = Response> + Send>>>>>,
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
                let answered = ready!(guarded(answer, context));
                answered.map_or_else(|late| late.because_of(place), |Ok(response)| response)
            }
            WayProjected::Asked { answer, place } => {
                let answered = ready!(guarded(answer.as_mut(), context));
                answered.unwrap_or_else(|late| late.because_of(place))
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

/// Why there is a problem instead of an answer.
enum Unanswered {
    Late,
    Panicked(Box<dyn Any + Send>),
}

impl Unanswered {
    fn because_of(self, place: &Place) -> Response {
        match self {
            Self::Late => problem::timed_out(place.time().as_secs()).into_response(),
            Self::Panicked(panic) => problem::panicked_with(&*panic).into_response(),
        }
    }
}

fn guarded<F: Future>(
    answer: Pin<&mut Timeout<F>>,
    context: &mut Context<'_>,
) -> Poll<Result<F::Output, Unanswered>> {
    match catch_unwind(AssertUnwindSafe(|| answer.poll(context))) {
        Ok(polled) => polled.map_err(|_| Unanswered::Late),
        Err(panic) => Poll::Ready(Err(Unanswered::Panicked(panic))),
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
        self.passed.log(&self.id, &mut response, (took, &self.shared.store));
        response.headers_mut().insert(X_REQUEST_ID, self.id);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        response
    }
}
