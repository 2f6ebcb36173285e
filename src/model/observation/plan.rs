//! What Plan Decoder reads beside the common sources.

use serde::{Deserialize, Serialize};

use crate::model::{Observation, Topic};

/// What Plan Decoder saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Tables on which another session works now.
    pub maintained_tables: Observation<Vec<MaintainedTable>>,
}

/// A table that another session builds an index on, vacuums or analyzes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintainedTable {
    /// `pg_class.oid`.
    pub oid: i64,
}

impl Topic {
    /// Tables on which another session works now.
    pub const MAINTAINED_TABLES: Self = Self("plan.maintained_tables");
}
