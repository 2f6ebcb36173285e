//! How many requests at the same time, and how long each.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::extract::Request;
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task_local;
use tokio::time::{Instant, Sleep, sleep_until};

use super::clients::{ClientShare, Shares};
use super::problem::{self, Problem};
use crate::app::App;

/// What is answered however busy the service is: probes, and what an operator looks at then.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

task_local! {
    /// How much longer than others the request under way may take.
    static MORE_TIME: Cell<Duration>;
}

/// Lets the request under way take longer than others by this: its handler knows what it was asked.
pub(super) fn allow_more_time(more: Duration) {
    MORE_TIME.with(|allowed| allowed.set(allowed.get().max(more)));
}

/// What all requests share.
pub(super) struct RequestLimiter {
    places: Arc<Semaphore>,
    /// Of the places those of requests with bodies, which may be slow to come.
    bodies: Arc<Shares>,
    timeout: Duration,
}

/// A place among the requests that are answered at the same time.
pub(super) struct Permit {
    _semaphore: Option<OwnedSemaphorePermit>,
    _body: Option<ClientShare>,
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
        Ok(Permit { _semaphore: permit, _body: body })
    }

    /// The answer, given up when the time of a request that began then is over.
    pub(super) fn in_time<F>(&self, begun: Instant, answer: F) -> InTime<F> {
        let time = self.timeout;
        InTime { answer, begun, time, more: Duration::ZERO, over: sleep_until(begun + time) }
    }
}

/// Whether a body is still to come.
fn sends(request: &Request) -> bool {
    !request.body().is_end_stream()
}

pin_project! {
    /// An answer that is given up when its time is over, which the handler may prolong.
    pub(super) struct InTime<F> {
        #[pin]
        answer: F,
        begun: Instant,
        time: Duration,
        more: Duration,
        #[pin]
        over: Sleep,
    }
}

impl<F: Future> Future for InTime<F> {
    /// Fails with the time that is over.
    type Output = Result<F::Output, Duration>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (answer, more) = MORE_TIME.sync_scope(Cell::new(*this.more), || {
            (this.answer.poll(context), MORE_TIME.with(Cell::get))
        });
        if let Poll::Ready(answer) = answer {
            return Poll::Ready(Ok(answer));
        }
        if more > *this.more {
            *this.more = more;
            this.over.as_mut().reset(*this.begun + *this.time + more);
        }
        this.over.poll(context).map(|()| Err(*this.time + more))
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    fn in_no_time<F>(answer: F) -> InTime<F> {
        let (begun, time) = (Instant::now(), Duration::ZERO);
        InTime { answer, begun, time, more: Duration::ZERO, over: sleep_until(begun) }
    }

    #[tokio::test]
    async fn a_handler_that_allows_more_time_has_it_and_others_have_not() {
        let day = Duration::from_hours(24);
        let prolonged = async {
            allow_more_time(day);
            allow_more_time(Duration::from_secs(1));
            yield_now().await;
            "answer"
        };
        let late = in_no_time(std::future::pending::<()>());
        let (prolonged, late) = tokio::join!(in_no_time(prolonged), late);
        assert_eq!((prolonged, late), (Ok("answer"), Err(Duration::ZERO)));
        let gives_up = in_no_time(async {
            allow_more_time(Duration::from_millis(1));
            std::future::pending::<()>().await;
        });
        assert_eq!(gives_up.await, Err(Duration::from_millis(1)));
    }
}
