//! Source `foreign_code`.

use serde::{Deserialize, Serialize};

/// A relation whose planning or reading runs code that is neither PostgreSQL's own nor an extension's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignCode {
    /// The relation.
    pub oid: i64,
    /// What leads to the code: `index`, `type of column`, `statistics` and the like.
    pub kind: String,
    /// Its name; absent where the kind says it all.
    pub object: Option<String>,
}
