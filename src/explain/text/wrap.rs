//! Puts wrapped lines together.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::super::frame::OutputLine;
use super::list;

/// Lines that a literal with line breaks may have. A quote that is not closed within them is a broken line.
const LITERAL_LINES_MAX: usize = 200;

/// How the lines of an input are wrapped.
pub(super) struct Wrap<'l> {
    lines: &'l [OutputLine<'l>],
    /// The longest line, in characters.
    width: OnceCell<usize>,
    wrapped: OnceCell<bool>,
}

impl<'l> Wrap<'l> {
    pub(super) fn new(lines: &'l [OutputLine<'l>]) -> Self {
        Wrap { lines, width: OnceCell::new(), wrapped: OnceCell::new() }
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
        let text = text.to_mut();
        if !verbatim {
            text.push(' ');
        }
        text.push_str(next);
    }

    /// Appends the line at `at` to a literal that is open. Its line break is part of the literal, but where a terminal made it.
    pub(super) fn join_in_literal(&self, text: &mut Cow<'l, str>, next: &str, at: usize) {
        let before = at.checked_sub(1).map_or("", |before| self.lines[before].text.as_ref());
        let text = text.to_mut();
        if !(self.is_wrapped() && before.chars().count() >= self.width()) {
            text.push('\n');
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

    /// Whether a terminal wrapped the lines: several are of the greatest length.
    fn is_wrapped(&self) -> bool {
        *self.wrapped.get_or_init(|| {
            let width = self.width();
            self.lines.iter().filter(|line| line.text.chars().count() == width).nth(1).is_some()
        })
    }

    fn width(&self) -> usize {
        *self.width.get_or_init(|| {
            self.lines.iter().map(|line| line.text.chars().count()).max().unwrap_or_default()
        })
    }
}

/// Whether a blank always stands between what a line ends with and what the next starts with.
fn stands_apart(before: &str, next: &str) -> bool {
    let joins = |word: &str| matches!(word, "AND" | "OR");
    let ends = before.rsplit(' ').next().is_some_and(joins);
    ends || next.split(' ').next().is_some_and(joins) && before.ends_with(')')
}

/// Whether a node's line ends inside the parentheses with its figures, or between them.
fn is_in_figures(text: &str) -> bool {
    let figures = text.rfind("(cost=").max(text.rfind("(actual ")).max(text.rfind("(never"));
    figures.is_some_and(|at| text[at..].len() < 120)
}

/// Whether a text starts with what stands behind a blank in a node's figures.
fn starts_figure(text: &str) -> bool {
    ["rows=", "width=", "loops=", "time=", "(actual", "(never", "(cost="]
        .iter()
        .any(|start| text.starts_with(start))
}
