//! Review of migrations, before they run.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::Body;
use super::problem::{self, Fault, Problem, Problems};
use super::query::Pairs;
use super::targets::registered;
use crate::analysis::{Runner, SqlFile};
use crate::app::App;
use crate::model::Review;

/// Files of one review at most.
const FILES_MAX: usize = 500;

/// What is to be reviewed: `sql` alone, or `files` in the order they are run in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Migration {
    /// One migration.
    sql: Option<String>,
    /// How findings name it; `migration.sql` where it is not given.
    path: Option<String>,
    /// Several migrations.
    files: Option<Vec<MigrationFile>>,
    /// A registered target: findings then say how long its tables are blocked.
    #[schema(example = "demo")]
    target: Option<String>,
    /// What runs them; `psql` where it is not given. Some send a file in one transaction, where some statements fail.
    #[schema(example = "flyway")]
    runner: Option<Runner>,
}

/// A file of SQL.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MigrationFile {
    /// How findings name it.
    #[schema(example = "migrations/0042_sessions.sql")]
    path: String,
    /// What it says: plain SQL, Alembic's offline SQL, or a script for psql.
    sql: String,
}

/// Findings for the SQL of migrations.
///
/// Unsafe DDL with what it locks, long keys and deep nesting in new documents, padded columns, `json`, missing primary
/// keys. `-- dbopt-ignore CHECK` on or above a line suppresses a finding.
#[utoipa::path(
    post, path = "/v1/review/migration", tag = "review", operation_id = "review_migration",
    request_body = Migration,
    responses(
        (status = 200, description = "What was found", body = Review),
        Problems,
    )
)]
pub(super) async fn migration(
    app: State<App>,
    query: Pairs,
    Body(migration): Body<Migration>,
) -> Result<Json<Review>, Problem> {
    let [] = query.only([])?;
    let target = match &migration.target {
        None => None,
        Some(name) => Some(registered(&app, name).await?),
    };
    let runner = migration.runner.unwrap_or_default();
    let files = files(migration)?;
    Ok(Json(app.review(target.as_deref(), files, runner).await?))
}

fn files(migration: Migration) -> Result<Vec<SqlFile>, Problem> {
    let fault =
        |pointer: &str, detail: &str| Err(problem::invalid(vec![Fault::new(pointer, detail)]));
    match (migration.sql, migration.files) {
        (Some(sql), None) => {
            let path = migration.path.unwrap_or_else(|| "migration.sql".to_owned());
            Ok(vec![SqlFile { path, sql }])
        }
        (None, Some(_)) if migration.path.is_some() => {
            fault("/path", "`path` goes with `sql`; each of `files` has its own")
        }
        (None, Some(files)) if files.is_empty() => fault("/files", "at least one file is needed"),
        (None, Some(files)) if files.len() > FILES_MAX => {
            fault("/files", "at most 500 files are reviewed at once")
        }
        (None, Some(files)) => {
            let file = |file: MigrationFile| SqlFile { path: file.path, sql: file.sql };
            Ok(files.into_iter().map(file).collect())
        }
        _ => fault("", "give `sql` or `files`, one of them"),
    }
}
