//! A table as the checks of its schema see it: with its partitions, its columns, and what speaks for its rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::number::float;
use crate::model::observation::{
    ColumnDocuments, Documents, Drift, Layout, LayoutColumn, Relation, RelationKind,
};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::toast::{BLOCK_BYTES, ROW_BYTES_MIN};
use crate::model::{
    Case, DocumentKey, Gap, GapReason, Object, Observation, Partition, Policy, QualifiedName,
    Snapshot, Topic, grouped,
};

/// A table with all its partitions, or a relation alone.
pub(super) struct Table<'a> {
    pub(super) root: &'a Relation,
    /// Its columns and keys.
    pub(super) layout: &'a Layout,
    /// The largest relation that holds its rows, whose statistics speak for all; absent where there is none.
    pub(super) leaf: Option<&'a Layout>,
    /// That relation; the root where there is none.
    pub(super) measured: &'a Relation,
    leaf_bytes: i64,
    /// What it is partitioned into, each after the one it is a part of.
    pub(super) partitions: Vec<Partition>,
    /// Rows of all its partitions, as last counted or as the counters believe, whichever is more.
    pub(super) rows: f64,
    /// Bytes of their heaps.
    pub(super) heap_bytes: i64,
    /// Bytes of their heaps and TOAST tables.
    pub(super) bytes: i64,
    /// Bytes of their indexes, as last counted.
    index_bytes: i64,
    /// Why an UPDATE of its rows would fail or do something else, by the first of those looked at.
    pub(super) updates_refused: Option<&'a str>,
    /// Names that nothing made beside it or a partition can have.
    names_taken: BTreeSet<&'a str>,
}

/// The tables whose columns were looked at.
pub(super) struct Tables<'a> {
    pub(super) all: Vec<Table<'a>>,
    /// Which tables cannot be judged, and why.
    pub(super) gaps: Vec<Gap>,
}

/// The tables whose columns were looked at.
pub(super) fn tables<'a>(case: &Case<'a>) -> Result<Tables<'a>, Gap> {
    let families = case.families()?;
    let layouts = case.snapshot.layouts.get()?;
    let layouts: BTreeMap<i64, &Layout> =
        layouts.iter().map(|layout| (layout.oid, layout)).collect();
    let (mut all, mut without_root) = (Vec::new(), Vec::new());
    for family in families.iter() {
        // A column or key cannot be added to a partition: that is for the table it is a part of.
        if family.is_without_root() {
            without_root.extend(case.wants(family).then_some(family.root));
            continue;
        }
        // Out of the scope, or left out by the visit's budget, which says so.
        let Some(layout) = layouts.get(&family.root.oid) else { continue };
        let mut table = Table::new(family.root, layout);
        for leaf in family.leaves() {
            table.add(leaf, layouts.get(&leaf.oid).copied());
        }
        if table.is_partitioned() {
            table.partitions = family.partitions();
        }
        all.push(table);
    }
    Ok(Tables { all, gaps: unseen_roots(&without_root).into_iter().collect() })
}

/// Partitions are judged as parts of their table, or not at all.
fn unseen_roots(partitions: &[&Relation]) -> Option<Gap> {
    let first = partitions.first()?.qualified_name().to_sql();
    let detail = match partitions.len() - 1 {
        0 => format!("`{first}` was not judged: the table it is a partition of was not seen"),
        more => format!(
            "`{first}` and {} more were not judged: the tables they are partitions of were not seen",
            grouped(float(more))
        ),
    };
    Some(Gap::new(Topic::RELATIONS.as_str(), GapReason::NotEnoughEvidence, detail))
}

impl<'a> Table<'a> {
    fn new(root: &'a Relation, layout: &'a Layout) -> Self {
        Self {
            root,
            layout,
            leaf: None,
            measured: root,
            leaf_bytes: 0,
            partitions: Vec::new(),
            rows: 0.0,
            heap_bytes: 0,
            bytes: 0,
            index_bytes: 0,
            updates_refused: layout.updates_refused.as_deref(),
            names_taken: layout.names_taken.iter().map(String::as_str).collect(),
        }
    }

