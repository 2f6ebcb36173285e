//! What can be found.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::page::{ListParameters, Page, PageRequest};
use super::path::Segments;
use super::problem::{self, Problem, Problems};
use super::query::Pairs;
use crate::checks::{self, Check};
use crate::model::{Superpower, Topic, Unit};

/// A check in a listing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckSummary {
    /// `superpower/name-of-the-problem`.
    #[schema(example = "toast/large-toast-share")]
    id: &'static str,
    /// What it belongs to.
    superpower: Superpower,
    /// The problem in a few words.
    title: &'static str,
    /// What it needs to see.
    needs: &'static [Topic],
    /// The numbers it compares with.
    thresholds: Vec<ThresholdSummary>,
}

/// A threshold of a check.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ThresholdSummary {
    /// Name of the query parameter and of the policy's entry.
    #[schema(example = "toast_share_max")]
    name: &'static str,
    /// Value unless the request or the target sets another.
    default: f64,
    /// Its unit.
    unit: Unit,
    /// Why the default is what it is.
    reason: &'static str,
}

/// A check with its page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckPage {
    #[serde(flatten)]
    summary: CheckSummary,
    /// The page, in Markdown: what it does, why it matters, examples that are run as tests.
    page: &'static str,
}

impl CheckSummary {
    fn of(check: &'static Check) -> Self {
        let threshold = |threshold: &&'static crate::model::Threshold| ThresholdSummary {
            name: threshold.name,
            default: threshold.default,
            unit: threshold.unit,
            reason: threshold.reason,
        };
        Self {
            id: check.id,
            superpower: check.superpower,
            title: check.title(),
            needs: check.needs,
            thresholds: check.thresholds.iter().map(threshold).collect(),
        }
    }
}

/// Every check, with its thresholds.
///
/// Sorted by superpower. The ids are those of `check`, and the thresholds are query parameters of the analyses.
#[utoipa::path(
    get, path = "/v1/checks", tag = "checks", operation_id = "list_checks", params(ListParameters),
    responses(
        (status = 200, description = "A page of checks", body = Page<CheckSummary>),
        Problems,
    )
)]
pub(super) async fn list(query: Pairs) -> Result<Json<Page<CheckSummary>>, Problem> {
    let turn = PageRequest::of(query)?;
    let mut all: Vec<_> = checks::all().collect();
    all.sort_by_key(|check| check.id);
    let rest = all.into_iter().filter(|check| turn.after.as_deref().is_none_or(|id| check.id > id));
    let wanted = rest.take(turn.wanted() as usize).map(CheckSummary::of).collect();
    Ok(Json(turn.page(wanted, |check| check.id)))
}

/// One check, with its page.
///
/// The page says why the problem matters, how it is judged, and has SQL that fires and SQL that stays silent.
#[utoipa::path(
    get, path = "/v1/checks/{superpower}/{name}", tag = "checks", operation_id = "show_check",
    params(
        ("superpower" = String, Path, description = "What the check belongs to", example = "toast"),
        ("name" = String, Path, description = "The problem's name", example = "large-toast-share"),
    ),
    responses(
        (status = 200, description = "The check", body = CheckPage),
        Problems,
    )
)]
pub(super) async fn show(
    Segments(path): Segments<2>,
    query: Pairs,
) -> Result<Json<CheckPage>, Problem> {
    let [] = query.only([])?;
    let id = path.join("/");
    let check = checks::find(&id).map_err(|error| problem::unknown_check(&error))?;
    Ok(Json(CheckPage { summary: CheckSummary::of(check), page: check.page }))
}
