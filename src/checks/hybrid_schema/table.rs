//! A table as the checks of its schema see it: with its partitions, its columns, and what speaks for its rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::number::float;
use crate::model::observation::{
    ColumnDocuments, Documents, Drift, Layout, LayoutColumn, Relation, RelationKind,
};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    DocumentKey, Gap, Object, Observation, Partition, Policy, QualifiedName, Snapshot,
};

/// A tuple header and a line pointer.
const ROW_BYTES_MIN: i64 = 28;

/// A table with all its partitions, or a relation alone.
pub(super) struct Table<'a> {
    pub(super) root: &'a Relation,
    /// Its columns and keys.
    pub(super) layout: &'a Layout,
    /// The largest relation that holds its rows, whose statistics speak for all; absent where there is none.
    pub(super) leaf: Option<&'a Layout>,
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
pub(super) fn tables(snapshot: &Snapshot) -> Result<Vec<Table<'_>>, Gap> {
    let relations = snapshot.relations.get().map_err(Clone::clone)?;
    let layouts = snapshot.layouts.get().map_err(Clone::clone)?;
    let parents: BTreeMap<i64, i64> =
        relations.iter().filter_map(|relation| Some((relation.oid, relation.parent?))).collect();
    let layouts: BTreeMap<i64, &Layout> =
        layouts.iter().map(|layout| (layout.oid, layout)).collect();
    let mut tables: BTreeMap<i64, Table<'_>> = BTreeMap::new();
    for root in relations.iter().filter(|relation| !parents.contains_key(&relation.oid)) {
        let Some(layout) = layouts.get(&root.oid) else { continue };
        tables.insert(root.oid, Table::new(root, layout));
    }
    for relation in
        relations.iter().filter(|relation| relation.kind != RelationKind::PartitionedTable)
    {
        let mut root = relation.oid;
        while let Some(parent) = parents.get(&root) {
            root = *parent;
        }
        if let Some(table) = tables.get_mut(&root) {
            table.add(relation, layouts.get(&relation.oid).copied());
        }
    }
    for table in tables.values_mut().filter(|table| table.is_partitioned()) {
        table.partitions = partitions(relations, table.root);
    }
    Ok(tables.into_values().collect())
}

/// Everything beneath a partitioned table, each after the one it is a part of, by name.
fn partitions(relations: &[Relation], root: &Relation) -> Vec<Partition> {
    let mut all: Vec<Partition> = Vec::new();
    let mut above: Vec<&Relation> = vec![root];
    while !above.is_empty() {
        let mut below: Vec<(&Relation, &Relation)> = Vec::new();
        for parent in above {
            let parts = relations.iter().filter(|part| part.parent == Some(parent.oid));
            below.extend(parts.map(|part| (parent, part)));
        }
        below.sort_by_key(|(_, part)| (&part.schema, &part.name));
        all.extend(below.iter().map(|(parent, part)| Partition {
            name: part.qualified_name(),
            parent: parent.qualified_name(),
            partitioned: part.kind == RelationKind::PartitionedTable,
        }));
        above = below.into_iter().map(|(_, part)| part).collect();
    }
    all
}

impl<'a> Table<'a> {
    fn new(root: &'a Relation, layout: &'a Layout) -> Self {
        Self {
            root,
            layout,
            leaf: None,
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

    fn add(&mut self, relation: &Relation, layout: Option<&'a Layout>) {
        self.rows += relation.rows_now(layout.and_then(|layout| layout.heap_bytes));
        // Where nothing was counted, rows are at least as long as their headers.
        let counted = (relation.pages * 8192).max(relation.live_rows * ROW_BYTES_MIN);
        let heap = layout.and_then(|layout| layout.heap_bytes).unwrap_or(counted);
        let toast =
            layout.and_then(|layout| layout.toast_bytes).unwrap_or(relation.toast_pages * 8192);
        self.heap_bytes += heap;
        self.bytes += heap + toast;
        self.index_bytes += relation.index_pages * 8192;
        let refused = layout.and_then(|layout| layout.updates_refused.as_deref());
        self.updates_refused = self.updates_refused.or(refused);
        let names = layout.into_iter().flat_map(|layout| &layout.names_taken);
        self.names_taken.extend(names.map(String::as_str));
        if layout.is_some() && (self.leaf.is_none() || heap > self.leaf_bytes) {
            (self.leaf, self.leaf_bytes) = (layout, heap);
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
    tables: &'a [Table<'a>],
) -> Result<(Vec<DocumentColumn<'a>>, Vec<Gap>), Gap> {
    let (columns, gaps) = all_columns(snapshot, tables)?;
    Ok((columns.into_iter().filter(|column| column.layout.is_json()).collect(), gaps))
}

/// The same with columns of text that may hold documents.
pub(super) fn all_columns<'a>(
    snapshot: &'a Snapshot,
    tables: &'a [Table<'a>],
) -> Result<(Vec<DocumentColumn<'a>>, Vec<Gap>), Gap> {
    let all = snapshot.documents.get().map_err(Clone::clone)?;
    let (mut columns, mut gaps) = (Vec::new(), Vec::new());
    for ColumnDocuments { oid, column, sample, drift } in all {
        let Some(table) = tables.iter().find(|table| table.root.oid == *oid) else { continue };
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
