//! A review of files as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::table::style;
use crate::cli::options::OutputFormat;
use crate::model::{Object, ReportedFinding, Review};

use super::{markdown, sarif, visible, words};

/// The text of each file that was reviewed, by its path.
pub(in crate::cli) type Sources = BTreeMap<String, String>;

/// The review in that format, a line feed at the end.
pub(in crate::cli) fn review(review: &Review, sources: &Sources, format: OutputFormat) -> String {
    match format {
        OutputFormat::Table => visible::harmless(lines(review, sources)),
        OutputFormat::Json => {
            let json = serde_json::to_string_pretty(review);
            json.unwrap_or_else(|_| unreachable!("a review is JSON")) + "\n"
        }
        OutputFormat::Markdown => visible::harmless(table(review)),
        OutputFormat::Sarif => sarif::review(review),
    }
}

/// Columns of a line of code that is shown.
const CODE_COLUMNS: usize = 100;

/// As compilers write it: a place, what is wrong there, the line of code, and the line without the problem.
fn lines(review: &Review, sources: &Sources) -> String {
    let mut text = String::new();
    for ReportedFinding { object, severity, message, check, fix, .. } in &review.findings {
        let line = line_of(object, sources);
        let style = style(*severity);
        let (object, message) = (object.to_string(), visible::visible(message));
        let object = visible::visible(&object);
        let _ = writeln!(text, "{object}: {style}{severity}{style:#}: {message} [{check}]");
        if let Some(line) = line {
            let _ = writeln!(text, "    | {}", visible::visible(line));
        }
        if let Some(fix) = fix {
            let _ = writeln!(text, "    fix: {}", visible::visible(&fix.title));
            for line in fix.sql.lines() {
                let _ = writeln!(text, "    + {}", visible::visible(line));
            }
        }
    }
    for gap in &review.gaps {
        let _ = writeln!(text, "not seen: {}", visible::visible(&gap.detail));
    }
    let found = words::count(review.findings.len(), "finding");
    let _ = writeln!(text, "{found}, {}", words::count(review.gaps.len(), "gap"));
    text
}

/// The line of code that a finding is on, as far as it fits.
fn line_of<'a>(object: &Object, sources: &'a Sources) -> Option<&'a str> {
    let Object::Source { path, line, .. } = object else { return None };
    let index = usize::try_from(*line).ok()?.checked_sub(1)?;
    let line = sources.get(path)?.lines().nth(index)?.trim_end();
    let end = line.char_indices().nth(CODE_COLUMNS).map_or(line.len(), |(end, _)| end);
    Some(&line[..end]).filter(|line| !line.trim().is_empty())
}

fn table(review: &Review) -> String {
    let mut text = "| place | severity | found | check |\n| --- | --- | --- | --- |\n".to_owned();
    for ReportedFinding { object, severity, message, check, .. } in &review.findings {
        let (place, message) = (markdown::cell(&object.to_string()), markdown::cell(message));
        let _ = writeln!(text, "| {place} | {severity} | {message} | `{check}` |");
    }
    for gap in &review.gaps {
        let _ = writeln!(text, "\nNot seen: {}", markdown::cell(&gap.detail));
    }
    text
}
