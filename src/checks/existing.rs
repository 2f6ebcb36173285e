//! Indexes that are there, as actions name them: with all that building them again needs.

use crate::model::observation::{Common, Index, IndexDetail};
use crate::model::{ExistingIndex, IndexPartition, Object, QualifiedName};

/// Levels of partitions that are followed. A catalog that changed while it was read may show a cycle.
pub(super) const LEVELS_MAX: usize = 16;

/// The index with everything beneath it; absent where a definition was not read.
pub(super) fn existing(
    root: &Index,
    table: &QualifiedName,
    object: &Object,
    common: &Common,
) -> Option<ExistingIndex> {
    let detail = common.index_detail(root.oid)?;
    let partitions = if root.partitioned { partitions(root, common)? } else { Vec::new() };
    let statistics = detail.parts.iter().enumerate();
    Some(ExistingIndex {
        object: object.clone(),
        name: root.qualified_name(),
        table: table.clone(),
        definition: detail.definition.clone(),
        partitions,
        partitioned: root.partitioned,
        comment: detail.comment.clone(),
        statistics: statistics
            .filter_map(|(position, part)| Some((position + 1, part.statistics_target?)))
            .collect(),
        tablespace: detail.tablespace.clone(),
        is_clustered: root.is_clustered,
        is_valid: root.is_valid,
        caveats: Vec::new(),
    })
}

/// What needs an index beside the queries that it serves.
pub(super) fn needed_by(index: &Index, detail: &IndexDetail) -> Option<&'static str> {
    if detail.constraint_name.is_some() || index.is_primary || index.is_exclusion {
        return Some("a constraint rests on it");
    }
    if index.is_unique {
        return Some("it enforces uniqueness");
    }
    if detail.serves_foreign_key {
        return Some("a foreign key refers to it");
    }
    if index.is_replica_identity {
        return Some("it is the table's replica identity");
    }
    detail.belongs_to_extension.then_some("an extension owns it")
}

/// Everything beneath a partitioned index, each after the one it is a part of.
fn partitions(root: &Index, common: &Common) -> Option<Vec<IndexPartition>> {
    let all = common.indexes.get().ok()?;
    let (mut found, mut level): (Vec<IndexPartition>, Vec<&Index>) = (Vec::new(), vec![root]);
    for _ in 0..LEVELS_MAX {
        let mut next = Vec::new();
        for parent in &level {
            for part in all.iter().filter(|index| index.parent == Some(parent.oid)) {
                found.push(partition(part, &parent.qualified_name(), common)?);
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

fn partition(part: &Index, parent: &QualifiedName, common: &Common) -> Option<IndexPartition> {
    Some(IndexPartition {
        name: part.qualified_name(),
        parent: parent.clone(),
        partitioned: part.partitioned,
        definition: common.index_detail(part.oid)?.definition.clone(),
    })
}
