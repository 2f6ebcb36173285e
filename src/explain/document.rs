//! Finds the plans of an input among what is around them, and gives each to the reader of its format.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::error::{ReadError, StopReason};
use super::frame::{self, OutputLine};
use super::outcome::{ReadOutcome, Stopped};
use super::plan::{ParsedPlan, PlanFormat};
use super::{carried, json, text, xml, yaml};

/// Reads all plans of an input: as it is, or as what its strings or cells carry.
pub(super) fn read(input: &str) -> Result<Vec<ParsedPlan>, ReadError> {
    // Its cells look like lines of text, but for the quotes in them.
    let cells = carried::in_csvlog(input);
    if !cells.is_empty() {
        return read_texts(&cells).unwrap_or_else(|| read_document(input));
    }
    match read_document(input) {
        Ok(plans) => Ok(plans),
        Err(error) => {
            let mut texts = carried::in_json(input);
            if texts.is_empty() && error.reason == StopReason::NoPlan {
                texts = carried::documents(input);
            }
            read_texts(&texts).unwrap_or(Err(error))
        }
    }
}

/// The plans of several texts; none where there is none in any.
fn read_texts(texts: &[String]) -> Option<Result<Vec<ParsedPlan>, ReadError>> {
    let (mut plans, mut stopped) = (Vec::new(), None);
    for text in texts {
        match read_document(text) {
            Ok(further) => plans.extend(further),
            Err(error) if error.reason == StopReason::NoPlan => {}
            Err(mut error) => {
                plans.append(&mut error.partial);
                stopped.get_or_insert(error);
            }
        }
    }
    match stopped {
        _ if plans.is_empty() => None,
        Some(error) => Some(Err(ReadError { partial: plans, ..error })),
        None => Some(Ok(plans)),
    }
}

fn read_document(input: &str) -> Result<Vec<ParsedPlan>, ReadError> {
    if let Some(plans) = whole(input) {
        return Ok(plans);
    }
    let lines = frame::lines(input);
    let whole = WholeText::default();
    let mut plans = Vec::new();
    let mut stopped = None;
    let mut at = 0;
    while at < lines.len() {
        let (format, start) = next(&lines, at);
        let (outcome, end) = segment(&lines, &whole, format, start);
        plans.extend(outcome.plans);
        let rows = outcome.rows.join("\n");
        if !rows.is_empty() {
            let outcome = text::read(&frame::lines(&rows));
            plans.extend(outcome.plans);
            stopped = stopped.or(outcome.stopped.map(|found| Stopped { line: start + 1, ..found }));
        }
        if let Some(found) = outcome.stopped {
            stopped = Some(found);
            break;
        }
        at = end.max(start + 1);
    }
    match stopped {
        Some(Stopped { line, column, reason }) => {
            Err(ReadError { line, column, reason, partial: plans })
        }
        None if plans.is_empty() => {
            Err(ReadError { line: 1, column: 1, reason: StopReason::NoPlan, partial: plans })
        }
        None => Ok(plans),
    }
}

/// The plans of an input that is one document of JSON: it needs no lines.
fn whole(input: &str) -> Option<Vec<ParsedPlan>> {
    if !input.trim_start().starts_with(['[', '{']) {
        return None;
    }
    let outcome = json::read(input);
    let whole = outcome.stopped.is_none() && input[outcome.end..].trim().is_empty();
    (whole && outcome.rows.is_empty() && !outcome.plans.is_empty()).then_some(outcome.plans)
}

/// The format of the next document from a line on, and the line where it starts.
fn next(lines: &[OutputLine], from: usize) -> (PlanFormat, usize) {
    for (at, line) in lines.iter().enumerate().skip(from) {
        if let Some(format) = start(lines, at) {
            return (format, at);
        }
        if ["(cost=", "->", "(actual "].iter().any(|sign| line.text.contains(sign)) {
            break;
        }
    }
    (PlanFormat::Text, from)
}

/// The format of the document that starts at a line.
fn start(lines: &[OutputLine], at: usize) -> Option<PlanFormat> {
    // One byte distinguishes most lines of text from a document's first.
    if !matches!(frame::first_byte(&lines[at].text)?, b'[' | b'{' | b'<' | b'-' | b'P' | b'Q') {
        return None;
    }
    let text = lines[at].text.trim();
    let json = matches!(text, "[" | "{")
        || ["[{", "{\"", "[ {", "{ \"", "[\""].iter().any(|start| text.starts_with(start));
    if json {
        return Some(PlanFormat::Json);
    }
    if text.starts_with("<explain") || text.starts_with("<?xml") || is_bare_xml(text) {
        return Some(PlanFormat::Xml);
    }
    let yaml = text == "- Plan:"
        || text == "Plan:"
        || text.starts_with("- Query Text:")
        || is_yaml_of_log(lines, at);
    yaml.then_some(PlanFormat::Yaml)
}

