//! For people at a terminal: what was found, what to do about it, what is not advised, what was not seen.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects, Style};
use comfy_table::{ContentArrangement, Table, presets};

use super::report::{Advice, Print, Printed, Report, ReportEntry};
use super::visible::{harmless, visible};
use super::words;
use crate::model::{Analysis, Recommendation, ReportedFinding, Severity, Statement};

/// Columns where standard output is no terminal.
const WIDTH: usize = 100;
/// Columns below which lines are not broken any further.
const WIDTH_MIN: usize = 60;
/// Objects that are named of findings that are alike; the rest is counted.
const OTHERS_NAMED: usize = 8;

/// Before each line about a statement, so that what is copied stays SQL.
const COMMENT: &str = "       -- ";

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().effects(Effects::DIMMED);
const PLAIN: Style = Style::new();

/// The columns of the terminal, or so many where there is none.
pub(super) fn width(otherwise: usize) -> usize {
    Table::new().width().map_or(otherwise, usize::from).clamp(WIDTH_MIN, 2 * WIDTH)
}

/// Text broken at blanks, but not between a number and its `%`.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let options = textwrap::Options::new(room)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let joined = text.replace(" %", "\u{a0}%");
    textwrap::wrap(&joined, options).iter().map(|line| line.replace('\u{a0}', " ")).collect()
}

pub(super) fn analysis(analysis: &Analysis, verbose: bool) -> String {
    let report = Report::of(analysis, verbose);
    let mut page = WrappedLines { text: String::new(), width: width(WIDTH) };
    page.heading(analysis);
    let mut printed = Printed::default();
    for (number, entry) in report.entries.iter().enumerate() {
        page.entry(number + 1, entry, &mut printed);
    }
    page.declined(&report, verbose);
    page.gaps(analysis);
    page.text
}

/// Lines within a width.
struct WrappedLines {
    text: String,
    width: usize,
}

impl WrappedLines {
    /// `text`, broken at blanks; the first line after `first`, the others indented as far.
    fn lines(&mut self, first: &str, style: Style, text: &str) {
        let rest = " ".repeat(first.chars().count());
        self.broken([first, &rest], style, text);
    }

    /// `text`, broken at blanks; the first line after `first`, the others after `rest`, which is as wide.
    fn broken(&mut self, [first, rest]: [&str; 2], style: Style, text: &str) {
        let room = self.width.saturating_sub(rest.len()).max(WIDTH_MIN / 2);
        for (number, line) in wrapped(&visible(text), room).iter().enumerate() {
            let before = if number == 0 { first } else { rest };
            let _ = writeln!(self.text, "{before}{style}{line}{style:#}");
        }
    }

    fn heading(&mut self, analysis: &Analysis) {
        let standby = if analysis.server.in_recovery { ", hot standby" } else { "" };
        let (target, version) = (&analysis.target, &analysis.server.version);
        let superpower = words::superpower(analysis);
        self.lines("", BOLD, &format!("{target}, PostgreSQL {version}{standby}: {superpower}"));
        self.lines("", PLAIN, &words::totals(analysis));
        self.lines("", DIM, &format!("Cost: {}", words::visit(analysis)));
        if !analysis.findings.is_empty() {
            for line in words::LEGEND {
                self.lines("", DIM, line);
            }
        }
    }