    fn add(&mut self, relation: &'a Relation, layout: Option<&'a Layout>) {
        self.rows += relation.rows_now(layout.and_then(|layout| layout.heap_bytes));
        // Where nothing was counted, rows are at least as long as their headers.
        let counted = (relation.pages * BLOCK_BYTES).max(relation.live_rows * ROW_BYTES_MIN);
        let heap = layout.and_then(|layout| layout.heap_bytes).unwrap_or(counted);
        let toast = layout
            .and_then(|layout| layout.toast_bytes)
            .unwrap_or(relation.toast_pages * BLOCK_BYTES);
        self.heap_bytes += heap;
        self.bytes += heap + toast;
        self.index_bytes += relation.index_pages * BLOCK_BYTES;
        let refused = layout.and_then(|layout| layout.updates_refused.as_deref());
        self.updates_refused = self.updates_refused.or(refused);
        let names = layout.into_iter().flat_map(|layout| &layout.names_taken);
        self.names_taken.extend(names.map(String::as_str));
        if layout.is_some() && (self.leaf.is_none() || heap > self.leaf_bytes) {
            (self.leaf, self.measured, self.leaf_bytes) = (layout, relation, heap);
        }
    }

    /// Whether it is large enough for its size to matter.
    pub(super) fn is_large(&self, policy: &Policy) -> bool {
        float(self.bytes + self.index_bytes) >= policy.get(&TABLE_BYTES_MIN)
    }

    pub(super) fn is_materialized_view(&self) -> bool {
        self.root.kind == RelationKind::MaterializedView
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.root.kind == RelationKind::PartitionedTable
    }

    /// Bytes of the longest name among it and its partitions, to which others are hung.
    pub(super) fn longest_name(&self) -> usize {
        let partitions = self.partitions.iter().map(|partition| partition.name.name.len());
        partitions.chain([self.root.name.len()]).max().unwrap_or_default()
    }

    /// Whether something in its schema is called so already.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names_taken.contains(name)
    }

    /// Something that is called already as what is to be made beside the table, or a partition, with that suffix.
    pub(super) fn taken_by(&self, suffix: &str) -> Option<String> {
        let partitions = self.partitions.iter().map(|partition| partition.name.name.as_str());
        let mut names = partitions.chain([self.root.name.as_str()]);
        names.find_map(|name| Some(format!("{name}_{suffix}")).filter(|name| self.has_name(name)))
    }

    pub(super) fn name(&self) -> QualifiedName {
        self.root.qualified_name()
    }

    /// What a finding about all of it is about.
    pub(super) fn object(&self) -> Object {
        let (schema, table) = (self.root.schema.clone(), self.root.name.clone());
        if self.is_materialized_view() {
            Object::MaterializedView { schema, table }
        } else {
            Object::Table { schema, table }
        }
    }

    /// What a finding about a column is about.
    pub(super) fn column_object(&self, column: &str) -> Object {
        let (schema, table) = (self.root.schema.clone(), self.root.name.clone());
        Object::Column { schema, table, column: column.to_owned(), partition: None }
    }

    /// A column with what is known of its values.
    pub(super) fn column(&self, name: &str) -> Option<&'a LayoutColumn> {
        self.leaf.unwrap_or(self.layout).column(name)
    }
}

/// What the documents of a table's column hold.
pub(super) struct DocumentColumn<'a> {
    pub(super) table: &'a Table<'a>,
    pub(super) layout: &'a LayoutColumn,
    pub(super) documents: &'a Documents,
    /// What the documents of the table's other columns hold.
    pub(super) beside: Vec<&'a Documents>,
    /// How they keep their contract, where one is registered.
    pub(super) drift: Option<&'a Drift>,
}

/// The sampled columns of `json` and `jsonb` of these tables, and what could not be sampled.
pub(super) fn columns<'a>(
    snapshot: &'a Snapshot,
    tables: &'a Tables<'a>,
) -> Result<(Vec<DocumentColumn<'a>>, Vec<Gap>), Gap> {
    let (columns, gaps) = all_columns(snapshot, tables)?;
    Ok((columns.into_iter().filter(|column| column.layout.is_json()).collect(), gaps))
}

