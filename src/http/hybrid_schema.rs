//! Hybrid Schema Engineer: what is inside the documents.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::analysis::{Asked, Cached};
use super::problem::Problem;
use super::query::Pairs;
use crate::app::App;
use crate::model::DocumentReport;

/// What the documents of a JSONB column hold: each key path with its presence, types, sizes and distinct values,
/// from a bounded sample. No value leaves the target.
#[utoipa::path(
    get, path = "/v1/targets/{target}/hybrid-schema/keys", tag = "analysis", operation_id = "document_keys",
    params(
        ("target" = String, Path, description = "The target's name", example = "demo"),
        ("table" = String, Query, description = "The table, `name` or `schema.name`", example = "ml.features"),
        ("column" = Option<String>, Query, description = "The column, where the table has several of JSONB", example = "data"),
        ("refresh" = Option<bool>, Query, description = "Look again instead of into the cache"),
    ),
    responses(
        (status = 200, description = "What the documents hold", body = DocumentReport),
        (status = 304, description = "What the caller holds is still true"),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn keys(app: State<App>, asked: Asked, query: Pairs) -> Result<Response, Problem> {
    let (subject, refresh) = query.column()?;
    let answer = app.documents(&asked.target, subject, refresh).await?;
    Ok(Cached { answer, max_age: app.cache_config().ttl.as_secs(), asked }.into_response())
}
