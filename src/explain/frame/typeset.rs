//! Tables as psql prints them for LaTeX, troff and `AsciiDoc`, and as clients export them for Markdown. They keep the blanks of a
//! plan, and escape signs.

use std::borrow::Cow;

use super::{OutputLine, holds, holds_any};

/// What stands for a sign in LaTeX. A line break is `\\`.
const LATEX: [(&str, char); 16] = [
    ("\\\\", '\n'),
    ("\\#", '#'),
    ("\\$", '$'),
    ("\\%", '%'),
    ("\\&", '&'),
    ("\\_", '_'),
    ("\\{", '{'),
    ("\\}", '}'),
    ("\\textbackslash{}", '\\'),
    ("\\textless{}", '<'),
    ("\\textgreater{}", '>'),
    ("\\textasciitilde{}", '~'),
    ("\\textasciicircum{}", '^'),
    ("\\textbar{}", '|'),
    ("\\~{}", '~'),
    ("\\^{}", '^'),
];

const TROFF: [(&str, char); 1] = [("\\(rs", '\\')];

const ASCIIDOC: [(&str, char); 1] = [("\\|", '|')];

/// Puts the values in place of such tables.
pub(super) fn remove(lines: &mut Vec<OutputLine>, input: &str) {
    if holds_any(input, b'\\', &["\\begin{"]) {
        latex(lines);
    }
    if holds(input, ".TS") {
        troff(lines);
    }
    if holds_any(input, b'|', &["|===="]) {
        asciidoc(lines);
    }
    if holds_any(input, b'\\', &["\\(", "\\_"]) {
        markdown(lines, input);
    }
}

/// Signs that Markdown would take for its own stand behind a backslash, where no parenthesis stands without one: a pattern of a
/// condition has some, but its condition stands in parentheses.
fn markdown(lines: &mut [OutputLine], input: &str) {
    let mut parentheses = memchr::memchr_iter(b'(', input.as_bytes());
    let bare = |at: usize| at == 0 || input.as_bytes()[at - 1] != b'\\';
    if parentheses.any(bare) {
        return;
    }
    for line in lines.iter_mut().filter(|line| line.text.contains('\\')) {
        let mut text = String::with_capacity(line.text.len());
        let mut rest = line.text.as_ref();
        while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
            let behind = &rest[at + 1..];
            text.push_str(&rest[..at]);
            let sign = behind.chars().next().filter(char::is_ascii_punctuation);
            text.push(sign.unwrap_or('\\'));
            rest = &behind[sign.map_or(0, char::len_utf8)..];
        }
        text.push_str(rest);
        line.text = Cow::Owned(text);
    }
}

/// `\begin{tabular}` or `\begin{longtable}`.
fn latex(lines: &mut Vec<OutputLine>) {
    let mut inside = false;
    rewritten(lines, |line| {
        let text = line.trim_end();
        let begins = ["\\begin{tabular}", "\\begin{longtable}"].iter().any(|b| text.starts_with(b));
        if begins || ["\\end{tabular}", "\\end{longtable}"].contains(&text) {
            inside = begins;
            return Some(Vec::new());
        }
        if !inside {
            // The number of rows stands behind it.
            return text.starts_with("\\noindent").then(Vec::new);
        }
        let row = text
            .strip_suffix("} \\tabularnewline")
            .and_then(|row| row.strip_prefix("\\raggedright{"))
            .or_else(|| text.strip_suffix(" \\\\"));
        let row = row.map(|row| row.strip_prefix("QUERY PLAN & ").unwrap_or(row));
        let is_head = |row: &str| {
            ["\\textit{", "\\small", "\\multicolumn"].iter().any(|head| row.starts_with(head))
        };
        Some(row.filter(|row| !is_head(row)).map_or_else(Vec::new, |row| values(row, &LATEX)))
    });
}

/// `.TS` to `.TE`: the formats of the columns, the last of which ends with a point, and the rows.
fn troff(lines: &mut Vec<OutputLine>) {
    let (mut inside, mut formats) = (false, false);
    rewritten(lines, |line| {
        let text = line.trim_end();
        match text {
            ".TS" | ".T&" => (inside, formats) = (true, true),
            ".TE" => inside = false,
            // The number of rows stands behind it.
            ".LP" | ".DS L" | ".DE" => (),
            _ if !inside => return None,
            // Tuples only have no format for headers, and that of the rows ends with a semicolon, which psql means for a point.
            _ if formats => formats = !text.ends_with('.') && !text.starts_with("c l;"),
            "_" => (),
            _ if text.starts_with("\\fI") && text.ends_with("\\fP") => (),
            _ => {
                let row = text.strip_prefix("QUERY PLAN\t").unwrap_or(text);
                return Some(values(row, &TROFF));
            }
        }
        Some(Vec::new())
    });
}

/// `|====` to `|====`.
fn asciidoc(lines: &mut Vec<OutputLine>) {
    let mut inside = false;
    rewritten(lines, |line| {
        let text = line.trim_end();
        if text == "|====" {
            inside = !inside;
            return Some(Vec::new());
        }
        if !inside {
            // What says how the table looks, and what the number of rows stands in.
            let is_look = text == "...."
                || text.starts_with('[') && text.contains("cols=\"") && text.ends_with(']');
            return is_look.then(Vec::new);
        }
        if text.starts_with("^l|") || text.starts_with("2+^|") || text == "2+|" {
            return Some(Vec::new());
        }
        let row = text.strip_prefix("<l|QUERY PLAN <l|").or_else(|| text.strip_prefix('|'));
        Some(values(row.unwrap_or(text), &ASCIIDOC))
    });
}

/// Puts in place of each line what it stands for; none where it stays.
fn rewritten(lines: &mut Vec<OutputLine>, mut rewrite: impl FnMut(&str) -> Option<Vec<String>>) {
    let mut all = Vec::with_capacity(lines.len());
    for line in std::mem::take(lines) {
        match rewrite(&line.text) {
            None => all.push(line),
            Some(values) => all.extend(values.into_iter().map(|text| OutputLine {
                text: Cow::Owned(text),
                number: line.number,
                offset: line.offset,
            })),
        }
    }
    *lines = all;
}

/// The lines of a value, with the signs that stand for others.
fn values(row: &str, escapes: &[(&str, char)]) -> Vec<String> {
    let mut text = String::with_capacity(row.len());
    let mut rest = row;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = escapes.iter().find(|(escaped, _)| rest.starts_with(escaped));
        let (length, sign) = found.map_or((1, '\\'), |(escaped, sign)| (escaped.len(), *sign));
        text.push(sign);
        rest = &rest[length..];
    }
    text.push_str(rest);
    text.split('\n').map(ToOwned::to_owned).collect()
}
