//! Who is let in: every operation of the document, by the name that it is called by, the site, the key and its scope.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{Request, header};
use database_optimizer::http;
use database_optimizer::store::KeyScope;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::program::{dbopt, said};
use crate::support::{Reply, Service};

/// The address, headers, and whether a service without a key answers to them.
type Case = (&'static str, &'static [(&'static str, &'static str)], bool);

/// What a service without a key answers to.
const HOSTS: &[Case] = &[
    ("", &[("host", "localhost")], true),
    ("", &[("host", "LocalHost:8080")], true),
    ("", &[("host", "127.0.0.1:1")], true),
    ("", &[("host", "[::1]:8080")], true),
    ("", &[("host", "dbopt.example:443")], true),
    ("http://localhost:8080", &[("host", "localhost:8080")], true),
    ("http://127.0.0.1", &[], true),
    ("", &[], false),
    ("", &[("host", "")], false),
    ("", &[("host", "evil.example")], false),
    ("", &[("host", "127.0.0.1.evil.example")], false),
    ("", &[("host", "localhost.")], false),
    ("", &[("host", "localhost@evil.example")], false),
    ("", &[("host", "localhost:8080:evil")], false),
    ("", &[("host", "127.1")], false),
    ("", &[("host", "[::ffff:127.0.0.1]")], false),
    ("", &[("host", "localhost"), ("host", "localhost")], false),
    ("", &[("host", "localhost"), ("host", "evil.example")], false),
    ("http://evil.example", &[("host", "localhost")], false),
    ("http://localhost", &[("host", "evil.example")], false),
    ("", &[("host", "localhost"), ("forwarded", "for=192.0.2.1")], false),
    ("", &[("host", "localhost"), ("x-forwarded-for", "127.0.0.1")], false),
    ("", &[("host", "localhost"), ("x-forwarded-host", "dbopt.example")], false),
    ("", &[("host", "dbopt.example"), ("x-forwarded-host", "evil.example")], false),
    ("", &[("host", "dbopt.example"), ("forwarded", "proto=https;Host=\"evil.example\"")], false),
    ("", &[("host", "dbopt.example"), ("forwarded", "for=192.0.2.1;host=dbopt.example")], true),
    ("", &[("host", "dbopt.example"), ("x-forwarded-proto", "https")], true),
];

/// Headers that name the site: whether what changes something is taken from it. Called as `localhost`.
const SITES: &[(&[(&str, &str)], bool)] = &[
    (&[], true),
    (&[("origin", "http://localhost")], true),
    (&[("origin", "http://localhost:80")], true),
    (&[("sec-fetch-site", "none")], true),
    (&[("origin", "http://localhost"), ("sec-fetch-site", "same-origin")], true),
    (&[("origin", "https://app.example"), ("sec-fetch-site", "cross-site")], true),
    (&[("origin", "https://evil.example")], false),
    (&[("origin", "https://app.example.evil.example")], false),
    (&[("origin", "http://app.example")], false),
    (&[("origin", "http://localhost:3000")], false),
    (&[("origin", "null")], false),
    (&[("origin", "")], false),
    (&[("origin", "https://app.example"), ("origin", "https://evil.example")], false),
    (&[("sec-fetch-site", "cross-site")], false),
    (&[("sec-fetch-site", "same-site"), ("origin", "http://localhost:3000")], false),
    (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
];

const SETTINGS: [(&str, &str); 2] =
    [("allowed_hosts_http", "dbopt.example"), ("allowed_origins", "https://app.example")];

const SCOPES: &[&[KeyScope]] = &[
    &[KeyScope::Read],
    &[KeyScope::Probe],
    &[KeyScope::Read, KeyScope::Probe],
    &[KeyScope::Read, KeyScope::Apply],
    &[KeyScope::Admin],
];

/// An operation of the document, and the scope that it takes; none where everybody may.
struct Operation {
    method: String,
    path: String,
    scope: Option<KeyScope>,
}

/// What the scopes are is written here once more, so that no operation is opened by accident.
fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(http::document()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = match operation["operationId"].as_str().unwrap() {
                "live" | "ready" | "openapi" => None,
                "register_target" | "change_target" | "forget_target" => Some(KeyScope::Admin),
                "tell_workload" | "put_contract" | "forget_contract" | "cancel_job" => {
                    Some(KeyScope::Probe)
                }
                _ => Some(KeyScope::Read),
            };
            let path = path.replace(['{', '}'], "");
            all.push(Operation { method: method.to_uppercase(), path, scope });
        }
    }
    assert!(all.len() >= 24, "{}", all.len());
    // An experiment is a GET, and no less.
    let path = "/v1/targets/proved/toast?prove=full".to_owned();
    all.push(Operation { method: "GET".to_owned(), path, scope: Some(KeyScope::Probe) });
    all
}

