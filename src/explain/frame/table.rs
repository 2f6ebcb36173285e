//! Tables as psql prints them, aligned or wrapped: each column of a line is where psql puts it, so that marks at the ends of
//! lines can be distinguished from signs of the plan. Tables of others, and those that were changed on the way, are left as they are.

use super::pieces::{PieceEnd, ValueKind, begins_line, joined};
use super::psql::{BARS, is_footer, is_header, is_rule};
use super::{OutputLine, columns};

/// The marks of lines that go on in the next one.
pub(super) const WRAP_MARKS: [char; 2] = ['.', '…'];

/// The marks of lines behind which a line break of the value stands.
pub(super) const BREAK_MARKS: [char; 2] = ['+', '↵'];

/// Lines from which on it is no accident that each of the longest ends with a mark.
const MARKS_MIN: usize = 3;

/// How a table is drawn.
#[derive(Debug, Clone, Copy)]
struct PrintedTable {
    /// `\pset border 2`.
    barred: bool,
    /// A blank or a mark stands before each line: any border but 0.
    margin: bool,
    /// Columns of the values.
    width: usize,
}

/// The lines of the table that starts at a line, and the line behind it.
pub(super) fn at<'l>(
    lines: &[OutputLine<'l>],
    start: usize,
) -> Option<(Vec<OutputLine<'l>>, usize)> {
    let first = &lines[start].text;
    if is_rule(first) && lines.get(start + 1).is_some_and(|line| is_header(&line.text)) {
        return headed(lines, start + 1);
    }
    if is_header(first) {
        return headed(lines, start);
    }
    if first.starts_with(BARS) {
        return barred(lines, start);
    }
    let is_within = start.checked_sub(1).is_some_and(|above| !lines[above].text.is_empty());
    if is_within { None } else { unheaded(lines, start) }
}

/// Tuples only, without bars: the longest lines are those that go on, and a mark stands at the end of each.
fn unheaded<'l>(lines: &[OutputLine<'l>], start: usize) -> Option<(Vec<OutputLine<'l>>, usize)> {
    let of_table = || lines[start..].iter().take_while(|line| !line.text.is_empty());
    let longest = of_table().map(|line| columns(&line.text)).max()?;
    let margin = of_table().all(|line| line.text.starts_with([' ', '.', '…']));
    let width = longest.checked_sub(1 + usize::from(margin))?;
    let marked: Vec<(&OutputLine, &str, char)> = of_table()
        .zip(lines[start + 1..].iter().map(|next| next.text.as_ref()).chain([""]))
        .filter(|(line, _)| columns(&line.text) == longest)
        .map(|(line, next)| Some((line, next, line.text.chars().next_back()?)))
        .collect::<Option<_>>()?;
    let is_marked = marked.iter().all(|(_, next, mark)| match mark {
        mark if WRAP_MARKS.contains(mark) => {
            !margin && !begins_line(next) || margin && next.starts_with(*mark)
        }
        mark => BREAK_MARKS.contains(mark),
    });
    let wraps = marked.iter().any(|(_, _, mark)| WRAP_MARKS.contains(mark));
    let first = ValueKind::of(&lines[start].text);
    let is_old = || {
        is_old(&marked, (longest, margin), first)
            && of_table().all(|line| columns(&line.text) == longest || !line.text.ends_with(' '))
    };
    // A terminal breaks lines behind points and blanks of the plan, too: seldom all of them.
    let is_certain = wraps && (margin || marked.iter().all(|(_, _, mark)| *mark == '…'));
    let is_table =
        is_marked && is_certain || marked.len() >= MARKS_MIN && (is_marked && wraps || is_old());
    is_table.then(|| PrintedTable { barred: false, margin, width }.rows(lines, start))?
}

/// Whether blanks at the ends of the longest lines are marks of the old style. Lines of a mail may end with blanks, too: those
/// it breaks between words, psql within them.
fn is_old(
    marked: &[(&OutputLine, &str, char)],
    (longest, margin): (usize, bool),
    first: ValueKind,
) -> bool {
    let is_within_a_word = |(line, next, _): &(&OutputLine, &str, char)| {
        let end = line.text.trim_end();
        let next = next.get(usize::from(margin)..).unwrap_or_default();
        columns(end) + 1 == longest
            && next.starts_with(char::is_alphanumeric)
            && end.ends_with(char::is_alphanumeric)
    };
    marked.iter().all(|(_, _, mark)| *mark == ' ')
        && (first != ValueKind::Text || marked.iter().any(is_within_a_word))
}

/// With the name of the column and a rule above.
fn headed<'l>(lines: &[OutputLine<'l>], header: usize) -> Option<(Vec<OutputLine<'l>>, usize)> {
    let [head, rule, first, ..] = &lines[header..] else { return None };
    let barred = head.text.starts_with(BARS) && head.text.trim_end().ends_with(BARS);
    let rule = rule.text.trim_end();
    let is_drawn = is_rule(rule) && (barred || rule.chars().all(|c| "-─═".contains(c)));
    let margin = barred || first.text.starts_with(' ');
    let around = if barred { 4 } else { 2 * usize::from(margin) };
    let width = columns(rule).checked_sub(around).filter(|_| is_drawn)?;
    PrintedTable { barred, margin, width }.rows(lines, header + 2)
}

