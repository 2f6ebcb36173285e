//! The registry of targets.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::page::{ListParameters, Page, PageRequest};
use super::path::{OfTarget, Segments};
use super::problem::{self, Fault, Problem, Problems};
use super::query::Pairs;
use crate::app::App;
use crate::checks;
use crate::config::DsnSource;
use crate::model::{Policy, UnknownName};
use crate::store::{DsnReference, LabChange, NewTarget, TargetChange, TargetRecord};

/// A registered target; never its DSN.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Target)]
pub(super) struct RegisteredTarget {
    /// Its name.
    #[schema(example = "warehouse")]
    name: String,
    /// Where its DSN is kept.
    dsn: DsnReference,
    /// How many replicas it has.
    replicas: u32,
    /// Whether it has a database where experiments may write.
    lab: bool,
    /// Labels of the operator's choice.
    labels: BTreeMap<String, String>,
    /// Threshold overrides.
    policy: Policy,
    /// Part of every cache key.
    #[schema(example = "v1")]
    model_version: String,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// The target that is registered under that name.
pub(super) async fn registered(app: &App, name: &str) -> Result<Arc<TargetRecord>, Problem> {
    let target = app.store().target(name).await?;
    target.ok_or_else(|| problem::unknown_target(name))
}

impl From<&TargetRecord> for RegisteredTarget {
    fn from(record: &TargetRecord) -> Self {
        let TargetRecord { name, dsn, replicas, lab, labels, policy, .. } = record.clone();
        let TargetRecord { model_version, created_at, updated_at, .. } = record.clone();
        Self { name, dsn, replicas, lab, labels, policy, model_version, created_at, updated_at }
    }
}

/// A target to register, with exactly one of `dsn`, `dsn_env` and `dsn_file`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    /// 1 to 63 lower-case letters, digits and hyphens, no hyphen first.
    #[schema(example = "warehouse", pattern = "^[a-z0-9][a-z0-9-]{0,62}$")]
    name: String,
    /// Its DSN; write-only, encrypted at rest.
    #[schema(value_type = Option<String>, write_only, example = "postgresql://dbopt@db.example.com/warehouse")]
    dsn: Option<SecretString>,
    /// The service's environment variable that holds its DSN.
    dsn_env: Option<String>,
    /// The file that holds its DSN, an absolute path on the service's machine.
    #[schema(value_type = Option<String>)]
    dsn_file: Option<PathBuf>,
    /// DSNs of its replicas; write-only.
    #[serde(default)]
    #[schema(value_type = Vec<String>, write_only)]
    replicas: Vec<SecretString>,
    /// DSN of a database where experiments may write; write-only.
    #[schema(value_type = Option<String>, write_only)]
    lab: Option<SecretString>,
    /// Labels of the operator's choice.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Threshold overrides.
    #[serde(default)]
    policy: Policy,
    /// Part of every cache key; `v1` if absent.
    model_version: Option<String>,
}

/// What to change of a target; absent leaves it as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetUpdate {
    /// Its DSN; write-only, encrypted at rest.
    #[schema(value_type = Option<String>, write_only, example = "postgresql://dbopt@db.example.com/warehouse")]
    dsn: Option<SecretString>,
    /// The service's environment variable that holds its DSN.
    dsn_env: Option<String>,
    /// The file that holds its DSN, an absolute path on the service's machine.
    #[schema(value_type = Option<String>)]
    dsn_file: Option<PathBuf>,
    /// DSNs of its replicas, all of them; write-only.
    #[schema(value_type = Option<Vec<String>>, write_only)]
    replicas: Option<Vec<SecretString>>,
    /// DSN of a database where experiments may write; write-only, null removes it.
    #[serde(default, deserialize_with = "lab_change")]
    #[schema(value_type = Option<String>, write_only)]
    lab: LabChange,
    /// Labels of the operator's choice, all of them.
    labels: Option<BTreeMap<String, String>>,
    /// Threshold overrides, all of them.
    policy: Option<Policy>,
    /// Part of every cache key: another one makes every cached answer void at once.
    model_version: Option<String>,
}

/// A lab that was given, be it null.
fn lab_change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LabChange, D::Error> {
    Option::<SecretString>::deserialize(deserializer).map(LabChange::from)
}

/// The one source that was given, if one was.
fn source(
    dsn: Option<SecretString>,
    dsn_env: Option<String>,
    dsn_file: Option<PathBuf>,
) -> Result<Option<DsnSource>, Problem> {
    let sources =
        [dsn.map(DsnSource::Inline), dsn_env.map(DsnSource::Env), dsn_file.map(DsnSource::File)];
    let mut given = sources.into_iter().flatten();
    match (given.next(), given.next()) {
        (source, None) => Ok(source),
        _ => Err(one_source()),
    }
}

