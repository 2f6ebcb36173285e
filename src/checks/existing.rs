//! Indexes that are there, as actions name them: with all that building them again needs.

use crate::model::observation::{Index, IndexDetail, Relation};
use crate::model::{
    ExistingIndex, IndexExtras, IndexPartition, Object, Partition, QualifiedName, Snapshot,
    index_name, quote_identifier,
};

/// Levels of partitions that are followed. A catalog that changed while it was read may show a cycle.
pub(super) const LEVELS_MAX: usize = 16;

/// The index with everything beneath it; absent where a definition was not read.
pub(super) fn existing(
    root: &Index,
    table: &QualifiedName,
    object: &Object,
    snapshot: &Snapshot,
) -> Option<ExistingIndex> {
    let detail = snapshot.common.index_detail(root.oid)?;
    let partitions = if root.partitioned { partitions(root, snapshot)? } else { Vec::new() };
    Some(ExistingIndex {
        object: object.clone(),
        name: root.qualified_name(),
        table: table.clone(),
        definition: definition(detail),
        partitions,
        partitioned: root.partitioned,
        extras: extras(root, detail, snapshot),
        is_valid: root.is_valid,
        caveats: Vec::new(),
    })
}

/// With the tablespace, which `pg_get_indexdef` leaves out; the predicate comes behind it.
fn definition(detail: &IndexDetail) -> String {
    let Some(tablespace) = &detail.tablespace else { return detail.definition.clone() };
    let tablespace = quote_identifier(tablespace);
    let condition = detail.predicate.as_ref().map(|predicate| format!(" WHERE {predicate}"));
    let condition = condition.unwrap_or_default();
    let rest = detail.definition.strip_suffix(&condition).unwrap_or(&detail.definition);
    format!("{rest} TABLESPACE {tablespace}{condition}")
}

fn extras(index: &Index, detail: &IndexDetail, snapshot: &Snapshot) -> IndexExtras {
    let statistics = detail.parts.iter().enumerate();
    let options = index.options.iter().filter_map(|option| option.split_once('='));
    IndexExtras {
        comment: detail.comment.clone(),
        tablespace: detail.tablespace.clone(),
        statistics: statistics
            .filter_map(|(position, part)| Some((position + 1, part.statistics_target?)))
            .collect(),
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        clusters: if index.is_clustered { table_of(index, snapshot) } else { None },
        depends_on_extensions: detail.depends_on_extensions.clone(),
    }
}

fn table_of(index: &Index, snapshot: &Snapshot) -> Option<QualifiedName> {
    let all = snapshot.relations.get().ok()?;
    all.iter().find(|table| table.oid == index.table_oid).map(Relation::qualified_name)
}

/// A suffix whose index is not there yet, on the table and on each partition.
pub(super) fn free_suffix(
    snapshot: &Snapshot,
    table: &QualifiedName,
    partitions: &[Partition],
    suffix: &str,
) -> String {
    let tables: Vec<&QualifiedName> =
        std::iter::once(table).chain(partitions.iter().map(|partition| &partition.name)).collect();
    let indexes = snapshot.common.indexes.get().map(Vec::as_slice).unwrap_or_default();
    let relations = snapshot.relations.get().map(Vec::as_slice).unwrap_or_default();
    let layouts = snapshot.layouts.get().map(Vec::as_slice).unwrap_or_default();
    let taken = |suffix: &str| {
        tables.iter().any(|table| {
            let name = index_name(&table.name, suffix);
            indexes.iter().any(|index| index.schema == table.schema && index.name == name)
                || relations.iter().any(|other| other.schema == table.schema && other.name == name)
                || layouts.iter().any(|layout| layout.names_taken.contains(&name))
        })
    };
    let numbered = (2..100).map(|number| format!("{suffix}_{number}"));
    std::iter::once(suffix.to_owned())
        .chain(numbered)
        .find(|suffix| !taken(suffix))
        .unwrap_or_else(|| suffix.to_owned())
}

/// What needs an index beside the queries that it serves.
pub(super) fn needed_by(index: &Index, detail: &IndexDetail) -> Option<&'static str> {
    if detail.constraint_name.is_some() || index.is_primary || index.is_exclusion {
        return Some("a constraint rests on it");
    }
    if detail.serves_foreign_key {
        return Some("a foreign key refers to it");
    }
    if index.is_replica_identity {
        return Some("it is the table's replica identity");
    }
    if detail.belongs_to_extension {
        return Some("an extension owns it");
    }
    index.is_unique.then_some(ENFORCES_UNIQUENESS)
}

/// The one need that another index can meet: it comes last, where nothing else binds the index by its name.
pub(super) const ENFORCES_UNIQUENESS: &str = "it enforces uniqueness";

/// Everything beneath a partitioned index, each after the one it is a part of.
fn partitions(root: &Index, snapshot: &Snapshot) -> Option<Vec<IndexPartition>> {
    let all = snapshot.common.indexes.get().ok()?;
    let (mut found, mut level): (Vec<IndexPartition>, Vec<&Index>) = (Vec::new(), vec![root]);
    for _ in 0..LEVELS_MAX {
        let mut next = Vec::new();
        for parent in &level {
            for part in all.iter().filter(|index| index.parent == Some(parent.oid)) {
                found.push(partition(part, &parent.qualified_name(), snapshot)?);
                next.push(part);
            }
        }
        if next.is_empty() {
            return Some(found);
        }
        level = next;
    }
    None
}

fn partition(part: &Index, parent: &QualifiedName, snapshot: &Snapshot) -> Option<IndexPartition> {
    let detail = snapshot.common.index_detail(part.oid)?;
    Some(IndexPartition {
        name: part.qualified_name(),
        table: table_of(part, snapshot)?,
        parent: parent.clone(),
        partitioned: part.partitioned,
        definition: definition(detail),
        extras: extras(part, detail, snapshot),
    })
}