/// Tuples only, between bars.
fn barred<'l>(lines: &[OutputLine<'l>], start: usize) -> Option<(Vec<OutputLine<'l>>, usize)> {
    let is_barred = |line: &OutputLine| line.text.starts_with(BARS);
    let first = lines[start].text.trim_end();
    let above = start.checked_sub(1).map(|above| &lines[above]);
    let value = first.trim_matches(BARS);
    let is_plan = ValueKind::of(value) != ValueKind::Text
        || value.contains("  (cost=")
        || value.contains(" (actual ")
        || value.trim_start().starts_with(|c: char| c.is_ascii_uppercase());
    if above.is_some_and(is_barred) || !first.ends_with(BARS) || !is_plan {
        return None;
    }
    let width = columns(first).checked_sub(4)?;
    PrintedTable { barred: true, margin: true, width }.rows(lines, start)
}

impl PrintedTable {
    /// The lines from the first row on.
    fn rows<'l>(
        self,
        lines: &[OutputLine<'l>],
        start: usize,
    ) -> Option<(Vec<OutputLine<'l>>, usize)> {
        let mut pieces: Vec<(OutputLine<'l>, Option<char>)> = Vec::new();
        let mut end = start;
        for line in &lines[start..] {
            let is_outside = self.barred && !line.text.starts_with(BARS);
            // A line of blanks alone begins one that is indented by more than the width. Another header begins another table: each
            // line is looked at once.
            if line.text.is_empty() || is_outside || is_footer(&line.text) || is_header(&line.text)
            {
                break;
            }
            let before = pieces.last().and_then(|(_, mark)| *mark);
            let left = before.filter(|mark| WRAP_MARKS.contains(mark)).unwrap_or(' ');
            pieces.push(self.piece(line.clone(), left)?);
            end += 1;
        }
        end += usize::from(lines.get(end).is_some_and(|line| is_rule(&line.text)));
        let (_, last) = pieces.last()?;
        // The last line goes on in none.
        let is_whole = if self.barred { *last == Some(' ') } else { last.is_none() };
        is_whole.then(|| (joined(self.ends(pieces)), end))
    }

    /// The value's piece in a line, and the mark behind it; `left` is what has to stand in the margin.
    fn piece(self, mut line: OutputLine<'_>, left: char) -> Option<(OutputLine<'_>, Option<char>)> {
        if self.barred {
            let text = line.text.trim_end();
            let inner = text.strip_prefix(BARS)?.strip_suffix(BARS)?;
            let start = text.len() - text.strip_prefix(BARS)?.len();
            let end = start + inner.len();
            line.cut(start, end);
        }
        if self.margin {
            line.text.strip_prefix(left)?;
            line.cut(left.len_utf8(), usize::MAX);
        }
        let width = columns(&line.text);
        if width <= self.width && !self.barred {
            return Some((line, None));
        }
        let mark = line.text.chars().next_back().filter(|_| width == self.width + 1)?;
        let is_mark = mark == ' ' || WRAP_MARKS.contains(&mark) || BREAK_MARKS.contains(&mark);
        line.cut(0, line.text.len() - mark.len_utf8());
        is_mark.then_some((line, Some(mark)))
    }

    /// How each piece ends, by its mark.
    fn ends(self, pieces: Vec<(OutputLine<'_>, Option<char>)>) -> Vec<(OutputLine<'_>, PieceEnd)> {
        let is_document =
            pieces.first().is_some_and(|(line, _)| ValueKind::of(&line.text) != ValueKind::Text);
        let is_marked = pieces.iter().any(|(_, mark)| mark.is_some_and(|mark| mark != ' '));
        // Where nothing is wrapped, the longest line is what reaches the last column.
        let mut full = pieces.iter().filter(|(line, _)| !line.text.ends_with(' '));
        let is_whole = |(line, _): &(OutputLine, _)| line.text.matches('\'').count() % 2 == 0;
        let is_wrapped = full.next().is_some_and(|line| full.next().is_some() || is_whole(line));
        let is_unmarked = !is_marked && (is_document || is_wrapped);
        let end = |mark: Option<char>| match mark {
            Some(mark) if WRAP_MARKS.contains(&mark) => PieceEnd::Wrapped,
            Some(' ') if !self.barred && !is_document => PieceEnd::Wrapped,
            // Between bars a blank stands behind each line.
            Some(' ') if !self.barred || is_unmarked => PieceEnd::Unmarked,
            _ => PieceEnd::Line,
        };
        pieces.into_iter().map(|(line, mark)| (line, end(mark))).collect()
    }
}
