//! How many connections a service should open.

use axum::Json;
use axum::extract::State;

use super::body::Body;
use super::path::{OfTarget, Segments};
use super::problem::{self, Fault, Problem, Problems};
use super::query::Pairs;
use super::targets::registered;
use crate::app::App;
use crate::pool::{PoolInputs, PoolPlan};

/// Plan the connection pools of a service.
///
/// The size of each process's pool, how long requests wait for a connection, and whether a pooler is needed, from what
/// the caller knows and the server shows. Every input has its provenance; an unknown input is a gap, never a guess.
/// Visits the target each time.
#[utoipa::path(
    post, path = "/v1/targets/{target}/concurrency/pool-plan", tag = "analysis", operation_id = "pool_plan",
    params(OfTarget),
    request_body = PoolInputs,
    responses(
        (status = 200, description = "The plan", body = PoolPlan),
        Problems,
    )
)]
pub(super) async fn plan(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
    Body(inputs): Body<PoolInputs>,
) -> Result<Json<PoolPlan>, Problem> {
    let [] = query.only([])?;
    let Segments([target]) = path;
    let faults = inputs.faults();
    if !faults.is_empty() {
        let fault = |(name, detail)| Fault::new(format!("/{name}"), detail);
        return Err(problem::invalid(faults.into_iter().map(fault).collect()));
    }
    let target = registered(&app, &target).await?;
    Ok(Json(app.pool_plan(&target, &inputs).await?))
}
