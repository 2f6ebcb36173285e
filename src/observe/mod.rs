//! Look at a target once: what was seen, and what could not be. No opinion.

mod batch;
mod catalog;
mod choice;
mod common;
mod detail;
mod documents;
mod existing_tables;
mod explain_helper;
mod explained;
mod explaining;
mod foreign_code;
mod gaps;
mod look;
mod names;
mod relations;
mod sample;
mod samples;
mod source;
mod statement_code;
mod texts;
mod toast;
mod visit;
mod wal;

pub use documents::{DocumentsSeen, SampledColumn, Unmatched, documents};
pub use existing_tables::existing_tables;
pub use explained::{ExplainedStatement, ExplainedStatements};
pub use explaining::{ExplainRefusal, ExplainRequest as ExplainQuestion, Explained, explain};
pub use names::names;
pub use texts::{CountedStatement, Defined, DefinedKind, ServerStatementText, StatementTexts};
pub use visit::{Interest, Observed, context, observe};
pub use wal::staging_table;

macro_rules! declare_parts {
    ($($(#[$doc:meta])* $part:ident: $type:ident, $look:ident;)*) => {
        $(mod $part;)*
    };
}

snapshot_parts!(declare_parts);
