//! Look at a target once: what was seen, and what could not be. No opinion.

mod batch;
mod catalog;
mod choice;
mod common;
mod concurrency;
mod detail;
mod documents;
mod explained;
mod explaining;
mod foreign_code;
mod gaps;
mod gin;
mod look;
mod names;
mod plan;
mod sample;
mod samples;
mod source;
mod tally;
mod texts;
mod vector;
mod visit;
mod wal;

pub use documents::{DocumentsSeen, Subject, Unmatched, documents};
pub use explained::{ExplainedStatement, ExplainedStatements};
pub use explaining::{Explained, Question as ExplainQuestion, Refusal, explain};
pub use names::names;
pub use texts::{Counted, Defined, DefinedKind, Text, Texts};
pub use visit::{Interest, Observed, context, observe};
pub use wal::staging_table;
