//! Reads the text format, line by line.
//!
//! Where an arrow stands says which node its node belongs to: a vector of the open nodes with their columns is all that
//! is remembered. A line that is no property, node or label continues the one before: terminals and mail clients
//! wrap lines.

mod blanks;
mod classify;
mod expand;
mod head;
mod jit;
mod label;
mod line;
mod list;
mod logical;
mod name;
mod places;
mod roots;
mod shape;
mod statement;
mod wrap;

use std::borrow::Cow;

use super::error::StopReason;
use super::frame::{OutputLine, first_byte};
use super::outcome::{ReadOutcome, Stopped};
use super::plan::{Node, ParsedPlan, PlanFormat};
use super::slice::trim;
use super::{NODES_MAX, finish};
use classify::LineKind;
use logical::Logical;
pub(super) use shape::cut;

/// Columns by which the arrow of a node stands behind that of the node above, and the first arrows behind the root.
const STEP: usize = 6;
const ROOT_STEP: usize = 2;

/// A figure with its unit is no longer than this: `1234567.891 ms`.
const VALUE_BYTES_MAX: usize = 24;

/// Reads the lines of an input.
pub(super) fn read(lines: &[OutputLine]) -> ReadOutcome {
    let mut reader = TextReader::new(lines);
    let stopped = reader.lines(lines).err();
    let mut plans = reader.plans;
    let mut fault = None;
    for (plan, places) in plans.iter_mut().zip(&reader.places) {
        let found = shape::relations(plan);
        let of_plan = found.map(|fault| places::stopped(plan, places, fault, last(lines)));
        // Where a plan is cut, another one may follow.
        fault = of_plan.or(fault.filter(|(_, reason)| *reason != StopReason::CutOff));
        finish::finish(plan);
    }
    plans.retain(|plan| !plan.nodes.is_empty());
    let is_lost = reader.blanks.are_lost(reader.nodes);
    let lost = is_lost.then(|| (last(lines), StopReason::LostIndentation));
    let stopped = stopped.or(lost).or(fault);
    let stopped = stopped.map(|(line, reason)| Stopped { line, column: 1, reason });
    ReadOutcome { plans, rows: Vec::new(), end: lines.len(), stopped }
}

fn last(lines: &[OutputLine]) -> usize {
    lines.iter().rev().find(|line| !line.text.trim().is_empty()).map_or(1, |line| line.number)
}

/// To what properties belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// No plan is open: what comes is a statement, a prompt, a mail.
    Outside,
    /// The last node.
    Node,
    /// A worker of the last node, with the column where its line starts.
    Worker(u64, usize),
    /// Just-in-time compilation of a worker.
    WorkerJit(u64, usize),
    /// How another server planned its part, with the column where its line starts: no figures of the node.
    RemotePlanning(usize),
    Planning,
    Jit,
    Serialization,
    /// The statement itself.
    Statement,
}

struct TextReader<'l> {
    plans: Vec<ParsedPlan>,
    /// Where the nodes of each plan stand.
    places: Vec<Vec<places::NodePlace>>,
    /// Open nodes: the column of their arrow, and their id.
    open: Vec<(usize, usize)>,
    /// The column of the root.
    base: usize,
    /// The column of the last node's properties.
    column: usize,
    section: Section,
    /// The label of the subplan whose node comes next, and its column.
    label: Option<(String, usize)>,
    /// The name of what a module printed behind the plan, to which properties belong.
    group: Option<String>,
    /// The text of the statement that comes next, and what a log says of it.
    next: statement::Next,
    nodes: usize,
    /// Whether a line before the plan has figures of a node and is none that can be read.
    unread: bool,
    blanks: blanks::Blanks,
    /// Whether nodes stand behind those above them by other columns than the server prints.
    is_scaled: bool,
    roots: roots::EntryRoots,
    /// Lines with an arrow, the most nodes that there can be beside the roots.
    arrows: usize,
    wrap: wrap::Wrap<'l>,
}

impl<'l> TextReader<'l> {
    fn new(lines: &'l [OutputLine]) -> Self {
        TextReader {
            plans: Vec::new(),
            places: Vec::new(),
            open: Vec::new(),
            base: 0,
            column: 0,
            section: Section::Outside,
            label: None,
            group: None,
            next: statement::Next::default(),
            nodes: 0,
            unread: false,
            blanks: blanks::Blanks::default(),
            is_scaled: false,
            roots: roots::EntryRoots::default(),
            arrows: lines.iter().filter(|line| first_byte(&line.text) == Some(b'-')).count(),
            wrap: wrap::Wrap::new(lines),
        }
    }

