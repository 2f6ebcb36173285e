//! Real answers, recorded from the demo, as examples in the document.

use serde::de::IgnoredAny;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::Operation;

/// By operation: the status and the recorded body.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("analyse", "200", include_str!("../../openapi/examples/analyse.json")),
    ("decode_plan", "200", include_str!("../../openapi/examples/decode_plan.json")),
    ("explain_statement", "200", include_str!("../../openapi/examples/explain_statement.json")),
    ("review_migration", "200", include_str!("../../openapi/examples/review_migration.json")),
    ("show_workload", "200", include_str!("../../openapi/examples/show_workload.json")),
    ("list_contracts", "200", include_str!("../../openapi/examples/list_contracts.json")),
    ("show_contract", "200", include_str!("../../openapi/examples/show_contract.json")),
    ("put_contract", "200", include_str!("../../openapi/examples/put_contract.json")),
    ("put_contract", "201", include_str!("../../openapi/examples/put_contract.json")),
    ("tell_workload", "200", include_str!("../../openapi/examples/tell_workload.json")),
    ("staging_table", "200", include_str!("../../openapi/examples/staging_table.json")),
    ("pool_plan", "200", include_str!("../../openapi/examples/pool_plan.json")),
    ("document_keys", "200", include_str!("../../openapi/examples/document_keys.json")),
    ("document_contract", "200", include_str!("../../openapi/examples/document_contract.json")),
    ("show_capabilities", "200", include_str!("../../openapi/examples/show_capabilities.json")),
    ("list_targets", "200", include_str!("../../openapi/examples/list_targets.json")),
    ("register_target", "201", include_str!("../../openapi/examples/register_target.json")),
    ("show_target", "200", include_str!("../../openapi/examples/show_target.json")),
    ("change_target", "200", include_str!("../../openapi/examples/change_target.json")),
    ("list_checks", "200", include_str!("../../openapi/examples/list_checks.json")),
    ("show_check", "200", include_str!("../../openapi/examples/show_check.json")),
    ("show_job", "200", JOB),
    ("show_job_result", "200", include_str!("../../openapi/examples/toast.json")),
    ("live", "200", include_str!("../../openapi/examples/live.json")),
    ("ready", "200", include_str!("../../openapi/examples/ready.json")),
    ("ready", "503", include_str!("../../openapi/examples/unready.json")),
    ("metrics", "200", include_str!("../../openapi/examples/metrics.txt")),
];

macro_rules! define_superpowers {
    ($(#[doc = $summary:literal] $variant:ident, $folder:ident = $name:literal, $title:literal;)*) => {
        /// The same of each superpower.
        const SUPERPOWERS: &[(&str, &str, &str)] = &[$((
            stringify!($folder),
            "200",
            include_str!(concat!("../../openapi/examples/", stringify!($folder), ".json")),
        )),*];
    };
}

superpowers!(define_superpowers);

/// The same contract as a Python module.
const PYTHON: (&str, &str) =
    ("text/x-python", include_str!("../../openapi/examples/document_contract.py"));

/// What is sent, by operation.
const BODIES: &[(&str, &str)] = &[
    ("register_target", include_str!("../../openapi/examples/register_target.request.json")),
    ("change_target", include_str!("../../openapi/examples/change_target.request.json")),
    ("decode_plan", include_str!("../../openapi/examples/decode_plan.request.json")),
    ("explain_statement", include_str!("../../openapi/examples/explain_statement.request.json")),
    ("review_migration", include_str!("../../openapi/examples/review_migration.request.json")),
    ("pool_plan", include_str!("../../openapi/examples/pool_plan.request.json")),
    ("tell_workload", include_str!("../demo/workload.csv")),
    ("put_contract", include_str!("../../openapi/examples/put_contract.request.json")),
];

/// A job, for every operation that can begin one.
const JOB: &str = include_str!("../../openapi/examples/job.json");

/// A problem, for every operation that can end in one.
const PROBLEM: &str = include_str!("../../openapi/examples/problem.json");

/// Give an operation its examples.
pub(super) fn add(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let recorded = ANSWERS.iter().chain(SUPERPOWERS).filter(|(of, ..)| *of == id);
    let answers = recorded
        .map(|(_, status, text)| (*status, *text))
        .chain([("default", PROBLEM), ("202", JOB)]);
    for (status, text) in answers {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
            for (kind, content) in &mut response.content {
                put(content, if *kind == PYTHON.0 { PYTHON.1 } else { text });
            }
        }
    }
    let bodies = BODIES.iter().filter(|(of, _)| *of == id);
    for (body, (_, text)) in operation.request_body.iter_mut().zip(bodies) {
        let RefOr::T(body) = body else { continue };
        body.content.values_mut().for_each(|content| put(content, text));
    }
}

fn put(content: &mut RefOr<Content>, text: &'static str) {
    let RefOr::T(content) = content else { return };
    content.example = Some(Value::String(marker(text)));
}

/// Every text, in an order that stays.
fn texts() -> impl Iterator<Item = &'static str> {
    let answers = ANSWERS.iter().chain(SUPERPOWERS).map(|(.., text)| *text);
    let bodies = BODIES.iter().map(|(_, text)| *text);
    answers.chain(bodies).chain([PYTHON.1, PROBLEM, JOB])
}

/// What stands for a text until [`insert`] puts it there.
fn marker(text: &str) -> String {
    let position = texts().position(|known| known == text);
    format!("@example:{}@", position.unwrap_or(usize::MAX))
}

/// The document with the texts in the place of their markers. As text, because a JSON value of ours sorts its fields: an
/// example shows them in the order of an answer.
pub(super) fn insert(document: &str) -> String {
    let texts: Vec<&str> = texts().collect();
    let mut whole = String::with_capacity(2 * document.len());
    for line in document.lines() {
        let marked = line.split_once("\"@example:").and_then(|(before, rest)| {
            let (position, after) = rest.split_once("@\"")?;
            Some((before, *texts.get(position.parse::<usize>().ok()?)?, after))
        });
        match marked {
            None => whole.push_str(line),
            Some((before, text, after)) => {
                let indent = &line[..line.len() - line.trim_start().len()];
                whole.push_str(before);
                whole.push_str(&value(text).replace('\n', &format!("\n{indent}")));
                whole.push_str(after);
            }
        }
        whole.push('\n');
    }
    whole.truncate(whole.trim_end().len());
    whole
}

/// A text as JSON: as it is where it is JSON, else as a string.
fn value(text: &str) -> String {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => text.trim_end().to_owned(),
        Err(_) => Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_keeps_the_order_of_its_fields_and_a_text_that_is_no_json_is_a_string() {
        let toast = include_str!("../../openapi/examples/toast.json");
        let document =
            insert(&format!("{{\n  \"example\": \"{}\",\n  \"a\": 1\n}}", marker(toast)));
        assert!(document.contains("\"example\": {\n    \"target\""), "{}", &document[..200]);
        let parsed: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(parsed["example"], serde_json::from_str::<Value>(toast).unwrap());
        assert_eq!(parsed["a"], 1);
        assert_eq!(value("a,b\n"), "\"a,b\\n\"");
    }
}
