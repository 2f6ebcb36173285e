//! A replication slot that no one can use.

use serde::{Deserialize, Serialize};

use crate::model::Object;
use crate::model::action::Change;

/// A slot to drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDrop {
    /// What the finding is about.
    pub object: Object,
    /// Its name.
    pub name: String,
    /// The output plugin of a logical one; absent of a physical one.
    pub plugin: Option<String>,
    /// Whether it decodes prepared transactions as they are prepared.
    pub two_phase: bool,
    /// Whether it is copied to standbys, from 17 on.
    pub failover: bool,
}

impl Change for SlotDrop {
    fn object(&self) -> &Object {
        &self.object
    }

    fn is_of_server(&self) -> bool {
        true
    }
}
