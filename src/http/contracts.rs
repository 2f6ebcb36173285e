//! What the documents of columns promise.

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::auth::let_in;
use super::body::Body;
use super::page::{ListParameters, Page, PageRequest};
use super::path::{OfTarget, Segments};
use super::problem::{self, Fault, Problem, Problems};
use super::query::Pairs;
use super::targets::registered;
use crate::app::App;
use crate::contract::Contract;
use crate::model::NAME_BYTES_MAX;
use crate::store::{ContractColumn, ContractRecord, KeyScope};

/// What stands for itself in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.').remove(b'~');

/// Which column of which target.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read as segments; documented here")]
struct OfColumn {
    /// The target's name
    #[param(example = "demo")]
    target: String,
    /// The table's schema
    #[param(example = "ml")]
    schema: String,
    /// The table; the root where it is partitioned
    #[param(example = "features")]
    table: String,
    /// The column, of type jsonb or json
    #[param(example = "data")]
    column: String,
}

/// The contract of a column, as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ContractItem {
    /// The table's schema.
    #[schema(example = "ml")]
    schema: String,
    /// The table.
    #[schema(example = "features")]
    table: String,
    /// The column.
    #[schema(example = "data")]
    column: String,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last replaced.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[serde(skip)]
    place: String,
}

/// The contract of a column.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RegisteredContract {
    #[serde(flatten)]
    item: ContractItem,
    /// The JSON Schema, as it was sent.
    #[schema(value_type = Object)]
    contract: Box<RawValue>,
}

impl ContractItem {
    fn of(record: &ContractRecord) -> Self {
        let ContractRecord { column, created_at, updated_at, .. } = record.clone();
        let names = [&column.schema, &column.table, &column.column];
        let place = serde_json::to_string(&names).unwrap_or_default();
        let ContractColumn { schema, table, column } = column;
        Self { schema, table, column, created_at, updated_at, place }
    }
}

impl RegisteredContract {
    fn of(record: ContractRecord) -> Self {
        Self { item: ContractItem::of(&record), contract: record.schema }
    }
}

/// Columns whose documents have a contract.
///
/// Sorted by name, without the contracts themselves.
#[utoipa::path(
    get, path = "/v1/targets/{target}/contracts", tag = "contracts", operation_id = "list_contracts",
    params(OfTarget, ListParameters),
    responses(
        (status = 200, description = "A page of contracts", body = Page<ContractItem>),
        Problems,
    )
)]
pub(super) async fn list(
    app: State<App>,
    path: Segments<1>,
    query: Pairs,
) -> Result<Json<Page<ContractItem>>, Problem> {
    let Segments([name]) = path;
    let turn = PageRequest::of(query)?;
    let target = registered(&app, &name).await?;
    let after = turn.after.as_deref().map(column_after).transpose()?;
    let records = app.store().list_contracts(&target.name, after.as_ref(), turn.wanted()).await?;
    let items = records.iter().map(ContractItem::of).collect();
    Ok(Json(turn.page(items, |item| &item.place)))
}

/// The column that a cursor names.
fn column_after(place: &str) -> Result<ContractColumn, Problem> {
    let names: Option<[String; 3]> = serde_json::from_str(place).ok();
    // Escaped in JSON, it passes a check of the cursor alone.
    let names = names.filter(|names| !names.iter().any(|name| name.contains('\0')));
    let [schema, table, column] = names.ok_or_else(|| {
        let detail = "`cursor` must be a `next_cursor` of this list";
        problem::invalid(vec![Fault::new("/query/cursor", detail)])
    })?;
    Ok(ContractColumn { schema, table, column })
}

/// The contract of a column.
///
/// As it was registered.
#[utoipa::path(
    get, path = "/v1/targets/{target}/contracts/{schema}/{table}/{column}", tag = "contracts",
    operation_id = "show_contract",
    params(OfColumn),
    responses(
        (status = 200, description = "The contract", body = RegisteredContract),
        Problems,
    )
)]
pub(super) async fn show(
    app: State<App>,
    path: Segments<4>,
    query: Pairs,
) -> Result<Json<RegisteredContract>, Problem> {
    let [] = query.only([])?;
    let (name, column) = place(path);
    let target = registered(&app, &name).await?;
    let record = app.store().contract(&target.name, &column).await?;
    record
        .map(|record| Json(RegisteredContract::of(record)))
        .ok_or_else(|| problem::unknown_contract(&name, &column))
}