    fn entry<'a>(&mut self, number: usize, entry: &ReportEntry<'a>, printed: &mut Printed<'a>) {
        self.text.push('\n');
        self.finding(number, entry.finding);
        self.lines("   ", DIM, &format!("Why: {}", entry.why));
        if !entry.others.is_empty() {
            self.lines("   ", PLAIN, &others(entry));
        }
        if let Some(reason) = &entry.no_advice {
            self.lines("   ", PLAIN, &format!("No advice: {reason}"));
        }
        for advice in &entry.advice {
            self.advice(advice, printed);
        }
    }

    fn finding(&mut self, number: usize, finding: &ReportedFinding) {
        let severity = finding.severity.as_str().to_uppercase();
        let style = style(finding.severity);
        let before = format!("{number}. {severity} ");
        let start = self.text.len();
        self.lines(&before, BOLD, &finding.message);
        let coloured = format!("{number}. {style}{severity}{style:#} ");
        self.text.replace_range(start..start + before.len(), &coloured);
        let confidence = format!("{:?}", finding.confidence).to_lowercase();
        self.lines("   ", DIM, &format!("{}, confidence {confidence}", finding.check));
        let evidence: Vec<String> = finding.evidence.iter().map(words::evidence).collect();
        if !evidence.is_empty() {
            self.lines("   ", PLAIN, &format!("Evidence: {}", evidence.join(", ")));
        }
    }

    fn advice<'a>(&mut self, advice: &Advice<'a>, printed: &mut Printed<'a>) {
        let recommendation = advice.recommendation;
        let label = advice.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        let title = format!("{}{label}", recommendation.title);
        self.text.push('\n');
        if advice.shown_above {
            self.lines("   → ", BOLD, &format!("{title}: see above"));
            return;
        }
        self.lines("   → ", BOLD, &title);
        self.lines("     ", PLAIN, &words::proof(&recommendation.proof));
        for expected in &recommendation.expected {
            self.lines("       ", PLAIN, &words::expected(expected));
        }
        self.statements(&recommendation.statements, printed);
        if recommendation.undo.is_empty() {
            self.lines("     ", PLAIN, "No undo");
        } else {
            self.lines("     ", PLAIN, "Undo:");
            self.statements(&recommendation.undo, printed);
        }
        self.notes(recommendation);
    }

    fn notes(&mut self, recommendation: &Recommendation) {
        for note in &recommendation.preconditions {
            self.lines("     ", DIM, &format!("Needs: {note}"));
        }
        for note in &recommendation.caveats {
            self.lines("     ", DIM, &format!("Note: {note}"));
        }
    }

    /// Statements are not broken: they are there to be copied.
    fn statements<'a>(&mut self, statements: &'a [Statement], printed: &mut Printed<'a>) {
        let cyan = AnsiColor::Cyan.on_default();
        for statement in statements {
            let print = printed.print(statement);
            let number = match print {
                Print::Whole(_) => String::new(),
                Print::Numbered(number, _) => format!("statement {number}; "),
                Print::Above(number) => format!("statement {number}, printed above; "),
            };
            let cost = format!("{number}{}", words::cost(statement));
            self.broken([COMMENT; 2], DIM, &cost);
            let (Print::Whole(sql) | Print::Numbered(_, sql)) = print else { continue };
            for line in sql.lines() {
                let _ = writeln!(self.text, "       {cyan}{line}{cyan:#}");
            }
        }
    }

    fn declined(&mut self, report: &Report<'_>, verbose: bool) {
        if report.declined.is_empty() {
            return;
        }
        let more = if verbose { "" } else { " (--verbose shows the numbers)" };
        let _ = writeln!(self.text, "\n{BOLD}Not advised{BOLD:#}{more}");
        for declined in &report.declined {
            let reasons = words::reasons(&declined.reasons, verbose);
            let line = format!("`{}`, {}: {reasons}", declined.object, declined.check);
            self.lines("   ", PLAIN, &line);
        }
    }

    fn gaps(&mut self, analysis: &Analysis) {
        if analysis.gaps.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "\n{BOLD}Not seen{BOLD:#}");
        for gap in &analysis.gaps {
            self.lines("   ", PLAIN, &format!("{}: {}", gap.observation, gap.detail));
            if let Some(lift) = &gap.lift {
                let _ = writeln!(self.text, "      To see it: {lift}");
            }
        }
    }
}

/// The objects of findings that are alike, in a line.
fn others(entry: &ReportEntry<'_>) -> String {
    let named = entry.others.iter().take(OTHERS_NAMED).map(|other| format!("`{}`", other.object));
    let named = named.collect::<Vec<_>>().join(", ");
    let left = entry.others.len().saturating_sub(OTHERS_NAMED);
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    let count = entry.others.len();
    format!("The same on {count} other objects: {named}{more} (--verbose shows each)")
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
        table.set_width(u16::try_from(WIDTH).unwrap_or(u16::MAX));
    }
    table.set_header(["severity", "found", "advice"]);
    let report = Report::of(analysis, false);
    for entry in report.entries.iter().take(limit) {
        let advice = match (entry.advice.first(), &entry.no_advice) {
            (Some(first), _) => {
                let first = first.recommendation;
                format!("{}\n{}", visible(&first.title), words::proof(&first.proof))
            }
            (None, reason) => reason.clone().unwrap_or_default(),
        };
        let more = match entry.others.len() {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        let message = visible(&entry.finding.message);
        let found = format!("{message}{more}\n{}", entry.finding.check);
        table.add_row([entry.finding.severity.as_str().to_owned(), found, advice]);
    }
    let left = report.entries.len().saturating_sub(limit);
    let more =
        if left > 0 { format!("\nand {left} more kinds of findings") } else { String::new() };
    harmless(format!("{table}{more}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks_within_the_width_and_statements_are_left_whole() {
        let mut page = WrappedLines { text: String::new(), width: WIDTH_MIN };
        page.lines("   → ", PLAIN, &"`ml.features.payload` compresses ".repeat(6));
        assert!(page.text.lines().count() > 2, "{}", page.text);
        assert!(page.text.lines().all(|line| line.chars().count() <= WIDTH_MIN), "{}", page.text);
        assert!(page.text.lines().skip(1).all(|line| line.starts_with("     ")), "{}", page.text);
    }
}
