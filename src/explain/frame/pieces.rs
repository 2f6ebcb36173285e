//! Values that psql printed over several lines, put together.

use super::{OutputLine, ends_quoted};

/// How a piece of a value ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceEnd {
    /// A line of the value ends.
    Line,
    /// The line goes on in the next piece.
    Wrapped,
    /// One or the other: the line style `old-ascii` shows no mark where there is one column.
    Unmarked,
}

/// What a value is, which shows where its lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// A line of a plan: it holds no line break.
    Text,
    Json,
    Yaml,
    Xml,
}

impl ValueKind {
    /// By the first line of the first value.
    pub(super) fn of(text: &str) -> Self {
        match text.trim_start() {
            text if text.starts_with(['[', '{']) => Self::Json,
            text if text.starts_with("<explain") => Self::Xml,
            text if text.starts_with("- Plan") || text.starts_with("- Query") => Self::Yaml,
            _ => Self::Text,
        }
    }

    /// Whether a piece goes on in the next, where no mark shows it. `missing`: columns that it does not reach; `quoted`: it
    /// ends inside a string.
    fn goes_on(self, before: &str, next: &str, (missing, quoted): (usize, bool)) -> bool {
        match self {
            // No more than two blanks stand between words. A piece of blanks alone is what a line is indented by.
            Self::Text => before.trim().is_empty() || missing <= 2 && !begins_line(next),
            // Between two words of JSON, a line break says nothing.
            Self::Json => quoted || missing == 0,
            // Each line but the first is indented, and outside of strings one blank stands between words.
            Self::Yaml => quoted || !next.starts_with("  "),
            Self::Xml => !(before.trim_end().ends_with('>') && next.trim_start().starts_with('<')),
        }
    }
}

/// Lines of a plan that are not indented, beside its first.
const AT_THE_BASE: [&str; 8] = [
    "Planning",
    "Execution",
    "Total runtime",
    "JIT:",
    "Trigger ",
    "Settings:",
    "Query Identifier:",
    "Serialization:",
];

/// Whether a line of a plan begins: all but the first are indented, or one of the statement.
pub(super) fn begins_line(text: &str) -> bool {
    let own = text.trim_start();
    let indent = text.len() - own.len();
    if indent < 2 {
        return AT_THE_BASE.iter().any(|start| text.starts_with(start));
    }
    // Two blanks stand before figures, too, and between columns of properties.
    indent > 2 || !(own.starts_with('(') || own.starts_with("Memory") || own.starts_with("Disk"))
}

/// The lines of values from the pieces, in their order.
pub(super) fn joined(pieces: Vec<(OutputLine<'_>, PieceEnd)>) -> Vec<OutputLine<'_>> {
    let kind = pieces.first().map_or(ValueKind::Text, |(line, _)| ValueKind::of(&line.text));
    let length = |text: &str| text.trim_end().chars().count();
    let longest = pieces.iter().map(|(line, _)| length(&line.text)).max().unwrap_or_default();
    let mut lines: Vec<OutputLine> = Vec::with_capacity(pieces.len());
    let (mut goes_on, mut quoted) = (false, false);
    let mut pieces = pieces.into_iter().peekable();
    while let Some((piece, end)) = pieces.next() {
        let next = pieces.peek().map(|(next, _)| next.text.as_ref());
        quoted = ends_quoted(&piece.text, quoted && goes_on);
        let missing = longest.saturating_sub(length(&piece.text));
        let wraps = match (end, next) {
            (PieceEnd::Line, _) | (_, None) => false,
            (PieceEnd::Wrapped, _) => true,
            (PieceEnd::Unmarked, Some(next)) => kind.goes_on(&piece.text, next, (missing, quoted)),
        };
        match lines.last_mut().filter(|_| goes_on) {
            Some(before) => before.text.to_mut().push_str(&piece.text),
            None => lines.push(piece),
        }
        goes_on = wraps;
        if !wraps && let Some(line) = lines.last_mut() {
            line.trim_end();
        }
    }
    lines
}
