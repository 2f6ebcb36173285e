//! Storage parameters of tables and indexes.

use serde::{Deserialize, Serialize};

use super::Maintenance;
use crate::model::action::Change;
use crate::model::{Member, Object};

/// What storage parameters belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionsOf {
    /// Tables and materialized views, by the kind of each member.
    Tables,
    /// Indexes.
    Indexes,
}

/// Storage parameters to set or to take away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptionsChange {
    /// What the finding is about.
    pub object: Object,
    /// What they belong to.
    pub of: OptionsOf,
    /// Where, with all storage parameters as they were written before, in their order.
    pub members: Vec<Member<Vec<String>>>,
    /// Parameters to set, with their values.
    pub set: Vec<(String, String)>,
    /// Parameters to take away.
    pub reset: Vec<String>,
    /// What has to follow so that the change takes effect.
    pub then: Option<Maintenance>,
    /// The change in one line, an imperative.
    pub title: String,
    /// What the change is for in a few words: two alternatives for one object differ here. No estimate may be part of it.
    pub purpose: String,
    /// What to know before, from the check.
    pub caveats: Vec<String>,
}

impl Change for OptionsChange {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        &self.purpose
    }
}