    fn lines(&mut self, lines: &'l [OutputLine]) -> Result<(), (usize, StopReason)> {
        let mut pending: Option<Logical<'l>> = None;
        // The line that closes the literal that is open.
        let mut closes: Option<usize> = None;
        for (at, line) in lines.iter().enumerate() {
            let text: &'l str = line.text.as_ref();
            if let (Some(end), Some(before)) = (closes, &mut pending) {
                self.wrap.join_in_literal(&mut before.text, text, at);
                if at == end {
                    closes = self.wrap.literal_end(text, at, Some(b'\''));
                }
                continue;
            }
            let kind = self.kind(lines, at, pending.as_ref());
            match (&mut pending, kind) {
                (Some(before), LineKind::Continuation) if before.hides(text) => {
                    return Err((line.number, StopReason::Expected("`->` before a node")));
                }
                (Some(before), LineKind::Continuation) => {
                    self.wrap.join(&mut before.text, self.unindented(text), at);
                }
                (None, LineKind::Continuation) => (),
                _ => {
                    if let Some(before) = pending.take() {
                        self.apply(&before)?;
                    }
                    self.enter(kind, text);
                    let own = Logical { text: Cow::Borrowed(text), kind, number: line.number };
                    if kind == LineKind::Outside {
                        // Nothing continues it, and what it says decides what the next one is.
                        self.apply(&own)?;
                    } else {
                        pending = Some(own);
                    }
                }
            }
            if matches!(kind, LineKind::Property | LineKind::Continuation) {
                closes = self.wrap.literal_end(text, at, None);
            }
        }
        pending.map_or(Ok(()), |before| self.apply(&before))
    }

