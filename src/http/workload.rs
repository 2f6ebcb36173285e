//! What a target's applications run, as evidence.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::auth::let_in;
use super::body::next_chunk;
use super::limits;
use super::path::{OfTarget, Segments};
use super::problem::{self, Fault, Problem, Problems};
use super::query::Pairs;
use super::targets::registered;
use crate::analysis::{self, Ledger, NO_FORMAT, Read, SourceFormat, WorkloadIntake};
use crate::app::App;
use crate::model::observation::Workload;
use crate::store::KeyScope;

/// How much longer than others an upload of any length may take. What limits it is that it goes on.
const UPLOAD_TIME_MAX: Duration = Duration::from_hours(1);

/// Statements shown at most.
const STATEMENTS_SHOWN: usize = 50;

/// What is known of the workload, and what of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WorkloadReport {
    /// The target's name.
    #[schema(example = "demo")]
    target: String,
    /// What was read of the source that was just sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Intake>,
    /// Which keys of which documents are used.
    workload: Workload,
    /// How much of each kind of source could be attributed.
    coverage: BTreeMap<String, CoverageReport>,
    /// The statements that take most time, without literals.
    statements: Vec<StatementReport>,
}

/// What was read of a source.
#[derive(Debug, Serialize, ToSchema)]
struct Intake {
    /// What it is: `stderr`, `csvlog`, `jsonlog`, `csv_list` or `json_list`.
    #[schema(example = "csvlog")]
    format: Option<String>,
    /// Bytes.
    bytes: u64,
    /// Lines; of JSON, objects.
    lines: u64,
    /// Statements.
    statements: u64,
    /// Lines or records that are not of the format.
    malformed: u64,
    /// Messages of a log in words that are not known.
    skipped: u64,
    /// Statements longer than is read.
    cut_off: u64,
    /// Executions whose statement is not in the log.
    #[serde(rename = "untold")]
    without_statement: u64,
    /// Statements of other databases.
    elsewhere: u64,
}

/// How much could be attributed, in calls.
#[derive(Debug, Serialize, ToSchema)]
struct CoverageReport {
    /// All.
    calls: u64,
    /// Those that use documents.
    document_calls: u64,
    /// Those of them whose keys are known.
    attributed_calls: u64,
    /// Those that could not be read.
    not_understood_calls: u64,
}

/// A statement, as often as it was run.
#[derive(Debug, Serialize, ToSchema)]
struct StatementReport {
    /// Its text without literals.
    #[schema(example = "select id from ml.features where data ->> $1 = $2")]
    sql: String,
    /// Calls.
    calls: u64,
    /// Milliseconds all of them took, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_ms: Option<f64>,
    /// What it does with documents.
    uses: Vec<String>,
}

/// What is known of the target's statements.
///
/// Which keys of which documents they use, and how much of them is known.
#[utoipa::path(
    get, path = "/v1/targets/{target}/workload", tag = "workload", operation_id = "show_workload",
    params(OfTarget),
    responses(
        (status = 200, description = "What is known", body = WorkloadReport),
        Problems,
    )
)]
pub(super) async fn show(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
) -> Result<Json<WorkloadReport>, Problem> {
    let [] = query.only([])?;
    let Segments([name]) = path;
    let target = registered(&app, &name).await?;
    let ledger = app.ledger(&target).await?.unwrap_or_default();
    Ok(Json(report(&name, &ledger, None)))
}

