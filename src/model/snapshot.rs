//! Everything a visit saw, and everything it could not see.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::observation::{
    self, ColumnContract, ColumnDocuments, Common, Context, ForeignCode, Layout, Plan, Relation,
    StatementPlan, StoredValues, ToastTable, Wal, Workload,
};
use super::{Cost, Gap, GapReason, Server};

/// What a source returned, or why it did not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation<T> {
    /// What was seen.
    Seen(T),
    /// Why nothing was seen.
    Unseen(Gap),
}

impl<T> Default for Observation<T> {
    /// A snapshot of an earlier release does not have it.
    fn default() -> Self {
        let detail = "this visit was not asked to look at it";
        Self::Unseen(Gap::new("snapshot", GapReason::NotEnoughEvidence, detail))
    }
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

/// A part of the snapshot that a check may need: its path in the serialised form. A superpower's own topics stand
/// beside its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[schema(value_type = String, example = "relations")]
pub struct Topic(pub &'static str);

impl Topic {
    /// Settings, privileges, extensions and the age of the counters.
    pub const CONTEXT: Self = Self("context");
    /// Every table and materialized view.
    pub const RELATIONS: Self = Self("relations");
    /// Columns and unique keys of the largest tables, and of those without a primary key.
    pub const LAYOUTS: Self = Self("layouts");
    /// What the documents of JSON columns hold, from a sample.
    pub const DOCUMENTS: Self = Self("documents");
    /// Sizes, columns and counters of the few relations large enough to matter.
    pub const TOAST_TABLES: Self = Self("toast_tables");
    /// How the values of these are stored, from a sample.
    pub const STORED_VALUES: Self = Self("stored_values");
    /// What an application runs, from the server and from what was sent.
    pub const WORKLOAD: Self = Self("workload");

    /// Which columns and operators the statements use: the workload of every column, not of documents alone.
    pub const STATEMENTS: Self = Self("workload.statements");

    /// The path.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// The version of the serialised snapshot. Raised when a later release could not read what this one writes.
pub const SNAPSHOT_FORMAT: u32 = 2;

macro_rules! define_snapshot {
    ($($(#[$doc:meta])* $part:ident: $type:ident, $look:ident;)*) => {
        /// Everything a visit saw, and everything it could not see. It can be kept and judged again offline.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Snapshot {
            /// The version of this form, [`SNAPSHOT_FORMAT`] when it was written.
            pub format: u32,
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
            /// Relations that are not planned or read, for that would run code of the target's own; empty where the target is
            /// trusted.
            #[serde(default)]
            pub foreign_code: Observation<Vec<ForeignCode>>,
            /// What several superpowers read.
            #[serde(default)]
            pub common: Common,
            /// WAL, checkpoints, transactions and partitions.
            #[serde(default)]
            pub wal: Box<Wal>,
            $($(#[$doc])* #[serde(default)] pub $part: Box<observation::$type>,)*
            /// Columns and unique keys of the largest tables, and of those without a primary key.
            pub layouts: Observation<Vec<Layout>>,
            /// What the documents of JSON columns hold, from a sample.
            pub documents: Observation<Vec<ColumnDocuments>>,
            /// Sizes, columns and counters of the few relations large enough to matter.
            pub toast_tables: Observation<Vec<ToastTable>>,
            /// How the values of these are stored, from a sample.
            pub stored_values: Observation<Vec<StoredValues>>,
            /// What an application runs, as far as it is known.
            pub workload: Observation<Workload>,
            /// The contracts that are registered, and what their columns looked like before.
            #[serde(default)]
            pub contracts: Vec<ColumnContract>,
            /// What the visit's budget left out, and what was asked for and is not there.
            pub left_out: Vec<Gap>,
        }
    };
}

snapshot_parts!(define_snapshot);

impl Snapshot {
    /// Of a visit that has seen nothing yet.
    pub fn new(server: Server, observed_at: Timestamp) -> Self {
        Self { format: SNAPSHOT_FORMAT, observed_at, server, ..Self::default() }
    }

    /// Holds nothing but plans.
    pub fn of_plans(plans: Vec<StatementPlan>, server: Server, observed_at: Timestamp) -> Self {
        let plan = Plan { statements: Observation::Seen(plans), ..Plan::default() };
        Self { plan: Box::new(plan), ..Self::new(server, observed_at) }
    }
}
