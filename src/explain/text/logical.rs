//! A line as it was before terminals wrapped it.

use std::borrow::Cow;

use super::classify::{self, LineKind};
use super::{VALUE_BYTES_MAX, head, trim, wrap};

/// A line with what continues it.
pub(super) struct Logical<'l> {
    pub(super) text: Cow<'l, str>,
    pub(super) kind: LineKind,
    pub(super) number: usize,
}

impl Logical<'_> {
    /// Whether what stands where no property is expected is a property all the same: the line of the node before is whole.
    pub(super) fn is_followed_by(&self, text: &str) -> bool {
        matches!(self.kind, LineKind::Root | LineKind::Node)
            && classify::is_property(trim(text))
            && self.is_whole_node()
    }

    /// Whether the line of a node holds all its figures, or none.
    fn is_whole_node(&self) -> bool {
        !wrap::tail(&self.text, wrap::FIGURES_BYTES_MAX).contains('(')
            || head::has_figures(self.text.trim_end())
    }

    /// Whether a whole time of the statement stands in this line: what follows it is no more of the plan.
    pub(super) fn ends_plan(&self) -> bool {
        self.kind == LineKind::Statement && self.text.trim_end().ends_with(" ms")
    }

    /// Whether a line at the base is a property of the statement that is not known. Behind its times, prose may follow: then only
    /// figures are.
    pub(super) fn precedes_note(&self, text: &str) -> bool {
        let text = trim(text);
        let value = text.split_once(": ").map_or("", |(_, value)| value.trim_start());
        if value.is_empty() || !classify::is_property(text) || wrap::is_column(text) {
            return false;
        }
        match self.kind {
            LineKind::Root | LineKind::Node => self.is_whole_node(),
            LineKind::Statement if self.ends_plan() => {
                value.starts_with(|c: char| c.is_ascii_digit()) && value.len() <= VALUE_BYTES_MAX
            }
            LineKind::Property | LineKind::Statement => wrap::is_closed(&self.text),
            _ => false,
        }
    }

    /// Whether a line that seems to continue this one is a node of its own, whose arrow was lost or is another sign.
    pub(super) fn hides(&self, text: &str) -> bool {
        head::cost_at(text).is_some()
            && head::has_figures(text.trim_end())
            && (matches!(self.kind, LineKind::Property | LineKind::Label)
                || head::cost_at(wrap::tail(&self.text, wrap::FIGURES_BYTES_MAX)).is_some())
    }
}
