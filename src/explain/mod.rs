//! Reads the output of EXPLAIN, in every format and as people paste it.
//!
//! Pure. Whatever the format, a plan is the same [`Plan`]: the names are those of the JSON format, and what one format
//! prints and another leaves out is made alike. What a server prints that this reader does not know is kept.
//!
//! No depth of the input is a depth of the stack: nodes are held in a vector and refer to one another by number.

mod build;
mod collect;
pub mod derive;
mod detail;
mod error;
mod finish;
mod frame;
mod group;
mod json;
mod plan;
mod property;
mod scalar;
mod text;

#[cfg(test)]
mod tests;

pub use detail::{
    Bitmap, Buffers, Condition, GroupingSet, Hash, HashAggregate, IncrementalSort, IoTimings, Jit,
    Memoize, Merge, PlannerMemory, RowsRemoved, Serialization, Sort, SortGroups, Space, Storage,
    TargetTable, Trigger, Wal, Worker, Workers,
};
pub use error::{ReadError, Reason};
pub use plan::{Format, Node, Plan};

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
pub fn read(input: &str) -> Result<Vec<Plan>, ReadError> {
    if input.len() > INPUT_BYTES_MAX {
        return Err(ReadError {
            line: 1,
            column: 1,
            reason: Reason::TooLarge,
            partial: Vec::new(),
        });
    }
    let first = input.trim_start();
    if first.starts_with(['[', '{']) {
        let (plans, stopped) = json::read(input);
        return match stopped {
            Some((at, reason)) => Err(error(input, at, reason, plans)),
            None if plans.is_empty() => Err(error(input, 0, Reason::NoPlan, plans)),
            None => Ok(plans),
        };
    }
    let (partial, stopped) = text::read(&frame::lines(input));
    match stopped {
        Some((line, reason)) => Err(ReadError { line, column: 1, reason, partial }),
        None if partial.is_empty() => Err(error(input, 0, Reason::NoPlan, partial)),
        None => Ok(partial),
    }
}

fn error(input: &str, at: usize, reason: Reason, partial: Vec<Plan>) -> ReadError {
    let before = &input.as_bytes()[..at.min(input.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    ReadError { line, column, reason, partial }
}
