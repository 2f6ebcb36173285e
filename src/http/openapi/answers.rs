//! What every answer has beside its body: headers, and the problems it may be instead. Written down once.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Components, ObjectBuilder, Type};
use utoipa::openapi::{Header, Ref, RefOr, Response};

/// Headers of every answer.
const EVERY: [(&str, &str); 1] =
    [("X-Request-Id", "Identifies the request in logs; one that was sent is kept.")];

/// Headers of answers that are cached.
const CACHED: [(&str, &str); 4] = [
    ("ETag", "Stays while what is found stays, whenever it was looked at."),
    ("Cache-Control", "For how long the answer counts as fresh."),
    ("Age", "Seconds since the target was looked at."),
    ("X-Cache", "Where the answer came from: hit, miss, stale or bypass."),
];

/// Headers of an answer that names a job.
const ACCEPTED: [(&str, &str); 3] = [
    ("Location", "The job."),
    ("Preference-Applied", "`respond-async`."),
    ("Retry-After", "Seconds until a look at the job is worth it."),
];

/// Problems by status, and what each says of the caller's next step.
const PROBLEMS: [(&str, &str); 8] = [
    ("401", "No key was sent where one is needed, or one that is not known"),
    (
        "403",
        "The key has not the scope that this needs, or the page that called is of another site",
    ),
    ("404", "What the path names does not exist"),
    ("421", "`Host` is not a name of this service, which has no key yet"),
    ("422", "A parameter or a field is not as described; `errors` names it"),
    ("502", "The target cannot be reached, or refuses to be used"),
    (
        "503",
        "Too many requests at the same time, or what this needs is away; Retry-After says when to come back",
    ),
    ("504", "The target, or the answer, took too long"),
];

/// The problems as components that operations refer to. They look like the default answer of any operation.
pub(super) fn describe(components: &mut Components, default: &Response) {
    for (status, description) in PROBLEMS {
        let mut problem = default.clone();
        description.clone_into(&mut problem.description);
        if status == "503" {
            problem.headers.insert("Retry-After".to_owned(), seconds().into());
        }
        let mut problem = RefOr::T(problem);
        add_headers(&mut problem, &EVERY);
        components.responses.insert(name(status), problem);
    }
}

/// Whether an operation on that path can end so.
fn applies(status: &str, path: &str) -> bool {
    match status {
        "404" => path.contains('{'),
        "502" | "504" => path.contains("{target}/"),
        _ => true,
    }
}

fn name(status: &str) -> String {
    format!("Problem{status}")
}

/// Declare them. An operation that can end in no problem has none.
pub(super) fn complete(path: &str, operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if let Some(accepted) = responses.get_mut("202") {
        add_headers(accepted, &ACCEPTED);
        operation.parameters.get_or_insert_default().push(prefer().into());
    }
    if responses.contains_key("304") {
        for status in ["200", "304"] {
            responses.get_mut(status).into_iter().for_each(|of| add_headers(of, &CACHED));
        }
        operation.parameters.get_or_insert_default().push(if_none_match().into());
    }
    let has_problems = responses.contains_key("default");
    for (status, _) in PROBLEMS {
        // Every path is refused under the name of a stranger.
        if status == "421" || has_problems && applies(status, path) {
            let of = Ref::from_response_name(name(status));
            responses.entry(status.to_owned()).or_insert(RefOr::Ref(of));
        }
    }
    for response in responses.values_mut() {
        add_headers(response, &EVERY);
    }
}

fn add_headers(response: &mut RefOr<Response>, headers: &[(&str, &str)]) {
    let RefOr::T(response) = response else { return };
    for (name, description) in headers {
        let schema = match *name {
            "Age" | "Retry-After" => Type::Integer,
            _ => Type::String,
        };
        let schema = ObjectBuilder::new().schema_type(schema).build();
        let header =
            HeaderBuilder::new().schema(Some(schema)).description(Some(*description)).build();
        response.headers.insert((*name).to_owned(), header.into());
    }
}

fn seconds() -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some("Seconds to wait.")).build()
}

fn if_none_match() -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "The ETag of the answer that the caller holds: 304 if nothing else is found.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}

fn prefer() -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name("Prefer")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "`respond-async`: what has to be computed is answered with 202 and a job at once.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}
