//! Rows that psql prints without a frame: expanded, with the column's name before each, and as tuples only.

use super::table::BREAK_MARKS;
use super::{COLUMN, OutputLine, first_byte, has_column, holds_byte, psql};

/// Removes the column's name before each row, as the unaligned and the CSV format and `\pset border 0` have it.
pub(super) fn names(lines: &mut Vec<OutputLine>, input: &str) {
    if !has_column(input) {
        return;
    }
    let is_record = |line: &OutputLine| line.text.starts_with("* Record ");
    if lines.iter().any(is_record) {
        lines.retain(|line| !is_record(line));
        columns(lines);
        return continued(lines, input);
    }
    for separator in ['|', ','] {
        let is_named = |line: &OutputLine| {
            let rest = line.text.strip_prefix(COLUMN).and_then(|rest| rest.strip_prefix(separator));
            rest.is_some_and(|rest| !rest.trim_matches([' ', '|']).is_empty())
        };
        if !lines.iter().any(is_named) {
            continue;
        }
        // Of the unaligned format: between records.
        lines.retain(|line| !line.text.trim().is_empty());
        for line in lines.iter_mut().filter(|line| is_named(line)) {
            line.cut(COLUMN.len() + 1, usize::MAX);
        }
    }
}

/// Removes the first column, where the name stands in the first line of each row.
fn columns(lines: &mut [OutputLine]) {
    for line in lines {
        let first = line.text.get(..=COLUMN.len());
        if first.is_some_and(|first| first.trim_end() == COLUMN || first.trim().is_empty()) {
            line.cut(COLUMN.len() + 1, usize::MAX);
        }
    }
}

/// Removes the margin and the marks of the lines of one document, where no header shows that it is in a frame.
pub(super) fn continued(lines: &mut Vec<OutputLine>, input: &str) {
    if input.is_ascii() && !holds_byte(input, b'+') {
        return;
    }
    let begins = |text: &str| {
        let text = text.trim_start().trim_start_matches('|').trim_start();
        ["[", "{", "- Plan:", "- Query", "<explain"].iter().any(|start| text.starts_with(start))
    };
    let may_begin = |line: &OutputLine| {
        matches!(first_byte(&line.text), Some(b'|' | b'[' | b'{' | b'-' | b'<'))
    };
    let is_first =
        |line: &OutputLine| may_begin(line) && is_marked(&line.text) && begins(&line.text);
    let first = lines.iter().position(is_first);
    let Some(mut first) = first else { return };
    let barred = lines[first].text.trim_start().starts_with('|');
    if barred {
        let is_drawn = |line: &OutputLine| psql::is_rule(&line.text);
        first -= lines[..first].iter().filter(|line| is_drawn(line)).count();
        lines.retain(|line| !is_drawn(line));
    }
    unmarked(&mut lines[first..], barred);
}

fn is_marked(text: &str) -> bool {
    text.trim_end().trim_end_matches('|').ends_with(BREAK_MARKS)
}

/// Removes the margin and the marks from the first line of a document on.
fn unmarked(lines: &mut [OutputLine], barred: bool) {
    let first = lines.first().is_some_and(|line| line.text.starts_with(' '));
    let margin = if barred { 2 } else { usize::from(first) };
    for line in lines {
        let goes_on = is_marked(&line.text);
        let text = line.text.trim_end();
        let text = if barred { text.strip_suffix('|').unwrap_or(text) } else { text };
        let text = if goes_on { text.strip_suffix(BREAK_MARKS).unwrap_or(text) } else { text };
        let end = text.trim_end().len();
        line.cut(margin.min(end), end);
        if !goes_on {
            break;
        }
    }
}
