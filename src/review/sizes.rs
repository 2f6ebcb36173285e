//! How large the tables of a target are, and so how long a statement stands in the way.

use std::collections::BTreeMap;

use squawk_syntax::SyntaxNode;

use super::tables::changed;
use crate::model::observation::{Layout, Relation};
use crate::model::size::TABLE_BYTES_MIN;

/// What reading a table, building an index of it or writing it anew gets through in a second: a slow disk's pace,
/// so that what is told is rather too long.
const BYTES_PER_S: f64 = 50e6;

/// Rows and bytes of a table, its partitions included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Size {
    pub(super) rows: f64,
    pub(super) bytes: f64,
}

/// The tables of a target by name, with and without their schema, and the types of their columns.
#[derive(Debug, Default)]
pub struct Sizes {
    tables: BTreeMap<String, Size>,
    /// By table without its schema, and column; absent where tables of several schemas differ.
    types: BTreeMap<(String, String), Option<String>>,
}

impl Sizes {
    /// As the catalog last counted them.
    #[expect(clippy::cast_precision_loss, reason = "pages below 2^53")]
    pub fn of(relations: &[Relation]) -> Self {
        let by_oid: BTreeMap<i64, &Relation> = relations.iter().map(|r| (r.oid, r)).collect();
        let mut sizes = BTreeMap::new();
        for relation in relations {
            let size = Size { rows: relation.rows_now(None), bytes: relation.total_bytes() as f64 };
            let mut owner = Some(relation);
            while let Some(table) = owner {
                for name in [format!("{}.{}", table.schema, table.name), table.name.clone()] {
                    let sum: &mut Size = sizes.entry(name).or_default();
                    // Of several tables of a name without a schema, all are meant.
                    sum.rows += size.rows;
                    sum.bytes += size.bytes;
                }
                owner = table.parent.and_then(|oid| by_oid.get(&oid)).copied();
            }
        }
        Self { tables: sizes, types: BTreeMap::new() }
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

    /// The type of a column, as SQL writes it; none where it is not known.
    pub(super) fn type_of(&self, table: &str, column: &str) -> Option<&str> {
        self.types.get(&(table.to_owned(), column.to_owned()))?.as_deref()
    }

    /// The size of the table that a statement changes, and its name.
    pub(super) fn changed_by(&self, statement: &SyntaxNode) -> Option<(String, Size)> {
        let relation = changed(statement)?;
        let size = self.tables.get(&relation)?;
        Some((relation, *size))
    }
}

impl Size {
    /// Whether it is small enough for nobody to notice.
    pub(super) fn is_small(&self) -> bool {
        self.bytes < TABLE_BYTES_MIN.default
    }

    /// Seconds it takes to get through it once.
    pub(super) fn seconds(&self) -> f64 {
        self.bytes / BYTES_PER_S
    }
}
