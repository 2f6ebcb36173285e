//! Whether a staging table was emptied by a crash, for the pipeline that loads it.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use super::path::{OfTarget, Segments};
use super::problem::{self, Fault, Problem, Problems};
use super::query::Pairs;
use super::targets::registered;
use crate::app::App;
use crate::model::{QualifiedName, StagingReport};

/// Whether an unlogged table has to be loaded again.
///
/// It has to where it is empty, and the server was restarted or recovered from a crash since it was loaded. Visits the
/// target each time.
#[utoipa::path(
    get, path = "/v1/targets/{target}/wal/staging/{schema}/{table}", tag = "analysis", operation_id = "staging_table",
    params(
        OfTarget,
        ("schema" = String, Path, description = "The table's schema", example = "staging"),
        ("table" = String, Path, description = "The table", example = "features_raw"),
        ("since" = Option<String>, Query, description = "When it was loaded, with a time zone", example = "2026-11-28T06:00:00Z"),
    ),
    responses(
        (status = 200, description = "Whether it has to be loaded again", body = StagingReport),
        Problems,
    )
)]
pub(super) async fn show(
    app: State<App>,
    path: Segments<3>,
    query: Pairs,
) -> Result<Json<StagingReport>, Problem> {
    let Segments([target, schema, name]) = path;
    let [since] = query.only(["since"])?;
    let since = since.map(|text| text.parse::<Timestamp>()).transpose().map_err(|_| {
        let detail = "`since` must be a time with a time zone, as 2026-11-28T06:00:00Z";
        problem::invalid(vec![Fault::new("/query/since", detail)])
    })?;
    let target = registered(&app, &target).await?;
    Ok(Json(app.staging(&target, &QualifiedName { schema, name }, since).await?))
}
