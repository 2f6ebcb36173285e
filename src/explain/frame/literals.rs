//! Rows as languages print them: `[('Seq Scan on a …',), ('  Filter: …',)]` of Python, `{"QUERY PLAN"=>"…"}` of Ruby,
//! `{ 'QUERY PLAN': '…' }` of JavaScript, `"Seq Scan on a …\n  Filter: …"` of Elixir, and lines in single quotes or with a comma
//! behind each.

use std::borrow::Cow;

use super::{COLUMN, OutputLine, first_byte};

/// Signs that may stand between rows.
const BETWEEN: [char; 12] = ['[', ']', '(', ')', '{', '}', ',', ';', ':', '=', '>', ' '];

/// How rows begin. JSON has a reader of its own.
const BEGINS: [&str; 13] = [
    "[(",
    "('",
    "(\"",
    "['",
    "{'",
    "{ '",
    "[{'",
    "[{ '",
    "[ {'",
    "[ { '",
    "[[",
    "{\"QUERY PLAN\"=>",
    "[{\"QUERY PLAN\"=>",
];

/// Puts the rows in place of the lines. False, and nothing is changed, where there are none.
pub(super) fn remove(lines: &mut Vec<OutputLine>) -> bool {
    let filled = |line: &OutputLine| first_byte(&line.text).is_some();
    let Some(first) = lines.iter().position(filled) else { return false };
    let start = lines[first].text.trim_start();
    let is_listed =
        start.starts_with('"') && lines.iter().any(|line| line.text.trim_end().ends_with("\","));
    if is_listed || start.starts_with('\'') {
        return replace(lines, 0, false);
    }
    // A prompt, or the call that printed them, may stand above.
    let begins = (first..lines.len()).find(|at| begins(lines, *at));
    begins.is_some_and(|at| replace(lines, at, true))
}

/// Whether rows begin at a line: there, or in the next one where it opens a list alone.
fn begins(lines: &[OutputLine], at: usize) -> bool {
    if !matches!(first_byte(&lines[at].text), Some(b'"' | b'[' | b'(' | b'{')) {
        return false;
    }
    let text = lines[at].text.trim();
    let begins = |text: &str| BEGINS.iter().any(|begin| text.starts_with(begin));
    let next = || lines.get(at + 1).is_some_and(|next| begins(next.text.trim_start()));
    match text.as_bytes() {
        b"[" => next(),
        // A string of several lines, as programs show it.
        [b'"', .., b'"'] => text.contains("\\n") && text.contains("(cost="),
        [b'[', b'"', ..] => text.contains("(cost="),
        [b'[' | b'(' | b'{', ..] => begins(text),
        _ => false,
    }
}

/// Puts the rows from a line on in place of it and those that follow.
fn replace(lines: &mut Vec<OutputLine>, from: usize, is_escaped: bool) -> bool {
    let rows: Option<Vec<Vec<OutputLine>>> =
        lines[from..].iter().map(|line| rows(line, is_escaped)).collect();
    let Some(rows) = rows else { return false };
    lines.truncate(from);
    lines.extend(rows.into_iter().flatten().filter(|row| row.text.trim() != COLUMN));
    true
}

/// The rows of a line; none where anything else is in it.
fn rows<'l>(line: &OutputLine<'l>, is_escaped: bool) -> Option<Vec<OutputLine<'l>>> {
    let mut rows = Vec::new();
    let mut rest = line.text.as_ref();
    loop {
        rest = rest.trim_start_matches(|c: char| BETWEEN.contains(&c) || c == '\t');
        let Some(quote) = rest.chars().next() else { return Some(rows) };
        if !['\'', '"', '`'].contains(&quote) {
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
