//! First lines of plans within one entry of a log: a statement's comments may hold some, and the last one is that of its plan.

use std::collections::HashMap;

use super::super::frame::OutputLine;
use super::{classify, indent, statement};

/// The last of them by column, up to the line where another entry begins.
#[derive(Default)]
pub(super) struct EntryRoots {
    last: HashMap<usize, usize>,
    until: usize,
}

impl EntryRoots {
    /// Whether the entry of a line has another one behind it in the same column. Each entry is looked through once.
    pub(super) fn has_behind(&mut self, lines: &[OutputLine], at: usize) -> bool {
        if at >= self.until {
            *self = Self::behind(lines, at);
        }
        self.last.get(&indent(&lines[at].text)).is_some_and(|last| *last > at)
    }

    fn behind(lines: &[OutputLine], at: usize) -> Self {
        let behind = lines.iter().enumerate().skip(at + 1);
        let (mut last, mut until) = (HashMap::new(), lines.len());
        for (number, line) in behind {
            let text = line.text.trim();
            if statement::begins_entry(text) {
                until = number;
                break;
            }
            if classify::is_root_with_costs(text) {
                last.insert(indent(&line.text), number);
            }
        }
        Self { last, until }
    }
}