/// The same with columns of text that may hold documents.
pub(super) fn all_columns<'a>(
    snapshot: &'a Snapshot,
    tables: &'a Tables<'a>,
) -> Result<(Vec<DocumentColumn<'a>>, Vec<Gap>), Gap> {
    let all = snapshot.documents.get()?;
    let (mut columns, mut gaps) = (Vec::new(), tables.gaps.clone());
    for ColumnDocuments { oid, column, sample, drift } in all {
        // Of a table whose root or columns were not seen, which is said already.
        let Some(table) = tables.all.iter().find(|table| table.root.oid == *oid) else { continue };
        match (sample, table.layout.column(column)) {
            (Observation::Seen(documents), Some(layout)) => {
                let drift = drift.as_ref();
                let beside =
                    all.iter().filter(|other| other.oid == *oid && other.column != *column);
                let beside = beside.filter_map(|other| other.sample.get().ok()).collect();
                columns.push(DocumentColumn { table, layout, documents, beside, drift });
            }
            (Observation::Seen(_), None) => {}
            (Observation::Unseen(gap), _) => gaps.push(gap.clone()),
        }
    }
    Ok((columns, gaps))
}

impl DocumentColumn<'_> {
    pub(super) fn object(&self) -> Object {
        self.table.column_object(&self.layout.name)
    }

    /// What a finding about a key of the documents is about.
    pub(super) fn key_object(&self, key: &DocumentKey) -> Object {
        let root = self.table.root;
        Object::Key {
            schema: root.schema.clone(),
            table: root.name.clone(),
            column: self.layout.name.clone(),
            key: key.path.clone(),
        }
    }

    /// Documents that were read.
    pub(super) fn count(&self) -> u64 {
        self.documents.sample.rows - self.documents.sample.null_rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    fn relation(oid: i64, parent: Option<i64>, kind: RelationKind) -> Relation {
        Relation { kind, parent, ..Relation::empty(oid, "app", &format!("t{oid:05}")) }
    }

    /// Of a table: its oid and its partitions. Of what is left out: the gaps.
    fn judged(relations: Vec<Relation>) -> (Vec<(i64, usize)>, Vec<String>) {
        let layout = |relation: &Relation| Layout { oid: relation.oid, ..Layout::default() };
        let layouts = relations.iter().map(layout).collect();
        let snapshot = Snapshot {
            relations: Observation::Seen(relations),
            layouts: Observation::Seen(layouts),
            ..Snapshot::default()
        };
        let (policy, scope) = (Policy::default(), Scope::default());
        let case = Case::new(&snapshot, &policy, &scope);
        let Tables { all, gaps } = tables(&case).unwrap();
        let all = all.iter().map(|table| (table.root.oid, table.partitions.len())).collect();
        (all, gaps.into_iter().map(|gap| gap.detail).collect())
    }

    #[test]
    fn a_partition_whose_table_was_not_seen_is_a_gap_and_nothing_else() {
        let table = RelationKind::Table;
        let (all, gaps) = judged(vec![relation(1, None, table), relation(2, Some(9), table)]);
        assert_eq!(all, [(1, 0)]);
        let gap = "`app.t00002` was not judged: the table it is a partition of was not seen";
        assert_eq!(gaps, [gap]);
    }

    #[test]
    fn partitions_in_a_cycle_end_in_a_gap() {
        let partitioned = RelationKind::PartitionedTable;
        let cycle = [(1, 2), (2, 3), (3, 1)];
        let cycle = cycle.map(|(oid, parent)| relation(oid, Some(parent), partitioned));
        let below = relation(4, Some(1), RelationKind::Table);
        let (all, gaps) = judged([cycle.to_vec(), vec![below]].concat());
        assert_eq!(all, []);
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(gaps[0].contains("and 2 more were not judged"), "{gaps:?}");
    }

    #[test]
    fn five_thousand_partitions_are_one_table() {
        let root = relation(1, None, RelationKind::PartitionedTable);
        let leaves = (2..5_002).map(|oid| relation(oid, Some(1), RelationKind::Table));
        let (all, gaps) = judged([root].into_iter().chain(leaves).collect());
        assert_eq!((all, gaps), (vec![(1, 5_000)], Vec::new()));
    }
}
