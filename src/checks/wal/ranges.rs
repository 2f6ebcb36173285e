//! Tables divided by ranges of time or ids, with the ranges of their partitions.

use std::collections::BTreeMap;

use super::bound::{Bound, End, Range};
use crate::model::observation::{PartitionKey, PartmanSet, Relation};
use crate::model::{Case, Families, Family, Gap};

/// A partition with its range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) relation: &'a Relation,
    pub(super) range: Range,
}

/// A root that is divided by ranges.
#[derive(Debug)]
pub(super) struct Divided<'a> {
    pub(super) root: &'a Relation,
    pub(super) key: &'a PartitionKey,
    /// Its partitions, by where they end.
    pub(super) parts: Vec<Part<'a>>,
    /// Whether the range of one could not be read.
    pub(super) unread: bool,
}

impl<'a> Divided<'a> {
    /// Every root that is divided by ranges; a gap where the keys or bounds were not seen.
    pub(super) fn all(case: &Case<'a>, families: &Families<'a>) -> Result<Vec<Self>, Gap> {
        let wal = &case.snapshot.wal;
        let keys = wal.partition_keys.get().map_err(Clone::clone)?;
        let bounds = wal.partition_bounds.get().map_err(Clone::clone)?;
        let mut by_parent: BTreeMap<i64, Vec<(i64, &str)>> = BTreeMap::new();
        for bound in bounds {
            let text = bound.bound.as_deref().unwrap_or_default();
            by_parent.entry(bound.parent).or_default().push((bound.oid, text));
        }
        let mut all = Vec::new();
        for key in keys.iter().filter(|key| key.strategy == 'r') {
            let Some(family) = families.family(key.oid).filter(|f| f.root.oid == key.oid) else {
                continue;
            };
            let parts = by_parent.remove(&key.oid).unwrap_or_default();
            all.push(Self::of(family, key, &parts));
        }
        Ok(all)
    }

    fn of(family: &Family<'a>, key: &'a PartitionKey, bounds: &[(i64, &str)]) -> Self {
        let by_oid: BTreeMap<i64, &'a Relation> =
            family.members.iter().map(|member| (member.oid, *member)).collect();
        let (mut parts, mut unread) = (Vec::new(), false);
        for (oid, text) in bounds {
            match (Bound::read(text), by_oid.get(oid)) {
                (Bound::Range(range), Some(relation)) => parts.push(Part { relation, range }),
                (Bound::Default, _) => {}
                _ => unread = true,
            }
        }
        parts.sort_by_key(|part| (part.range.to, part.relation.oid));
        Self { root: family.root, key, parts, unread }
    }

    /// Whether it is divided by time.
    pub(super) fn is_by_time(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.range.to, End::Time(_)))
    }

    /// What `pg_partman` says of it, where it maintains it.
    pub(super) fn partman<'b>(&self, case: &Case<'b>) -> Option<&'b PartmanSet> {
        let sets = case.snapshot.wal.partman_sets.get().ok()?;
        let name = format!("{}.{}", self.root.schema, self.root.name);
        sets.iter().find(|set| set.parent_table == name)
    }

    /// Whether it has a partition for what no other takes.
    pub(super) fn has_default(&self) -> bool {
        self.key.default_partition.is_some()
    }
}