/// Send what the target's applications run.
///
/// A server log (csvlog, jsonlog or stderr, with plans or without), a list of statements as CSV (`sql,calls,mean_ms`)
/// or JSON (`{"statements": [{"sql", "calls", "mean_ms"}]}`). The body is read as a stream, however long it is and
/// takes, as long as it does not pause for 15 s. Keys and calls are kept, literals never. What was sent before stays,
/// unless `replace` is true.
#[utoipa::path(
    post, path = "/v1/targets/{target}/workload", tag = "workload", operation_id = "tell_workload",
    params(
        OfTarget,
        ("replace" = Option<bool>, Query, description = "Replace what was sent before"),
        ("log_line_prefix" = Option<String>, Query,
            description = "The server's `log_line_prefix`, such as `%m [%p] %q%u@%d `, for a log as plain text whose lines do \
                           not show by themselves which number is the process"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The source, in any of its formats; of another content type, too"),
    responses(
        (status = 200, description = "What is known now", body = WorkloadReport),
        Problems,
    )
)]
pub(super) async fn send(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
    request: Request,
) -> Result<Json<WorkloadReport>, Problem> {
    let Segments([name]) = path;
    let (replace, prefix) = query.options()?;
    let_in(&app, request.headers(), KeyScope::Probe).await?;
    let target = registered(&app, &name).await?;
    limits::allow_more_time(UPLOAD_TIME_MAX);
    let intake = in_time(&app, app.intake(&target, declared(&request), prefix)).await??;
    let (ledger, read) = received(&app, intake, request).await?;
    let ledger = in_time(&app, app.keep_workload(&target, ledger, replace)).await??;
    let ledger = ledger.ok_or_else(|| problem::unknown_target(&name))?;
    Ok(Json(report(&name, &ledger, Some(&read))))
}

/// What the body holds, however long it takes to arrive; a problem where it is of no known format.
async fn received(
    app: &App,
    intake: WorkloadIntake,
    request: Request,
) -> Result<(Ledger, Read), Problem> {
    let mut body = Body::into_data_stream(request.into_body());
    while let Some(chunk) = next_chunk(&mut body).await? {
        intake.push(chunk).await;
    }
    let (ledger, read) = in_time(app, intake.close()).await?;
    if read.format.is_none() {
        let why = read.refused.unwrap_or(NO_FORMAT);
        return Err(problem::invalid(vec![Fault::new("", why)]));
    }
    Ok((ledger, read))
}

/// What comes before and after the body, as long as any request may take.
async fn in_time<T>(app: &App, work: impl Future<Output = T>) -> Result<T, Problem> {
    let time = app.limits().request_timeout;
    timeout(time, work).await.map_err(|_| problem::timed_out(time.as_secs()))
}

/// JSON is a list; everything else is recognised by its beginning.
fn declared(request: &Request) -> Option<SourceFormat> {
    let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    content_type.starts_with("application/json").then_some(SourceFormat::JsonList)
}

fn report(target: &str, ledger: &Ledger, read: Option<&Read>) -> WorkloadReport {
    let coverage = ledger.coverage().iter().map(|(source, coverage)| {
        let report = CoverageReport {
            calls: coverage.all.calls,
            document_calls: coverage.documents.calls,
            attributed_calls: coverage.attributed.calls,
            not_understood_calls: coverage.not_understood.calls,
        };
        (named(source), report)
    });
    let statements = ledger.statements_by_time().into_iter().take(STATEMENTS_SHOWN);
    let statement = |used: &analysis::StatementUse| StatementReport {
        sql: used.redacted.clone(),
        calls: used.stats.calls,
        total_ms: (used.stats.timed_calls > 0).then(|| (used.stats.total_ms * 1e3).round() / 1e3),
        uses: used.uses.iter().map(ToString::to_string).collect(),
    };
    WorkloadReport {
        target: target.to_owned(),
        read: read.map(Intake::of),
        workload: analysis::workload(ledger),
        coverage: coverage.collect(),
        statements: statements.map(statement).collect(),
    }
}

impl Intake {
    fn of(read: &Read) -> Self {
        let counts = &read.counts;
        Self {
            format: read.format.map(|format| named(&format)),
            bytes: counts.bytes,
            lines: counts.lines,
            statements: counts.entries,
            malformed: counts.malformed,
            skipped: counts.skipped,
            cut_off: counts.cut_off,
            without_statement: counts.without_statement,
            elsewhere: counts.elsewhere,
        }
    }
}

/// A name as JSON writes it.
fn named(name: &impl Serialize) -> String {
    let json = serde_json::to_value(name).ok();
    json.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
