//! The forest of partitions: each table with everything beneath it, built once and safe against cycles.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter::successors;

use super::observation::{Relation, RelationKind};
use super::toast::{BLOCK_BYTES, CHUNK_BYTES_MAX, ROW_BYTES_MIN};
use super::{Partition, Scope};

/// Every table with its partitions, by the root's oid.
#[derive(Debug)]
pub struct Families<'a> {
    by_oid: BTreeMap<i64, &'a Relation>,
    by_root: BTreeMap<i64, Family<'a>>,
    root_of: BTreeMap<i64, i64>,
    /// Roots by schema and name, once they are asked for.
    by_name: OnceCell<HashMap<(&'a str, &'a str), i64>>,
}

/// A table with all its partitions, or a relation alone.
#[derive(Debug)]
pub struct Family<'a> {
    /// The table itself, or the root of the partitioned one.
    pub root: &'a Relation,
    /// The root, inner nodes and leaves, by oid.
    pub members: Vec<&'a Relation>,
}

impl<'a> Families<'a> {
    /// The forest that these relations form.
    pub fn of(relations: &'a [Relation]) -> Self {
        let by_oid: BTreeMap<i64, &Relation> = relations.iter().map(|r| (r.oid, r)).collect();
        let mut by_root: BTreeMap<i64, Family<'a>> = BTreeMap::new();
        let mut root_of = BTreeMap::new();
        for relation in relations {
            let root = top(relation, &by_oid);
            root_of.insert(relation.oid, root.oid);
            let family = by_root.entry(root.oid);
            family.or_insert_with(|| Family { root, members: Vec::new() }).members.push(relation);
        }
        Self { by_oid, by_root, root_of, by_name: OnceCell::new() }
    }

    /// The relation with that oid.
    pub fn relation(&self, oid: i64) -> Option<&'a Relation> {
        self.by_oid.get(&oid).copied()
    }

    /// The table of that name, with its partitions.
    pub fn named(&self, schema: &str, name: &str) -> Option<&Family<'a>> {
        let by_name = self.by_name.get_or_init(|| {
            let roots = self.by_root.values().map(|family| family.root);
            roots.map(|root| ((root.schema.as_str(), root.name.as_str()), root.oid)).collect()
        });
        self.by_root.get(by_name.get(&(schema, name))?)
    }

    /// Each table once, by the root's oid.
    pub fn iter(&self) -> impl Iterator<Item = &Family<'a>> {
        self.by_root.values()
    }

    /// The table that a relation is, or is a part of. None of one that is not among the relations: an extension's, or one that
    /// came or went between two queries of a visit, of which nothing is said.
    pub fn family(&self, oid: i64) -> Option<&Family<'a>> {
        self.by_root.get(self.root_of.get(&oid)?)
    }

    /// A relation, and the tables that it is a part of, the next one first.
    pub fn upwards(&self, oid: i64) -> impl Iterator<Item = &'a Relation> {
        self.relation(oid).into_iter().flat_map(|relation| upwards(relation, &self.by_oid))
    }

    /// The root above a relation; the relation itself where it is no partition.
    pub fn root(&self, oid: i64) -> Option<&'a Relation> {
        self.family(oid).map(|family| family.root)
    }
}

/// A relation and what is above it. A catalog that was read while it changed may show a cycle where the server has none: each
/// comes once.
fn upwards<'a>(
    relation: &'a Relation,
    by_oid: &BTreeMap<i64, &'a Relation>,
) -> impl Iterator<Item = &'a Relation> {
    let mut passed = BTreeSet::from([relation.oid]);
    successors(Some(relation), move |one| {
        let parent = one.parent.and_then(|oid| by_oid.get(&oid)).copied()?;
        passed.insert(parent.oid).then_some(parent)
    })
}

/// The topmost that was seen; where that is in a cycle, the one by which it was entered.
fn top<'a>(relation: &'a Relation, by_oid: &BTreeMap<i64, &'a Relation>) -> &'a Relation {
    let last = upwards(relation, by_oid).last().unwrap_or(relation);
    last.parent.and_then(|oid| by_oid.get(&oid)).copied().unwrap_or(last)
}

impl<'a> Family<'a> {
    /// Whether the table or a part of it is in scope.
    pub fn is_in(&self, scope: &Scope) -> bool {
        self.members.iter().any(|member| scope.holds(&member.schema, &member.name))
    }

    /// Whether even the topmost that was seen is a partition of another table.
    pub fn is_without_root(&self) -> bool {
        self.root.parent.is_some()
    }

