//! JSON bodies, read strictly: what is wrong is named with its place, and never quoted back.

use std::time::Duration;

use axum::body::{BodyDataStream, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::problem::{self, Fault, Problem};
use crate::app::App;

/// How long a body may pause. Who sends a byte now and then is limited by how long the request may take.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// The JSON body of a request.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(problem::unsupported_media_type());
        }
        let limit = app.limits().body_bytes;
        // Said beforehand, it is refused before it is sent.
        if request.body().size_hint().lower() > limit as u64 {
            return Err(problem::payload_too_large(limit));
        }
        let mut chunks = request.into_body().into_data_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = next_chunk(&mut chunks).await? {
            if bytes.len() + chunk.len() > limit {
                return Err(problem::payload_too_large(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        parse(&bytes).map(Self)
    }
}

/// What comes next of a body; a problem where nothing comes for a while.
pub(super) async fn next_chunk(chunks: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    chunk_within(PAUSE_MAX, chunks).await
}

async fn chunk_within(
    pause: Duration,
    chunks: &mut BodyDataStream,
) -> Result<Option<Bytes>, Problem> {
    let next = timeout(pause, chunks.try_next()).await;
    let next = next.map_err(|_| problem::slow_body(pause.as_secs()))?;
    next.map_err(|_| problem::unreadable_body())
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // The parser would take a list for the fields in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(problem::invalid(vec![Fault::new("", "must be an object")]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader);
    let value = parsed.map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data => {
                problem::invalid(vec![Fault::new(pointer, expectation(&error.to_string()))])
            }
            _ => problem::malformed_json(error.line(), error.column()),
        }
    })?;
    reader.end().map_err(|error| problem::malformed_json(error.line(), error.column()))?;
    if holds_nul(bytes) {
        let detail = "no text may hold the character U+0000";
        return Err(problem::invalid(vec![Fault::new("", detail)]));
    }
    Ok(value)
}

/// Whether a text of this JSON holds the one character that no database stores: it stands there escaped.
fn holds_nul(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at..].starts_with(b"\\u0000") {
            return true;
        }
        // What is escaped may be a backslash itself.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// What the parser says without the value it stumbled over: that may be a secret in the wrong place.
fn expectation(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    match message.split_once(", expected ") {
        Some((what, "a sequence")) if what.starts_with("invalid") => "must be a list".to_owned(),
        Some((what, "f64")) if what.starts_with("invalid") => "must be a number".to_owned(),
        Some((what, "u8" | "u16" | "u32" | "u64" | "usize")) if what.starts_with("invalid") => {
            "must be a whole number, 0 or more".to_owned()
        }
        Some((what, expected)) if what.starts_with("invalid") && expected.starts_with("struct") => {
            "must be an object".to_owned()
        }
        Some((what, expected)) if what.starts_with("invalid") => format!("must be {expected}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only refused here")]
    struct Sample {
        name: String,
        most: Option<usize>,
        policy: Option<BTreeMap<String, f64>>,
    }

    fn fault(text: &str) -> (String, String) {
        let problem = parse::<Sample>(text.as_bytes()).unwrap_err();
        assert_eq!(problem.status, 422, "{problem:?}");
        (problem.errors[0].pointer.clone(), problem.errors[0].detail.clone())
    }

    #[test]
    fn a_fault_is_named_with_its_place_and_without_its_value() {
        let (pointer, detail) = fault(r#"{"name": "a", "policy": {"x": "hush"}}"#);
        assert_eq!((pointer.as_str(), detail.as_str()), ("/policy/x", "must be a number"));
        let (pointer, detail) = fault(r#"{"name": ["hush"]}"#);
        assert_eq!((pointer.as_str(), detail.as_str()), ("/name", "must be a string"));
        for most in ["\"hush\"", "-1", "1.5"] {
            let (pointer, detail) = fault(&format!(r#"{{"name": "a", "most": {most}}}"#));
            assert_eq!(pointer, "/most");
            assert_eq!(detail, "must be a whole number, 0 or more");
        }
    }

    #[test]
    fn unknown_missing_and_repeated_fields_are_named() {
        assert!(fault(r#"{"name": "a", "nmae": 1}"#).1.starts_with("unknown field `nmae`"));
        assert_eq!(fault("{}").1, "missing field `name`");
        assert_eq!(fault(r#"{"name": "a", "name": "b"}"#).1, "duplicate field `name`");
    }

    #[test]
    fn what_is_no_object_is_told_so_and_no_list_is_taken_for_one() {
        for text in ["[]", "[\"a\", null]", " [[", "1", "null", "\"a\""] {
            assert_eq!(fault(text), (String::new(), "must be an object".to_owned()), "{text}");
        }
    }

    #[test]
    fn the_character_that_no_database_stores_is_refused() {
        assert_eq!(fault(r#"{"name": "a\u0000"}"#).1, "no text may hold the character U+0000");
        assert!(parse::<Sample>(br#"{"name": "a\\u0000"}"#).is_ok());
    }

    #[tokio::test]
    async fn a_body_may_take_long_and_may_not_pause_for_long() {
        let chunks = futures_util::stream::unfold(0, async |sent: u32| {
            let pause = if sent < 5 { Duration::from_millis(60) } else { Duration::from_mins(10) };
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), sent + 1))
        });
        let mut chunks = axum::body::Body::from_stream(chunks).into_data_stream();
        let pause = Duration::from_millis(240);
        for _ in 0..5 {
            assert!(chunk_within(pause, &mut chunks).await.unwrap().is_some());
        }
        let problem = chunk_within(pause, &mut chunks).await.unwrap_err();
        assert_eq!((problem.status, problem.kind.as_str()), (408, "/problems/slow-body"));
    }

    #[test]
    fn what_is_not_json_is_told_apart_and_placed() {
        for text in ["", "{", "{\"name\": \"a\"} x", "\u{feff}{}", "nul"] {
            let problem = parse::<Sample>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.status, 400, "{text:?}: {problem:?}");
        }
    }
}