/// Every threshold is one we know, and can be compared with.
fn check(policy: &Policy) -> Result<(), Problem> {
    let known = checks::thresholds();
    let fault = |(name, value): (&String, &f64)| {
        let detail = if !known.contains_key(name.as_str()) {
            UnknownName::new("threshold", name, known.keys().copied()).to_string()
        } else if value.is_finite() && *value >= 0.0 {
            return None;
        } else {
            format!("`{name}` must be a number, 0 or more")
        };
        Some(Fault::new(format!("/policy/{name}"), detail))
    };
    let faults: Vec<Fault> = policy.0.iter().filter_map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(problem::invalid(faults)) }
}

fn one_source() -> Problem {
    let detail = "give exactly one of dsn, dsn_env and dsn_file";
    problem::invalid(vec![Fault::new("/dsn", detail)])
}

/// Targets by name.
///
/// Sorted by name. A DSN is never shown.
#[utoipa::path(
    get, path = "/v1/targets", tag = "targets", operation_id = "list_targets", params(ListParameters),
    responses(
        (status = 200, description = "A page of targets", body = Page<RegisteredTarget>),
        Problems,
    )
)]
pub(super) async fn list(
    app: State<App>,
    query: Pairs,
) -> Result<Json<Page<RegisteredTarget>>, Problem> {
    let turn = PageRequest::of(query)?;
    let records = app.store().list_targets(turn.after.as_deref(), turn.wanted()).await?;
    let targets = records.iter().map(RegisteredTarget::from).collect();
    Ok(Json(turn.page(targets, |target| &target.name)))
}

/// Register a target.
///
/// Does not connect to it: `capabilities` does. Give exactly one of `dsn`, `dsn_env` and `dsn_file`.
#[utoipa::path(
    post, path = "/v1/targets", tag = "targets", operation_id = "register_target",
    request_body = Registration,
    responses(
        (status = 201, description = "Registered", body = RegisteredTarget),
        Problems,
    )
)]
pub(super) async fn create(
    app: State<App>,
    query: Pairs,
    Body(registration): Body<Registration>,
) -> Result<Response, Problem> {
    let [] = query.only([])?;
    let Registration { name, dsn, dsn_env, dsn_file, replicas, lab, labels, policy, model_version } =
        registration;
    check(&policy)?;
    let dsn = source(dsn, dsn_env, dsn_file)?.ok_or_else(one_source)?;
    let new = NewTarget { name, dsn, replicas, lab, labels, policy, model_version };
    let record = app.store().create_target(new).await?;
    let location = format!("/v1/targets/{}", record.name);
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, Json(RegisteredTarget::from(&record))).into_response())
}

/// One target.
///
/// As it is registered; its DSN is never shown.
#[utoipa::path(
    get, path = "/v1/targets/{target}", tag = "targets", operation_id = "show_target",
    params(OfTarget),
    responses(
        (status = 200, description = "The target", body = RegisteredTarget),
        Problems,
    )
)]
pub(super) async fn show(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
) -> Result<Json<RegisteredTarget>, Problem> {
    let [] = query.only([])?;
    let Segments([name]) = path;
    let record = registered(&app, &name).await?;
    Ok(Json(RegisteredTarget::from(&*record)))
}

/// Change a target.
///
/// Fields that are not sent stay as they are. Cached answers of the target are void at once.
#[utoipa::path(
    patch, path = "/v1/targets/{target}", tag = "targets", operation_id = "change_target",
    params(OfTarget),
    request_body = TargetUpdate,
    responses(
        (status = 200, description = "The target as it is now", body = RegisteredTarget),
        Problems,
    )
)]
pub(super) async fn update(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
    Body(change): Body<TargetUpdate>,
) -> Result<Json<RegisteredTarget>, Problem> {
    let [] = query.only([])?;
    let Segments([name]) = path;
    let TargetUpdate { dsn, dsn_env, dsn_file, replicas, lab, labels, policy, model_version } =
        change;
    check(policy.as_ref().unwrap_or(&Policy::default()))?;
    let dsn = source(dsn, dsn_env, dsn_file)?;
    let change = TargetChange { dsn, replicas, lab, labels, policy, model_version };
    let record = app.store().update_target(&name, change).await?;
    let record = record.ok_or_else(|| problem::unknown_target(&name))?;
    app.close(&name);
    Ok(Json(RegisteredTarget::from(&record)))
}

/// Delete a target.
///
/// Closes its connections, and deletes its contracts and its workload.
#[utoipa::path(
    delete, path = "/v1/targets/{target}", tag = "targets", operation_id = "forget_target",
    params(OfTarget),
    responses(
        (status = 204, description = "Forgotten"),
        Problems,
    )
)]
pub(super) async fn delete(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
) -> Result<StatusCode, Problem> {
    let [] = query.only([])?;
    let Segments([name]) = path;
    if !app.store().delete_target(&name).await? {
        return Err(problem::unknown_target(&name));
    }
    app.close(&name);
    Ok(StatusCode::NO_CONTENT)
}
