//! What can be seen and done on a target.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::analysis::{Cached, TargetRequest};
use super::path::OfTarget;
use super::problem::{Problem, Problems};
use super::query::Pairs;
use crate::app::App;
use crate::model::Capabilities;

/// What can be seen of a target.
///
/// Version, privileges, extensions, and for each check whether it can be judged, or the gap and the statement that
/// closes it.
#[utoipa::path(
    get, path = "/v1/targets/{target}/capabilities", tag = "targets", operation_id = "show_capabilities",
    params(
        OfTarget,
        ("refresh" = Option<bool>, Query, description = "Look again instead of into the cache"),
    ),
    responses(
        (status = 200, description = "What can be seen and done", body = Capabilities),
        (status = 304, description = "What the caller holds is still true"),
        Problems,
    )
)]
pub(super) async fn show(
    app: State<App>,
    request: TargetRequest,
    query: Pairs,
) -> Result<Response, Problem> {
    let answer = app.capabilities(&request.target, query.refresh()?).await?;
    Ok(Cached { answer, request }.into_response())
}
