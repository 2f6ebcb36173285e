//! Quotations, entries of logs, fences, numbers of lines, and signs that mail and web pages put in place of others.

use std::borrow::Cow;

use super::{
    COLUMN, OutputLine, carrier, first_byte, has_column, holds_any, holds_byte, literals,
    references,
};

/// Removes them.
pub(super) fn remove(lines: &mut Vec<OutputLine>, input: &str) {
    if holds_any(input, 0x1b, &["\u{1b}["]) {
        colours(lines);
    }
    let has_references =
        holds_any(input, b'&', &["&gt;", "&lt;", "&amp;", "&nbsp;", "&quot;", "&#"]);
    if has_references {
        references::remove(lines);
        // Some stand for characters that are looked for below.
        characters(lines);
    } else if !input.is_ascii() {
        characters(lines);
    }
    if holds_any(input, b'<', &["<td", "<pre", "<code", "<br"]) {
        tags(lines);
    }
    carrier::remove(lines);
    if holds_byte(input, b'|') && !has_column(input) {
        bars(lines);
    }
    if has_references || holds_quotation(input) {
        quotes(lines);
    }
    if holds_any(input, b'`', &["```"]) || holds_any(input, b'~', &["~~~"]) {
        fences(lines);
    }
    comments(lines);
    numbers(lines);
    if holds_any(input, b'#', &["#011"]) {
        logs(lines);
    }
    let has_quotes = [b'\'', b'"', b'`'].into_iter().any(|quote| holds_byte(input, quote));
    if (has_references || has_quotes) && literals::remove(lines) {
        return;
    }
    if holds_any(input, b'"', &["\"\n", "\"\r", "\"  ", "\n\""])
        || input.starts_with('"')
        || input.ends_with('"')
    {
        cells(lines);
    }
}

/// Whether an input holds a `>` that is not of an arrow.
fn holds_quotation(input: &str) -> bool {
    let input = input.as_bytes();
    memchr::memchr_iter(b'>', input).any(|at| at == 0 || input[at - 1] != b'-')
}

/// Colours of a terminal: `ESC [ … m`.
fn colours(lines: &mut [OutputLine]) {
    for line in lines.iter_mut().filter(|line| line.text.contains("\u{1b}[")) {
        let mut parts = line.text.split("\u{1b}[");
        let first = parts.next().unwrap_or_default().to_owned();
        let plain = parts.fold(first, |text, part| {
            let end = part.find(|c: char| !(c.is_ascii_digit() || c == ';')).unwrap_or(part.len());
            text + part.get(end + 1..).unwrap_or_default()
        });
        line.text = Cow::Owned(plain);
    }
}

/// The number of each line before it, as editors and `cat -n` show it, with what separates it.
fn numbers(lines: &mut [OutputLine]) {
    // The header of a grid whose first column has no name.
    let is_header = |line: &OutputLine| line.text.contains(COLUMN);
    if let Some(header) = lines.iter_mut().find(|line| first_byte(&line.text).is_some())
        && is_header(header)
        && header.text.trim_start().starts_with('#')
    {
        header.cut(usize::MAX, usize::MAX);
    }
    let filled = |line: &&OutputLine| first_byte(&line.text).is_some();
    let numbered: Option<Vec<(u64, usize)>> =
        lines.iter().filter(filled).map(|line| number(&line.text)).collect();
    let Some(numbered) = numbered.filter(|numbered| numbered.len() > 1) else { return };
    if !numbered.windows(2).all(|two| two[0].0 < two[1].0) {
        return;
    }
    // What all have between number and text separates them; more is the plan's own.
    let blanks = |line: &OutputLine| {
        let rest = number(&line.text).map_or("", |(_, end)| &line.text[end..]);
        rest.len() - rest.trim_start_matches([' ', '\t']).len()
    };
    let separator = lines.iter().filter(filled).map(blanks).min().unwrap_or_default();
    for line in lines {
        if let Some((_, end)) = number(&line.text) {
            line.cut(end + separator, usize::MAX);
        }
    }
}

