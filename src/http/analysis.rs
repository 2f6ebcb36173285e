//! Analyses.

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use std::sync::Arc;
use utoipa::openapi::Paths;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{self, Caller};
use super::jobs::{self, Job};
use super::limits;
use super::path::{OfTarget, Segments};
use super::problem::{Problem, Problems};
use super::query::{AnalysisParameters, Pairs};
use super::targets::registered;
use crate::analysis;
use crate::app::App;
use crate::cache::Answer;
use crate::model::{Analysis, ProveMode, Superpower};
use crate::store::{KeyScope, TargetRecord};

pub(super) const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// All superpowers in one answer.
///
/// One visit of three round trips for all of them. Answers come from the cache unless `refresh` is true.
#[utoipa::path(
    get, path = "/v1/targets/{target}/analysis", tag = "analysis", operation_id = "analyse",
    params(OfTarget, AnalysisParameters),
    responses(
        (status = 200, description = "The analysis", body = Analysis),
        (status = 202, description = "A job computes it, because the request had `Prefer: respond-async`", body = Job),
        (status = 304, description = "What the caller holds is still true"),
        Problems,
    )
)]
pub(super) async fn all(
    app: State<App>,
    request: TargetRequest,
    query: Pairs,
) -> Result<Response, Problem> {
    answer(&app, request, query, None).await
}

/// A route for each superpower: path, operation and handler follow from the list of superpowers.
pub(super) fn superpowers() -> OpenApiRouter<App> {
    Superpower::ALL.iter().fold(OpenApiRouter::new(), |router, superpower| {
        let (schemas, paths, _): (_, _, MethodRouter<App>) = routes!(all);
        router.routes((schemas, renamed(paths, *superpower), handler(*superpower)))
    })
}

fn handler(superpower: Superpower) -> MethodRouter<App> {
    get(move |app: State<App>, request: TargetRequest, query: Pairs| async move {
        answer(&app, request, query, Some(superpower)).await
    })
}

/// The operation of all superpowers as that of one.
fn renamed(paths: Paths, superpower: Superpower) -> Paths {
    let mut renamed = Paths::new();
    for mut item in paths.paths.into_values() {
        if let Some(operation) = &mut item.get {
            operation.operation_id = Some(superpower.operation_id().to_owned());
            operation.summary = Some(format!("{}: {}.", superpower.title(), superpower.summary()));
            operation.description = Some(format!(
                "Runs the checks of `{superpower}` on the target. The answer comes from the cache unless `refresh` is true."
            ));
        }
        renamed.paths.insert(format!("/v1/targets/{{target}}/{superpower}"), item);
    }
    renamed
}

async fn answer(
    app: &App,
    request: TargetRequest,
    query: Pairs,
    superpower: Option<Superpower>,
) -> Result<Response, Problem> {
    let inquiry = query.inquiry(superpower)?;
    if inquiry.request.prove == ProveMode::Full {
        request.caller.require(KeyScope::Probe)?;
        limits::allow_more_time(analysis::PROOF_TIME_MAX);
    }
    if request.prefers_async {
        return match app.fresh_analysis(&request.target, &inquiry) {
            Some(answer) => Ok(Cached { answer, request }.into_response()),
            None => jobs::accepted(app, request.target, inquiry),
        };
    }
    let answer = app.analysis(&request.target, inquiry).await?;
    Ok(Cached { answer, request }.into_response())
}

/// What a request for an analysis says beside its parameters: the target, the caller, and the answers that it has kept.
pub(super) struct TargetRequest {
    pub(super) target: Arc<TargetRecord>,
    caller: Caller,
    /// Values of `If-None-Match`.
    known_etags: Vec<HeaderValue>,
    takes_gzip: bool,
    /// Whether the caller would rather have a job than wait.
    prefers_async: bool,
    /// The request's own table of headers, emptied: the server made it for this request and hands it to the next, so
    /// that an answer that fills it costs no table.
    headers: HeaderMap,
}

impl FromRequestParts<App> for TargetRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = auth::let_in(app, &parts.headers, KeyScope::Read).await?;
        let Segments([name]) = Segments::from_request_parts(parts, app).await?;
        let target = registered(app, &name).await?;
        let known_etags = parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect();
        let takes_gzip = parts.headers.get_all(header::ACCEPT_ENCODING).iter().any(names_gzip);
        let prefers_async = jobs::prefers_async(&parts.headers);
        let mut headers = std::mem::take(&mut parts.headers);
        headers.clear();
        Ok(Self { target, caller, known_etags, takes_gzip, prefers_async, headers })
    }
}

/// An answer of the cache, with the headers that let callers keep it.
pub(super) struct Cached {
    pub(super) answer: Answer,
    pub(super) request: TargetRequest,
}

impl IntoResponse for Cached {
    fn into_response(self) -> Response {
        let Answer { body, gzip, etag, cache_control, age_seconds, status, .. } = self.answer;
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = self.request.headers;
        if holds(&self.request.known_etags, &etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let gzip = self.request.takes_gzip.then(|| gzip.of(&body)).flatten();
            fill(&mut response, body, gzip);
        }
        let headers = response.headers_mut();
        for (name, value) in [(header::ETAG, etag), (header::CACHE_CONTROL, cache_control)] {
            if let Ok(value) = HeaderValue::from_maybe_shared(value) {
                headers.insert(name, value);
            }
        }
        headers.insert(header::AGE, age_seconds.into());
        headers.insert(X_CACHE, HeaderValue::from_static(status.as_str()));
        response
    }
}

fn fill(response: &mut Response, body: Bytes, gzip: Option<Bytes>) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if gzip.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    *response.body_mut() = Body::from(gzip.unwrap_or(body));
}

/// Whether `If-None-Match` names the tag. Compared weakly, as for GET.
fn holds(known_etags: &[HeaderValue], etag: &[u8]) -> bool {
    known_etags
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag.as_bytes()) == opaque(etag))
}

fn opaque(tag: &[u8]) -> &[u8] {
    let tag = tag.trim_ascii();
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Whether `Accept-Encoding` names gzip, and does not refuse it by naming it.
pub(super) fn names_gzip(value: &HeaderValue) -> bool {
    let Ok(value) = value.to_str() else { return false };
    value.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::parse::<f32>);
        let refused = weight.is_some_and(|weight| weight.is_ok_and(|weight| weight <= 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_names_it_without_refusing_it() {
        let takes = |value| names_gzip(&HeaderValue::from_static(value));
        assert!(takes("gzip") && takes("gzip, deflate, br") && takes("br;q=1.0, GZIP; q=0.5"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("gzip; q=0.0, br") && !takes(""));
    }
}
