//! Indexes to build, to drop, to replace and to rebuild.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::action::Change;
use crate::model::{NAME_BYTES_MAX, Object, Partition, QualifiedName};

/// What a key of an index is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPart {
    /// A column by its name, unquoted.
    Column(String),
    /// An expression: as the server prints it, or with the schema of each operator, function and type.
    Expression(String),
}

/// One key of an index to build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexKey {
    /// What it is on.
    pub on: KeyPart,
    /// The operator class where it is not the default: schema and name.
    pub class: Option<QualifiedName>,
    /// What follows: `DESC`, `NULLS FIRST`; empty for the default.
    pub ordering: String,
}

/// An index to build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewIndex {
    /// What the finding is about.
    pub object: Object,
    /// The table.
    pub table: QualifiedName,
    /// Its partitions where it is partitioned, each after the one it is a part of.
    pub partitions: Vec<Partition>,
    /// What the index is called after the name of its table; see [`index_name`].
    pub suffix: String,
    /// The access method.
    pub method: String,
    /// Its keys.
    pub keys: Vec<IndexKey>,
    /// `INCLUDE` columns.
    pub include: Vec<String>,
    /// `UNIQUE`.
    pub unique: bool,
    /// Storage parameters.
    pub options: Vec<(String, String)>,
    /// The predicate of a partial index, as `pg_get_expr` prints it.
    pub predicate: Option<String>,
    /// What the index is for in a few words: two alternatives for one object differ here. No estimate may be part of it.
    pub purpose: String,
    /// The index that serves the same searches today, and stays: an experiment compares both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Box<ExistingIndex>>,
    /// What to know before, from the check.
    pub caveats: Vec<String>,
}

impl Change for NewIndex {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        &self.purpose
    }
}

/// A leaf or an inner node of a partitioned index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPartition {
    /// The index.
    pub name: QualifiedName,
    /// Its table.
    pub table: QualifiedName,
    /// The index it is a part of.
    pub parent: QualifiedName,
    /// Whether it is partitioned itself.
    pub partitioned: bool,
    /// `pg_get_indexdef`, with its tablespace.
    pub definition: String,
    /// What is set on it.
    pub extras: IndexExtras,
}

/// What is set on an index beside its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexExtras {
    /// Its comment.
    pub comment: Option<String>,
    /// Statistics targets set by name: the column's number in the index and the target.
    pub statistics: Vec<(usize, i64)>,
    /// Its tablespace, where its definition names one.
    pub tablespace: Option<String>,
    /// Its storage parameters, which its definition has too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
    /// Its table, where that was last clustered on it.
    pub clusters: Option<QualifiedName>,
    /// Extensions that it depends on by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on_extensions: Vec<String>,
}

/// An index that is there, with all that building it again needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExistingIndex {
    /// What the finding is about.
    pub object: Object,
    /// The index.
    pub name: QualifiedName,
    /// Its table.
    pub table: QualifiedName,
    /// `pg_get_indexdef`, with its tablespace.
    pub definition: String,
    /// Its parts where its table is partitioned, each after the one it is a part of.
    pub partitions: Vec<IndexPartition>,
    /// Whether its table is partitioned.
    pub partitioned: bool,
    /// What is set on it.
    pub extras: IndexExtras,
    /// Whether it is valid. One that is not is dropped for good: nothing builds an invalid index again.
    pub is_valid: bool,
    /// What to know before, from the check.
    pub caveats: Vec<String>,
}

impl Change for ExistingIndex {
    fn object(&self) -> &Object {
        &self.object
    }

    fn alternative(&self) -> &str {
        &self.name.name
    }
}

/// An index to build in the place of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexReplacement {
    /// The index to build.
    pub new: Box<NewIndex>,
    /// The index that it replaces.
    pub old: Box<ExistingIndex>,
}

impl IndexReplacement {
    /// The same, for a finding about that object.
    #[must_use]
    pub fn about(mut self, object: Object) -> Self {
        self.new.object = object.clone();
        self.old.object = object;
        self
    }
}

impl Change for IndexReplacement {
    fn object(&self) -> &Object {
        &self.new.object
    }

    fn alternative(&self) -> &str {
        &self.new.purpose
    }
}

/// The name of an index: its table's, an underscore and the suffix, within the 63 bytes that the server keeps. A name that
/// would be longer is cut and gets a digest, so that two tables do not share one.
pub fn index_name(table: &str, suffix: &str) -> String {
    let name = format!("{table}_{suffix}");
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let digest = hex::encode(&Sha256::digest(name.as_bytes())[..4]);
    let mut end = NAME_BYTES_MAX.saturating_sub(suffix.len() + digest.len() + 2).min(table.len());
    while !table.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{digest}_{suffix}", &table[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_within_a_character_boundary_and_stays_distinct() {
        assert_eq!(index_name("features", "payload_gin"), "features_payload_gin");
        let (one, two) = ("ä".repeat(31), format!("{}b", "ä".repeat(31)));
        let (one, two) = (index_name(&one, "gin_path"), index_name(&two, "gin_path"));
        assert!(one.len() <= NAME_BYTES_MAX && two.len() <= NAME_BYTES_MAX);
        assert!(one != two && one.ends_with("_gin_path"));
    }
}
