//! A table with its indexes, as the checks of indexes see it.

use std::collections::BTreeMap;

use crate::checks::number::float;
use crate::model::observation::{Common, Index, IndexDetail};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{Case, Families, Gap, Object, Severity};

/// The indexes of one relation: a table, a partition, or the root of a partitioned table.
pub(super) struct Table<'a> {
    /// The relation that has the indexes.
    pub(super) relation: &'a crate::model::observation::Relation,
    /// Its indexes that are no part of another.
    pub(super) indexes: Vec<&'a Index>,
    /// Bytes of heap, TOAST table and indexes of the whole table, partitions added up.
    pub(super) bytes: f64,
    common: &'a Common,
}

/// Calls `judge` with each relation in scope that has indexes of its own.
pub(super) fn for_each_table(
    case: &Case<'_>,
    mut judge: impl FnMut(&Table<'_>),
) -> Result<(), Gap> {
    let seen = case.snapshot;
    let relations = seen.relations.get().map_err(Clone::clone)?;
    let indexes = seen.common.indexes.get().map_err(Clone::clone)?;
    seen.common.index_details.get().map_err(Clone::clone)?;
    let families = Families::of(relations);
    let mut by_table: BTreeMap<i64, Vec<&Index>> = BTreeMap::new();
    let mut bytes: BTreeMap<i64, i64> = BTreeMap::new();
    for index in indexes {
        let Some(family) = families.family(index.table_oid) else { continue };
        *bytes.entry(family.root.oid).or_default() += seen.common.index_bytes(index);
        if index.parent.is_none() {
            by_table.entry(index.table_oid).or_default().push(index);
        }
    }
    for (oid, indexes) in by_table {
        let (Some(family), Some(relation)) =
            (families.family(oid), relations.iter().find(|relation| relation.oid == oid))
        else {
            continue;
        };
        let of_indexes = bytes.get(&family.root.oid).copied().unwrap_or_default();
        let bytes = float(family.bytes() + of_indexes);
        if !case.wants(family) {
            continue;
        }
        judge(&Table { relation, indexes, bytes, common: &seen.common });
    }
    Ok(())
}

impl Table<'_> {
    /// The definition of an index, where it was read.
    pub(super) fn detail(&self, index: &Index) -> Option<&IndexDetail> {
        self.common.index_detail(index.oid)
    }

    /// Bytes of an index, those of its parts added up.
    pub(super) fn index_bytes(&self, index: &Index) -> i64 {
        let indexes = self.common.indexes.get().map(Vec::as_slice).unwrap_or_default();
        let (mut bytes, mut level) = (0, vec![index]);
        for _ in 0..16 {
            bytes += level.iter().map(|index| self.common.index_bytes(index)).sum::<i64>();
            let of_level = |part: &&Index| level.iter().any(|above| part.parent == Some(above.oid));
            level = indexes.iter().filter(of_level).collect();
        }
        bytes
    }

    /// Scans of an index, those of its parts added up.
    pub(super) fn scans(&self, index: &Index) -> i64 {
        let indexes = self.common.indexes.get().map(Vec::as_slice).unwrap_or_default();
        let (mut scans, mut level) = (0, vec![index]);
        for _ in 0..16 {
            scans += level.iter().map(|index| index.scans).sum::<i64>();
            let of_level = |part: &&Index| level.iter().any(|above| part.parent == Some(above.oid));
            level = indexes.iter().filter(of_level).collect();
        }
        scans
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
