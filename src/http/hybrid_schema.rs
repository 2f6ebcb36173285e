//! Hybrid Schema Engineer: what is inside the documents.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::analysis::{Cached, TargetRequest};
use super::path::OfTarget;
use super::problem::{Problem, Problems};
use super::query::Pairs;
use crate::app::App;
use crate::contract::ContractFormat;
use crate::model::DocumentReport;

/// What the documents of a JSONB column hold.
///
/// Each key path with its presence, types, sizes and distinct values, from a bounded sample. No value leaves the
/// target.
#[utoipa::path(
    get, path = "/v1/targets/{target}/hybrid-schema/keys", tag = "analysis", operation_id = "document_keys",
    params(
        OfTarget,
        ("table" = String, Query, description = "The table, `name` or `schema.name`", example = "ml.features"),
        ("column" = Option<String>, Query, description = "The column, where the table has several of JSONB", example = "data"),
        ("refresh" = Option<bool>, Query, description = "Look again instead of into the cache"),
    ),
    responses(
        (status = 200, description = "What the documents hold", body = DocumentReport),
        (status = 304, description = "What the caller holds is still true"),
        Problems,
    )
)]
pub(super) async fn keys(
    app: State<App>,
    request: TargetRequest,
    query: Pairs,
) -> Result<Response, Problem> {
    let (subject, refresh) = query.column()?;
    let answer = app.documents(&request.target, subject, refresh).await?;
    Ok(Cached { answer, request }.into_response())
}

/// Write a contract for the documents of a column.
///
/// From a bounded sample: a JSON Schema, or a Python module with models of Pydantic 2. What each document of the
/// sample has is required, what some have is optional; keys that are data become maps. Where documents have codes for
/// keys, models have the long names, and the codes as aliases.
#[utoipa::path(
    get, path = "/v1/targets/{target}/hybrid-schema/contract", tag = "analysis", operation_id = "document_contract",
    params(
        OfTarget,
        ("table" = String, Query, description = "The table, `name` or `schema.name`", example = "ml.features"),
        ("column" = Option<String>, Query, description = "The column, where the table has several of JSONB", example = "data"),
        ("format" = inline(Option<ContractFormat>), Query, description = "How it is written; a JSON Schema where none is named"),
        ("refresh" = Option<bool>, Query, description = "Look again instead of into the cache"),
    ),
    responses(
        (status = 200, description = "The contract", content(
            (serde_json::Value = "application/json"),
            (String = "text/x-python"),
        )),
        (status = 304, description = "What the caller holds is still true"),
        Problems,
    )
)]
pub(super) async fn contract(
    app: State<App>,
    request: TargetRequest,
    query: Pairs,
) -> Result<Response, Problem> {
    let (export, refresh) = query.contract()?;
    let format = export.format;
    let answer = app.contract(&request.target, export, refresh).await?;
    let cached = Cached { answer, request };
    let mut response = cached.into_response();
    if format == ContractFormat::Pydantic && response.status() == StatusCode::OK {
        let python = HeaderValue::from_static("text/x-python; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, python);
    }
    Ok(response)
}
