//! The tables of a target: how large they are, and so how long a statement stands in the way, and what is made of them already.

use std::collections::BTreeMap;

use crate::model::observation::{ExistingTable, Layout, Relation};
use crate::model::rate::{WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{Families, Policy, Snapshot};

/// Bytes in a second at which a table is read, rewritten or indexed. It is a slow disk's rate, so that the durations are
/// rather too long than too short.
const BYTES_PER_S: f64 = 50e6;

/// Rows and bytes of a table, its partitions included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Size {
    pub(super) rows: f64,
    pub(super) bytes: f64,
}

/// The tables of a target by name, with and without their schema, and the types of their columns.
#[derive(Debug, Default)]
pub struct TargetTables {
    tables: BTreeMap<String, Size>,
    /// By table without its schema, and column; absent where tables of several schemas differ.
    types: BTreeMap<(String, String), Option<String>>,
    /// The table of each index, by the index's name with and without its schema; absent where several have the name.
    indexes: BTreeMap<String, Option<String>>,
    /// What statements would make the tables that the files name.
    existing: Vec<ExistingTable>,
    /// Whether there is a target, whose tables were seen.
    is_known: bool,
    /// Rows written to a table a second, of a partitioned one to the partition that is written most.
    written: BTreeMap<String, f64>,
}

/// A table's name with its schema and without.
fn names(table: &Relation) -> [String; 2] {
    [format!("{}.{}", table.schema, table.name), table.name.clone()]
}

impl TargetTables {
    /// As the catalog last counted them.
    #[expect(clippy::cast_precision_loss, reason = "pages below 2^53")]
    pub fn of(relations: &[Relation]) -> Self {
        let families = Families::of(relations);
        let mut sizes = BTreeMap::new();
        for relation in relations {
            let size = Size { rows: relation.rows_now(None), bytes: relation.total_bytes() as f64 };
            for name in families.upwards(relation.oid).flat_map(names) {
                let sum: &mut Size = sizes.entry(name).or_default();
                // Of several tables of a name without a schema, all are meant.
                sum.rows += size.rows;
                sum.bytes += size.bytes;
            }
        }
        Self { tables: sizes, is_known: true, ..Self::default() }
    }

    /// With the types of columns, as far as they were looked at.
    #[must_use]
    pub fn with_types(mut self, relations: &[Relation], layouts: &[Layout]) -> Self {
        let names: BTreeMap<i64, &str> =
            relations.iter().map(|r| (r.oid, r.name.as_str())).collect();
        for layout in layouts {
            let Some(table) = names.get(&layout.oid) else { continue };
            for column in &layout.columns {
                let known = self.types.entry(((*table).to_owned(), column.name.clone()));
                let known = known.or_insert_with(|| Some(column.type_sql.clone()));
                if known.as_ref() != Some(&column.type_sql) {
                    *known = None;
                }
            }
        }
        self
    }

    /// With the tables of indexes, and how fast rows are written where the counters have counted for long enough.
    #[must_use]
    pub fn with_writes(mut self, snapshot: &Snapshot) -> Self {
        let relations = snapshot.relations.get().map(Vec::as_slice).unwrap_or_default();
        let families = Families::of(relations);
        for index in snapshot.common.indexes.get().map(Vec::as_slice).unwrap_or_default() {
            let Some(table) = families.relation(index.table_oid) else { continue };
            let table = format!("{}.{}", table.schema, table.name);
            for name in [format!("{}.{}", index.schema, index.name), index.name.clone()] {
                let known = self.indexes.entry(name).or_insert_with(|| Some(table.clone()));
                if known.as_ref() != Some(&table) {
                    *known = None;
                }
            }
        }
        let window = snapshot.context.get().ok().and_then(|context| {
            let window = Window::of_database(context).ok()?;
            window.at_least("table_activity", &WINDOW_S_MIN, &Policy::default()).ok()
        });
        let Some(window) = window else { return self };
        for activity in snapshot.common.table_activity.get().map(Vec::as_slice).unwrap_or_default()
        {
            let rows = activity.inserted_rows + activity.updated_rows - activity.hot_updated_rows;
            let rate = window.rate(rows).per_second;
            for name in families.upwards(activity.oid).flat_map(names) {
                let most = self.written.entry(name).or_default();
                *most = most.max(rate);
            }
        }
        self
    }

    /// With what is made already of the tables that the files name.
    #[must_use]
    pub fn with_existing(mut self, existing: Vec<ExistingTable>) -> Self {
        self.existing = existing;
        self
    }

    /// Whether there is a target, whose tables were seen.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// What is made already of the tables that the files name.
    pub(super) fn existing(&self) -> &[ExistingTable] {
        &self.existing
    }

    /// Whether the target has a table.
    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// The size of a table.
    pub(super) fn of_table(&self, table: &str) -> Option<Size> {
        self.tables.get(table).copied()
    }

    /// The table of an index.
    pub(super) fn table_of(&self, index: &str) -> Option<&str> {
        self.indexes.get(index)?.as_deref()
    }

    /// Rows written to a table a second, where that was counted.
    pub(super) fn rows_written_per_second(&self, table: &str) -> Option<f64> {
        self.written.get(table).copied()
    }

    /// The type of a column, as SQL writes it; none where it is not known.
    pub(super) fn type_of(&self, table: &str, column: &str) -> Option<&str> {
        self.types.get(&(table.to_owned(), column.to_owned()))?.as_deref()
    }
}

impl Size {
    /// Whether it is small enough for no one to notice.
    pub(super) fn is_small(&self) -> bool {
        self.bytes < TABLE_BYTES_MIN.default
    }

    /// Seconds it takes to get through it once.
    pub(super) fn seconds(&self) -> f64 {
        self.bytes / BYTES_PER_S
    }
}
