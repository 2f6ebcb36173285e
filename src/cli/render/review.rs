//! A review of files as text.

use std::fmt::Write as _;

use super::table::style;
use crate::cli::options::OutputFormat;
use crate::model::{ReportedFinding, Review};

use super::{markdown, sarif, visible, words};

/// The review in that format, a line feed at the end.
pub(in crate::cli) fn review(review: &Review, format: OutputFormat) -> String {
    match format {
        OutputFormat::Table => visible::harmless(lines(review)),
        OutputFormat::Json => {
            let json = serde_json::to_string_pretty(review);
            json.unwrap_or_else(|_| unreachable!("a review is JSON")) + "\n"
        }
        OutputFormat::Markdown => visible::harmless(table(review)),
        OutputFormat::Sarif => sarif::review(review),
    }
}

/// As compilers tell it: a place, and what is wrong there.
fn lines(review: &Review) -> String {
    let mut text = String::new();
    for ReportedFinding { object, severity, message, check, .. } in &review.findings {
        let style = style(*severity);
        let (object, message) = (object.to_string(), visible::visible(message));
        let object = visible::visible(&object);
        let _ = writeln!(text, "{object}: {style}{severity}{style:#}: {message} [{check}]");
    }
    for gap in &review.gaps {
        let _ = writeln!(text, "not seen: {}", visible::visible(&gap.detail));
    }
    let found = words::count(review.findings.len(), "finding");
    let _ = writeln!(text, "{found}, {}", words::count(review.gaps.len(), "gap"));
    text
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
