//! Takes the lines of an input out of what is around them: a quotation, the entry of a log, the frame of a client.

mod carrier;
mod expanded;
mod literals;
mod pieces;
mod psql;
mod quotation;
mod record;
mod references;
mod table;
mod typeset;

use std::borrow::Cow;

/// The name of the only column.
const COLUMN: &str = "QUERY PLAN";

/// A line of output of EXPLAIN.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OutputLine<'a> {
    pub(super) text: Cow<'a, str>,
    /// Its line in the input, from 1.
    pub(super) number: usize,
    /// Characters that stood before it in the input.
    pub(super) offset: usize,
}

impl OutputLine<'_> {
    /// Keeps the text from one byte to another. A margin may end within a character, which is then kept.
    fn cut(&mut self, start: usize, end: usize) {
        let start = self.text.floor_char_boundary(start);
        let end = self.text.floor_char_boundary(end).max(start);
        self.offset += self.text[..start].chars().count();
        match &mut self.text {
            Cow::Borrowed(text) => *text = &text[start..end],
            Cow::Owned(text) => *text = text[start..end].to_owned(),
        }
    }

    /// The text without the blanks at its end.
    fn trim_end(&mut self) {
        let end = self.text.trim_end().len();
        self.cut(0, end);
    }
}

/// The lines of an input, without what is around them.
pub(super) fn lines(input: &str) -> Vec<OutputLine<'_>> {
    let input = input.strip_prefix('\u{feff}').unwrap_or(input);
    // Some programs end a line with a carriage return alone.
    let sign = if holds_byte(input, b'\n') { b'\n' } else { b'\r' };
    let ends = memchr::memchr_iter(sign, input.as_bytes()).chain([input.len()]);
    let mut start = 0;
    let mut lines: Vec<OutputLine> = ends
        .enumerate()
        .map(|(at, end)| {
            let text = &input[start..end];
            start = end + 1;
            let text = text.strip_suffix('\r').unwrap_or(text);
            OutputLine { text: Cow::Borrowed(text), number: at + 1, offset: 0 }
        })
        .collect();
    let has_tables = may_have_tables(input, &lines);
    typeset::remove(&mut lines, input);
    if has_tables {
        tables(&mut lines);
    }
    record::names(&mut lines, input);
    quotation::remove(&mut lines, input);
    // Those that were within a quotation.
    if has_tables {
        tables(&mut lines);
    }
    psql::remove(&mut lines, input);
    lines
}

/// Whether an input has anything that a table of psql has: a header, a rule between columns, a line that goes on.
fn may_have_tables(input: &str, lines: &[OutputLine]) -> bool {
    has_column(input)
        || holds_any(input, b'|', &["| "])
        || lines.iter().any(|line| line.text.ends_with(['.', ' ']))
        || (!input.is_ascii() && ["│ ", "║ ", "…\n"].iter().any(|sign| holds(input, sign)))
}

/// Puts the values in place of tables that are as psql prints them.
fn tables(lines: &mut Vec<OutputLine>) {
    let mut at = 0;
    let mut values = Vec::with_capacity(lines.len());
    while at < lines.len() {
        if let Some((rows, end)) = expanded::at(lines, at).or_else(|| table::at(lines, at)) {
            values.extend(rows);
            at = end;
        } else {
            values.push(lines[at].clone());
            at += 1;
        }
    }
    *lines = values;
}

/// Columns that a text takes in a terminal.
fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { textwrap::core::display_width(text) }
}

/// Whether an input holds a text: most inputs hold none of what is taken out, and each line need not be looked at for it.
fn holds(input: &str, text: &str) -> bool {
    memchr::memmem::find(input.as_bytes(), text.as_bytes()).is_some()
}

/// Whether an input holds one of several texts, which all hold a byte that most inputs do not.
fn holds_any(input: &str, byte: u8, texts: &[&str]) -> bool {
    holds_byte(input, byte) && texts.iter().any(|text| holds(input, text))
}

/// Whether an input holds the name of the only column.
fn has_column(input: &str) -> bool {
    holds_any(input, b'Q', &[COLUMN])
}

fn holds_byte(input: &str, byte: u8) -> bool {
    memchr::memchr(byte, input.as_bytes()).is_some()
}

/// The first byte of a line that is no blank.
pub(super) fn first_byte(text: &str) -> Option<u8> {
    text.bytes().find(|byte| *byte != b' ' && *byte != b'\t')
}

/// Lines as one text, for readers of whole documents.
pub(super) fn text(lines: &[OutputLine]) -> String {
    let mut text = String::with_capacity(lines.iter().map(|line| line.text.len() + 1).sum());
    for line in lines {
        text.push_str(&line.text);
        text.push('\n');
    }
    text
}

/// Lines that a terminal or a mail client wrapped, put together for a reader of whole documents: those of the greatest
/// length go on in the next line, and so do literals that are open.
pub(super) fn joined(lines: &[OutputLine]) -> String {
    let length = |line: &OutputLine| line.text.trim_end().chars().count();
    let width = lines.iter().map(length).max().unwrap_or_default();
    let mut text = String::new();
    let mut quoted = false;
    for line in lines {
        let trimmed = line.text.trim_end();
        text.push_str(trimmed);
        quoted = ends_quoted(trimmed, quoted);
        match (length(line) >= width, quoted) {
            (true, _) => (),
            (false, true) => text.push(' '),
            (false, false) => text.push('\n'),
        }
    }
    text
}

/// Whether a line of JSON ends inside a string, where `quoted` says so of its start.
fn ends_quoted(line: &str, quoted: bool) -> bool {
    let mut quoted = quoted;
    let mut escaped = false;
    for byte in line.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => (),
        }
    }
    quoted
}
