//! Whether the blanks that say what belongs to what were lost on the way.

use super::head;

/// What was seen of the blanks of a plan.
#[derive(Default)]
pub(super) struct Blanks {
    /// Nodes stand where the root does.
    is_flat: bool,
    /// One blank stands where several did. Pages do that between words alone, too, and leave the beginnings of lines.
    is_squeezed: bool,
    /// How far right of the root a node stands. Where that is one blank, those before it were lost, too.
    indent: usize,
    pub(super) has_properties: bool,
}

impl Blanks {
    /// A line with an arrow, before what continues it.
    pub(super) fn line(&mut self, text: &str) {
        let before = head::cost_at(text).map(|at| &text[..at]);
        self.is_squeezed |=
            before.is_some_and(|before| before.ends_with(' ') && !before.ends_with("  "));
    }

    /// A node, by its column and that of the root.
    pub(super) fn node(&mut self, column: usize, base: usize) {
        self.is_flat |= column <= base;
        self.indent = self.indent.max(column.saturating_sub(base));
    }

    /// Whether it is lost which node is the parent of which, and which has a property. Two nodes without properties need no
    /// blanks.
    pub(super) fn are_lost(&self, nodes: usize) -> bool {
        let is_lost = self.is_flat || self.is_squeezed && self.indent <= 1;
        is_lost && (nodes > 2 || self.has_properties)
    }
}
