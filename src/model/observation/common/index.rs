//! Sources `indexes`, `operator_classes`, `index_details` and `index_sizes`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::QualifiedName;
use crate::model::observation::toast_table::value;

/// An index as `pg_index` describes it. Pages and tuples are as of the last vacuum, analyze or build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of pg_index")]
pub struct Index {
    /// `pg_index.indexrelid`.
    pub oid: i64,
    /// Its table.
    pub table_oid: i64,
    /// Its schema, which is its table's.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The access method: `btree`, `gin`, `hnsw`.
    pub method: String,
    /// The index of the partitioned table that it is a part of.
    pub parent: Option<i64>,
    /// Whether it is the index of a partitioned table, which holds nothing itself.
    pub partitioned: bool,
    /// `UNIQUE`.
    pub is_unique: bool,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// Whether it is the primary key's.
    pub is_primary: bool,
    /// Whether it is an exclusion constraint's.
    pub is_exclusion: bool,
    /// Whether queries may use it.
    pub is_valid: bool,
    /// Whether writes maintain it.
    pub is_ready: bool,
    /// Whether uniqueness is enforced at once, not at the end of the transaction.
    pub is_immediate: bool,
    /// Whether it is the table's replica identity.
    pub is_replica_identity: bool,
    /// Whether the table was last clustered on it.
    pub is_clustered: bool,
    /// Key columns; the rest are `INCLUDE` columns.
    pub key_count: usize,
    /// Table columns by number, 0 for an expression.
    pub attributes: Vec<i16>,
    /// Operator classes of the key columns, by oid.
    pub classes: Vec<i64>,
    /// Collations of the key columns, by oid; 0 where the type has none.
    pub collations: Vec<i64>,
    /// Ordering flags of the key columns: 1 is `DESC`, 2 is `NULLS FIRST`.
    pub ordering: Vec<i16>,
    /// Whether a key is an expression.
    pub has_expressions: bool,
    /// Whether it has a predicate.
    pub is_partial: bool,
    /// Storage parameters as they are written, in their order.
    pub options: Vec<String>,
    /// Pages when last counted.
    pub pages: i64,
    /// Tuples when last counted; absent if never.
    pub tuples: Option<f64>,
    /// Scans since the counters were reset.
    pub scans: i64,
    /// Entries that scans returned.
    pub tuples_read: i64,
    /// Live rows that plain index scans fetched.
    pub tuples_fetched: i64,
    /// The last scan, from PostgreSQL 16 on.
    pub last_scan: Option<Timestamp>,
    /// Since when its scans are counted, where its counters alone were reset; from PostgreSQL 19 on.
    #[serde(default)]
    pub counting_since: Option<Timestamp>,
}

impl Index {
    /// Schema and name.
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName { schema: self.schema.clone(), name: self.name.clone() }
    }

    /// A storage parameter's value as it was written.
    pub fn option(&self, name: &str) -> Option<&str> {
        value(&self.options, name)
    }
}

/// An operator class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorClass {
    /// `pg_opclass.oid`.
    pub oid: i64,
    /// Its schema: `pg_catalog`, or where its extension was created.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The access method.
    pub method: String,
    /// Whether it is used where none is named.
    pub is_default: bool,
    /// Its operator family.
    pub family: String,
    /// The type it indexes.
    pub type_name: String,
}

/// What a chosen index is on, and what a new one would have to repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexDetail {
    /// The index.
    pub oid: i64,
    /// `pg_get_indexdef`.
    pub definition: String,
    /// Its columns in order, `INCLUDE` columns last.
    pub parts: Vec<IndexPart>,
    /// The predicate as the server prints it.
    pub predicate: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
    /// The constraint that rests on it.
    pub constraint_name: Option<String>,
    /// Which kind: `p`, `u` or `x`.
    pub constraint_type: Option<char>,
    /// Whether a foreign key refers to it.
    pub serves_foreign_key: bool,
    /// Whether its first columns are those of a foreign key of its table.
    #[serde(default)]
    pub finds_referring_rows: bool,
    /// Whether an extension made it.
    pub belongs_to_extension: bool,
    /// Extensions that it depends on by name.
    #[serde(default)]
    pub depends_on_extensions: Vec<String>,
    /// Its tablespace, where it is not the database's.
    pub tablespace: Option<String>,
}

/// One column of an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexPart {
    /// The column or expression as the server prints it.
    pub sql: String,
    /// The table's column; absent for an expression.
    pub column: Option<String>,
    /// The column's type; of an expression, the type that the index stores.
    pub type_name: String,
    /// `ALTER INDEX … ALTER COLUMN … SET STATISTICS`.
    pub statistics_target: Option<i64>,
    /// Parameters of its operator class: `siglen=32`.
    #[serde(default)]
    pub options: Vec<String>,
}

/// Bytes of an index now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexSize {
    /// The index.
    pub oid: i64,
    /// `pg_relation_size`.
    pub bytes: i64,
}
