//! The first line of a node: what it is, on what, its estimates and what was measured.

use super::super::plan::Node;
use super::super::slice::split_once;
use super::{name, wrap};

/// In which the last figures of a line are, which may be of thousands of lines that were put together.
const LINE_END_BYTES: usize = 512;

/// Reads a node's line, without its arrow. Returns false where it names no node.
pub(super) fn read(line: &str, node: &mut Node) -> bool {
    let (what, figures) = figures(line, node);
    // Another server's figures: MySQL prints no width.
    let is_foreign = figures && has_unread_figures(what);
    if what.is_empty() || is_foreign || is_prefixed(what) || (!figures && !is_name(what)) {
        return false;
    }
    name::read(node, what);
    true
}

/// Whether a word with a colon stands before what would be a name: that of a message, or of who shows it.
pub(super) fn is_prefixed(what: &str) -> bool {
    split_once(what, b' ').map_or(what, |(word, _)| word).ends_with(':')
}

/// Where the estimates of a node stand in a line.
pub(super) fn cost_at(line: &str) -> Option<usize> {
    memchr::memchr_iter(b'(', line.as_bytes()).find(|at| line[*at..].starts_with("(cost="))
}

/// Whether a line ends as the line of a node does, which distinguishes a node from a property whatever its name.
pub(super) fn has_figures(line: &str) -> bool {
    line.ends_with(')') && split(wrap::tail(line, LINE_END_BYTES)).is_some()
}

/// A name without figures: with COSTS OFF nothing else says that it is a node.
fn is_name(what: &str) -> bool {
    let name = what.split_once("  (").map_or(what, |(name, _)| name);
    what.starts_with(|c: char| c.is_ascii_uppercase())
        && !name.contains(": ")
        && !what.ends_with(':')
        // Cut off by who showed it, or with figures that something else follows.
        && !what.ends_with(['…', '|'])
        && !what.ends_with("...")
        && !has_unread_figures(what)
}

/// Whether a node's line has figures that are not read: without them, it would be taken for one of COSTS OFF.
fn has_unread_figures(what: &str) -> bool {
    split_once(what, b'(').is_some_and(|(_, behind)| {
        ["cost=", "time=", "rows=", "loops="].iter().any(|figure| behind.contains(figure))
    })
}

/// What stands before the parentheses, and whether there were any.
fn figures<'l>(line: &'l str, node: &mut Node) -> (&'l str, bool) {
    let mut rest = line.trim_end();
    let mut any = false;
    while let Some((before, group)) = split(rest) {
        match group {
            Group::Never => (node.actual_loops, node.never_executed) = (Some(0), true),
            Group::Cost(figures) => {
                node.startup_cost = Some(figures.start);
                node.total_cost = Some(figures.end);
                node.plan_rows = figures.rows;
                node.plan_width = figures.last;
            }
            Group::Actual(timed, figures) => {
                node.actual_startup_ms = timed.then_some(figures.start);
                node.actual_total_ms = timed.then_some(figures.end);
                node.actual_rows = figures.rows;
                node.actual_loops = figures.last;
            }
        }
        (rest, any) = (before.trim_end(), true);
    }
    (rest, any)
}

enum Group {
    Cost(Figures),
    /// With times, or without.
    Actual(bool, Figures),
    Never,
}

/// `cost=START..END rows=ROWS width=LAST`, `time=START..END rows=ROWS loops=LAST`.
#[derive(Default)]
struct Figures {
    start: f64,
    end: f64,
    rows: Option<f64>,
    last: Option<u64>,
}

/// The last parenthesis of a line, where it is one of a node, and what stands before it.
fn split(line: &str) -> Option<(&str, Group)> {
    let body = line.strip_suffix(')')?;
    let open = memchr::memrchr(b'(', body.as_bytes())?;
    let (before, inside) = (&line[..open], &body[open + 1..]);
    if before.ends_with(|c: char| c != ' ') {
        return None;
    }
    let group = if let Some(cost) = inside.strip_prefix("cost=") {
        Group::Cost(timed(cost, "width=")?)
    } else if let Some(actual) = inside.strip_prefix("actual ") {
        match actual.strip_prefix("time=") {
            Some(time) => Group::Actual(true, timed(time, "loops=")?),
            None => Group::Actual(false, rows(actual, "loops=")?),
        }
    } else if inside == "never executed" {
        Group::Never
    } else {
        return None;
    };
    Some((before, group))
}

fn timed(text: &str, last: &str) -> Option<Figures> {
    let (both, rest) = split_once(text, b' ')?;
    let dots =
        memchr::memchr_iter(b'.', both.as_bytes()).find(|at| both[*at..].starts_with(".."))?;
    let (start, end) = (&both[..dots], &both[dots + 2..]);
    let figures = rows(rest, last)?;
    Some(Figures { start: start.parse().ok()?, end: end.parse().ok()?, ..figures })
}

/// `rows=ROWS loops=LAST`; rows are a fraction from PostgreSQL 18 on.
fn rows(text: &str, last: &str) -> Option<Figures> {
    let (rows, rest) = split_once(text.strip_prefix("rows=")?, b' ')?;
    let last = rest.strip_prefix(last)?.parse().ok()?;
    let rows: f64 = rows.parse().ok()?;
    Some(Figures { rows: Some(rows), last: Some(last), ..Figures::default() })
}

/// What a worker measured: `actual time=0.1..0.2 rows=3 loops=1`.
pub(super) fn worker(text: &str) -> Option<Node> {
    let mut node = Node::default();
    let actual = text.trim().strip_prefix("actual ")?;
    let figures = match actual.strip_prefix("time=") {
        Some(time) => {
            let figures = timed(time, "loops=")?;
            node.actual_startup_ms = Some(figures.start);
            node.actual_total_ms = Some(figures.end);
            figures
        }
        None => rows(actual, "loops=")?,
    };
    node.actual_rows = figures.rows;
    node.actual_loops = figures.last;
    Some(node)
}
