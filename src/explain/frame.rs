//! Takes the lines of an input out of what is around them.

use std::borrow::Cow;

/// A line of output of EXPLAIN.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    pub(super) text: Cow<'a, str>,
    /// Its line in the input, from 1.
    pub(super) number: usize,
    /// Characters that stood before it.
    pub(super) offset: usize,
}

/// The lines of an input.
pub(super) fn lines(input: &str) -> Vec<Line<'_>> {
    input
        .lines()
        .enumerate()
        .map(|(at, text)| Line { text: Cow::Borrowed(text), number: at + 1, offset: 0 })
        .collect()
}
