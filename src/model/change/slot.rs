//! A replication slot that no one can use.

use serde::{Deserialize, Serialize};

use crate::model::Object;

/// A slot to drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDrop {
    /// What the finding is about.
    pub object: Object,
    /// Its name.
    pub name: String,
    /// The output plugin of a logical one; absent of a physical one.
    pub plugin: Option<String>,
}
