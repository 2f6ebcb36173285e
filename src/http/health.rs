//! Liveness, readiness, metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problems;
use crate::app::App;

/// Whether the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Liveness {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The version of the service.
    version: &'static str,
}

/// Whether the service can do its work. A dead target does not count: that is the target's trouble.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`; `unready`; `stopping` after SIGTERM, while the service finishes its requests.
    #[schema(example = "ready")]
    status: &'static str,
    /// The service's own database: `ok` or `unavailable`.
    #[schema(example = "ok")]
    store: &'static str,
    /// `ok`; `in_process` without Redis; `unavailable` where Redis does not answer, which costs time only.
    #[schema(example = "in_process")]
    cache: &'static str,
}

impl Readiness {
    /// Of a service whose store answers, and whose Redis, where it has one.
    fn of(is_stopping: bool, store_answers: bool, redis_answers: Option<bool>) -> Self {
        let (status, store) =
            if store_answers { ("ready", "ok") } else { ("unready", "unavailable") };
        let status = if is_stopping { "stopping" } else { status };
        let cache = match redis_answers {
            None => "in_process",
            Some(true) => "ok",
            Some(false) => "unavailable",
        };
        Self { status, store, cache }
    }

    fn code(&self) -> StatusCode {
        if self.status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }
}

/// Whether the process answers.
///
/// For liveness probes. It depends on nothing else: neither on the store nor on a target.
#[utoipa::path(
    get, path = "/healthz", tag = "service", operation_id = "live",
    responses((status = 200, description = "It does", body = Liveness))
)]
pub(super) async fn live() -> Json<Liveness> {
    Json(Liveness { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Whether the service can do its work.
///
/// For readiness probes: 503 while the store does not answer, and from SIGTERM on.
#[utoipa::path(
    get, path = "/readyz", tag = "service", operation_id = "ready",
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot: its own database does not answer, or it is about to stop", body = Readiness),
    )
)]
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let (store, redis) = tokio::join!(app.store().ping(), app.redis_answers());
    let readiness = Readiness::of(app.is_stopping(), store.is_ok(), redis);
    (readiness.code(), Json(readiness))
}

/// What was counted and timed, in Prometheus' text format.
///
/// Requests, cache, targets, findings of the last analyses, and the process. It is answered when the service is
/// overloaded, too.
#[utoipa::path(
    get, path = "/metrics", tag = "service", operation_id = "metrics",
    responses(
        (status = 200, description = "Metrics", body = String, content_type = "text/plain"),
        Problems,
    )
)]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics()).into_response()
}
