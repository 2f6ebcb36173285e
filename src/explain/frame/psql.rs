//! Frames of psql, in every border and line style, aligned, wrapped and expanded, and of clients that draw alike.

use super::{COLUMN, OutputLine, has_column, holds, holds_any, record, table};

/// Signs that draw vertical lines.
pub(super) const BARS: [char; 3] = ['|', '│', '║'];

/// Removes frames: header, rules, borders, and marks of continued lines.
pub(super) fn remove(lines: &mut Vec<OutputLine>, input: &str) {
    let is_named = has_column(input) || holds_any(input, b'R', &["RECORD "]);
    let is_ruled = holds(input, "---")
        || !input.is_ascii() && ["───", "═══"].iter().any(|rule| holds(input, rule));
    if !is_named && !is_ruled {
        return record::continued(lines, input);
    }
    let headers: Vec<FrameHeader> = (0..lines.len()).map(|at| FrameHeader::of(lines, at)).collect();
    let headed = headers.iter().any(|header| *header != FrameHeader::None);
    let expanded = lines.iter().any(|line| is_record(&line.text));
    if !headed && !expanded {
        return record::continued(lines, input);
    }
    let mut unframed = Vec::with_capacity(lines.len());
    let mut frame = PsqlFrame::default();
    for (line, header) in std::mem::take(lines).into_iter().zip(headers) {
        // Within a frame, what stands above a rule is its last row.
        let is_header =
            header == FrameHeader::Named || header == FrameHeader::Other && !frame.inside;
        frame.line(line, is_header, &mut unframed);
    }
    *lines = unframed;
}

/// Whether a line is the header of a frame.
#[derive(PartialEq)]
enum FrameHeader {
    None,
    Named,
    Other,
}

impl FrameHeader {
    fn of(lines: &[OutputLine], at: usize) -> FrameHeader {
        match () {
            () if is_header(&lines[at].text) => FrameHeader::Named,
            () if is_other_header(lines, at) => FrameHeader::Other,
            () => FrameHeader::None,
        }
    }
}

/// The header of the only column where it has another name, as that of a function that returns the plan: a rule is below it
/// that is as wide as what follows.
fn is_other_header(lines: &[OutputLine], at: usize) -> bool {
    let [header, rule, row, ..] = &lines[at..] else { return false };
    if !is_rule(&rule.text) {
        return false;
    }
    let width = |text: &str| text.trim_end().chars().count();
    let name = header.text.trim_matches(|c: char| c == ' ' || BARS.contains(&c));
    let is_name =
        !name.is_empty() && !is_rule(&header.text) && !name.contains(BARS) && !name.contains("  (");
    let is_markdown = rule.text.contains("| -") || rule.text.contains("|-");
    is_name && (is_markdown || width(&header.text).max(width(&row.text)) <= width(&rule.text))
}

/// The header of the only column.
pub(super) fn is_header(text: &str) -> bool {
    text.trim_matches(|c: char| c == ' ' || BARS.contains(&c)) == COLUMN
}

/// `-[ RECORD 1 ]---` between records of the expanded format.
pub(super) fn is_record(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| "+┌├╔╠-─═*( ".contains(c));
    text.strip_prefix("[ ").unwrap_or(text).starts_with("RECORD ")
}

/// A line that is drawn: `-----`, `+---+`, `├──┤`.
pub(super) fn is_rule(text: &str) -> bool {
    let text = text.trim();
    // In Markdown, blanks stand between the bars and the dashes.
    let cell =
        text.strip_prefix('|').and_then(|text| text.strip_suffix('|')).map_or(text, str::trim);
    text.chars().count() >= 3
        && cell.chars().all(|c| "+-|─═│├┤┌┐└┘┬┴┼╞╡╪╔╗╚╝╠╣╟╢:".contains(c))
        && cell.contains(['-', '─', '═'])
}

/// What was seen of a frame.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is something of its own that was seen")]
struct PsqlFrame {
    /// A header or a record was seen: lines that follow are in the frame.
    inside: bool,
    expanded: bool,
    /// Vertical lines at both sides.
    bars: bool,
    /// Columns of what stands between, with the margins, as the rule shows them.
    width: Option<usize>,
    /// Whether lines have a margin at the left.
    margin: Option<bool>,
    /// The line before goes on in the next.
    wrapped: bool,
}

