//! Records as `\x` prints them, with a header for each or as tuples only: the column's name stands before the value's first
//! line, and blanks of the same width before those in which it goes on.

use super::pieces::{PieceEnd, ValueKind, joined};
use super::psql::{BARS, is_record, is_rule};
use super::table::{BREAK_MARKS, WRAP_MARKS};
use super::{COLUMN, OutputLine};

/// What stands between name and value. The line style `old-ascii` shows by it how the line before ends.
const SEPARATORS: [char; 5] = ['|', '│', '║', ':', ';'];

/// A line of a record.
struct RecordLine<'l> {
    /// The value's part of the line, with the mark behind it where one is.
    line: OutputLine<'l>,
    is_first: bool,
    separator: Option<char>,
    /// What stands before the value's part.
    left: char,
}

/// The lines of the records that start at a line, and the line behind them.
pub(super) fn at<'l>(
    lines: &[OutputLine<'l>],
    start: usize,
) -> Option<(Vec<OutputLine<'l>>, usize)> {
    let is_begun = |line: &OutputLine| {
        let text = line.text.strip_prefix(BARS).and_then(|text| text.strip_prefix(' '));
        text.unwrap_or(&line.text).starts_with("QUERY PLAN ")
    };
    let is_between = |at: usize| {
        let is_drawn = |line: &OutputLine| is_header(&line.text) || is_rule(&line.text);
        lines.get(at).is_some_and(is_drawn)
            || lines.get(at).is_some_and(|line| line.text.trim().is_empty())
                && lines.get(at + 1).is_some_and(is_begun)
    };
    let first = start + usize::from(is_between(start));
    let begins = &lines.get(first).filter(|line| is_begun(line))?.text;
    let barred = begins.starts_with(BARS);
    let behind = begins.trim_start_matches(BARS).trim_start().strip_prefix(COLUMN)?;
    let bordered =
        barred || behind.starts_with(" |") || behind.starts_with(" │") || behind.starts_with(" ║");
    let mut records: Vec<RecordLine> = Vec::new();
    let mut end = first;
    while let Some(line) = lines.get(end) {
        if !is_between(end) {
            let Some(line) = record_line(line.clone(), barred, bordered) else { break };
            records.push(line);
        }
        end += 1;
    }
    let alone = records.len() < 2 && first == start;
    (!alone && !records.is_empty()).then(|| (values(records, barred), end))
}

/// `* Record 1` or `-[ RECORD 1 ]---`.
fn is_header(text: &str) -> bool {
    text.starts_with("* Record ") || is_record(text)
}

/// A line with the column's name or the blanks below it.
fn record_line(mut line: OutputLine<'_>, barred: bool, bordered: bool) -> Option<RecordLine<'_>> {
    if barred {
        let text = line.text.trim_end();
        let inner = text.strip_prefix(BARS)?.strip_prefix(' ')?.strip_suffix(BARS)?;
        let start = text.strip_suffix(BARS)?.len() - inner.len();
        let end = start + inner.len();
        line.cut(start, end);
    }
    let name = line.text.get(..COLUMN.len())?;
    let is_first = name == COLUMN;
    if !is_first && !name.trim().is_empty() {
        return None;
    }
    let mut value = &line.text[COLUMN.len()..];
    let mut separator = None;
    if bordered {
        let rest = value.strip_prefix(' ')?;
        separator = rest.chars().next();
        value = rest.strip_prefix(SEPARATORS)?;
    }
    let left = value.chars().next().filter(|c| *c == ' ' || WRAP_MARKS.contains(c))?;
    let start = line.text.len() - value.len() + left.len_utf8();
    line.cut(start, usize::MAX);
    Some(RecordLine { line, is_first, separator, left })
}

/// The values, without marks.
fn values(records: Vec<RecordLine<'_>>, barred: bool) -> Vec<OutputLine<'_>> {
    let goes_on = |at: usize| records.get(at + 1).is_some_and(|next| !next.is_first);
    let mark = |line: &RecordLine| {
        let last = line.line.text.chars().next_back();
        last.filter(|c| WRAP_MARKS.contains(c) || BREAK_MARKS.contains(c))
    };
    let is_marked = (0..records.len()).all(|at| !goes_on(at) || mark(&records[at]).is_some());
    let is_text =
        records.first().is_some_and(|first| ValueKind::of(&first.line.text) == ValueKind::Text);
    let end = |at: usize| match records.get(at + 1).filter(|next| !next.is_first) {
        None => PieceEnd::Line,
        Some(next) if WRAP_MARKS.contains(&next.left) || next.separator == Some(';') => {
            PieceEnd::Wrapped
        }
        Some(next) if is_marked || next.separator == Some(':') => PieceEnd::Line,
        Some(_) if is_text => PieceEnd::Wrapped,
        Some(_) => PieceEnd::Unmarked,
    };
    let ends: Vec<(PieceEnd, bool)> =
        (0..records.len()).map(|at| (end(at), barred || is_marked && goes_on(at))).collect();
    let pieces = records.into_iter().zip(ends).map(|(mut record, (end, has_mark))| {
        let mark = record.line.text.chars().next_back().filter(|_| has_mark);
        let length = record.line.text.len() - mark.map_or(0, char::len_utf8);
        record.line.cut(0, length);
        (record.line, end)
    });
    joined(pieces.collect())
}
