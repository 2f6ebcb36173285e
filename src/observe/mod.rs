//! Look at a target once: what was seen, and what could not be. No opinion.

mod choice;
mod documents;
mod gaps;
mod sample;
mod source;
mod tally;
mod unmatched;
mod visit;

pub use documents::{DocumentsSeen, Subject, Unmatched, documents};
pub use visit::{Interest, context, observe};
