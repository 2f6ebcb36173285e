//! Quotations, entries of logs, fences, and signs that mail and web pages put in place of others.

use std::borrow::Cow;

use super::{OutputLine, first_byte, holds};

/// Removes them.
pub(super) fn remove(lines: &mut Vec<OutputLine>, input: &str) {
    if holds(input, "\u{a0}") || holds(input, "-&gt;") {
        signs(lines);
    }
    if holds(input, "```") || holds(input, "~~~") {
        fences(lines);
    }
    quotes(lines);
    if holds(input, "#011") {
        logs(lines);
    }
    if holds(input, "\"\n") || holds(input, "\"\r") || input.ends_with('"') {
        cells(lines);
    }
}

/// No-break spaces become spaces, `-&gt;` becomes an arrow.
fn signs(lines: &mut [OutputLine]) {
    // In XML the reader of that resolves them.
    let escaped = lines.iter().any(|line| line.text.contains("-&gt;"))
        && !lines.iter().any(|line| line.text.trim_start().starts_with("<explain"));
    for line in lines {
        if line.text.contains('\u{a0}') {
            line.text = Cow::Owned(line.text.replace('\u{a0}', " "));
        }
        if escaped && line.text.contains('&') {
            let text = line.text.replace("&gt;", ">").replace("&lt;", "<").replace("&quot;", "\"");
            line.text = Cow::Owned(text.replace("&#39;", "'").replace("&amp;", "&"));
        }
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
    let filled = lines.iter().filter(|line| first_byte(&line.text).is_some()).count();
    // The answer may stand below; a lone `>` is a prompt, or the end of an arrow that was wrapped.
    if lines.iter().filter(|line| quoted(line)).count() * 2 < filled.max(2) {
        return;
    }
    for line in lines {
        while quoted(line) {
            let marker = line.text.find('>').map_or(0, |at| at + 1);
            let blank = usize::from(line.text[marker..].starts_with(' '));
            line.cut(marker + blank, usize::MAX);
        }
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

/// Each line in double quotes, as tables that are copied or exported as CSV have it.
fn cells(lines: &mut [OutputLine]) {
    let quoted = |line: &OutputLine| {
        let text = line.text.trim();
        text.len() >= 2 && text.starts_with('"') && text.ends_with('"')
    };
    let mut filled = lines.iter().filter(|line| !line.text.trim().is_empty()).peekable();
    if filled.peek().is_none()
        || !filled.all(|line| quoted(line) || line.text.trim() == "QUERY PLAN")
    {
        return whole_cell(lines);
    }
    for line in lines.iter_mut().filter(|line| quoted(line)) {
        let start = line.text.find('"').map_or(0, |at| at + 1);
        let end = line.text.rfind('"').unwrap_or_default();
        line.cut(start, end);
        if line.text.contains("\"\"") {
            line.text = Cow::Owned(line.text.replace("\"\"", "\""));
        }
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