    /// Whether the root is a partitioned table.
    pub fn is_partitioned(&self) -> bool {
        self.root.kind == RelationKind::PartitionedTable
    }

    /// The members that hold rows.
    pub fn leaves(&self) -> impl Iterator<Item = &'a Relation> {
        let members = self.members.iter().copied();
        members.filter(|member| member.kind != RelationKind::PartitionedTable)
    }

    /// Rows of all leaves, as last counted or as the counters believe.
    pub fn rows(&self) -> f64 {
        self.leaves().map(|leaf| leaf.rows_now(None)).sum()
    }

    /// Bytes of all leaves with their TOAST tables, without indexes: as last counted, or the least that the counters
    /// allow where that is more.
    pub fn bytes(&self) -> i64 {
        self.leaves().map(Relation::bytes_at_least).sum()
    }

    /// The same with indexes: what the size of a table is judged by.
    pub fn total_bytes(&self) -> i64 {
        self.leaves().map(Relation::total_bytes).sum()
    }

    /// Everything beneath the root, each after the table it is a part of, by name.
    pub fn partitions(&self) -> Vec<Partition> {
        let mut below: BTreeMap<i64, Vec<&Relation>> = BTreeMap::new();
        for member in self.members.iter().filter(|member| member.oid != self.root.oid) {
            below.entry(member.parent.unwrap_or_default()).or_default().push(member);
        }
        let (mut all, mut level) = (Vec::new(), vec![self.root]);
        while !level.is_empty() {
            // `remove` ends a cycle: each parent is taken once.
            let children =
                level.iter().filter_map(|parent| Some((parent, below.remove(&parent.oid)?)));
            let mut next: Vec<(&Relation, &Relation)> = children
                .flat_map(|(parent, parts)| parts.into_iter().map(|part| (*parent, part)))
                .collect();
            next.sort_by_key(|(_, part)| (&part.schema, &part.name));
            all.extend(next.iter().map(|(parent, part)| Partition {
                name: part.qualified_name(),
                parent: parent.qualified_name(),
                partitioned: part.kind == RelationKind::PartitionedTable,
            }));
            level = next.into_iter().map(|(_, part)| part).collect();
        }
        all
    }
}

impl Relation {
    /// Bytes of heap and TOAST table as last counted, or the least that the counters allow where that is more.
    pub fn bytes_at_least(&self) -> i64 {
        let counted = (self.pages + self.toast_pages) * BLOCK_BYTES;
        let believed = self.live_rows * ROW_BYTES_MIN + self.toast_live_chunks * CHUNK_BYTES_MAX;
        counted.max(believed)
    }

    /// The same with indexes.
    pub fn total_bytes(&self) -> i64 {
        self.bytes_at_least() + self.index_pages * BLOCK_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(oid: i64, parent: Option<i64>, kind: RelationKind) -> Relation {
        let (pages, rows) = (10, Some(100.0));
        Relation { kind, parent, pages, rows, ..Relation::empty(oid, "ml", &format!("t{oid}")) }
    }

    #[test]
    fn a_tree_of_three_levels_is_one_family_whose_leaves_hold_the_rows() {
        let partitioned = RelationKind::PartitionedTable;
        let relations = [
            relation(1, None, partitioned),
            relation(2, Some(1), partitioned),
            relation(3, Some(2), RelationKind::Table),
            relation(4, Some(1), RelationKind::Table),
            relation(5, None, RelationKind::Table),
        ];
        let families = Families::of(&relations);
        let family = families.family(3).unwrap_or_else(|| unreachable!("of the root"));
        assert_eq!((family.root.oid, families.iter().count()), (1, 2));
        assert_eq!(family.leaves().map(|leaf| leaf.oid).collect::<Vec<_>>(), [3, 4]);
        let names: Vec<String> = family.partitions().iter().map(|p| p.name.name.clone()).collect();
        assert_eq!(names, ["t2", "t4", "t3"]);
        assert_eq!(family.bytes(), 2 * 10 * BLOCK_BYTES);
    }

    #[test]
    fn a_cycle_in_a_catalog_that_changed_while_it_was_read_ends() {
        let relations =
            [relation(1, Some(2), RelationKind::Table), relation(2, Some(1), RelationKind::Table)];
        let families = Families::of(&relations);
        assert!(families.family(1).is_some() && families.family(2).is_some());
        let above: Vec<i64> = families.upwards(1).map(|relation| relation.oid).collect();
        assert_eq!(above, [1, 2]);
        assert!(families.iter().all(|family| family.partitions().len() <= 2));
    }
}