/// Register the contract of a column.
///
/// Registers or replaces what the documents of a column promise: a JSON Schema, as Pydantic 2 prints it
/// (`Model.model_json_schema()`) or as `hybrid-schema/contract` writes it. References are not fetched. From then on
/// `hybrid-schema/schema-drift` judges each sampled document by it. The target is not visited: if it has no such
/// column, an analysis says so. Needs a key with the scope `probe`.
#[utoipa::path(
    put, path = "/v1/targets/{target}/contracts/{schema}/{table}/{column}", tag = "contracts",
    operation_id = "put_contract",
    params(OfColumn),
    request_body(content = Object, description = "The JSON Schema"),
    responses(
        (status = 200, description = "Replaced", body = RegisteredContract),
        (status = 201, description = "Registered", body = RegisteredContract),
        Problems,
    )
)]
pub(super) async fn put(
    app: State<App>,
    path: Segments<4>,
    query: Pairs,
    request: Request,
) -> Result<Response, Problem> {
    let [] = query.only([])?;
    let_in(&app, request.headers(), KeyScope::Probe).await?;
    let (name, column) = place(path);
    check_names(&column)?;
    let target = registered(&app, &name).await?;
    let Body(schema) = Body::<Box<RawValue>>::from_request(request, &app).await?;
    let schema = readable(schema).await?;
    let put = app.store().put_contract(&target.name, &column, &schema).await?;
    let put = put.ok_or_else(|| problem::unknown_target(&name))?;
    let registered = Json(RegisteredContract::of(put.record));
    if !put.is_new {
        return Ok(registered.into_response());
    }
    let location = location(&name, &column);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], registered).into_response())
}

/// A schema that documents can be judged by. To make it ready is work, and not waiting.
async fn readable(schema: Box<RawValue>) -> Result<Box<RawValue>, Problem> {
    let parsed = tokio::task::spawn_blocking(move || (Contract::parse(schema.get()), schema)).await;
    let (parsed, schema) =
        parsed.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    let faults = |faults: Vec<crate::contract::SchemaFault>| {
        let faults = faults.into_iter();
        problem::invalid(faults.map(|fault| Fault::new(fault.pointer, fault.detail)).collect())
    };
    parsed.map(|_| schema).map_err(faults)
}

/// Delete the contract of a column.
///
/// Deletes the shape of its samples, too. Needs a key with the scope `probe`.
#[utoipa::path(
    delete, path = "/v1/targets/{target}/contracts/{schema}/{table}/{column}", tag = "contracts",
    operation_id = "forget_contract",
    params(OfColumn),
    responses(
        (status = 204, description = "Forgotten"),
        Problems,
    )
)]
pub(super) async fn delete(
    app: State<App>,
    path: Segments<4>,
    query: Pairs,
    request: Request,
) -> Result<StatusCode, Problem> {
    let [] = query.only([])?;
    let_in(&app, request.headers(), KeyScope::Probe).await?;
    let (name, column) = place(path);
    let target = registered(&app, &name).await?;
    if app.store().delete_contract(&target.name, &column).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(problem::unknown_contract(&name, &column))
    }
}

fn place(Segments([target, schema, table, column]): Segments<4>) -> (String, ContractColumn) {
    (target, ContractColumn { schema, table, column })
}

/// As long as names in PostgreSQL are.
fn check_names(of: &ContractColumn) -> Result<(), Problem> {
    let names = [("schema", &of.schema), ("table", &of.table), ("column", &of.column)];
    let wrong = names.into_iter().filter(|(_, name)| !(1..=NAME_BYTES_MAX).contains(&name.len()));
    let faults: Vec<Fault> = wrong
        .map(|(part, _)| {
            let detail = format!("a name in PostgreSQL has 1 to {NAME_BYTES_MAX} bytes");
            Fault::new(format!("/path/{part}"), detail)
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(problem::invalid(faults)) }
}

/// Where the contract of a column is.
pub(super) fn location(target: &str, of: &ContractColumn) -> String {
    let [schema, table, column] =
        [&of.schema, &of.table, &of.column].map(|name| utf8_percent_encode(name, PLAIN));
    format!("/v1/targets/{target}/contracts/{schema}/{table}/{column}")
}
