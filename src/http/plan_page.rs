//! The page at `/plan/`: a person pastes a plan and sees the answer of this service as a picture, drawn by pev2. Everything that
//! it loads is ours.

use std::io::Read as _;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use flate2::read::GzDecoder;

use super::analysis;
use super::doors;
use super::problem;

/// pev2 writes one style into its page, which is allowed by its hash (Chromium names it where it is not). Nothing is loaded
/// from or sent to anywhere else.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'sha256-t4I2teZN5ZH+VM+XOiWlaPbsjQHe+k9d6viXPpKpNWA='; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'",
);

/// A file of the page.
struct PageAsset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    /// Whether the bytes are compressed by gzip.
    compressed: bool,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! vendored {
    ($name:literal, $kind:expr) => {
        PageAsset {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("plan_page/vendor/", $name, ".gz")),
            compressed: true,
        }
    };
}

macro_rules! own {
    ($name:literal, $file:literal, $kind:expr) => {
        PageAsset {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("plan_page/", $file)),
            compressed: false,
        }
    };
}

static FILES: [PageAsset; 8] = [
    own!("", "index.html", "text/html; charset=utf-8"),
    own!("page.js", "page.js", SCRIPT),
    own!("page.css", "page.css", STYLE),
    own!("LICENSES.txt", "vendor/LICENSES.txt", "text/plain; charset=utf-8"),
    vendored!("vue.js", SCRIPT),
    vendored!("pev2.js", SCRIPT),
    vendored!("pev2.css", STYLE),
    vendored!("bootstrap.css", STYLE),
];

/// The page and what it loads.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/plan", get(|| async { Redirect::to("/plan/") }))
        .route("/plan/", get(|headers: HeaderMap| async move { file("", &headers) }))
        .route(
            "/plan/{name}",
            get(
                |Path(name): Path<String>, headers: HeaderMap| async move { file(&name, &headers) },
            ),
        )
}

fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return problem::no_such_path_at(&format!("/plan/{name}").parse().unwrap_or_default())
            .into_response();
    };
    let as_it_is = file.compressed && takes_gzip(headers);
    let mut response = if file.compressed && !as_it_is {
        unpacked(file.bytes).into_response()
    } else {
        file.bytes.into_response()
    };
    let given = response.headers_mut();
    given.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    given.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if file.compressed {
        given.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if as_it_is {
        given.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    doors::protect(given);
    given.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    response
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().any(analysis::names_gzip)
}

/// For who takes no gzip.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    let read = GzDecoder::new(bytes).read_to_end(&mut unpacked);
    read.unwrap_or_else(|_| unreachable!("a file of ours is gzip"));
    unpacked
}