    /// A line without what all lines of the plan are indented by: in a book, those that are wrapped are, too.
    fn unindented(&self, text: &'l str) -> &'l str {
        let blanks = self.base.min(text.len() - text.trim_start_matches(' ').len());
        // The root may stand a blank behind what all are indented by, as psql prints it. One blank more may be of what was wrapped.
        if self.base > 2 && blanks + 1 >= self.base { &text[blanks..] } else { text }
    }

    /// What a line is, behind the line that is not applied yet.
    fn kind(&mut self, lines: &[OutputLine], at: usize, pending: Option<&Logical>) -> LineKind {
        let text = lines[at].text.as_ref();
        let kind = self.classify(text);
        match kind {
            // It stands in a comment of the statement.
            LineKind::Root if self.next.is_in_statement() && self.roots.has_behind(lines, at) => {
                LineKind::Outside
            }
            LineKind::Property
                if pending.is_some_and(|before| wrap::ends_in_a_name(&before.text)) =>
            {
                LineKind::Continuation
            }
            LineKind::Continuation if pending.is_some_and(|before| before.is_followed_by(text)) => {
                // Those that follow stand there, too.
                self.column = indent(text);
                LineKind::Property
            }
            // What an extension or another server adds to the plan; the line before is whole.
            LineKind::Continuation
                if indent(text) <= self.base
                    && pending.is_some_and(|before| before.precedes_note(text)) =>
            {
                LineKind::Statement
            }
            LineKind::Continuation
                if pending.is_some_and(Logical::ends_plan) && indent(text) <= self.base =>
            {
                LineKind::End
            }
            // Rules make several plans of a statement, between which a line is empty. For some clients a frame, and with it the margin,
            // ends there.
            LineKind::Continuation
                if pending.is_some_and(|before| before.kind == LineKind::Blank)
                    && indent(text) <= self.base + 1
                    && classify::is_root(trim(text)) =>
            {
                LineKind::Root
            }
            kind => kind,
        }
    }

    /// What a line's start decides before its end is known: where properties that follow stand.
    fn enter(&mut self, kind: LineKind, text: &str) {
        match kind {
            LineKind::Root => {
                self.base = indent(text);
                self.column = self.base + 2;
                self.section = Section::Node;
            }
            LineKind::Node => {
                self.column = indent(text) + STEP;
                self.blanks.line(text);
                self.section = Section::Node;
            }
            LineKind::Statement => self.section = Section::Statement,
            LineKind::End => self.section = Section::Outside,
            _ => (),
        }
    }

    fn apply(&mut self, line: &Logical<'l>) -> Result<(), (usize, StopReason)> {
        let number = line.number;
        match line.kind {
            LineKind::Root => self.root(&line.text, number).map_err(|reason| (number, reason)),
            LineKind::Node => self.node(&line.text, number).map_err(|reason| (number, reason)),
            LineKind::Label => {
                self.label = Some((trim(&line.text).to_owned(), indent(&line.text)));
                Ok(())
            }
            LineKind::Property | LineKind::Statement => {
                self.blanks.has_properties |= line.kind == LineKind::Property;
                self.property(&line.text);
                Ok(())
            }
            LineKind::Outside => {
                let text = trim(&line.text);
                self.unread |= head::has_figures(text) || classify::is_arrow(text);
                self.next.line(&line.text);
                Ok(())
            }
            LineKind::Continuation | LineKind::Blank | LineKind::End => Ok(()),
        }
    }

    fn root(&mut self, text: &str, line: usize) -> Result<(), StopReason> {
        // Without the node above it, this one would be taken for the whole plan.
        if std::mem::take(&mut self.unread) && text.trim_start().starts_with("->") {
            return Err(StopReason::Expected("the line of the node above"));
        }
        let mut plan = ParsedPlan { format: PlanFormat::Text, ..ParsedPlan::default() };
        if self.plans.is_empty() {
            plan.nodes.reserve(self.arrows.min(NODES_MAX) + 1);
        }
        self.next.give(&mut plan);
        self.plans.push(plan);
        self.places.push(Vec::new());
        self.open.clear();
        self.label = None;
        let root = strip_arrow(trim(text));
        self.push(root, places::NodePlace { line, column: indent(text) }, None)
    }

    fn node(&mut self, text: &str, line: usize) -> Result<(), StopReason> {
        let column = indent(text);
        self.blanks.node(column, self.base);
        // A subplan stands below its label, which stands where the arrows of the owner's other children do.
        let level = self.label.as_ref().map_or(column, |(_, label)| *label);
        while self.open.len() > 1 && self.open.last().is_some_and(|(open, _)| *open >= level) {
            self.open.pop();
        }
        if let Some((above, id)) = self.open.last() {
            let step = if *id == 0 { ROOT_STEP } else { STEP };
            self.is_scaled |= level != above + step;
        }
        let parent = self.open.last().map(|(_, id)| *id);
        self.push(strip_arrow(trim(text)), places::NodePlace { line, column }, parent)
    }

    fn push(
        &mut self,
        text: &str,
        place: places::NodePlace,
        parent: Option<usize>,
    ) -> Result<(), StopReason> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(StopReason::TooManyNodes);
        }
        let label = self.label.take();
        let Some(plan) = self.plans.last_mut() else { return Ok(()) };
        let id = plan.nodes.len();
        // A node has a kilobyte: it is read where it stays.
        let node = plan.nodes.push_mut(Node { id, parent, ..Node::default() });
        if !head::read(text, node) {
            plan.nodes.pop();
            return Err(expected(text));
        }
        if let Some((label, _)) = label {
            label::apply(node, &label);
        }
        if let Some(parent) = parent {
            plan.nodes[parent].children.push(id);
        }
        if let Some(places) = self.places.last_mut() {
            places.push(place);
        }
        self.open.push((place.column, id));
        Ok(())
    }
}

/// What a node's line lacks.
fn expected(text: &str) -> StopReason {
    match text.rfind('(') {
        Some(open) if !text[open..].contains(')') => StopReason::CutOff,
        _ => StopReason::Expected("`cost=START..END rows=ROWS width=WIDTH`"),
    }
}

/// The column where a line's text starts. A tab reaches to the next eighth column.
fn indent(text: &str) -> usize {
    let mut column = 0;
    for byte in text.bytes() {
        match byte {
            b' ' => column += 1,
            b'\t' => column = (column / 8 + 1) * 8,
            _ => break,
        }
    }
    column
}

/// The text of a node's line without its arrow.
fn strip_arrow(text: &str) -> &str {
    text.strip_prefix("->").map_or(text, str::trim_start)
}
