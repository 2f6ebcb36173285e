//! Errors as RFC 9457 says them. The only place that knows which failure is which status.

mod failure;

use std::any::Any;

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::analysis::TargetCause;
use crate::model::UnknownName;
use crate::store::ContractColumn;

/// What went wrong, and how to correct it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Stable name of the kind of problem: `/problems/<kebab-case>`.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-request")]
    pub(super) kind: String,
    /// The same for people.
    #[schema(example = "The request is not valid")]
    pub(super) title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub(super) status: u16,
    /// What it was this time, and how to correct it.
    pub(super) detail: String,
    /// Why a target could not be used, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<TargetCause>,
    /// Each fault with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<Fault>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
    #[serde(skip)]
    logged: Option<LogDetail>,
}

/// What every operation may answer instead.
#[derive(IntoResponses)]
#[response(
    status = "default",
    description = "A problem",
    content_type = "application/problem+json"
)]
#[expect(dead_code, reason = "documents the answers of operations")]
pub(super) struct Problems(Problem);

/// What the log says of a problem beside its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogDetail(pub(super) String);

/// One fault of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Fault {
    /// JSON pointer into the body, or `/query/<parameter>`.
    #[schema(example = "/policy/toast_share_max")]
    pub(super) pointer: String,
    /// What is wrong there, and what would be right.
    pub(super) detail: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub(super) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// How long to wait before trying again what was busy.
const RETRY_AFTER_SECONDS: u32 = 1;

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            cause: None,
            errors: Vec::new(),
            retry_after_seconds: None,
            logged: None,
        }
    }

    /// Its HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn because(self, cause: impl Into<String>) -> Self {
        Self { logged: Some(LogDetail(cause.into())), ..self }
    }

    fn later(self) -> Self {
        Self { retry_after_seconds: Some(RETRY_AFTER_SECONDS), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let content_type = (header::CONTENT_TYPE, "application/problem+json");
        let mut response = (self.status(), [content_type], body).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        if let Some(logged) = self.logged {
            response.extensions_mut().insert(logged);
        }
        response
    }
}

/// The fields or parameters of a request are wrong.
pub(super) fn invalid(errors: Vec<Fault>) -> Problem {
    let detail = errors.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; ");
    let problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid-request",
        "The request is not valid",
        detail,
    );
    Problem { errors, ..problem }
}

/// The body is not JSON at all.
pub(super) fn malformed_json(line: usize, column: usize) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed-json",
        "The body is not JSON",
        format!("the body is not JSON at line {line}, column {column}"),
    )
}

/// The body is not said to be JSON.
pub(super) fn unsupported_media_type() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "The body is of another type than expected",
        "send JSON, with `Content-Type: application/json`",
    )
}

/// The body is too large.
pub(super) fn payload_too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload-too-large",
        "The body is too large",
        format!("the body may have at most {limit} bytes (`body_limit_bytes`)"),
    )
}

/// The body did not arrive.
pub(super) fn unreadable_body() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "unreadable-body",
        "The body could not be read",
        "the body ended early or was malformed",
    )
}

/// The body stopped coming.
pub(super) fn slow_body(seconds: u64) -> Problem {
    let detail = format!("no byte of the body came for {seconds} s; send it again without a pause");
    let title = "The body came too slowly";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow-body", title, detail)
}

/// No key was given, or one we do not know.
pub(super) fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "An API key is needed", detail)
}

/// The key does not allow it.
pub(super) fn forbidden(scope: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "The API key does not allow this",
        format!("a key with the scope `{scope}` is needed: dbopt keys create --scope {scope}"),
    )
}

/// Nothing is registered under that name.
pub(super) fn unknown_target(name: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-target",
        "No such target",
        format!("no target is registered as `{name}`; GET /v1/targets lists them"),
    )
}

/// No contract is registered for that column.
pub(super) fn unknown_contract(target: &str, of: &ContractColumn) -> Problem {
    let ContractColumn { schema, table, column } = of;
    let detail = format!(
        "no contract is registered for the column `{column}` of `{schema}.{table}`; GET /v1/targets/{target}/contracts \
         lists them, PUT registers one"
    );
    Problem::new(StatusCode::NOT_FOUND, "unknown-contract", "No such contract", detail)
}

/// No check has that id.
pub(super) fn unknown_check(error: &UnknownName) -> Problem {
    let title = "No such check";
    Problem::new(StatusCode::NOT_FOUND, "unknown-check", title, error.to_string())
}

/// The service answers the most requests that it may at once.
pub(super) fn overloaded() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "Too many requests at the same time",
        "the service is at its limit of concurrent requests (`concurrency_limit`); try again later",
    )
    .later()
}

/// The request took too long.
pub(super) fn timed_out(seconds: u64) -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "timed-out",
        "The request took too long",
        format!(
            "no answer within {seconds} s (`request_timeout_seconds`); narrow it by `schema`, `table` or `check`"
        ),
    )
}

/// A bug of ours.
pub(super) fn panicked() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The service failed",
        "the log of the service has the cause under this request's id",
    )
}

/// A bug of ours that unwound.
pub(super) fn panicked_with(panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    panicked().because(format!("panicked: {}", text.unwrap_or("without a message")))
}

/// For paths that lead nowhere.
pub(super) async fn no_such_path(uri: Uri) -> Problem {
    no_such_path_at(&uri)
}

/// The path leads nowhere.
pub(super) fn no_such_path_at(uri: &Uri) -> Problem {
    let detail = format!("nothing is at `{}`; /docs shows what there is", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "not-found", "No such path", detail)
}

/// For methods a path does not take.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{}` does not take {method}; see the header Allow", uri.path());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "The path does not take this method",
        detail,
    )
}
