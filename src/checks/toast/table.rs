//! A table as the checks of TOAST see it: with its partitions, and with estimates for the whole of it.

use std::collections::{BTreeMap, BTreeSet};

use super::estimate::StorageEstimate;
use super::size::TABLE_BYTES_MIN;
pub(super) use crate::checks::number::{float, whole};
use crate::model::observation::{
    Context, Relation, RelationKind, StoredSample, ToastColumn, ToastTable,
};
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Case, Compression, Gap, Member, MemberKind, Object, Observation, Snapshot, Storage,
};

/// One relation of a table: itself, its root, or a partition.
pub(super) struct RelationNode<'a> {
    pub(super) relation: &'a Relation,
    pub(super) toast: &'a ToastTable,
    /// Absent for nodes without rows, for partitions that others speak for, and where there is a gap.
    pub(super) sample: Option<&'a StoredSample>,
}

/// A table with all its partitions, or a relation alone.
pub(super) struct ToastedTable<'a> {
    pub(super) root: &'a Relation,
    pub(super) nodes: Vec<RelationNode<'a>>,
}

/// The tables that were looked into and are large enough to judge.
pub(super) fn tables<'a>(case: &Case<'a>) -> Result<Vec<ToastedTable<'a>>, Gap> {
    let snapshot = case.snapshot;
    let families = case.families()?;
    let toast_tables = snapshot.toast_tables.get()?;
    let samples: BTreeMap<i64, &StoredSample> = match &snapshot.stored_values {
        Observation::Seen(values) => {
            values.iter().filter_map(|value| Some((value.oid, value.sample.get().ok()?))).collect()
        }
        Observation::Unseen(_) => BTreeMap::new(),
    };
    let mut tables: BTreeMap<i64, ToastedTable<'a>> = BTreeMap::new();
    for toast in toast_tables {
        let (relation, root) = (families.relation(toast.oid), families.root(toast.oid));
        // Dropped between the two round trips.
        let Some((relation, root)) = relation.zip(root) else { continue };
        let sample = samples.get(&toast.oid).copied();
        let table =
            tables.entry(root.oid).or_insert_with(|| ToastedTable { root, nodes: Vec::new() });
        table.nodes.push(RelationNode { relation, toast, sample });
    }
    let bytes_min = case.policy.get(&TABLE_BYTES_MIN);
    Ok(tables
        .into_values()
        .filter(|table| float(table.bytes() + table.index_bytes()) >= bytes_min)
        .collect())
}

/// Gaps of the samples: what they hide is no pass.
pub(super) fn sample_gaps(snapshot: &Snapshot) -> Result<Vec<Gap>, Gap> {
    let values = snapshot.stored_values.get()?;
    Ok(values.iter().filter_map(|value| value.sample.get().err().cloned()).collect())
}

impl RelationNode<'_> {
    pub(super) fn holds_rows(&self) -> bool {
        self.relation.kind != RelationKind::PartitionedTable
    }

    /// Rows as last counted, or as the counters believe, unless the sample shows both to be stale.
    pub(super) fn rows(&self) -> f64 {
        let (counted, live) = (self.relation.rows.unwrap_or(0.0), float(self.toast.rows_live));
        let Some(sample) = self.sample.filter(|sample| sample.pages_share > 0.0) else {
            return counted.max(live);
        };
        let sampled = float(sample.rows) / sample.pages_share;
        if sample.complete {
            return sampled;
        }
        // A sample of some dozens of pages is out by a third at most; a stale count may be out by anything.
        let agrees = |rows: &f64| (0.5..=2.0).contains(&(rows / sampled.max(1.0)));
        [counted, live].into_iter().find(agrees).unwrap_or(sampled)
    }

    /// Chunks alive: by the counters, or by the sample where these were reset since, or else by the last vacuum.
    pub(super) fn chunks_live(&self) -> f64 {
        let Some(sample) = self.sample else {
            return float(self.toast.chunks_live.max(self.toast.chunks_counted.unwrap_or(0)));
        };
        let chunks: u64 = sample.columns.iter().map(|column| column.out_of_line_chunks).sum();
        float(self.toast.chunks_live).max(float(chunks) / float(sample.rows).max(1.0) * self.rows())
    }

    /// Bytes of the heap, true or as last counted; absent for a partition that no one measured or counted.
    fn heap_bytes(&self) -> Option<i64> {
        let counted = (self.relation.pages > 0).then_some(self.relation.pages * BLOCK_BYTES);
        self.toast.heap_bytes.or(counted)
    }

    pub(super) fn toast_bytes(&self) -> Option<i64> {
        let counted = (self.relation.pages > 0).then_some(self.relation.toast_pages * BLOCK_BYTES);
        self.toast.toast_bytes.or(counted)
    }

    /// What an action needs to know of it.
    pub(super) fn member<Before>(&self, before: Before) -> Member<Before> {
        let kind = match self.relation.kind {
            RelationKind::PartitionedTable => MemberKind::PartitionedTable,
            RelationKind::MaterializedView => MemberKind::MaterializedView,
            RelationKind::Table if self.toast.has_children => MemberKind::InheritanceParent,
            RelationKind::Table => MemberKind::Table,
        };
        Member { name: self.relation.qualified_name(), kind, before }
    }

    pub(super) fn column(&self, name: &str) -> Option<&ToastColumn> {
        self.toast.columns.iter().find(|column| column.name == name)
    }
}