impl PsqlFrame {
    fn line<'l>(
        &mut self,
        mut line: OutputLine<'l>,
        is_header: bool,
        unframed: &mut Vec<OutputLine<'l>>,
    ) {
        if is_header {
            *self = PsqlFrame {
                inside: true,
                bars: line.text.trim_start().starts_with(BARS),
                ..PsqlFrame::default()
            };
            self.header(&line.text);
            return;
        }
        if is_record(&line.text) {
            let bars = line.text.trim_start().starts_with(['+', '┌', '├', '╔', '╠']);
            *self = PsqlFrame {
                inside: true,
                expanded: true,
                bars,
                wrapped: self.wrapped,
                ..PsqlFrame::default()
            };
            self.width = Some(line.text.trim_end().chars().count());
            return;
        }
        if !self.inside {
            unframed.push(line);
            return;
        }
        if is_rule(&line.text) {
            let width = line.text.trim().chars().count();
            self.width.get_or_insert(if self.bars { width.saturating_sub(2) } else { width });
            return;
        }
        let is_outside = self.bars && !line.text.trim_start().starts_with(BARS);
        if line.text.trim().is_empty() || is_footer(&line.text) || is_outside {
            *self = PsqlFrame::default();
            unframed.push(line);
            return;
        }
        self.bars(&mut line);
        if self.expanded && !PsqlFrame::value(&mut line) {
            unframed.push(line);
            return;
        }
        self.margins(line, unframed);
    }

    /// A header of the unaligned format has no blanks around it, and no rule below.
    fn header(&mut self, text: &str) {
        if text.trim_end().ends_with(BARS) && !self.bars {
            // A bar at the right alone.
            self.margin = Some(false);
        }
    }

    /// Removes vertical lines.
    fn bars(&self, line: &mut OutputLine) {
        let text = line.text.trim_end();
        let end = text.strip_suffix(BARS).map_or(text.len(), str::len);
        let barred = end < text.len();
        let start = if self.bars {
            text.find(BARS)
                .filter(|at| text[..*at].trim().is_empty())
                .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))
        } else {
            0
        };
        let ends = barred && (self.bars || self.margin == Some(false));
        let end = if ends { end } else { line.text.len() };
        line.cut(start, end);
    }

    /// Keeps the value of a line of the expanded format; false where the line has none.
    fn value(line: &mut OutputLine) -> bool {
        let Some(at) = line.text.find(BARS) else {
            // The old style separates by a blank.
            let named = line.text.trim_start().strip_prefix("QUERY PLAN ");
            if let Some(value) = named {
                let start = line.text.len() - value.len();
                line.cut(start, usize::MAX);
            }
            return false;
        };
        let name = line.text[..at].trim();
        if !(name.is_empty() || name.eq_ignore_ascii_case("query plan")) {
            return false;
        }
        let bar = line.text[at..].chars().next().map_or(1, char::len_utf8);
        line.cut(at + bar, usize::MAX);
        true
    }

    /// Removes the margins, and joins what was wrapped.
    fn margins<'l>(&mut self, mut line: OutputLine<'l>, unframed: &mut Vec<OutputLine<'l>>) {
        let wrap_start = line.text.starts_with(['.', '…']);
        let margin = *self.margin.get_or_insert_with(|| {
            self.expanded || wrap_start || line.text.starts_with(' ') && self.width.is_some()
        });
        if margin && (wrap_start || line.text.starts_with(' ')) {
            let first = line.text.chars().next().map_or(0, char::len_utf8);
            line.cut(first, usize::MAX);
        }
        let full = self.is_full(&line, margin);
        let end = line.text.trim_end().len();
        let text = &line.text[..end];
        let wrap_end = full && text.ends_with(['.', '…']);
        let newline = text.ends_with(table::BREAK_MARKS)
            && (full || text.ends_with([' ', '↵']) || text[..end - 1].ends_with(' '));
        if wrap_end || newline {
            let mark = text.chars().next_back().map_or(0, char::len_utf8);
            line.cut(0, end - mark);
        }
        if newline {
            line.trim_end();
        }
        let joins = self.wrapped && wrap_start;
        self.wrapped = wrap_end;
        match unframed.last_mut() {
            Some(before) if joins => before.text.to_mut().push_str(&line.text),
            _ => unframed.push(line),
        }
        if !wrap_end && let Some(last) = unframed.last_mut() {
            last.trim_end();
        }
    }

    /// Whether a line reaches the last column of the frame, where marks of continued lines stand.
    fn is_full(&self, line: &OutputLine, margin: bool) -> bool {
        if self.expanded {
            // The name's column is gone: marks are what stands at the end of the longest lines.
            return true;
        }
        let columns = line.text.trim_end().chars().count() + usize::from(margin);
        self.width.is_some_and(|width| columns >= width)
    }
}

/// `(12 rows)`, in the language of psql.
pub(super) fn is_footer(text: &str) -> bool {
    let inside = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let rows = inside.and_then(|text| text.split_once(' '));
    rows.is_some_and(|(number, word)| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !word.contains(['=', '('])
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn unframed(text: &str) -> Vec<String> {
        let mut lines: Vec<OutputLine> = text
            .lines()
            .enumerate()
            .map(|(at, text)| OutputLine { text: Cow::Borrowed(text), number: at + 1, offset: 0 })
            .collect();
        remove(&mut lines, text);
        lines.into_iter().map(|line| line.text.into_owned()).collect()
    }

    #[test]
    fn a_wrapped_line_is_joined_without_its_marks() {
        let framed =
            "   QUERY PLAN   \n----------------\n Seq Scan on a .\n. (cost=1..2)\n(1 row)\n";
        assert_eq!(unframed(framed)[0], "Seq Scan on a  (cost=1..2)");
    }

    #[test]
    fn bars_of_the_frame_go_and_bars_of_the_plan_stay() {
        let framed =
            "+-----------+\n| QUERY PLAN|\n+-----------+\n|  Filter: a || b |\n+-----------+\n";
        assert_eq!(unframed(framed)[1..], [" Filter: a || b"]);
    }
}
