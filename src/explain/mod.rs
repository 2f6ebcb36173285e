//! Reads the output of EXPLAIN, in every format and as people paste it.
//!
//! Pure. Whatever the format, a plan is the same [`ParsedPlan`]: the names are those of the JSON format, and what one format
//! prints and another leaves out is made alike. What a server prints that this reader does not know is kept.
//!
//! No depth of the input is a depth of the stack: nodes are held in a vector and refer to one another by number.

mod build;
mod carried;
mod collect;
pub mod derive;
mod detail;
mod document;
mod error;
mod finish;
mod frame;
mod group;
mod json;
mod outcome;
mod plan;
mod property;
mod scalar;
mod slice;
mod text;
mod xml;
mod yaml;

#[cfg(test)]
mod tests;

pub use detail::{
    Bitmap, Buffers, Condition, GroupingSet, Hash, HashAggregate, IncrementalSort, IoTimings, Jit,
    Memoize, Merge, PlannerMemory, RowStorage, RowsRemovedPerLoop, Serialization, Sort, SortGroups,
    Space, TargetTable, Trigger, WalUsage, Worker, Workers,
};
pub use error::{ReadError, StopReason};
pub use plan::{Node, ParsedPlan, PlanFormat};

/// The largest input that is read. The largest plan known, of 9,001 nodes, has 6 MB as JSON.
pub const INPUT_BYTES_MAX: usize = 64 << 20;

/// Nodes of all plans of an input. As text a node takes 100 bytes or more, in memory about 1 kB: this holds the
/// memory to half a gigabyte where an input is made of nodes without figures.
pub const NODES_MAX: usize = 500_000;

/// How deep lists and objects of a property may be nested. The server nests four.
pub const EXTRA_DEPTH_MAX: usize = 32;

/// Values in lists and objects of properties, of all plans of an input.
pub const EXTRA_VALUES_MAX: usize = 4_000_000;

/// The plans of an input, in its order.
pub fn read(input: &str) -> Result<Vec<ParsedPlan>, ReadError> {
    if input.len() > INPUT_BYTES_MAX {
        return Err(ReadError {
            line: 1,
            column: 1,
            reason: StopReason::TooLarge,
            partial: Vec::new(),
        });
    }
    document::read(input)
}
