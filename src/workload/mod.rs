//! What an application runs, and which keys of which documents that uses.
//!
//! A source (a server's log, a list of statements) is read as a stream of entries, each a statement with its literals. An
//! entry is understood by [`crate::sql`] and then gone: the ledger counts calls and time by table, column and path, and holds
//! no literal. It says how much of what it was shown it could attribute, and where that is too little to judge by.

mod attribution;
mod bookkeeper;
mod columns;
mod csvlog;
mod encoding;
mod entry;
mod envelope;
mod evidence;
mod finds;
mod format;
mod json;
mod jsonlog;
mod learned;
mod ledger;
mod line_prefix;
mod lines;
mod list;
mod message;
mod objects;
mod pairs;
mod parameters;
mod parsed;
mod plan;
mod plans;
mod prefix;
mod reader;
mod refused;
mod separated;
mod session;
mod severity;
mod shape;
mod source;
mod stats;
mod stderr;
mod syslog;
mod text;
mod tokens;
mod usage;
mod uses;

#[cfg(test)]
mod tests;

pub use attribution::{Attributed, StatementStats};
pub use bookkeeper::{Bookkeeper, Definition};
pub use entry::{Entry, LoggedPlan, SourceCounts};
pub use finds::RowLookup;
pub use format::SourceFormat;
pub use ledger::{Ledger, STATEMENTS_MAX};
pub use line_prefix::LinePrefix;
pub use parameters::Parameters;
pub use plans::JudgedPlan;
pub use reader::{NO_FORMAT, Read, SourceReader};
pub use source::{Coverage, StatementSource};
pub use stats::{CallStats, Share};
pub use usage::{AccessPattern, ColumnUse, PATHS_MAX, PathUse, StatementUse, TableUse};
