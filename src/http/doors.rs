//! Which requests are let in before it is asked what they want: what keeps web pages of strangers out.
//!
//! A page that a person opens may make his browser call any address, this machine's included. Two things are in its way:
//! while no key exists, the service answers only to names that no stranger can point here (DNS rebinding), and what
//! changes something is never taken from another site, key or no key.

use std::time::Duration;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::analysis::X_CACHE;
use super::problem::Problem;
use super::query;
use super::request_id::X_REQUEST_ID;
use crate::app::App;
use crate::config::{AllowedOrigins, HttpHosts, is_loopback_name};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// What the headers of proxies begin with, beside `Forwarded` and `X-Real-Ip`.
const X_FORWARDED: &str = "x-forwarded-";

/// For how long a browser may remember what a page of another site may do.
const PREFLIGHT_AGE: Duration = Duration::from_mins(10);

/// Swagger UI writes one style into its page, which is allowed by its hash (Chromium names it where it is not), and shows images
/// that its style sheet holds.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'",
);

/// What a page of ours may do.
pub(super) fn protect(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // For browsers that do not know `frame-ancestors`.
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
}

/// The header by which browsers let pages of the allowed origins call; none where there is no such origin.
pub(super) fn cors(origins: &AllowedOrigins) -> Option<CorsLayer> {
    let origins: Vec<_> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let sent = [header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH];
    let shown = [header::ETAG, header::AGE, header::RETRY_AFTER, X_CACHE, X_REQUEST_ID];
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(sent.into_iter().chain([X_REQUEST_ID, TRACEPARENT]).collect::<Vec<_>>())
        .expose_headers(shown)
        .max_age(PREFLIGHT_AGE);
    Some(layer)
}

/// Lets requests in.
pub(super) struct Doors {
    app: App,
}

/// Whether a request is let in.
pub(super) enum Entrance {
    Open,
    Shut(Problem),
    /// Only where callers need a key, which is for the store to say; otherwise this problem.
    WithKeysOnly(Problem),
}

impl Doors {
    pub(super) fn of(app: &App) -> Self {
        Self { app: app.clone() }
    }

    pub(super) fn entrance(&self, request: &Request) -> Entrance {
        let (hosts, origins) = self.app.allowed_callers();
        if changes_something(request) && is_of_another_site(request, origins) {
            return Entrance::Shut(cross_site());
        }
        if self.app.store().is_known_to_need_key() {
            return Entrance::Open;
        }
        match misdirected(request, hosts) {
            None => Entrance::Open,
            Some(why) => Entrance::WithKeysOnly(misdirected_because(why)),
        }
    }

    /// The problem, unless callers need a key.
    pub(super) async fn need_key(&self, problem: Problem) -> Result<(), Problem> {
        if self.app.store().needs_key().await? { Ok(()) } else { Err(problem) }
    }
}

/// Experiments change nothing that stays, and load the target all the same.
fn changes_something(request: &Request) -> bool {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    !safe.contains(request.method()) || request.uri().query().is_some_and(query::wants_full_proof)
}

/// Whether a page of another origin made a browser send this, and none that is allowed. Who is no browser says neither.
fn is_of_another_site(request: &Request, allowed: &AllowedOrigins) -> bool {
    let headers = request.headers();
    let origins = headers.get_all(header::ORIGIN);
    let says = headers.contains_key(header::ORIGIN);
    if says && origins.iter().all(|origin| allowed.allow(origin.as_bytes())) {
        return false;
    }
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
    // No page can set it, and it holds behind a proxy that changes `Host`. Other ports of this host are other origins.
    if sites.peek().is_some() {
        return !sites.all(|site| site == "same-origin" || site == "none");
    }
    !origins.iter().all(|origin| is_our_own(origin, request))
}