impl Operation {
    fn is_safe(&self) -> bool {
        self.method == "GET" && !self.path.contains("prove=full")
    }

    /// What is in the way of a key with those scopes; without any, it is none of ours.
    fn lets_in(&self, held: &[KeyScope]) -> Option<&'static str> {
        let needed = self.scope?;
        // Who proves and who sends a workload reads first.
        let holds = held.contains(&needed) && held.contains(&KeyScope::Read);
        match held {
            [] => Some("unauthorized"),
            held if holds || held.contains(&KeyScope::Admin) => None,
            _ => Some("forbidden"),
        }
    }

    async fn send(&self, service: &Service, address: &str, headers: &[(&str, &str)]) -> Reply {
        let uri = format!("{address}{}", self.path);
        let mut request = Request::builder().method(self.method.as_str()).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header(header::CONTENT_TYPE, "application/json");
        service.send_as_it_is(request.body(Body::from("{}")).unwrap()).await
    }
}

/// Which door a request did not come through; none where it did.
fn stopped(reply: &Reply) -> Option<String> {
    let kinds = ["misdirected-request", "cross-site-request", "unauthorized", "forbidden"];
    let is_problem = reply.header("content-type") == "application/problem+json";
    is_problem.then(|| reply.problem()).filter(|kind| kinds.contains(&kind.as_str()))
}

