//! API keys: who may do what.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::Route;
use axum::routing::future::RouteFuture;
use futures_util::future::{BoxFuture, Either};
use secrecy::SecretString;
use tower::{Layer, Service};

use super::problem::{self, Problem};
use crate::app::App;
use crate::store::{KeyRecord, KeyScope};

/// What a group of routes demands.
#[derive(Clone)]
pub(super) struct Door {
    app: App,
    scope: KeyScope,
}

impl Door {
    pub(super) fn new(app: &App, scope: KeyScope) -> Self {
        Self { app: app.clone(), scope }
    }
}

/// What the caller may do, for handlers that demand more than their door.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// `None` where no key exists: then everything is allowed, on loopback only.
    key: Option<Arc<KeyRecord>>,
}

impl Caller {
    /// Refuse a caller whose key lacks `scope`. `admin` allows everything.
    pub(super) fn require(&self, scope: KeyScope) -> Result<(), Problem> {
        let held = |key: &Arc<KeyRecord>| {
            key.scopes.iter().any(|held| *held == scope || *held == KeyScope::Admin)
        };
        if self.key.as_ref().is_none_or(held) {
            return Ok(());
        }
        Err(problem::forbidden(scope.as_str()))
    }
}

/// The routes behind a door.
///
/// A service of its own, because axum's middleware functions box the request's way twice, for each request.
#[derive(Clone)]
pub(super) struct Guarded {
    door: Arc<Door>,
    routes: Route,
}

impl Layer<Route> for Door {
    type Service = Guarded;

    fn layer(&self, routes: Route) -> Guarded {
        Guarded { door: Arc::new(self.clone()), routes }
    }
}

type Answering = BoxFuture<'static, Result<Response, Infallible>>;

/// Let in who holds the key, and nobody else.
impl Service<Request> for Guarded {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, Answering>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        // Who was let in a moment ago is let in at once.
        if let Some(caller) = known_caller(&self.door.app, request.headers())
            && caller.require(self.door.scope).is_ok()
        {
            request.extensions_mut().insert(caller);
            return Either::Left(self.routes.call(request));
        }
        let (door, mut routes) = (Arc::clone(&self.door), self.routes.clone());
        Either::Right(Box::pin(async move {
            match let_in(&door, request.headers()).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    routes.call(request).await
                }
                Err(problem) => Ok(problem.into_response()),
            }
        }))
    }
}

async fn let_in(door: &Door, headers: &HeaderMap) -> Result<Caller, Problem> {
    let caller = caller(&door.app, headers).await?;
    caller.require(door.scope)?;
    Ok(caller)
}

/// The caller whose key was looked up a moment ago.
fn known_caller(app: &App, headers: &HeaderMap) -> Option<Caller> {
    Some(Caller { key: Some(app.store().known_key(bearer(headers)?)?) })
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = bearer(headers).map(SecretString::from);
    // The key first: who sends one is most often let in by it, and nothing else is to be asked.
    if let Some(token) = &token
        && let Some(key) = app.store().key_for(token).await?
    {
        return Ok(Caller { key: Some(key) });
    }
    if app.is_loopback() && !app.store().any_key().await? {
        return Ok(Caller { key: None });
    }
    Err(problem::unauthorized(match token {
        Some(_) => "the key is not one of this service, or was revoked",
        None => "send `Authorization: Bearer <key>`",
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
