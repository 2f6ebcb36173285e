//! API keys: who may do what.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

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
#[derive(Debug)]
pub(super) struct Caller {
    /// `None` where no key exists or existed: then everything is allowed, on loopback only.
    key: Option<Arc<KeyRecord>>,
}

impl Caller {
    /// Refuse a caller whose key lacks `scope`. `admin` allows everything.
    pub(super) fn require(&self, scope: KeyScope) -> Result<(), Problem> {
        if self.key.as_ref().is_none_or(|key| key.allows(scope)) {
            return Ok(());
        }
        Err(problem::forbidden(scope.as_str()))
    }
}

/// Let in who holds the key, and no one else.
pub(super) async fn guard(
    State(door): State<Door>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let_in(&door.app, request.headers(), door.scope).await?;
    Ok(next.run(request).await)
}

/// Who asks, if a key with the scope allows it.
pub(super) async fn let_in(
    app: &App,
    headers: &HeaderMap,
    scope: KeyScope,
) -> Result<Caller, Problem> {
    let caller = caller(app, headers).await?;
    caller.require(scope)?;
    Ok(caller)
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = bearer(headers);
    // The key first: who sends one is most often let in by it, and nothing else is to be asked.
    if let Some(token) = token
        && let Some(key) = app.store().key_for(token).await?
    {
        return Ok(Caller { key: Some(key) });
    }
    if app.is_loopback() && !app.store().needs_key().await? {
        return Ok(Caller { key: None });
    }
    Err(problem::unauthorized(match token {
        Some(_) => "the key is not one of this service, or was revoked",
        None => "send `Authorization: Bearer <key>`",
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    token(headers.get(header::AUTHORIZATION)?)
}

/// The key in a header `Authorization`.
pub(super) fn token(authorization: &HeaderValue) -> Option<&str> {
    const SCHEME: &[u8] = b"Bearer ";
    let value = authorization.as_bytes();
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    let token = str::from_utf8(token).ok()?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim())
}
