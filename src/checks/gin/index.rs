//! GIN indexes as findings are about them: those of a partitioned table under the index of its root.

use std::collections::BTreeMap;

use super::limit::off;
use crate::checks::number::float;
use crate::model::observation::{Common, Index, Relation, RelationKind, Setting, TableActivity};
use crate::model::{
    Case, Families, Family, Gap, Maintenance, MaintenanceVerb, Member, MemberKind, Object,
    Partition,
};

/// `gin_pending_list_limit` where nothing sets it.
const LIMIT_KB_DEFAULT: f64 = 4096.0;

/// A GIN index with its parts.
pub(super) struct GinTree<'a> {
    /// The index itself, or that of the partitioned table.
    pub(super) root: &'a Index,
    /// Its table, or the root of the partitioned one.
    pub(super) table: &'a Relation,
    /// Those that hold entries, by oid.
    pub(super) leaves: Vec<LeafIndex<'a>>,
    /// Bytes of the table with TOAST and indexes, partitions included.
    pub(super) table_bytes: f64,
    /// The same without indexes.
    pub(super) heap_bytes: f64,
}

/// An index that holds entries.
#[derive(Clone, Copy)]
pub(super) struct LeafIndex<'a> {
    pub(super) index: &'a Index,
    pub(super) table: &'a Relation,
    /// Counters of the table, where it was among the largest.
    pub(super) activity: Option<&'a TableActivity>,
}

/// Every GIN index of interest with its parts, by the oid of the root.
pub(super) fn trees<'a>(case: &Case<'a>) -> Result<Vec<GinTree<'a>>, Gap> {
    let seen = case.snapshot;
    let families = case.families()?;
    seen.common.indexes.get()?;
    let of_interest = seen.gin.indexes.get()?;
    if of_interest.is_empty() {
        return Ok(Vec::new());
    }
    let of_interest: Vec<&Index> =
        of_interest.iter().filter_map(|index| seen.common.index(index.oid)).collect();
    let index_bytes = bytes_of_indexes(&of_interest, case, families)?;
    let mut trees: BTreeMap<i64, GinTree<'a>> = BTreeMap::new();
    for index in of_interest {
        let root = root(index, &seen.common);
        let (Some(family), Some(table)) =
            (families.family(root.table_oid), families.relation(root.table_oid))
        else {
            continue;
        };
        let bytes = family.bytes() + index_bytes.get(&family.root.oid).copied().unwrap_or(0);
        let tree = trees.entry(root.oid).or_insert_with(|| GinTree {
            root,
            table,
            leaves: Vec::new(),
            table_bytes: float(bytes),
            heap_bytes: float(family.bytes()),
        });
        if let Some(table) = families.relation(index.table_oid).filter(|_| !index.partitioned) {
            let activity = seen.common.activity(index.table_oid);
            tree.leaves.push(LeafIndex { index, table, activity });
        }
    }
    Ok(trees.into_values().collect())
}

/// Bytes of all indexes of the tables that these are on, by the oid of the root.
fn bytes_of_indexes(
    of_interest: &[&Index],
    case: &Case<'_>,
    families: &Families<'_>,
) -> Result<BTreeMap<i64, i64>, Gap> {
    let common = &case.snapshot.common;
    let root = |index: &Index| families.root(index.table_oid).map(|root| root.oid);
    let mut bytes: BTreeMap<i64, i64> =
        of_interest.iter().filter_map(|index| Some((root(index)?, 0))).collect();
    for index in common.indexes.get()? {
        if let Some(sum) = root(index).and_then(|root| bytes.get_mut(&root)) {
            *sum += common.index_bytes(index);
        }
    }
    Ok(bytes)
}

/// A catalog that was read while it changed may show a cycle where the server has none.
fn root<'a>(index: &'a Index, common: &'a Common) -> &'a Index {
    let mut root = index;
    for _ in 0..64 {
        match root.parent.and_then(|oid| common.index(oid)) {
            Some(parent) => root = parent,
            None => break,
        }
    }
    root
}

impl GinTree<'_> {
    /// The index as a finding names it: the root's, unless a single part of several is affected.
    pub(super) fn object(&self, affected: &[&LeafIndex<'_>]) -> Object {
        let index = match affected {
            [one] if self.leaves.len() > 1 => one.index,
            _ => self.root,
        };
        Object::Index {
            schema: index.schema.clone(),
            table: self.table.name.clone(),
            index: index.name.clone(),
        }
    }

    /// The index as a finding names it that is about all of its parts.
    pub(super) fn whole_object(&self) -> Object {
        self.object(&self.leaves.iter().collect::<Vec<_>>())
    }

    /// The partitions of the table, each after the one it is a part of.
    pub(super) fn partitions(&self, case: &Case<'_>) -> Vec<Partition> {
        let family = case.families().ok().and_then(|families| families.family(self.table.oid));
        family.map(Family::partitions).unwrap_or_default()
    }

    /// The root of its table: statements that name a partition count as searches of the root.
    pub(super) fn searched_table<'c>(&self, case: &Case<'c>) -> Option<&'c Relation> {
        case.families().ok()?.root(self.table.oid)
    }

    /// Scans of all parts since the counters were reset.
    pub(super) fn scans(&self) -> i64 {
        self.leaves.iter().map(|leaf| leaf.index.scans).sum()
    }

    /// Pages of all parts, as last counted or now.
    pub(super) fn bytes(&self, case: &Case<'_>) -> i64 {
        self.leaves.iter().map(|leaf| case.snapshot.common.index_bytes(leaf.index)).sum()
    }
}

impl LeafIndex<'_> {
    /// Whether writes go through a pending list.
    pub(super) fn fastupdate(&self) -> bool {
        self.index.option("fastupdate").is_none_or(|value| !off(value))
    }

    /// The limit of the pending list in kB: the index's own, else the setting.
    pub(super) fn limit_kb(&self, setting: Option<&Setting>) -> f64 {
        let own = self.index.option("gin_pending_list_limit").and_then(|value| value.parse().ok());
        own.or_else(|| setting.and_then(Setting::number)).unwrap_or(LIMIT_KB_DEFAULT)
    }

    /// The index with its options as they are.
    pub(super) fn index_member(&self) -> Member<Vec<String>> {
        Member {
            name: self.index.qualified_name(),
            kind: MemberKind::Index,
            before: self.index.options.clone(),
        }
    }

    /// The table with its options as they are, where these are known.
    pub(super) fn table_member(&self) -> Option<Member<Vec<String>>> {
        Some(Member {
            name: self.table.qualified_name(),
            kind: match self.table.kind {
                RelationKind::MaterializedView => MemberKind::MaterializedView,
                RelationKind::PartitionedTable => MemberKind::PartitionedTable,
                RelationKind::Table => MemberKind::Table,
            },
            before: self.activity?.options.clone(),
        })
    }
}

/// A vacuum of the tables of these indexes, which drains their pending lists.
pub(super) fn vacuum(object: &Object, leaves: &[&LeafIndex<'_>]) -> Maintenance {
    Maintenance {
        object: object.clone(),
        verb: MaintenanceVerb::Vacuum,
        tables: leaves.iter().map(|leaf| leaf.table.qualified_name()).collect(),
        preconditions: Vec::new(),
        caveats: Vec::new(),
    }
}
