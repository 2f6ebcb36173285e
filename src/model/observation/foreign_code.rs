//! Source `foreign_code`.

use serde::{Deserialize, Serialize};

/// A relation or type whose use runs code that is neither PostgreSQL's own nor an extension's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignCode {
    /// The relation, which runs the code when it is planned or read; none for a type, which runs it for each value that is
    /// read from text.
    pub oid: Option<i64>,
    /// The name by which statements refer to it, without its schema.
    #[serde(default)]
    pub name: String,
    /// What leads to the code: `index`, `type of column`, `statistics` and the like.
    pub kind: String,
    /// Its name; absent where the kind says it all.
    pub object: Option<String>,
    /// Whether only statements that write to the relation run it.
    #[serde(default)]
    pub on_write: bool,
}
