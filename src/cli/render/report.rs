//! An analysis in the order a person reads it, for the terminal and for Markdown: what was found and how bad it is, why it
//! matters, what to do, and what is not advised.

use std::collections::{BTreeMap, BTreeSet};

use super::words;
use crate::checks;
use crate::model::{Analysis, Declined, Object, Recommendation, ReportedFinding, Statement};

/// From this many findings of one check on, the first is printed in full and the others by the names of their objects.
const FOLDED_FROM: usize = 4;
/// Lines from which on a statement is printed once and referred to afterwards.
const LONG_STATEMENT_LINES: usize = 6;

/// Bytes of a page's text that say something by themselves; a shorter sentence is printed with the next.
const OPENING_CHARS: usize = 80;

/// What to print.
pub(super) struct Report<'a> {
    /// The worst first.
    pub(super) entries: Vec<ReportEntry<'a>>,
    /// One for each object and check.
    pub(super) declined: Vec<NotAdvised<'a>>,
}

/// One finding, or several that differ in nothing but their objects.
pub(super) struct ReportEntry<'a> {
    /// The finding that is printed in full.
    pub(super) finding: &'a ReportedFinding,
    /// The others.
    pub(super) others: Vec<&'a ReportedFinding>,
    /// Why it matters: the opening of that section of its check's page.
    pub(super) why: String,
    /// What to do, the best first; each would do alone.
    pub(super) advice: Vec<Advice<'a>>,
    /// Why there is nothing to do, where there is nothing.
    pub(super) no_advice: Option<String>,
}

/// A recommendation under a finding.
pub(super) struct Advice<'a> {
    pub(super) recommendation: &'a Recommendation,
    /// What it is to the others: nothing, the best, or an alternative.
    pub(super) label: Option<String>,
    /// Whether another finding printed it before.
    pub(super) shown_above: bool,
}

/// What is not advised about an object, and why: one reason for each variant that was considered.
pub(super) struct NotAdvised<'a> {
    pub(super) object: &'a Object,
    pub(super) check: &'a str,
    pub(super) reasons: Vec<&'a Declined>,
}

impl<'a> Report<'a> {
    /// Every finding by itself where `all`; else findings of one check are folded from [`FOLDED_FROM`] on.
    pub(super) fn of(analysis: &'a Analysis, all: bool) -> Self {
        let mut shown = BTreeSet::new();
        let entries = folded(&analysis.findings, all)
            .into_iter()
            .map(|(finding, others)| ReportEntry::of(analysis, finding, others, &mut shown))
            .collect();
        Self { entries, declined: not_advised(&analysis.declined) }
    }
}

impl<'a> ReportEntry<'a> {
    fn of(
        analysis: &'a Analysis,
        finding: &'a ReportedFinding,
        others: Vec<&'a ReportedFinding>,
        shown: &mut BTreeSet<&'a str>,
    ) -> Self {
        let recommendations: Vec<&Recommendation> = finding
            .recommendations
            .iter()
            .filter_map(|id| words::recommendation(analysis, id))
            .collect();
        let count = recommendations.len();
        let advice: Vec<Advice<'a>> = recommendations
            .into_iter()
            .enumerate()
            .map(|(position, recommendation)| Advice {
                recommendation,
                label: label(position, count),
                shown_above: !shown.insert(&recommendation.id),
            })
            .collect();
        let no_advice = advice.is_empty().then(|| no_advice(analysis, finding));
        Self { finding, others, why: why(&finding.check), advice, no_advice }
    }
}

/// `best of 3`, `alternative 2 of 3`; nothing where there is no choice.
fn label(position: usize, count: usize) -> Option<String> {
    match (position, count) {
        (_, 0 | 1) => None,
        (0, _) => Some(format!("best of {count}")),
        _ => Some(format!("alternative {} of {count}", position + 1)),
    }
}

/// Findings in their order, those of one check and severity together where there are many.
fn folded(
    findings: &[ReportedFinding],
    all: bool,
) -> Vec<(&ReportedFinding, Vec<&ReportedFinding>)> {
    let kind = |finding: &ReportedFinding| (finding.check.clone(), finding.severity);
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(kind(finding)).or_insert(0) += 1;
    }
    let mut places = BTreeMap::new();
    let mut entries: Vec<(&ReportedFinding, Vec<&ReportedFinding>)> = Vec::new();
    for finding in findings {
        let folds = !all && counts.get(&kind(finding)).is_some_and(|count| *count >= FOLDED_FROM);
        let place: Option<usize> = places.get(&kind(finding)).copied().filter(|_| folds);
        if let Some((_, others)) = place.and_then(|place| entries.get_mut(place)) {
            others.push(finding);
        } else {
            places.insert(kind(finding), entries.len());
            entries.push((finding, Vec::new()));
        }
    }
    entries
}

