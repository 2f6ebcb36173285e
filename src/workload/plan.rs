//! The statement in an entry of `auto_explain`, in each of its four formats.

use std::borrow::Cow;

use super::parameters::Parameters;

/// What a plan shows of the statement it belongs to.
pub(super) struct Planned<'a> {
    pub(super) sql: Cow<'a, str>,
    pub(super) parameters: Parameters,
}

/// What is said of the statement; none where the plan does not show it.
pub(super) fn planned(plan: &str) -> Option<Planned<'_>> {
    match plan.trim_start().as_bytes().first()? {
        b'{' => json(plan),
        b'<' => xml(plan),
        _ if plan.starts_with("Query Text: \"") => yaml(plan),
        _ => text(plan),
    }
}

fn with<'a>(sql: Cow<'a, str>, parameters: Option<Cow<'_, str>>) -> Planned<'a> {
    let parameters = parameters.map(|text| Parameters::from_log(&text)).unwrap_or_default();
    Planned { sql, parameters }
}

/// The query is followed by its parameters, or by the topmost node, which always has its costs, and alone begins its line. A
/// comment of the query may hold a plan, too: the last such line is that of this one.
fn text(plan: &str) -> Option<Planned<'_>> {
    let query = plan.strip_prefix("Query Text: ")?;
    let (mut end, mut parameters) = (query.len(), None);
    let mut at = query.find('\n').map_or(query.len(), |newline| newline + 1);
    // A query of one line may be followed by the node at once: each line is looked at but the first.
    while at < query.len() {
        let line = query[at..].split('\n').next().unwrap_or_default();
        if let Some(values) = line.strip_prefix("Query Parameters: ") {
            (end, parameters) = (at, Some(values.into()));
            break;
        }
        if line.starts_with(|first: char| first.is_ascii_uppercase()) && line.contains("  (cost=") {
            end = at;
        }
        at += line.len() + 1;
    }
    Some(with(query[..end].trim_end_matches(['\n', '\r']).into(), parameters))
}

fn json(plan: &str) -> Option<Planned<'_>> {
    let text = json_string(plan, "\"Query Text\": ")?;
    Some(with(text, json_string(plan, "\"Query Parameters\": ")))
}

/// YAML's strings are written as those of JSON.
fn yaml(plan: &str) -> Option<Planned<'_>> {
    let text = json_string(plan, "Query Text: ")?;
    Some(with(text, json_string(plan, "\nQuery Parameters: ")))
}

fn json_string<'a>(plan: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let value = &plan[plan.find(name)? + name.len()..];
    let read = serde_json::Deserializer::from_str(value).into_iter::<String>().next()?;
    Some(Cow::Owned(read.ok()?))
}

fn xml(plan: &str) -> Option<Planned<'_>> {
    let text = element(plan, "<Query-Text>", "</Query-Text>")?;
    Some(with(text, element(plan, "<Query-Parameters>", "</Query-Parameters>")))
}

fn element<'a>(plan: &'a str, open: &str, close: &str) -> Option<Cow<'a, str>> {
    let begin = plan.find(open)? + open.len();
    let text = &plan[begin..begin + plan[begin..].find(close)?];
    if !text.contains('&') {
        return Some(text.into());
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Some(text.replace("&#x0d;", "\r").replace("&amp;", "&").into())
}
