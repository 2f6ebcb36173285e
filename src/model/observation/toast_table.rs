//! Source `toast_tables`: sizes, columns and counters of the relations large enough to matter.

use serde::{Deserialize, Serialize};

/// A column whose values may be compressed or stored out of line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a row of the catalog, and not a state")]
pub struct ToastColumn {
    /// Its name.
    pub name: String,
    /// Its type's name; the base type's for a domain.
    pub type_name: String,
    /// Whether the base type is an array.
    pub is_array: bool,
    /// Whether its values are all equally wide, NULL apart.
    pub equally_wide: bool,
    /// Whether `ANALYZE` looks into every value, however wide.
    pub analyzed_whole: bool,
    /// B-trees that hold it as it is, and conditions of the table that name it: each reads it for every update.
    pub written_readers: i64,
    /// How indexes store it, each letter once: a change of its storage reaches them.
    pub index_storages: Vec<char>,
    /// `pg_attribute.attstorage`: `p`, `e`, `m` or `x`.
    pub storage: char,
    /// The type's own storage.
    pub type_storage: char,
    /// `pg_attribute.attcompression`: `p`, `l`, or absent where nothing was set by name.
    pub compression: Option<char>,
    /// Whether the server computes and stores it: no one can assign it.
    pub generated: bool,
    /// A column of its expression: to assign that is to compute the value again.
    pub generated_from: Option<String>,
    /// Whether our role may read it.
    pub readable: bool,
}

/// A relation with its TOAST table. Partitioned tables have columns and no sizes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a row of the catalog, and not a state")]
pub struct ToastTable {
    /// `pg_class.oid` of the relation.
    pub oid: i64,
    /// Its columns of variable length that are not generated virtually.
    pub columns: Vec<ToastColumn>,
    /// Bytes of its columns of fixed length, for the width of a row.
    pub fixed_bytes: i64,
    /// Bytes that may stand between its columns and in the header of a row, at most.
    pub padding_bytes: i64,
    /// Options of the relation, as written: `name=value`.
    pub options: Vec<String>,
    /// Options of the TOAST table, as written.
    pub toast_options: Vec<String>,
    /// Whether an UPDATE fires triggers.
    pub update_triggers: bool,
    /// Why an UPDATE of it would fail or do something else; absent where it would not.
    pub updates_refused: Option<String>,
    /// Whether row security hides rows from our role.
    pub row_security: bool,
    /// Whether our role may read the table, and not only columns of it: system columns are not granted alone.
    pub readable_whole: bool,
    /// Whether other tables inherit from it, partitions included.
    pub has_children: bool,
    /// Bytes of the heap's main fork, true at the time of the visit; absent if it could not be had.
    pub heap_bytes: Option<i64>,
    /// Bytes of the TOAST table's main fork.
    pub toast_bytes: Option<i64>,
    /// Rows read by sequential and index scans since the counters were reset.
    pub rows_read: i64,
    /// Rows inserted since then.
    pub rows_inserted: i64,
    /// Rows updated since then.
    pub rows_updated: i64,
    /// Rows deleted since then.
    pub rows_deleted: i64,
    /// Rows alive, by the counters.
    pub rows_live: i64,
    /// Times it was analyzed since the counters were reset, alone or with a table that it inherits from.
    pub analyzes: i64,
    /// Rows that each of these read at most.
    pub analyze_rows_max: i64,
    /// Indexes and extended statistics that read whole values when they are built, kept or analyzed.
    pub value_readers: i64,
    /// Whether each update and delete reads the old row whole, to log it for logical decoding.
    pub logs_old_values: bool,
    /// Chunks alive in the TOAST table, by the counters.
    pub chunks_live: i64,
    /// Chunks as last counted by a vacuum, which no reset of counters forgets; absent where there was none.
    pub chunks_counted: Option<i64>,
    /// Chunks dead and not yet vacuumed.
    pub chunks_dead: i64,
    /// Chunks inserted since the counters were reset.
    pub chunks_inserted: i64,
    /// Chunks deleted since then.
    pub chunks_deleted: i64,
    /// Chunks read back since then: tuples its index fetched, not its scans, which inserts cause too.
    pub chunks_read: i64,
    /// Blocks of the TOAST table and its index found in shared buffers since then.
    pub toast_blocks_hit: i64,
    /// Blocks of these read from outside shared buffers since then.
    pub toast_blocks_read: i64,
}

impl ToastTable {
    /// The value of an option of the relation.
    pub fn option(&self, name: &str) -> Option<&str> {
        value(&self.options, name)
    }

    /// The value of an option of the TOAST table.
    pub fn toast_option(&self, name: &str) -> Option<&str> {
        value(&self.toast_options, name)
    }
}

/// A storage parameter's value in a list as `pg_class.reloptions` keeps it.
pub(super) fn value<'a>(options: &'a [String], name: &str) -> Option<&'a str> {
    options.iter().find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
}
