//! Everything a visit saw, and everything it could not see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::observation::{
    ColumnDocuments, Context, Layout, RegisteredContract, Relation, StoredValues, ToastTable,
    Workload,
};
use super::{Cost, Gap, Server};

/// What a source returned, or why it did not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation<T> {
    /// What was seen.
    Seen(T),
    /// Why nothing was seen.
    Unseen(Gap),
}

impl<T> Observation<T> {
    /// What was seen, or the gap.
    ///
    /// # Errors
    /// The gap, where nothing was seen.
    pub fn get(&self) -> Result<&T, &Gap> {
        match self {
            Self::Seen(seen) => Ok(seen),
            Self::Unseen(gap) => Err(gap),
        }
    }
}

/// A field of the snapshot that a check may need.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Settings, privileges, extensions and the age of the counters.
    Context,
    /// Every table and materialized view.
    Relations,
    /// Columns and unique keys of the largest tables, and of those without a primary key.
    Layouts,
    /// What the documents of JSON columns hold, from a sample.
    Documents,
    /// Sizes, columns and counters of the few relations large enough to matter.
    ToastTables,
    /// How the values of these are stored, from a sample.
    StoredValues,
    /// What an application runs, as far as anybody told.
    Workload,
}

impl Topic {
    /// Every topic.
    pub const ALL: &[Self] = &[
        Self::Context,
        Self::Relations,
        Self::Layouts,
        Self::Documents,
        Self::ToastTables,
        Self::StoredValues,
        Self::Workload,
    ];

    /// The field's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Relations => "relations",
            Self::Layouts => "layouts",
            Self::Documents => "documents",
            Self::ToastTables => "toast_tables",
            Self::StoredValues => "stored_values",
            Self::Workload => "workload",
        }
    }
}

/// Everything a visit saw, and everything it could not see. It can be kept and judged again offline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// When the visit began.
    pub observed_at: Timestamp,
    /// The server that was visited.
    pub server: Server,
    /// What the visit cost.
    pub cost: Cost,
    /// Settings, privileges, extensions and the age of the counters.
    pub context: Observation<Context>,
    /// Every table and materialized view.
    pub relations: Observation<Vec<Relation>>,
    /// Columns and unique keys of the largest tables, and of those without a primary key.
    pub layouts: Observation<Vec<Layout>>,
    /// What the documents of JSON columns hold, from a sample.
    pub documents: Observation<Vec<ColumnDocuments>>,
    /// Sizes, columns and counters of the few relations large enough to matter.
    pub toast_tables: Observation<Vec<ToastTable>>,
    /// How the values of these are stored, from a sample.
    pub stored_values: Observation<Vec<StoredValues>>,
    /// What an application runs, as far as anybody told.
    pub workload: Observation<Workload>,
    /// The contracts that are registered, and what their columns looked like before.
    #[serde(default)]
    pub contracts: Vec<RegisteredContract>,
    /// What the visit's budget left out, and what was asked for and is not there.
    pub left_out: Vec<Gap>,
}