/// Whether an origin is the address that the request is sent to.
fn is_our_own(origin: &HeaderValue, request: &Request) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let Some((scheme, authority)) = origin else { return false };
    let own_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Some((host, port)) = host_and_port(authority) else { return false };
    let mut own = authorities(request).peekable();
    own.peek().is_some()
        && own.all(|authority| {
            authority.and_then(host_and_port).is_some_and(|(own_host, own_given)| {
                let same = own_host.eq_ignore_ascii_case(host);
                same && own_given.unwrap_or(own_port) == port.unwrap_or(own_port)
            })
        })
}

/// What the request says that it is sent to: the URI where it is absolute or HTTP/2's, and each `Host`.
fn authorities(request: &Request) -> impl Iterator<Item = Option<&str>> {
    let of_uri = request.uri().authority().map(Authority::as_str).map(Some);
    let of_headers = request.headers().get_all(header::HOST).iter();
    of_uri.into_iter().chain(of_headers.map(|host| host.to_str().ok()))
}

/// The host, with brackets where it is an IPv6 address, and the port; none where it is neither.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[end..].split_once(':') {
        Some((rest, port)) => (&authority[..end + rest.len()], port),
        None => (authority, ""),
    };
    let digits = port.bytes().all(|c| c.is_ascii_digit());
    let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
    (digits && !host.is_empty()).then_some((host, port))
}

/// Why a request is none for a service without a key.
fn misdirected(request: &Request, allowed: &HttpHosts) -> Option<&'static str> {
    let headers = request.headers();
    let (mut any, mut loopback) = (false, false);
    for authority in authorities(request) {
        any = true;
        match authority.and_then(host_and_port) {
            Some((host, _)) if allowed.allow(host) => {}
            Some((host, _)) if is_loopback_name(host) => loopback = true,
            _ => return Some("`Host` is another name"),
        }
    }
    if !any {
        return Some("`Host` is missing");
    }
    if headers.get_all(header::HOST).iter().nth(1).is_some() {
        return Some("`Host` is given twice");
    }
    // A proxy before us serves others, unless the operator named the host that it serves as.
    let forwarded = headers.keys().any(is_of_a_proxy);
    let other = |host: &str| !host_and_port(host).is_some_and(|(host, _)| allowed.allow(host));
    let elsewhere =
        forwarded && (loopback || forwarded_hosts(headers).any(|host| host.is_none_or(other)));
    elsewhere.then_some("a proxy forwarded it")
}

/// What a proxy says that the request was sent to; none where it cannot be read.
fn forwarded_hosts(headers: &HeaderMap) -> impl Iterator<Item = Option<&str>> {
    let plain = headers.get_all(X_FORWARDED_HOST).iter().map(|host| host.to_str().ok());
    let standard = headers.get_all(header::FORWARDED).iter().flat_map(|value| {
        let pairs = value.to_str().unwrap_or("host=").split([';', ',']);
        pairs.filter_map(|pair| {
            let (name, host) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("host").then(|| Some(host.trim().trim_matches('"')))
        })
    });
    plain.chain(standard)
}

fn is_of_a_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with(X_FORWARDED) || ["forwarded", "x-real-ip"].contains(&name)
}

fn misdirected_because(why: &str) -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "misdirected-request",
        "The request is not for this service",
        format!(
            "{why}: while no API key exists, only `localhost`, `127.0.0.1` and `[::1]` are answered to; make a key with \
             `dbopt keys create`, or name the host in `allowed_hosts_http`"
        ),
    )
}

fn cross_site() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross-site-request",
        "The request comes from a page of another site",
        "pages of other sites may change nothing here; name their origin in `allowed_origins` to let them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_with_its_port_or_not_at_all() {
        for (authority, expected) in [
            ("localhost", Some(("localhost", None))),
            ("localhost:", Some(("localhost", None))),
            ("127.0.0.1:8080", Some(("127.0.0.1", Some(8080)))),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:80", Some(("[::1]", Some(80)))),
            ("localhost@evil:80", Some(("localhost@evil", Some(80)))),
            ("localhost:+80", None),
            ("localhost:80:80", None),
            ("localhost:65536", None),
            ("localhost:x", None),
            (":80", None),
            ("", None),
        ] {
            assert_eq!(host_and_port(authority), expected, "{authority}");
        }
    }
}
