//! Look at a target once: what was seen, and what could not be. No opinion.

mod choice;
mod gaps;
mod sample;
mod source;
mod tally;
mod unmatched;
mod visit;

pub use visit::{Interest, context, observe};
