//! For pull requests: GitHub's Markdown.

use std::fmt::Write as _;

use super::words;
use crate::model::{Analysis, Recommendation, Statement};

pub(super) fn analysis(analysis: &Analysis) -> String {
    let mut text = format!(
        "## {}: `{}`, PostgreSQL {}\n\n{} ({}).\n",
        words::superpower(analysis),
        analysis.target,
        analysis.server.version,
        words::tally(analysis),
        words::visit(analysis),
    );
    let mut shown = Vec::new();
    for finding in &analysis.findings {
        let _ = writeln!(text, "\n### {}: {}\n", finding.severity, prose(&finding.message));
        let evidence: Vec<String> = finding.evidence.iter().map(words::evidence).collect();
        let _ = writeln!(text, "`{}`; {}", finding.check, prose(&evidence.join(", ")));
        for id in &finding.recommendations {
            let Some(recommendation) = words::recommendation(analysis, id) else { continue };
            if shown.contains(id) {
                let _ = writeln!(text, "\n**{}** (see above)", prose(&recommendation.title));
            } else {
                advice(&mut text, recommendation);
                shown.push(id.clone());
            }
        }
    }
    if !analysis.declined.is_empty() {
        text.push_str("\n### Not advised\n\n| object | check | why not |\n| --- | --- | --- |\n");
        for declined in &analysis.declined {
            let (object, why) = (cell(&format!("`{}`", declined.object)), cell(&declined.reason));
            let detail = cell(&declined.detail);
            let _ = writeln!(text, "| {object} | `{}` | {why}: {detail} |", declined.check);
        }
    }
    if !analysis.gaps.is_empty() {
        text.push_str("\n### Not seen\n\n| observation | why | lifted by |\n| --- | --- | --- |\n");
        for gap in &analysis.gaps {
            let lift =
                gap.lift.as_ref().map(|lift| format!("`{}`", cell(lift))).unwrap_or_default();
            let _ =
                writeln!(text, "| {} | {} | {lift} |", cell(&gap.observation), cell(&gap.detail));
        }
    }
    text
}

fn advice(text: &mut String, recommendation: &Recommendation) {
    let proof = prose(&words::proof(&recommendation.proof));
    let _ = writeln!(text, "\n**{}** ({proof})\n", prose(&recommendation.title));
    if !recommendation.expected.is_empty() {
        for expected in &recommendation.expected {
            let _ = writeln!(text, "- {}", words::expected(expected));
        }
        text.push('\n');
    }
    block(text, &recommendation.statements);
    if !recommendation.undo.is_empty() {
        text.push_str("\n<details><summary>Undo</summary>\n\n");
        block(text, &recommendation.undo);
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
fn block(text: &mut String, statements: &[Statement]) {
    let sql = |statement: &Statement| format!("-- {}\n{}\n", words::cost(statement), statement.sql);
    let sql: String = statements.iter().map(sql).collect();
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
