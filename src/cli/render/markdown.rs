//! For pull requests: GitHub's Markdown.

use std::fmt::Write as _;

use super::report::{Print, Printed, Report, ReportEntry};
use super::words;
use crate::model::{Analysis, Recommendation, Statement};

pub(super) fn analysis(analysis: &Analysis, verbose: bool) -> String {
    let report = Report::of(analysis, verbose);
    let mut text = format!(
        "## {}: `{}`, PostgreSQL {}\n\n{} ({}).\n",
        words::superpower(analysis),
        analysis.target,
        analysis.server.version,
        words::totals(analysis),
        words::visit(analysis),
    );
    let mut printed = Printed::default();
    for entry in &report.entries {
        finding(&mut text, entry, &mut printed);
    }
    if !report.declined.is_empty() {
        text.push_str("\n### Not advised\n\n| object | check | why not |\n| --- | --- | --- |\n");
        for declined in &report.declined {
            let object = cell(&format!("`{}`", declined.object));
            let reasons = cell(&words::reasons(&declined.reasons, verbose));
            let _ = writeln!(text, "| {object} | `{}` | {reasons} |", declined.check);
        }
    }
    if !analysis.gaps.is_empty() {
        text.push_str("\n### Not seen\n\n| observation | why | to see it |\n| --- | --- | --- |\n");
        for gap in &analysis.gaps {
            let lift =
                gap.lift.as_ref().map(|lift| format!("`{}`", cell(lift))).unwrap_or_default();
            let _ =
                writeln!(text, "| {} | {} | {lift} |", cell(&gap.observation), cell(&gap.detail));
        }
    }
    text
}

fn finding<'a>(text: &mut String, entry: &ReportEntry<'a>, printed: &mut Printed<'a>) {
    let finding = entry.finding;
    let _ = writeln!(text, "\n### {}: {}\n", finding.severity, prose(&finding.message));
    let evidence: Vec<String> = finding.evidence.iter().map(words::evidence).collect();
    let _ = writeln!(text, "`{}`; {}\n", finding.check, prose(&evidence.join(", ")));
    let _ = writeln!(text, "{}", prose(&entry.why));
    if !entry.others.is_empty() {
        let others: Vec<String> =
            entry.others.iter().map(|other| format!("`{}`", other.object)).collect();
        let _ = writeln!(text, "\nThe same on {}: {}", others.len(), prose(&others.join(", ")));
    }
    if let Some(reason) = &entry.no_advice {
        let _ = writeln!(text, "\nNo advice: {}", prose(reason));
    }
    for advice in &entry.advice {
        let label = advice.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        let title = format!("**{}**{label}", prose(&advice.recommendation.title));
        if advice.shown_above {
            let _ = writeln!(text, "\n{title}: see above");
        } else {
            let _ = writeln!(text, "\n{title}");
            recommendation(text, advice.recommendation, printed);
        }
    }
}

fn recommendation<'a>(
    text: &mut String,
    recommendation: &'a Recommendation,
    printed: &mut Printed<'a>,
) {
    let _ = writeln!(text, "\n{}\n", prose(&words::proof(&recommendation.proof)));
    if !recommendation.expected.is_empty() {
        for expected in &recommendation.expected {
            let _ = writeln!(text, "- {}", words::expected(expected));
        }
        text.push('\n');
    }
    block(text, &recommendation.statements, printed);
    if !recommendation.undo.is_empty() {
        text.push_str("\n<details><summary>Undo</summary>\n\n");
        block(text, &recommendation.undo, printed);
        text.push_str("\n</details>\n");
    }
    let notes: Vec<_> =
        recommendation.preconditions.iter().chain(&recommendation.caveats).collect();
    if !notes.is_empty() {
        text.push('\n');
        for note in notes {
            let _ = writeln!(text, "- {}", prose(note));
        }
    }
}

/// A fence longer than any run of backticks within.
fn block<'a>(text: &mut String, statements: &'a [Statement], printed: &mut Printed<'a>) {
    let mut sql = String::new();
    for statement in statements {
        let cost = words::cost(statement);
        let _ = match printed.print(statement) {
            Print::Whole(one) => writeln!(sql, "-- {cost}\n{one}"),
            Print::Numbered(number, one) => {
                writeln!(sql, "-- statement {number}; {cost}\n{one}")
            }
            Print::Above(number) => writeln!(sql, "-- statement {number}, printed above; {cost}"),
        };
    }
    let longest = sql.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(text, "{fence}sql\n{sql}{fence}");
}

/// Text on one line that means nothing else in Markdown. Code spans stay what they are.
fn prose(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '`' => in_code = !in_code,
            '<' | '*' | '_' | '[' if !in_code => safe.push('\\'),
            '\n' | '\r' => {
                safe.push(' ');
                continue;
            }
            _ => {}
        }
        safe.push(c);
    }
    safe
}

/// The same in a table, where a bar ends the cell even in code.
pub(super) fn cell(text: &str) -> String {
    prose(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_prose_or_cells() {
        assert_eq!(prose("`a_b` a_b <b>\nx"), "`a_b` a\\_b \\<b> x");
        assert_eq!(cell("`a|b`"), "`a\\|b`");
    }
}
