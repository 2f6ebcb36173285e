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
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::doors::{Doors, Entrance};
use super::limits::{InTime, Permit, RequestLimiter};
use super::log::RequestLog;
use super::meter::{AnsweredRoute, RouteMeter};
use super::problem::{self, Problem};
use super::request_id::X_REQUEST_ID;
use crate::app::App;
use crate::store::Store;

/// What is sent is of the type that it says, whatever a browser makes of it.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What all requests share.
#[derive(Clone)]
pub(super) struct Front {
    shared: Arc<FrontState>,
}

struct FrontState {
    store: Store,
    doors: Doors,
    limits: RequestLimiter,
    meter: RouteMeter,
}

impl Front {
    pub(super) fn of(app: &App) -> Self {
        let (doors, limits) = (Doors::of(app), RequestLimiter::of(app));
        let store = app.store().clone();
        let shared = FrontState { store, doors, limits, meter: RouteMeter::default() };
        Self { shared: Arc::new(shared) }
    }
}

/// The routes behind the front.
#[derive(Clone)]
pub(super) struct FrontService {
    shared: Arc<FrontState>,
    routes: Route,
}

impl Layer<Route> for Front {
    type Service = FrontService;

    fn layer(&self, routes: Route) -> FrontService {
        FrontService { shared: Arc::clone(&self.shared), routes }
    }
}

impl Service<Request> for FrontService {
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> ResponseFuture {
        let entry = RequestRecord {
            begun: Instant::now(),
            log: RequestLog::of(&request),
            shared: Arc::clone(&self.shared),
        };
        let state = match self.shared.limits.permit(&request) {
            Ok(permit) => self.state(request, permit, entry.begun),
            Err(problem) => ResponseState::Refused { problem: Some(problem) },
        };
        ResponseFuture { state, entry: Some(entry) }
    }
}

impl FrontService {
    fn state(&mut self, request: Request, permit: Permit, begun: Instant) -> ResponseState {
        let limits = &self.shared.limits;
        match self.shared.doors.entrance(&request) {
            Entrance::Open => ResponseState::Routed {
                answer: limits.in_time(begun, self.routes.call(request)),
                _permit: permit,
            },
            Entrance::Shut(problem) => ResponseState::Refused { problem: Some(problem) },
            Entrance::WithKeysOnly(problem) => {
                let (shared, mut routes) = (Arc::clone(&self.shared), self.routes.clone());
                let answer: Pin<Box<dyn Future<Output = Response> + Send>> = Box::pin(async move {
                    match shared.doors.need_key(problem).await {
                        Ok(()) => routes.call(request).await.unwrap_or_else(|never| match never {}),
                        Err(problem) => problem.into_response(),
                    }
                });
                ResponseState::AwaitingStore {
                    answer: Box::pin(limits.in_time(begun, answer)),
                    _permit: permit,
                }
            }
        }
    }
}

pin_project! {
    /// Lets a request pass, counts it, and logs what became of it.
    ///
    /// A future by hand: an async block would hold the request three times, and a boxed one costs what a cached answer
    /// can feel.
    pub(super) struct ResponseFuture {
        #[pin]
        state: ResponseState,
        entry: Option<RequestRecord>,
    }
}

pin_project! {
    #[project = ResponseStateProjected]
    enum ResponseState {
        Routed {
            #[pin]
            answer: InTime<RouteFuture<Infallible>>,
            _permit: Permit,
        },
        /// It depends on the store whether it is let in. Boxed, because this is for strangers.
        AwaitingStore {
            answer: Pin<Box<InTime<Pin<Box<dyn Future<Output = Response> + Send>>>>>,
            _permit: Permit,
        },
        Refused { problem: Option<Problem> },
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answering = self.project();
        let response = match answering.state.project() {
            ResponseStateProjected::Routed { answer, .. } => {
                let answered = ready!(guarded(answer, context));
                answered.map_or_else(Unserved::into_response, |Ok(response)| response)
            }
            ResponseStateProjected::AwaitingStore { answer, .. } => {
                let answered = ready!(guarded(answer.as_mut(), context));
                answered.unwrap_or_else(Unserved::into_response)
            }
            ResponseStateProjected::Refused { problem } => {
                let problem = problem.take().expect("a future that has ended is not polled again");
                problem.into_response()
            }
        };
        let entry = answering.entry.take().expect("a future that has ended is not polled again");
        Poll::Ready(Ok(entry.finish(response)))
    }
}

/// Why there is a problem instead of an answer.
enum Unserved {
    /// After so long.
    Late(Duration),
    Panicked(Box<dyn Any + Send>),
}

impl Unserved {
    fn into_response(self) -> Response {
        match self {
            Self::Late(time) => problem::timed_out(time.as_secs()).into_response(),
            Self::Panicked(panic) => problem::panicked_with(&*panic).into_response(),
        }
    }
}

fn guarded<F: Future>(
    answer: Pin<&mut InTime<F>>,
    context: &mut Context<'_>,
) -> Poll<Result<F::Output, Unserved>> {
    match catch_unwind(AssertUnwindSafe(|| answer.poll(context))) {
        Ok(polled) => polled.map_err(Unserved::Late),
        Err(panic) => Poll::Ready(Err(Unserved::Panicked(panic))),
    }
}

/// What is kept of a request until its answer leaves.
struct RequestRecord {
    begun: Instant,
    log: RequestLog,
    shared: Arc<FrontState>,
}

impl RequestRecord {
    fn finish(self, mut response: Response) -> Response {
        let took = self.begun.elapsed();
        let (method, route) = (self.log.method_name(), self.log.route_name());
        let answered = AnsweredRoute { method, route, status: response.status() };
        self.shared.meter.count(answered, took);
        self.log.log(&mut response, took, &self.shared.store);
        response.headers_mut().insert(X_REQUEST_ID, self.log.id);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        response
    }
}