/// Why nothing is advised: as the entry that declines it says, or that no statement fixes it.
fn no_advice(analysis: &Analysis, finding: &ReportedFinding) -> String {
    let declined = analysis
        .declined
        .iter()
        .find(|declined| declined.check == finding.check && declined.object == finding.object);
    match declined {
        Some(declined) => format!("{}: {}", declined.reason, declined.detail),
        None => format!("no SQL statement fixes this; see `dbopt explain {}`", finding.check),
    }
}

/// The opening of the page's section on why it matters.
fn why(check: &str) -> String {
    let Ok(check) = checks::find(check) else { return String::new() };
    let section = check.page.split("## Why it matters").nth(1).unwrap_or_default();
    let paragraph = section.trim().split("\n\n").next().unwrap_or_default().replace('\n', " ");
    opening(&paragraph).to_owned()
}

/// Whole sentences from the beginning, until they are long enough to stand alone. A sentence ends at a full stop that a
/// blank and a capital letter follow, or at the end.
fn opening(text: &str) -> &str {
    text.match_indices(". ")
        .filter(|(at, _)| text[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '`'))
        .find(|(at, _)| *at >= OPENING_CHARS)
        .map_or(text, |(at, _)| &text[..=at])
}

fn not_advised(declined: &[Declined]) -> Vec<NotAdvised<'_>> {
    let mut objects: Vec<NotAdvised<'_>> = Vec::new();
    for entry in declined {
        match objects
            .iter_mut()
            .find(|known| *known.object == entry.object && known.check == entry.check)
        {
            Some(known) => known.reasons.push(entry),
            None => objects.push(NotAdvised {
                object: &entry.object,
                check: &entry.check,
                reasons: vec![entry],
            }),
        }
    }
    objects
}

/// Long statements that were printed, so that each is printed once.
#[derive(Default)]
pub(super) struct Printed<'a>(BTreeMap<&'a str, usize>);

/// How to print a statement.
pub(super) enum Print<'a> {
    /// As it is.
    Whole(&'a str),
    /// As it is, and under a number that others can refer to.
    Numbered(usize, &'a str),
    /// It was printed under this number.
    Above(usize),
}

impl<'a> Printed<'a> {
    /// How to print `statement` here.
    pub(super) fn print(&mut self, statement: &'a Statement) -> Print<'a> {
        let sql = statement.sql.as_str();
        if sql.lines().count() < LONG_STATEMENT_LINES {
            return Print::Whole(sql);
        }
        let next = self.0.len() + 1;
        if let Some(number) = self.0.get(sql) {
            return Print::Above(*number);
        }
        self.0.insert(sql, next);
        Print::Numbered(next, sql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_ends_at_a_stop_before_a_capital_once_it_is_long_enough() {
        let long = "x".repeat(OPENING_CHARS);
        for (text, expected) in [
            (format!("One. Two {long}. Three."), format!("One. Two {long}.")),
            (
                format!("{long} 2.5 kB of pg_stat. and on"),
                format!("{long} 2.5 kB of pg_stat. and on"),
            ),
            (format!("{long} e.g. two. `three` follows"), format!("{long} e.g. two.")),
            ("One.".to_owned(), "One.".to_owned()),
        ] {
            assert_eq!(opening(&text), expected);
        }
    }

    #[test]
    fn every_page_says_why_it_matters_in_a_few_lines() {
        for check in checks::all() {
            let why = why(check.id);
            assert!(why.len() > 20, "{}: {why:?}", check.id);
            assert!(why.len() < 320, "{}: {} characters: {why}", check.id, why.len());
        }
    }

    #[test]
    fn alternatives_are_numbered_and_a_single_advice_is_not() {
        assert_eq!(label(0, 1), None);
        assert_eq!(label(0, 2).as_deref(), Some("best of 2"));
        assert_eq!(label(1, 2).as_deref(), Some("alternative 2 of 2"));
    }
}
