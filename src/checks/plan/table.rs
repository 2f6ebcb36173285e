//! A table with its indexes, as the checks of indexes see it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::checks::existing::LEVELS_MAX;
use crate::checks::number::float;
use crate::model::observation::{Common, Index, IndexDetail, Relation};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{Case, Gap, Object, Severity};

/// The indexes of one relation: a table, a partition, or the root of a partitioned table.
pub(super) struct IndexedTable<'a> {
    /// The relation that has the indexes.
    pub(super) relation: &'a Relation,
    /// Its indexes that are no part of another.
    pub(super) indexes: Vec<&'a Index>,
    /// Indexes of a partition that are parts of those of its table: they cannot be dropped alone.
    pub(super) parts_of_others: Vec<&'a Index>,
    /// Bytes of heap, TOAST table and indexes of the whole table, partitions added up.
    pub(super) bytes: f64,
    common: &'a Common,
}

/// Calls `judge` with each relation in scope that has indexes.
pub(super) fn for_each_table(
    case: &Case<'_>,
    mut judge: impl FnMut(&IndexedTable<'_>),
) -> Result<(), Gap> {
    let seen = case.snapshot;
    let indexes = seen.common.indexes.get()?;
    seen.common.index_details.get()?;
    let families = case.families()?;
    let mut by_table: BTreeMap<i64, Vec<&Index>> = BTreeMap::new();
    let mut parts_by_table: BTreeMap<i64, Vec<&Index>> = BTreeMap::new();
    let mut bytes: BTreeMap<i64, i64> = BTreeMap::new();
    for index in indexes {
        let Some(family) = families.family(index.table_oid) else { continue };
        *bytes.entry(family.root.oid).or_default() += seen.common.index_bytes(index);
        let own = by_table.entry(index.table_oid).or_default();
        if index.parent.is_none() {
            own.push(index);
        } else {
            parts_by_table.entry(index.table_oid).or_default().push(index);
        }
    }
    for (oid, indexes) in by_table {
        let (Some(family), Some(relation)) = (families.family(oid), families.relation(oid)) else {
            continue;
        };
        let of_indexes = bytes.get(&family.root.oid).copied().unwrap_or_default();
        let bytes = float(family.bytes() + of_indexes);
        if !case.wants(family) {
            continue;
        }
        let parts_of_others = parts_by_table.remove(&oid).unwrap_or_default();
        judge(&IndexedTable { relation, indexes, parts_of_others, bytes, common: &seen.common });
    }
    Ok(())
}

impl IndexedTable<'_> {
    /// The definition of an index, where it was read.
    pub(super) fn detail(&self, index: &Index) -> Option<&IndexDetail> {
        self.common.index_detail(index.oid)
    }

    /// Bytes of an index, those of its parts added up.
    pub(super) fn index_bytes(&self, index: &Index) -> i64 {
        self.parts(index).iter().map(|part| self.common.index_bytes(part)).sum()
    }

    /// Scans of an index, those of its parts added up.
    pub(super) fn scans(&self, index: &Index) -> i64 {
        self.parts(index).iter().map(|part| part.scans).sum()
    }

    /// Since when the scans of an index and of all its parts are counted, where that is later than those of the database.
    pub(super) fn counting_since(&self, index: &Index) -> Option<Timestamp> {
        self.parts(index).iter().filter_map(|part| part.counting_since).max()
    }

    /// The index and everything beneath it. Only a partitioned one has parts to look for.
    fn parts<'b>(&'b self, index: &'b Index) -> Vec<&'b Index> {
        let (mut all, mut level) = (vec![index], vec![index]);
        let indexes = self.common.indexes.get().map(Vec::as_slice).unwrap_or_default();
        // A catalog that changed while it was read may show a cycle.
        for _ in 0..LEVELS_MAX {
            level.retain(|index| index.partitioned);
            if level.is_empty() {
                break;
            }
            let of_level = |part: &&Index| level.iter().any(|above| part.parent == Some(above.oid));
            level = indexes.iter().filter(of_level).collect();
            all.extend(&level);
        }
        all
    }

    /// The index as findings name it.
    pub(super) fn object(&self, index: &Index) -> Object {
        Object::Index {
            schema: self.relation.schema.clone(),
            table: self.relation.name.clone(),
            index: index.name.clone(),
        }
    }

    /// The severity of a mistake: low on a table under the size gate.
    pub(super) fn severity(&self, case: &Case<'_>, severity: Severity) -> Severity {
        if self.bytes < case.policy.get(&TABLE_BYTES_MIN) { Severity::Low } else { severity }
    }
}
