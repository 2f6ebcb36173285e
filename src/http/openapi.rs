//! The document of the API: generated from the handlers, completed from the checks, shown as examples say.

mod answers;
mod limits;
mod variants;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use super::examples;
use super::problem::Problem;
use crate::analysis::Request;
use crate::model::{ProveMode, Superpower, Threshold, Unit};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "database-optimizer",
        description = "Advice for PostgreSQL that can be trusted because it is proved. Register a target, look at \
                       its capabilities, then request an analysis. Every recommendation has its \
                       evidence, its proof, the lock that its DDL takes and an exact undo.",
        contact(name = "The maintainers of database-optimizer"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "The service that serves this document")),
    components(schemas(ProveMode, Problem)),
    tags(
        (name = "analysis", description = "Find, prove and advise"),
        (name = "targets", description = "Databases to look at"),
        (name = "plans", description = "Decode the output of EXPLAIN"),
        (name = "contracts", description = "What documents promise, and are judged by"),
        (name = "checks", description = "What can be found"),
        (name = "review", description = "Migrations, before they run"),
        (name = "workload", description = "What the application runs, as evidence"),
        (name = "service", description = "The service itself"),
    )
)]
struct DocumentFrame;

/// The document as JSON, the same bytes every time.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let document = serde_json::to_value(build());
        let mut document = document.unwrap_or_else(|_| unreachable!("a document of ours is JSON"));
        limits::state(&mut document);
        examples::insert(&format!("{document:#}"))
    });
    &DOCUMENT
}

/// This document.
///
/// The same bytes every time; it needs no key.
#[utoipa::path(
    get, path = "/openapi.json", tag = "service", operation_id = "openapi",
    responses((status = 200, description = "The document", body = Object, content_type = "application/json"))
)]
pub(super) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}

fn build() -> utoipa::openapi::OpenApi {
    let documented = OpenApiRouter::with_openapi(DocumentFrame::openapi())
        .merge(super::open())
        .merge(super::answers())
        .merge(super::read())
        .merge(super::admin());
    let mut document = documented.into_openapi();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "A key made by `dbopt keys create`. On loopback none is needed while none exists.",
    ));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("key", SecurityScheme::Http(scheme.build()));
    variants::name(components);
    let operations = document.paths.paths.values().filter_map(|item| item.get.as_ref());
    let mut defaults =
        operations.filter_map(|operation| operation.responses.responses.get("default"));
    if let Some(RefOr::T(default)) = defaults.next() {
        answers::describe(components, default);
    }
    for (path, item) in &mut document.paths.paths {
        complete(path, item);
    }
    document
}

/// Thresholds, security and examples, none of which is written down twice.
fn complete(path: &str, item: &mut PathItem) {
    let analysed = match path.strip_prefix("/v1/targets/{target}/").unwrap_or_default() {
        "analysis" => Some(None),
        name => name.parse::<Superpower>().ok().map(Some),
    };
    let thresholds = analysed.map(|of| Request::new(of).thresholds()).unwrap_or_default();
    let operations =
        [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
    for operation in operations.into_iter().flatten() {
        add_thresholds(operation, &thresholds);
        if path.starts_with("/v1") || path == "/metrics" {
            let key = SecurityRequirement::new("key", Vec::<String>::new());
            operation.security = Some(vec![key, SecurityRequirement::default()]);
        } else {
            operation.security = Some(Vec::new());
        }
        answers::complete(path, operation);
        examples::add(operation);
    }
}

/// Without a default in the schema: an explorer would send them all, and make another request of it.
fn add_thresholds(operation: &mut Operation, thresholds: &[&Threshold]) {
    for threshold in thresholds {
        let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0));
        let number = number.maximum(threshold.most());
        let reason = threshold.reason.trim_end_matches('.');
        let description =
            format!("{} Default {}: {reason}.", purpose(threshold), threshold.default);
        let parameter = ParameterBuilder::new()
            .name(threshold.name)
            .parameter_in(ParameterIn::Query)
            .description(Some(description))
            .schema(Some(number.build()));
        operation.parameters.get_or_insert_default().push(parameter.build().into());
    }
}

/// What a threshold does: the end of its name says how it is compared.
fn purpose(threshold: &Threshold) -> String {
    let name = threshold.name;
    let (of, purpose) = match (name.strip_suffix("_max"), name.strip_suffix("_min")) {
        (Some(of), _) => (of, "The largest value of this that is not reported"),
        (_, Some(of)) => (of, "The least value of this that counts"),
        _ => (name, "The value of this to compare with"),
    };
    let (end, unit) = match threshold.unit {
        // A rate names its unit itself.
        _ if of.contains("_per_") => ("", ""),
        Unit::Bytes => ("_bytes", ", in bytes"),
        Unit::Ms => ("_ms", ", in milliseconds"),
        Unit::S => ("_s", ", in seconds"),
        Unit::Rows | Unit::Ratio | Unit::Count | Unit::Name => ("", ""),
    };
    let of = of.strip_suffix(end).unwrap_or(of).replace('_', " ");
    format!("{purpose}: {of}{unit}.")
}
