//! Sources `names` and `search_path`: what names in statements mean.

use serde::{Deserialize, Serialize};

/// A column's name, and whether it holds JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedColumn {
    /// Its name.
    pub name: String,
    /// Whether it is of type `json` or `jsonb`, or a domain over one.
    pub json: bool,
}

/// A relation as statements name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedRelation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The query a view stands for.
    pub view: Option<String>,
    /// The columns of a table.
    pub columns: Vec<NamedColumn>,
    /// The schema of the table that a partition is a part of, at the top.
    #[serde(default)]
    pub root_schema: Option<String>,
    /// The name of that table.
    #[serde(default)]
    pub root_name: Option<String>,
}

/// What names mean in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The database.
    pub database: String,
    /// Schemas where a name without one is looked for.
    pub search_path: Vec<String>,
    /// Every table and view.
    pub relations: Vec<NamedRelation>,
}