/// `<Plan>` or `<Query>` without the element around it, as where a part of a document was copied.
fn is_bare_xml(text: &str) -> bool {
    ["<Plan>", "<Query>", "<Plans>"].iter().any(|element| text.starts_with(element))
}

/// `Query Text: "…"` of `auto_explain`, which the plan follows; in text nothing but the plan's own lines would.
fn is_yaml_of_log(lines: &[OutputLine], at: usize) -> bool {
    lines[at].text.trim_start().starts_with("Query Text: \"")
        && lines[at..].iter().skip(1).take(3).any(|line| line.text.trim() == "Plan:")
}

/// Reads the document that starts at a line, and the line behind it.
fn segment(
    lines: &[OutputLine],
    whole: &WholeText,
    format: PlanFormat,
    start: usize,
) -> (ReadOutcome, usize) {
    match format {
        PlanFormat::Text => {
            let end = (start + 1..lines.len())
                .find(|at| is_clear_start(lines, *at))
                .unwrap_or(lines.len());
            (text::read(&lines[start..end]), end)
        }
        PlanFormat::Yaml => {
            let (body, end) = yaml_lines(lines, start);
            let outcome = yaml::read(&frame::text(&body));
            let joined = outcome.stopped.map(|_| yaml::read(&frame::joined(&body)));
            if let Some(joined) = joined.filter(|joined| joined.stopped.is_none()) {
                return (joined, end);
            }
            (located(outcome, &body), end)
        }
        PlanFormat::Json => whole_document(lines, whole.from(lines, start), start, json::read),
        PlanFormat::Xml => whole_document(lines, whole.from(lines, start), start, xml::read),
    }
}

/// Whether a document starts at a line for certain, so that text ends before it.
fn is_clear_start(lines: &[OutputLine], at: usize) -> bool {
    let first = frame::first_byte(&lines[at].text);
    if !matches!(first, Some(b'[' | b'{' | b'<' | b'-' | b'Q')) || lines[at].text.contains("->") {
        return false;
    }
    let text = lines[at].text.trim();
    matches!(text, "[" | "{" | "- Plan:")
        || text.starts_with("<explain ")
        || is_yaml_of_log(lines, at)
}

/// All lines as one text, made once: an input may hold thousands of documents.
#[derive(Default)]
struct WholeText {
    text: OnceCell<(String, Vec<usize>)>,
}

impl WholeText {
    /// The text from a line on.
    fn from(&self, lines: &[OutputLine], start: usize) -> &str {
        let (text, starts) = self.text.get_or_init(|| {
            let lengths = lines.iter().scan(0, |at, line| {
                let start = *at;
                *at += line.text.len() + 1;
                Some(start)
            });
            (frame::text(lines), lengths.collect())
        });
        starts.get(start).map_or("", |at| &text[*at..])
    }
}

/// Reads a document that says itself where it ends. Where that fails, lines may have been wrapped: they are put together.
fn whole_document(
    lines: &[OutputLine],
    text: &str,
    start: usize,
    read: fn(&str) -> ReadOutcome,
) -> (ReadOutcome, usize) {
    let lines = &lines[start..];
    let outcome = read(text);
    if outcome.stopped.is_none() {
        let end = start + memchr::memchr_iter(b'\n', &text.as_bytes()[..outcome.end]).count() + 1;
        return (outcome, end);
    }
    let joined = frame::joined(lines);
    let second = read(&joined);
    if second.stopped.is_none() {
        return (second, start + lines.len());
    }
    (located(outcome, lines), start + lines.len())
}

/// The lines of a document of YAML, without what they are indented by; it ends where a line is indented less.
fn yaml_lines<'l>(lines: &[OutputLine<'l>], start: usize) -> (Vec<OutputLine<'l>>, usize) {
    let first = lines[start].text.as_ref();
    let indent = first.len() - first.trim_start().len();
    let mut body = Vec::new();
    for line in &lines[start..] {
        let blank = line.text.trim().is_empty();
        let inside = line.text.as_bytes().iter().take(indent).all(u8::is_ascii_whitespace);
        let foreign = line.text.starts_with('(') && line.text.ends_with(')');
        if !blank && (!inside || line.text.len() < indent || foreign) {
            break;
        }
        let mut line = line.clone();
        line.text = match line.text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(indent..).unwrap_or_default()),
            Cow::Owned(text) => Cow::Owned(text.get(indent..).unwrap_or_default().to_owned()),
        };
        line.offset += indent;
        body.push(line);
    }
    let end = start + body.len();
    (body, end.max(start + 1))
}

/// Says where the reader stopped in the lines of the input.
fn located(mut outcome: ReadOutcome, lines: &[OutputLine]) -> ReadOutcome {
    if let Some(stopped) = &mut outcome.stopped {
        let line = lines.get(stopped.line.saturating_sub(1)).or(lines.last());
        if let Some(line) = line {
            stopped.line = line.number;
            stopped.column += line.offset;
        }
    }
    outcome
}