/// The number that a line begins with, and where it and a mark behind it end.
fn number(text: &str) -> Option<(u64, usize)> {
    let own = text.trim_start();
    let digits = own.bytes().take_while(u8::is_ascii_digit).count();
    let number = own[..digits].parse().ok()?;
    let behind = &own[digits..];
    let is_cell = behind.starts_with(",\"") || behind.starts_with(";\"");
    let mark = behind.chars().next().filter(|c| [':', '.', ')'].contains(c)).map(char::len_utf8);
    let mark = mark.or(is_cell.then_some(1));
    // A rule between two columns has blanks at both sides.
    let rule = behind.trim_start_matches(' ').strip_prefix(['|', '│']);
    let end = rule.map(|rest| behind.len() - rest.len()).or(mark).unwrap_or_default();
    Some((number, text.len() - own.len() + digits + end))
}

/// Blanks of any width become spaces, what has no width goes, and an arrow or a dash that stands for `->` becomes it.
fn characters(lines: &mut [OutputLine]) {
    let is_blank = |c: char| {
        matches!(c, '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
    };
    let has_no_width = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    for line in lines {
        if line.text.is_ascii() {
            continue;
        }
        if line.text.contains(|c| is_blank(c) || has_no_width(c)) {
            line.text = Cow::Owned(line.text.replace(has_no_width, "").replace(is_blank, " "));
        }
        let own = line.text.trim_start();
        let blanks = line.text.len() - own.len();
        let arrow = ["→", "➔", "–>", "—>", "⇒"].iter().find(|arrow| own.starts_with(**arrow));
        if let Some(arrow) = arrow {
            let text = format!("{}->{}", &line.text[..blanks], &own[arrow.len()..]);
            line.text = Cow::Owned(text);
        }
    }
}

/// Tags of a web page around a plan, and of the cells of a table as `psql -H` prints it.
fn tags(lines: &mut Vec<OutputLine>) {
    let starts = |line: &OutputLine| line.text.trim_start().starts_with("<td");
    let ends = |line: &OutputLine| line.text.trim_end().ends_with("</td>");
    if lines.iter().any(starts) && lines.iter().any(ends) {
        let mut inside = false;
        lines.retain(|line| {
            let keeps = inside || starts(line);
            inside = keeps && !ends(line);
            keeps
        });
    }
    for line in lines.iter_mut() {
        let text = line.text.trim_end();
        if let Some(text) = text.strip_suffix("<br>").or_else(|| text.strip_suffix("<br />")) {
            line.cut(0, text.len());
        }
        let whole = line.text.trim_end().len();
        if whole == 0 {
            continue;
        }
        let (mut start, mut end) = (line.text.len() - line.text.trim_start().len(), whole);
        let blanks = start;
        while let Some(length) = tag(&line.text[start..end], "<") {
            start += length;
        }
        while let Some(at) = line.text[start..end].rfind("</").map(|at| start + at) {
            if tag(&line.text[at..end], "</") != Some(end - at) {
                break;
            }
            end = at;
        }
        if start > blanks || end < whole {
            line.cut(if start > blanks { start } else { 0 }, end);
        }
    }
}

/// The length of the tag that a text starts with, of those around a plan.
fn tag(text: &str, opens: &str) -> Option<usize> {
    let name = text.strip_prefix(opens)?;
    ["pre", "code", "td"].iter().find(|known| name.starts_with(**known))?;
    text.find('>').map(|at| at + 1)
}

/// Bars around each line, as rows of a Markdown table have them that was copied without its header.
fn bars(lines: &mut [OutputLine]) {
    let mut filled = lines.iter().filter(|line| first_byte(&line.text).is_some()).peekable();
    let is_row = |line: &OutputLine| {
        let text = line.text.trim();
        text.len() > 1 && text.starts_with('|') && text.ends_with('|')
    };
    let is_plan = |line: &OutputLine| line.text.contains("  (cost=") || line.text.contains("->  ");
    if filled.peek().is_none() || !filled.all(is_row) || !lines.iter().any(is_plan) {
        return;
    }
    for line in lines.iter_mut().filter(|line| first_byte(&line.text).is_some()) {
        let start = line.text.find('|').map_or(0, |bar| bar + 1);
        let start = start + usize::from(line.text[start..].starts_with(' '));
        let end = line.text.trim_end().len() - 1;
        line.cut(start.min(end), end);
        line.trim_end();
    }
}

/// The sign of a comment or of a list before each line, as where a plan was kept in a script, or the level of messages by which
/// a function printed it.
fn comments(lines: &mut [OutputLine]) {
    let marked = |line: &OutputLine, mark: &str| {
        let text = line.text.trim_start();
        text.starts_with(mark) || text == mark.trim_end()
    };
    let filled = || lines.iter().filter(|line| first_byte(&line.text).is_some());
    let Some(first) = filled().next().filter(|_| filled().nth(1).is_some()) else { return };
    if first.text.trim() == "/*" {
        for line in lines.iter_mut().filter(|line| ["/*", "*/"].contains(&line.text.trim())) {
            line.cut(usize::MAX, usize::MAX);
        }
        return comments(lines);
    }
    let marks = ["-- ", "--", "# ", "* ", "// ", "NOTICE:  ", "INFO:  ", "+"];
    let found =
        marks.into_iter().find(|mark| marked(first, mark) && filled().all(|l| marked(l, mark)));
    let Some(mark) = found else { return };
    for line in lines {
        let blanks = line.text.len() - line.text.trim_start().len();
        line.cut(blanks + mark.len(), usize::MAX);
    }
}

/// Lines of Markdown around code.
fn fences(lines: &mut Vec<OutputLine>) {
    lines.retain(|line| {
        let text = line.text.trim();
        !text.starts_with("```") && !text.starts_with("~~~")
    });
}

/// `> ` before each line of a mail that is answered, several times where answers were answered.
fn quotes(lines: &mut [OutputLine]) {
    let quoted = |line: &OutputLine| first_byte(&line.text) == Some(b'>');
    let (mut filled, mut signs) = (0, 0);
    for byte in lines.iter().filter_map(|line| first_byte(&line.text)) {
        filled += 1;
        signs += usize::from(byte == b'>');
    }
    // The answer may stand below; a lone `>` is a prompt, or the end of an arrow that was wrapped.
    if signs * 2 < filled.max(2) {
        return;
    }
    // Some clients set no blank behind the sign: then the first blank is the plan's own.
    let bare = |line: &OutputLine| {
        let own = line.text.trim_start_matches(['>', ' ', '\t']);
        let marked = &line.text[..line.text.len() - own.len()];
        !own.is_empty() && marked.ends_with('>') && !own.starts_with('>')
    };
    let blank_max = usize::from(!lines.iter().any(|line| quoted(line) && bare(line)));
    for line in lines.iter_mut().filter(|line| quoted(line)) {
        let mut start = 0;
        loop {
            let rest = &line.text[start..];
            let Some(own) = rest.trim_start_matches([' ', '\t']).strip_prefix('>') else { break };
            start = line.text.len() - own.len();
            start += usize::from(own.starts_with(' ')).min(blank_max);
        }
        line.cut(start, usize::MAX);
    }
}

/// A log of syslog shows a tab as `#011`, behind its own prefix; stderr starts continued lines with a tab.
fn logs(lines: &mut [OutputLine]) {
    if lines.iter().any(|line| line.text.contains("#011")) {
        for line in &mut *lines {
            if let Some(at) = line.text.find("#011") {
                line.cut(at + "#011".len(), usize::MAX);
                if line.text.contains("#011") {
                    line.text = Cow::Owned(line.text.replace("#011", "\t"));
                }
            }
        }
    }
}

/// Lines in double quotes, as tables that are copied or exported as CSV have them: all of them, or, as `psql --csv` and editors
/// of SQL do, those that hold a comma, a quote or a line break.
fn cells(lines: &mut [OutputLine]) {
    let is_header = |line: &OutputLine| line.text.trim() == COLUMN;
    let quoted = |line: &OutputLine| {
        let text = line.text.trim();
        text.len() >= 2 && text.starts_with('"') && text.ends_with('"')
    };
    opening_quote(lines);
    let mut filled = lines.iter().filter(|line| !line.text.trim().is_empty()).peekable();
    let below_header = filled.next_if(|line| is_header(line)).is_some();
    let begins = filled.peek().map_or("", |line| line.text.trim_start());
    let unquoted = ["[", "{", "<", "- Plan:", "--", "+-", "──"];
    if unquoted.iter().any(|start| begins.starts_with(start)) {
        return;
    }
    // What is quoted begins with the blanks of a plan, which neither a name that was wrapped nor a key of JSON does.
    let is_plan = |line: &OutputLine| line.text.trim_start().starts_with("\" ") && quoted(line);
    let is_mixed = !below_header && lines.iter().any(is_plan);
    if filled.peek().is_none()
        || !below_header && !is_mixed && !filled.all(|line| quoted(line) || is_header(line))
    {
        return whole_cell(lines);
    }
    let mut is_open = false;
    for line in lines {
        let starts = !is_open
            && if is_mixed { quoted(line) } else { line.text.trim_start().starts_with('"') };
        if !starts && !is_open {
            continue;
        }
        is_open ^= memchr::memchr_iter(b'"', line.text.as_bytes()).count() % 2 == 1;
        let start = if starts { line.text.find('"').map_or(0, |at| at + 1) } else { 0 };
        let end = line.text.trim_end().strip_suffix('"').filter(|_| !is_open).map(str::len);
        let margin = line.text[..start.saturating_sub(1)].to_owned();
        line.cut(start, end.unwrap_or(usize::MAX));
        // The lines without quotes have it, too.
        if is_mixed && !margin.is_empty() {
            line.text = Cow::Owned(margin + &line.text);
        }
        if line.text.contains("\"\"") {
            line.text = Cow::Owned(line.text.replace("\"\"", "\""));
        }
    }
}

/// The quote before the first line of a plan whose last line, where the other one stands, was not copied.
fn opening_quote(lines: &mut [OutputLine]) {
    let is_opened = |line: &OutputLine| {
        let text = line.text.trim();
        text.starts_with('"') && text.ends_with(')') && text.contains("  (cost=")
    };
    let quotes = |line: &OutputLine| memchr::memchr_iter(b'"', line.text.as_bytes()).count();
    let Some(at) = lines.iter().position(is_opened) else { return };
    if quotes(&lines[at]) == 1
        && lines[at + 1..].iter().all(|line| !line.text.trim_end().ends_with('"'))
    {
        let start = lines[at].text.find('"').map_or(0, |quote| quote + 1);
        lines[at].cut(start, usize::MAX);
    }
}

/// One cell over all lines, with doubled quotes inside: `"[` to `]"`.
fn whole_cell(lines: &mut [OutputLine]) {
    let Some(first) = lines.iter().position(|line| is_cell_start(&line.text)) else { return };
    let Some(last) = lines.iter().rposition(|line| line.text.trim_end().ends_with('"')) else {
        return;
    };
    if last < first || !lines[first..=last].iter().any(|line| line.text.contains("\"\"")) {
        return;
    }
    let end = lines[last].text.trim_end().len() - 1;
    lines[last].cut(0, end);
    let start = lines[first].text.find('"').map_or(0, |at| at + 1);
    lines[first].cut(start, usize::MAX);
    for line in &mut lines[first..=last] {
        if line.text.contains("\"\"") {
            line.text = Cow::Owned(line.text.replace("\"\"", "\""));
        }
    }
}

fn is_cell_start(text: &str) -> bool {
    let text = text.trim_start();
    ["\"[", "\"{", "\"- Plan:", "\"<explain"].iter().any(|start| text.starts_with(start))
}
