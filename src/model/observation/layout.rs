//! Source `layouts`: columns in the order they are stored in, and the unique keys.

use serde::{Deserialize, Serialize};

/// A column as it is laid out in a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a row of the catalog, and not a state")]
pub struct LayoutColumn {
    /// Its name.
    pub name: String,
    /// Its type's name; the base type's for a domain.
    pub type_name: String,
    /// Its type as SQL writes it.
    pub type_sql: String,
    /// Whether the type is PostgreSQL's own.
    pub built_in: bool,
    /// `pg_attribute.attlen`: bytes, or -1 for values of variable length.
    pub length: i64,
    /// `pg_attribute.attalign`: `c`, `s`, `i` or `d`.
    pub alignment: char,
    /// `pg_attribute.attstorage`: `p`, `e`, `m` or `x`.
    pub storage: char,
    /// `pg_attribute.attcompression`: `p`, `l`, or absent where nothing was set by name.
    pub compression: Option<char>,
    /// Whether it takes no NULL.
    pub not_null: bool,
    /// Its default or generation expression, as SQL writes it.
    pub default: Option<String>,
    /// `pg_attribute.attgenerated`: `s` or `v`; absent where values are assigned.
    pub generated: Option<char>,
    /// Whether it is an identity column.
    pub identity: bool,
    /// Whether it was inherited.
    pub inherited: bool,
    /// Whether our role may read it.
    pub readable: bool,
    /// The share of NULLs when last analyzed.
    pub null_share: Option<f64>,
    /// Bytes of an average value as stored, when last analyzed.
    pub width: Option<f64>,
    /// Different values when last analyzed: negative as a share of the rows, as `pg_stats.n_distinct`.
    pub distinct: Option<f64>,
    /// Whether it is of text that begins as JSON does, by its statistics, or is too wide for these.
    #[serde(default)]
    pub looks_json: bool,
    /// The key of documents that it is generated from, perhaps cast; filled in once the visit is over.
    #[serde(default)]
    pub holds: Option<KeyColumn>,
    /// What keeps its type from being changed.
    pub pins: Vec<String>,
    /// Whether a partition has a default, a storage strategy or a compression method of its own for it.
    #[serde(default)]
    pub uneven: bool,
}

impl LayoutColumn {
    /// Whether it is of text.
    pub fn is_text(&self) -> bool {
        self.built_in && matches!(self.type_name.as_str(), "text" | "varchar")
    }

    /// Whether it is of type `json` or `jsonb`.
    pub fn is_json(&self) -> bool {
        self.built_in && matches!(self.type_name.as_str(), "json" | "jsonb")
    }
}

/// A key of a column's documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyColumn {
    /// The column of the documents.
    pub document: String,
    /// The key's path: `a.b`.
    pub path: String,
}

/// A unique index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniqueKey {
    /// Its name.
    pub index: String,
    /// The columns it keeps unique, in order.
    pub columns: Vec<String>,
    /// Those of them that take NULL.
    pub nullable: Vec<String>,
    /// Whether a constraint owns it.
    pub is_constraint: bool,
    /// Whether `ADD PRIMARY KEY USING INDEX` takes it: whole rows, plain columns in default order, valid, not
    /// deferred, in the default tablespace, neither replica identity nor clustered on, and no foreign key rests on it.
    pub adoptable: bool,
    /// Whether it is unique for all rows whose columns are not NULL: valid, of all rows, of plain columns.
    pub identifies: bool,
    /// What makes it again.
    pub definition: String,
    /// Its comment, if it has one.
    pub comment: Option<String>,
}

/// A column or expression of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of the catalog, independent of each other"
)]
pub struct DocumentIndexKey {
    /// What it is on: the name of a column, or an expression as `pg_get_indexdef(…, n, true)` prints it; with its collation
    /// where that is not the default one.
    pub on: String,
    /// Its operator class.
    pub class: String,
    /// Whether that is the default one: another one may not serve every comparison.
    pub default_class: bool,
    /// Whether text is sorted by its bytes there: it serves `LIKE`, too.
    pub bytewise: bool,
    /// Whether it is descending.
    pub descending: bool,
    /// Whether NULLs come first.
    pub nulls_first: bool,
    /// `on` as expressions of statements are spelled; filled in once the visit is over.
    #[serde(default)]
    pub spelled: String,
}

/// An index on keys of documents, or on documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentIndex {
    /// Its name.
    pub index: String,
    /// What it is on, in order.
    pub keys: Vec<DocumentIndexKey>,
    /// `pg_am.amname`.
    pub method: String,
    /// Of which rows it is, as `pg_get_expr` prints it; absent where it is of all.
    pub predicate: Option<String>,
    /// The predicate as expressions of statements are spelled; filled in once the visit is over.
    #[serde(default)]
    pub spelled_predicate: Option<String>,
}

/// A table as it is laid out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a row of the catalog, and not a state")]
pub struct Layout {
    /// `pg_class.oid`.
    pub oid: i64,
    /// Whether it is unlogged: emptied by a crash.
    pub unlogged: bool,
    /// Whether it inherits, or is inherited from, and is no partition.
    pub inheritance: bool,
    /// Whether its columns are those of a type (`CREATE TABLE … OF`), or another column's type is its row.
    pub row_type_used: bool,
    /// Whether a publication sends its updates or deletes.
    pub published: bool,
    /// Why an UPDATE of it would fail or do something else; absent where it would not.
    pub updates_refused: Option<String>,
    /// `pg_class.relreplident`: `d`, `n`, `f` or `i`.
    pub replica_identity: char,
    /// Whether our role sees all its rows.
    pub row_security: bool,
    /// Columns that were dropped: each still has its bit in the null bitmap of new rows.
    pub dropped_columns: i64,
    /// `toast_tuple_target`, where it is set.
    pub toast_tuple_target: Option<u32>,
    /// Its columns, in the order they are stored in.
    pub columns: Vec<LayoutColumn>,
    /// Its unique indexes, the primary key's excepted.
    pub keys: Vec<UniqueKey>,
    /// Its valid indexes that have an expression or a column of type `jsonb` in them.
    #[serde(default)]
    pub document_indexes: Vec<DocumentIndex>,
    /// Names in its schema, of relations and functions, that begin with its own: what is made beside it cannot have them.
    #[serde(default)]
    pub names_taken: Vec<String>,
    /// Bytes of the heap's main fork, true at the time of the visit; asked for where documents are sampled.
    pub heap_bytes: Option<i64>,
    /// Bytes of the TOAST table's main fork.
    pub toast_bytes: Option<i64>,
}

impl Layout {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&LayoutColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}
