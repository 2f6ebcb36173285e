//! Puts wrapped lines together.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::super::frame::OutputLine;
use super::{classify, list};

/// Lines that a literal with line breaks may have. A quote that is not closed within them is a broken line.
const LITERAL_LINES_MAX: usize = 200;

/// A node's figures are no longer than this, and what they are looked for in grows with each line that is joined.
pub(super) const FIGURES_BYTES_MAX: usize = 256;

/// Properties are no longer than this, but for those of generated statements.
const CLOSED_BYTES_MAX: usize = 4096;

/// Names of columns that stand behind others in a line of properties, with two blanks between.
const FURTHER_COLUMNS: [&str; 15] = [
    "Misses:",
    "Evictions:",
    "Overflows:",
    "Sort Method:",
    "Sort Methods:",
    "Average Memory:",
    "Average Disk:",
    "Peak Disk:",
    "Memory Usage:",
    "Maximum Storage:",
    "Disk Usage:",
    "Peak Memory:",
    "Batches:",
    "Memory:",
    "Disk:",
];

/// What a name of several words begins with: the rest of it follows where a line ends so.
const OPEN_NAMES: [&str; 5] = [" Maximum", " Peak", " Average", "Rows Removed", "Rows Removed by"];

/// How the lines of an input are wrapped.
pub(super) struct Wrap<'l> {
    lines: &'l [OutputLine<'l>],
    /// The longest line, in characters.
    width: OnceCell<usize>,
    wrapped: OnceCell<bool>,
    mail: OnceCell<bool>,
}

impl<'l> Wrap<'l> {
    pub(super) fn new(lines: &'l [OutputLine<'l>]) -> Self {
        Wrap { lines, width: OnceCell::new(), wrapped: OnceCell::new(), mail: OnceCell::new() }
    }

    /// Appends the line at `at` to what it continues.
    ///
    /// A terminal wraps at its width and loses nothing. A mail client wraps at a blank, which is lost.
    pub(super) fn join(&self, text: &mut Cow<'l, str>, next: &str, at: usize) {
        let before = at.checked_sub(1).map_or("", |before| self.lines[before].text.as_ref());
        let verbatim = before.ends_with(' ')
            || next.starts_with([' ', ')', ','])
            || if stands_apart(before, next) {
                false
            } else if is_in_figures(text) {
                !starts_figure(next) && !text.ends_with("(never")
            } else {
                self.is_wrapped() && before.chars().count() >= self.width()
            };
        let column = is_column(next);
        let is_open = ends_in_a_name(text);
        let text = text.to_mut();
        if column && !is_open {
            text.truncate(text.trim_end().len());
            text.push_str("  ");
        } else if !verbatim {
            text.push(' ');
        }
        text.push_str(next);
    }

    /// Appends the line at `at` to a literal that is open. Its line break is part of the literal, but where a terminal made it.
    pub(super) fn join_in_literal(&self, text: &mut Cow<'l, str>, next: &str, at: usize) {
        let before = at.checked_sub(1).map_or("", |before| self.lines[before].text.as_ref());
        let text = text.to_mut();
        if !(self.is_wrapped() && before.chars().count() >= self.width()) {
            text.push(if self.is_mail() { ' ' } else { '\n' });
        }
        text.push_str(next);
    }

    /// The line that closes the literal in which the line at `at` ends, where it does; `quote` is what is open at its start.
    pub(super) fn literal_end(&self, line: &str, at: usize, quote: Option<u8>) -> Option<usize> {
        memchr::memchr(b'\'', line.as_bytes())?;
        let mut quote = list::quote_after(line, quote);
        quote?;
        let following = self.lines.iter().enumerate().skip(at + 1).take(LITERAL_LINES_MAX);
        for (number, line) in following {
            quote = list::quote_after(&line.text, quote);
            if quote.is_none() {
                return Some(number);
            }
        }
        None
    }

    /// Whether a terminal wrapped the lines: several are of the greatest length, and none that is shorter goes on in the next.
    fn is_wrapped(&self) -> bool {
        *self.wrapped.get_or_init(|| {
            let width = self.width();
            let length = |line: &OutputLine| line.text.chars().count();
            self.lines.iter().filter(|line| length(line) == width).nth(1).is_some()
                && !self.is_mail()
        })
    }

    /// Whether lines were wrapped at blanks: one that is shorter than others goes on in the next.
    fn is_mail(&self) -> bool {
        *self.mail.get_or_init(|| {
            let width = self.width();
            let is_short = |line: &OutputLine| line.text.chars().count() < width;
            self.lines.iter().any(|line| goes_on(&line.text) && is_short(line))
        })
    }

    fn width(&self) -> usize {
        *self.width.get_or_init(|| {
            self.lines.iter().map(|line| line.text.chars().count()).max().unwrap_or_default()
        })
    }
}

/// Whether a line of a node or of a condition ends inside its parentheses.
fn goes_on(line: &str) -> bool {
    let text = line.trim();
    let is_node = text.contains("  (cost=") || text.contains(" (actual ");
    let is_condition = || text.contains(": (") && classify::is_property(text);
    if !(is_node || is_condition()) || list::quote_after(text, None).is_some() {
        return false;
    }
    let count = |sign: u8| memchr::memchr_iter(sign, text.as_bytes()).count();
    count(b'(') > count(b')')
}

/// Whether a property is whole: its parentheses are balanced, and it ends in no word that a name may begin with. What is longer
/// is not looked through again for each line that may continue it.
pub(super) fn is_closed(line: &str) -> bool {
    let count = |sign: u8| memchr::memchr_iter(sign, line.as_bytes()).count();
    let last = line.trim_end().rsplit(' ').next().unwrap_or_default();
    let is_of_a_name = last.starts_with(|c: char| c.is_ascii_uppercase())
        && last.bytes().skip(1).all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    line.len() <= CLOSED_BYTES_MAX
        && !is_of_a_name
        && list::quote_after(line, None).is_none()
        && count(b'(') == count(b')')
        && !line.trim_end().ends_with([',', ':'])
        && !ends_in_a_name(line)
}

/// Whether a text starts with a column that stands behind others in a line of properties.
pub(super) fn is_column(text: &str) -> bool {
    FURTHER_COLUMNS.iter().any(|name| text.starts_with(name))
}

/// Whether a text ends in a name of several words that is not whole.
pub(super) fn ends_in_a_name(text: &str) -> bool {
    let text = text.trim_end();
    OPEN_NAMES.iter().any(|name| text.ends_with(name))
}

/// The end of a text, of so many bytes at most.
pub(super) fn tail(text: &str, bytes_max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes_max))..]
}

/// Whether a blank always stands between what a line ends with and what the next starts with.
fn stands_apart(before: &str, next: &str) -> bool {
    let joins = |word: &str| matches!(word, "AND" | "OR");
    let ends = before.rsplit(' ').next().is_some_and(joins);
    ends || next.split(' ').next().is_some_and(joins) && before.ends_with(')')
}

/// Whether a node's line ends inside the parentheses with its figures, or between them.
fn is_in_figures(text: &str) -> bool {
    let text = tail(text, FIGURES_BYTES_MAX);
    let figures = text.rfind("(cost=").max(text.rfind("(actual ")).max(text.rfind("(never"));
    figures.is_some_and(|at| text[at..].len() < 120)
}

/// Whether a text starts with what stands behind a blank in a node's figures.
fn starts_figure(text: &str) -> bool {
    ["rows=", "width=", "loops=", "time=", "(actual", "(never", "(cost="]
        .iter()
        .any(|start| text.starts_with(start))
}
