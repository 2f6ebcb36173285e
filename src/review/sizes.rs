//! How large the tables of a target are, and so how long a statement stands in the way.

use std::collections::BTreeMap;

use squawk_syntax::SyntaxNode;

use super::tables::changed;
use crate::model::observation::Relation;
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

/// The tables of a target by name, with and without their schema.
#[derive(Debug, Default)]
pub struct Sizes(BTreeMap<String, Size>);

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
        Self(sizes)
    }

    /// The size of the table that a statement changes, and its name.
    pub(super) fn changed_by(&self, statement: &SyntaxNode) -> Option<(String, Size)> {
        let relation = changed(statement)?;
        let size = self.0.get(&relation)?;
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