#[tokio::test]
async fn without_a_key_every_operation_is_for_this_machine_and_changes_nothing_for_other_sites() {
    let service = Service::configured(&SETTINGS).await;
    let mut wrong = String::new();
    for operation in operations() {
        for (address, headers, is_ours) in HOSTS {
            let reply = operation.send(&service, address, headers).await;
            let expected = (!is_ours).then(|| "misdirected-request".to_owned());
            if stopped(&reply) != expected || (reply.status == 421) == *is_ours {
                writeln!(
                    wrong,
                    "{} {address}{} {headers:?}: {reply:?}",
                    operation.method, operation.path
                )
                .unwrap();
            }
        }
        for (headers, may_change) in SITES {
            let may = *may_change || operation.is_safe();
            let headers = [&[("host", "localhost")], *headers].concat();
            let reply = operation.send(&service, "", &headers).await;
            let expected = (!may).then(|| "cross-site-request".to_owned());
            if stopped(&reply) != expected || (reply.status == 403) == may {
                writeln!(wrong, "{} {} {headers:?}: {reply:?}", operation.method, operation.path)
                    .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn with_keys_every_operation_is_for_who_holds_its_scope_and_changes_nothing_for_other_sites()
{
    let service = Service::configured(&SETTINGS).await;
    // No one listens there, so that nothing is waited for.
    service.register("proved", "postgresql://u@127.0.0.1:1/d").await;
    let mut keys = vec![(&[][..], None), (&[], Some("Bearer dbopt_guess".to_owned()))];
    for scopes in SCOPES {
        let (_, token) = service.app.store().create_key("k", scopes).await.unwrap();
        keys.push((*scopes, Some(format!("Bearer {}", token.expose_secret()))));
    }
    let names = [
        &[("host", "evil.example")][..],
        &[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")],
        &[],
    ];
    let mut wrong = String::new();
    for operation in operations() {
        for (held, authorization) in &keys {
            let key = authorization.as_ref().map(|key| ("authorization", key.as_str()));
            let lets_in = operation.lets_in(held);
            let sites = SITES
                .iter()
                .map(|(headers, may)| ([&[("host", "localhost")], *headers].concat(), *may));
            for (headers, may_change) in sites.chain(names.map(|headers| (headers.to_vec(), true)))
            {
                let headers: Vec<_> = headers.into_iter().chain(key).collect();
                let may = may_change || operation.is_safe();
                let expected = if may { lets_in } else { Some("cross-site-request") };
                let reply = operation.send(&service, "", &headers).await;
                if stopped(&reply).as_deref() != expected {
                    let Operation { method, path, .. } = &operation;
                    writeln!(
                        wrong,
                        "{method} {path} {held:?} {headers:?}: {expected:?}, not {reply:?}"
                    )
                    .unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn revoking_the_last_key_shuts_the_service_until_an_operator_reopens_it() {
    let service = Service::start().await;
    assert_eq!(service.get("/v1/targets").await.status, 200);
    let (record, _) = service.app.store().create_key("only", &[KeyScope::Admin]).await.unwrap();
    assert!(service.app.store().delete_key(&record.id).await.unwrap());
    assert_eq!(service.get("/v1/targets").await.problem(), "unauthorized");
    let service = service.restarted().await;
    assert_eq!(service.get("/v1/targets").await.problem(), "unauthorized");
    let mut reopen = dbopt(&["keys", "reopen"]);
    reopen.env("DBOPT_STORE_URL", service.store_url().expose_secret());
    let reopened = said(reopen).await;
    assert_eq!(reopened.status, 0, "{}", reopened.err);
    assert_eq!(service.get("/v1/targets").await.problem(), "unauthorized", "until it is restarted");
    assert_eq!(service.restarted().await.get("/v1/targets").await.status, 200);
}

async fn preflight(service: &Service, origin: &str) -> Reply {
    let request = Request::options("/v1/targets/a/workload").header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    let request = request.header("access-control-request-headers", "authorization,content-type");
    service.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn browsers_are_told_which_other_sites_may_call_and_by_default_of_none() {
    let service = Service::configured(&SETTINGS).await;
    let allowed = preflight(&service, "https://app.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    assert!(
        allowed.header("access-control-allow-headers").contains("authorization"),
        "{allowed:?}"
    );
    assert!(allowed.header("access-control-allow-methods").contains("POST"), "{allowed:?}");
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    let get = Request::get("/v1/targets").header("origin", "https://app.example");
    let answer = service.send(get.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert!(answer.header("access-control-expose-headers").contains("etag"), "{answer:?}");
    assert_eq!(
        preflight(&service, "https://evil.example").await.header("access-control-allow-origin"),
        ""
    );
    let closed = Service::start().await;
    assert_eq!(
        preflight(&closed, "https://app.example").await.header("access-control-allow-origin"),
        ""
    );
}

#[tokio::test]
async fn pages_load_only_what_is_ours_and_are_framed_by_nobody() {
    let service = Service::start().await;
    for path in ["/docs/", "/docs/swagger-ui-bundle.js", "/docs/swagger-initializer.js"] {
        let page = service.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
    // What the policy forbids would not run: the page holds no script or style of its own.
    let page = service.get("/docs/").await.text;
    assert!(
        !page.contains("<style") && !page.contains("style=") && !page.contains(" onload="),
        "{page}"
    );
    let inline =
        page.split("<script").skip(1).filter(|script| !script.trim_start().starts_with("src="));
    assert_eq!(inline.count(), 0, "{page}");
    assert_eq!(service.get("/v1/targets").await.header("x-content-type-options"), "nosniff");
}
