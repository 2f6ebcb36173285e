//! Whether a pipeline has to load an unlogged table again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::observation::StagingTable;

/// Whether the table has to be loaded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rebuild {
    /// It was emptied, or is not there.
    Yes,
    /// It holds what was loaded.
    No,
    /// That cannot be known.
    Unknown,
}

/// What became of a staging table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StagingReport {
    /// Whether it has to be loaded again.
    pub rebuild: Rebuild,
    /// Why.
    #[schema(example = "empty, and the server was restarted since")]
    pub reason: String,
    /// Whether it is unlogged; absent where there is no such table.
    pub unlogged: Option<bool>,
    /// Bytes of its heap.
    pub heap_bytes: Option<i64>,
    /// When the server was started, recovered from a crash, or had its counters reset last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub restarted_at: Option<Timestamp>,
}

impl StagingReport {
    /// What follows for a table that was loaded at `since`, from what was seen of it.
    pub fn of(seen: Option<&StagingTable>, since: Option<Timestamp>) -> Self {
        let Some(table) = seen else {
            return Self {
                rebuild: Rebuild::Yes,
                reason: "there is no such table".to_owned(),
                unlogged: None,
                heap_bytes: None,
                restarted_at: None,
            };
        };
        let (rebuild, reason) = judged(table, since);
        Self {
            rebuild,
            reason: reason.to_owned(),
            unlogged: Some(table.is_unlogged),
            heap_bytes: Some(table.heap_bytes),
            restarted_at: Some(table.restarted_at),
        }
    }
}

fn judged(table: &StagingTable, since: Option<Timestamp>) -> (Rebuild, &'static str) {
    if table.partitioned {
        return (Rebuild::Unknown, "partitioned: ask for each partition");
    }
    if !table.is_unlogged {
        return (Rebuild::No, "logged: a crash does not empty it");
    }
    if table.in_recovery {
        return (Rebuild::Unknown, "the server is a standby, where unlogged tables are empty");
    }
    if table.heap_bytes > 0 {
        return (Rebuild::No, "its file is not empty: a crash would have emptied it");
    }
    match since {
        None => (Rebuild::Unknown, "empty: say since when it should not be"),
        Some(since) if table.restarted_at > since => {
            (Rebuild::Yes, "empty, and the server was restarted since")
        }
        Some(_) => (Rebuild::No, "empty, but the server has run since: it was emptied on purpose"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_unlogged_table_of_a_server_that_restarted_since_has_to_be_loaded_again() {
        let at = |second| Timestamp::from_second(second).ok();
        let emptied = StagingTable {
            is_unlogged: true,
            partitioned: false,
            heap_bytes: 0,
            in_recovery: false,
            restarted_at: at(100).unwrap_or_default(),
        };
        let rebuild = |table: &StagingTable, since| StagingReport::of(Some(table), since).rebuild;
        assert_eq!(rebuild(&emptied, at(99)), Rebuild::Yes);
        assert_eq!(rebuild(&emptied, at(100)), Rebuild::No);
        assert_eq!(rebuild(&emptied, None), Rebuild::Unknown);
        assert_eq!(rebuild(&StagingTable { heap_bytes: 8192, ..emptied }, at(99)), Rebuild::No);
        assert_eq!(rebuild(&StagingTable { is_unlogged: false, ..emptied }, at(99)), Rebuild::No);
        assert_eq!(
            rebuild(&StagingTable { in_recovery: true, ..emptied }, at(99)),
            Rebuild::Unknown
        );
        assert_eq!(
            rebuild(&StagingTable { partitioned: true, ..emptied }, at(99)),
            Rebuild::Unknown
        );
        assert_eq!(StagingReport::of(None, None).rebuild, Rebuild::Yes);
    }
}
