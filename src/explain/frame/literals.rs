//! Rows as languages print them: `[('Seq Scan on a …',), ('  Filter: …',)]` of Python, `{"QUERY PLAN"=>"…"}` of Ruby,
//! `{ 'QUERY PLAN': '…' }` of JavaScript, and lines in single quotes or with a comma behind each.

use std::borrow::Cow;

use super::{COLUMN, OutputLine, first_byte};

/// Signs that may stand between rows.
const BETWEEN: [char; 12] = ['[', ']', '(', ')', '{', '}', ',', ';', ':', '=', '>', ' '];

/// Puts the rows in place of the lines. False, and nothing is changed, where anything but rows is there.
pub(super) fn remove(lines: &mut Vec<OutputLine>) -> bool {
    let Some(first) = lines.iter().find(|line| first_byte(&line.text).is_some()) else {
        return false;
    };
    let start = first.text.trim_start();
    // JSON has a reader of its own.
    let begins = [
        "[(",
        "('",
        "(\"",
        "['",
        "{'",
        "{ '",
        "[[",
        "{\"QUERY PLAN\"=>",
        "[{\"QUERY PLAN\"=>",
        "'",
    ];
    let is_listed =
        start.starts_with('"') && lines.iter().any(|line| line.text.trim_end().ends_with("\","));
    if !is_listed && !begins.iter().any(|begin| start.starts_with(begin)) {
        return false;
    }
    let is_escaped = start.starts_with(['[', '(', '{']);
    let rows: Option<Vec<Vec<OutputLine>>> =
        lines.iter().map(|line| rows(line, is_escaped)).collect();
    let Some(rows) = rows else { return false };
    *lines = rows.into_iter().flatten().filter(|row| row.text.trim() != COLUMN).collect();
    true
}

/// The rows of a line; none where anything else is in it.
fn rows<'l>(line: &OutputLine<'l>, is_escaped: bool) -> Option<Vec<OutputLine<'l>>> {
    let mut rows = Vec::new();
    let mut rest = line.text.as_ref();
    loop {
        rest = rest.trim_start_matches(|c: char| BETWEEN.contains(&c) || c == '\t');
        let Some(quote) = rest.chars().next() else { return Some(rows) };
        if quote != '\'' && quote != '"' {
            return None;
        }
        let (text, behind) = literal(&rest[1..], quote, is_escaped)?;
        rows.extend(text.split('\n').map(|text| OutputLine {
            text: Cow::Owned(text.to_owned()),
            number: line.number,
            offset: line.offset,
        }));
        rest = behind;
    }
}

/// A literal behind its first quote, and what follows it. Two quotes are one; in rows of a language, so is one behind a backslash.
fn literal(text: &str, quote: char, is_escaped: bool) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' if is_escaped => match characters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            c if c == quote
                && !is_escaped
                && characters.peek().is_some_and(|(_, c)| *c == quote) =>
            {
                characters.next();
                value.push(quote);
            }
            c if c == quote => return Some((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    None
}
