//! For people: what was found, what to do about it, what is not advised, what was not seen.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects, Style};
use comfy_table::{ContentArrangement, Table, presets};

use super::words;
use crate::model::{Analysis, Recommendation, ReportedFinding, Severity, Statement};

/// Where standard output is no terminal.
const WIDTH: u16 = 100;

pub(super) fn analysis(analysis: &Analysis) -> String {
    let mut text = String::new();
    let bold = Style::new().bold();
    let _ = writeln!(
        text,
        "{bold}{}{bold:#}, PostgreSQL {}{}: {}\n{} ({})",
        analysis.target,
        analysis.server.version,
        if analysis.server.in_recovery { ", hot standby" } else { "" },
        words::superpower(analysis),
        words::tally(analysis),
        words::visit(analysis),
    );
    let mut shown = Vec::new();
    for (number, finding) in analysis.findings.iter().enumerate() {
        let _ = write!(text, "\n{}", heading(number + 1, finding));
        for id in &finding.recommendations {
            let Some(recommendation) = words::recommendation(analysis, id) else { continue };
            if shown.contains(id) {
                let _ = writeln!(text, "\n   → {} (see above)", recommendation.title);
            } else {
                advice(&mut text, recommendation);
                shown.push(id.clone());
            }
        }
    }
    if !analysis.declined.is_empty() {
        let _ = writeln!(text, "\n{bold}Not advised{bold:#}");
        for declined in &analysis.declined {
            let _ =
                writeln!(text, "   `{}`, {}: {}", declined.object, declined.check, declined.reason);
            let _ = writeln!(text, "      {}", declined.detail);
        }
    }
    if !analysis.gaps.is_empty() {
        let _ = writeln!(text, "\n{bold}Not seen{bold:#}");
        for gap in &analysis.gaps {
            let _ = writeln!(text, "   {}: {}", gap.observation, gap.detail);
            if let Some(lift) = &gap.lift {
                let _ = writeln!(text, "      lifted by: {lift}");
            }
        }
    }
    text
}

fn heading(number: usize, finding: &ReportedFinding) -> String {
    let style = style(finding.severity);
    let severity = finding.severity.as_str().to_uppercase();
    let confidence = format!("{:?}", finding.confidence).to_lowercase();
    let evidence: Vec<String> = finding.evidence.iter().map(words::evidence).collect();
    format!(
        "{number}. {style}{severity}{style:#} {}\n   {}, confidence {confidence}; {}\n",
        finding.message,
        finding.check,
        evidence.join(", ")
    )
}

fn advice(text: &mut String, recommendation: &Recommendation) {
    let (bold, dim) = (Style::new().bold(), Style::new().effects(Effects::DIMMED));
    let _ = writeln!(text, "\n   → {bold}{}{bold:#}", recommendation.title);
    let _ = writeln!(text, "     {}", words::proof(&recommendation.proof));
    for expected in &recommendation.expected {
        let _ = writeln!(text, "       {}", words::expected(expected));
    }
    for statement in &recommendation.statements {
        let _ = writeln!(text, "       {dim}-- {}{dim:#}", words::cost(statement));
        sql(text, statement);
    }
    if recommendation.undo.is_empty() {
        let _ = writeln!(text, "     no undo");
    } else {
        let _ = writeln!(text, "     undo");
        recommendation.undo.iter().for_each(|statement| sql(text, statement));
    }
    let notes = recommendation.preconditions.iter().map(|note| ("needs", note));
    let notes = notes.chain(recommendation.caveats.iter().map(|note| ("note", note)));
    for (kind, note) in notes {
        let _ = writeln!(text, "     {dim}{kind}: {note}{dim:#}");
    }
}

fn sql(text: &mut String, statement: &Statement) {
    let cyan = AnsiColor::Cyan.on_default();
    for line in statement.sql.lines() {
        let _ = writeln!(text, "       {cyan}{line}{cyan:#}");
    }
}

pub(super) fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical => return AnsiColor::White.on(AnsiColor::Red).bold(),
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Blue,
        Severity::Info => AnsiColor::BrightBlack,
    };
    color.on_default().bold()
}

/// The worst findings, one a line, with the first advice for each and what stands behind it.
pub(in crate::cli) fn worst(analysis: &Analysis, limit: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table.set_header(["severity", "found", "advice"]);
    for finding in analysis.findings.iter().take(limit) {
        let first = finding.recommendations.first();
        let first = first.and_then(|id| words::recommendation(analysis, id));
        let advice = match first {
            Some(first) => format!("{}\n{}", first.title, words::proof(&first.proof)),
            None => "no statement mends it; its page says what does".to_owned(),
        };
        let found = format!("{}\n{}", finding.message, finding.check);
        table.add_row([finding.severity.as_str().to_owned(), found, advice]);
    }
    let left = analysis.findings.len().saturating_sub(limit);
    let more = if left > 0 { format!("\nand {left} more") } else { String::new() };
    format!("{table}{more}\n")
}
