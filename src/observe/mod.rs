//! Look at a target once: what was seen, and what could not be. No opinion.

mod choice;
mod sample;
mod source;
mod unmatched;
mod visit;

pub use visit::{Interest, context, observe};