impl<'a> ToastedTable<'a> {
    /// The nodes that hold rows.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &RelationNode<'a>> {
        self.nodes.iter().filter(|node| node.holds_rows())
    }

    pub(super) fn rows(&self) -> f64 {
        self.leaves().map(RelationNode::rows).sum()
    }

    pub(super) fn heap_bytes(&self) -> i64 {
        self.sum_of(RelationNode::heap_bytes)
    }

    pub(super) fn toast_bytes(&self) -> i64 {
        self.sum_of(RelationNode::toast_bytes)
    }

    /// The bytes of its leaves. Those that no one counted are taken to be as wide as the others.
    fn sum_of(&self, bytes: impl Fn(&RelationNode<'a>) -> Option<i64>) -> i64 {
        let (mut known, mut known_rows, mut other_rows) = (0, 0.0, 0.0);
        for leaf in self.leaves() {
            match bytes(leaf) {
                Some(bytes) => {
                    known += bytes;
                    known_rows += leaf.rows();
                }
                None => other_rows += leaf.rows(),
            }
        }
        if known_rows < 1.0 {
            return known;
        }
        known + whole(float(known) * other_rows / known_rows)
    }

    pub(super) fn bytes(&self) -> i64 {
        self.heap_bytes() + self.toast_bytes()
    }

    /// Bytes of its indexes, as last counted.
    fn index_bytes(&self) -> i64 {
        self.leaves().map(|leaf| leaf.relation.index_pages * BLOCK_BYTES).sum()
    }

    /// The sum of a counter over everything that holds rows.
    pub(super) fn total(&self, counter: impl Fn(&ToastTable) -> i64) -> i64 {
        self.leaves().map(|node| counter(node.toast)).sum()
    }

    pub(super) fn is_materialized_view(&self) -> bool {
        self.root.kind == RelationKind::MaterializedView
    }

    /// What a finding about all of it is about.
    pub(super) fn object(&self) -> Object {
        let (schema, table) = (self.root.schema.clone(), self.root.name.clone());
        match self.root.kind {
            RelationKind::MaterializedView => Object::MaterializedView { schema, table },
            _ => Object::Table { schema, table },
        }
    }

    /// What a finding about these leaves is about: the root, unless one of several alone is affected.
    pub(super) fn object_of(&self, affected: &[&RelationNode<'_>]) -> Object {
        match (affected, self.partition(affected)) {
            ([_], Some(partition)) => Object::Partition {
                schema: self.root.schema.clone(),
                table: self.root.name.clone(),
                partition,
            },
            _ => self.object(),
        }
    }

    /// What a finding about a column of these leaves is about.
    pub(super) fn column_of(&self, column: &str, affected: &[&RelationNode<'_>]) -> Object {
        Object::Column {
            schema: self.root.schema.clone(),
            table: self.root.name.clone(),
            column: column.to_owned(),
            partition: self.partition(affected),
        }
    }

    /// Whether a finding holds wherever there are rows. What is empty today is filled under the settings of
    /// tomorrow.
    pub(super) fn is_everywhere(&self, affected: &[&RelationNode<'_>]) -> bool {
        let affected = oids(affected);
        self.leaves().all(|leaf| affected.contains(&leaf.relation.oid) || leaf.rows() < 1.0)
    }

    /// The nodes whose settings must change for a finding about these leaves: all where it holds everywhere, so
    /// that new partitions inherit them.
    pub(super) fn reach(&self, affected: &[&RelationNode<'_>]) -> Vec<&RelationNode<'a>> {
        let (everywhere, affected) = (self.is_everywhere(affected), oids(affected));
        self.nodes
            .iter()
            .filter(|node| everywhere || affected.contains(&node.relation.oid))
            .collect()
    }

    /// The one partition among several that is affected, with its schema where that must be said.
    fn partition(&self, affected: &[&RelationNode<'_>]) -> Option<String> {
        let [one] = affected else { return None };
        if self.leaves().count() < 2 || self.is_everywhere(affected) {
            return None;
        }
        let relation = one.relation;
        Some(if relation.schema == self.root.schema && !relation.name.contains('.') {
            relation.name.clone()
        } else {
            format!("{}.{}", relation.schema, relation.name)
        })
    }

    /// Names of the columns, each once, in the root's order.
    pub(super) fn column_names(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        let root = self.nodes.iter().filter(|node| node.relation.oid == self.root.oid);
        for node in root.chain(&self.nodes) {
            for column in &node.toast.columns {
                if !names.contains(&column.name.as_str()) {
                    names.push(column.name.as_str());
                }
            }
        }
        names
    }

    /// How a column's values are stored in all of it, extrapolated from the samples.
    pub(super) fn estimate(&self, column: &str) -> StorageEstimate {
        StorageEstimate::of(column, &self.leaves().collect::<Vec<_>>())
    }
}

fn oids(nodes: &[&RelationNode<'_>]) -> BTreeSet<i64> {
    nodes.iter().map(|node| node.relation.oid).collect()
}

/// The compression method new values of a column get.
pub(super) fn effective(column: &ToastColumn, context: &Context) -> Compression {
    Compression::in_force(column.compression, context.setting("default_toast_compression"))
}

/// The method set by name, which an undo has to restore.
pub(super) fn set_by_name(column: &ToastColumn) -> Option<Compression> {
    Some(Compression::of_letter(column.compression?).unwrap_or(Compression::Pglz))
}

/// A column's storage strategy.
pub(super) fn storage(column: &ToastColumn) -> Storage {
    Storage::in_force(column.storage)
}

/// Whether it is one of pgvector's types.
pub(super) fn is_vector(column: &ToastColumn) -> bool {
    matches!(column.type_name.as_str(), "vector" | "halfvec" | "sparsevec")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Policy, Scope};

    /// The roots and how many nodes each has.
    fn roots(parents: &[(i64, Option<i64>)]) -> Vec<(i64, usize)> {
        let relation = |(oid, parent): &(i64, Option<i64>)| {
            let size = Relation::empty(*oid, "app", &format!("t{oid}"));
            Relation { parent: *parent, pages: 100_000, ..size }
        };
        let toast =
            |(oid, _): &(i64, Option<i64>)| ToastTable { oid: *oid, ..ToastTable::default() };
        let snapshot = Snapshot {
            relations: Observation::Seen(parents.iter().map(relation).collect()),
            toast_tables: Observation::Seen(parents.iter().map(toast).collect()),
            ..Snapshot::default()
        };
        let (policy, scope) = (Policy::default(), Scope::default());
        let case = Case::new(&snapshot, &policy, &scope);
        let tables = tables(&case).unwrap();
        tables.iter().map(|table| (table.root.oid, table.nodes.len())).collect()
    }

    #[test]
    fn a_partition_whose_table_was_not_seen_is_judged_alone() {
        assert_eq!(roots(&[(1, None), (2, Some(1)), (3, Some(9))]), [(1, 2), (3, 1)]);
    }

    #[test]
    fn partitions_in_a_cycle_are_judged_each() {
        let cycle = roots(&[(1, Some(2)), (2, Some(1)), (3, Some(3))]);
        assert_eq!(cycle, [(1, 1), (2, 1), (3, 1)]);
    }

    #[test]
    fn five_thousand_partitions_are_one_table() {
        let leaves = (2..5_002).map(|oid| (oid, Some(1)));
        assert_eq!(roots(&[(1, None)].into_iter().chain(leaves).collect::<Vec<_>>()), [(1, 5_001)]);
    }
}
