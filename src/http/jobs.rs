//! Analyses that were asked for with `Prefer: respond-async`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::let_in;
use super::path::Segments;
use super::problem::{self, Problem, Problems};
use super::query::Pairs;
use crate::app::{App, BackgroundAnalysis, Inquiry, JobOutcome};
use crate::model::Analysis;
use crate::store::{KeyScope, TargetRecord};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const RESPOND_ASYNC: &str = "respond-async";
/// When to look at a job that goes on, in seconds.
const LOOK_AFTER_SECONDS: u32 = 2;

/// An analysis that goes on after its request was answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Job {
    /// What identifies it.
    #[schema(example = "j_3f0c9a5be1d24f7789aa01c4")]
    id: String,
    /// The target's name.
    #[schema(example = "demo")]
    target: String,
    /// What is analysed: a superpower, or `all`.
    #[schema(example = "toast")]
    superpower: &'static str,
    /// What became of it.
    state: JobState,
    /// When it began.
    created_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    /// Where its answer is, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v1/jobs/j_3f0c9a5be1d24f7789aa01c4/result")]
    result: Option<String>,
}

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum JobState {
    /// It goes on.
    Running,
    /// It ended with an answer.
    Done,
    /// It ended with a problem, which is its result.
    Failed,
}

impl From<&BackgroundAnalysis> for Job {
    fn from(job: &BackgroundAnalysis) -> Self {
        let state = match job.outcome {
            JobOutcome::Running => JobState::Running,
            JobOutcome::Done(_) => JobState::Done,
            JobOutcome::Failed(_) | JobOutcome::TimedOut { .. } => JobState::Failed,
        };
        Self {
            id: job.id.clone(),
            target: job.target.clone(),
            superpower: job.superpower,
            state,
            created_at: job.created_at,
            finished_at: job.finished_at,
            result: job.finished_at.map(|_| format!("/v1/jobs/{}/result", job.id)),
        }
    }
}

impl Job {
    /// The job, and when to look again while it goes on.
    fn shown(self) -> Response {
        let goes_on = self.state == JobState::Running;
        let mut response = Json(self).into_response();
        if goes_on {
            response.headers_mut().insert(header::RETRY_AFTER, LOOK_AFTER_SECONDS.into());
        }
        response
    }
}

/// Whether the caller would rather have a job than wait (RFC 7240).
pub(super) fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split([',', ';'])).map(str::trim);
    preferences.any(|preference| preference.eq_ignore_ascii_case(RESPOND_ASYNC))
}

/// 202 with the job that computes the analysis.
pub(super) fn accepted(
    app: &App,
    target: Arc<TargetRecord>,
    inquiry: Inquiry,
) -> Result<Response, Problem> {
    let job = app.start_job(target, inquiry)?.ok_or_else(problem::overloaded)?;
    let location = HeaderValue::try_from(format!("/v1/jobs/{}", job.id));
    let mut response = Job::from(&job).shown();
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.extend(location.ok().map(|location| (header::LOCATION, location)));
    headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
    Ok(response)
}

/// One job.
///
/// It lives in the process that began it, for a quarter of an hour after its end: behind a load balancer, send the requests of one job
/// to one replica.
#[utoipa::path(
    get, path = "/v1/jobs/{job}", tag = "analysis", operation_id = "show_job",
    params(("job" = String, Path, description = "The job's id", example = "j_3f0c9a5be1d24f7789aa01c4")),
    responses(
        (status = 200, description = "The job", body = Job),
        Problems,
    )
)]
pub(super) async fn show(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
) -> Result<Response, Problem> {
    let [] = query.only([])?;
    let Segments([id]) = path;
    Ok(Job::from(&app.job(&id).ok_or_else(unknown)?).shown())
}

/// The answer of a job.
///
/// What the request would have been answered with: the analysis, or the problem.
#[utoipa::path(
    get, path = "/v1/jobs/{job}/result", tag = "analysis", operation_id = "show_job_result",
    params(("job" = String, Path, description = "The job's id", example = "j_3f0c9a5be1d24f7789aa01c4")),
    responses(
        (status = 200, description = "The analysis", body = Analysis),
        Problems,
    )
)]
pub(super) async fn result(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
) -> Result<Response, Problem> {
    let [] = query.only([])?;
    let Segments([id]) = path;
    match app.job(&id).ok_or_else(unknown)?.outcome {
        JobOutcome::Running => Err(running()),
        JobOutcome::Failed(error) => Err(error.into()),
        JobOutcome::TimedOut { seconds } => Err(problem::timed_out(seconds)),
        JobOutcome::Done(answer) => {
            let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(([json], answer.body).into_response())
        }
    }
}

/// Cancel a job.
///
/// What it runs on the target ends, and its answer is gone. Needs a key with the scope `probe`.
#[utoipa::path(
    delete, path = "/v1/jobs/{job}", tag = "analysis", operation_id = "cancel_job",
    params(("job" = String, Path, description = "The job's id", example = "j_3f0c9a5be1d24f7789aa01c4")),
    responses(
        (status = 204, description = "Cancelled"),
        Problems,
    )
)]
pub(super) async fn cancel(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
    request: Request,
) -> Result<StatusCode, Problem> {
    let [] = query.only([])?;
    let Segments([id]) = path;
    let_in(&app, request.headers(), KeyScope::Probe).await?;
    if app.cancel_job(&id) { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

fn unknown() -> Problem {
    let detail = "this process has no such job; jobs are held for 15 minutes after their end";
    Problem::new(StatusCode::NOT_FOUND, "unknown-job", "No such job", detail)
}

fn running() -> Problem {
    let detail = "the job goes on: GET /v1/jobs/{job} says when it has ended";
    Problem::new(StatusCode::CONFLICT, "job-running", "The job has not ended", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_is_read_among_others() {
        let prefers = |value: &'static str| {
            prefers_async(&HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))]))
        };
        assert!(prefers("respond-async") && prefers("wait=5, Respond-Async; x=1"));
        assert!(!prefers("wait=5") && !prefers("") && !prefers_async(&HeaderMap::new()));
    }
}
