//! Indexes that are there, as actions name them: with all that building them again needs.

use super::index::GinTree;
use crate::model::observation::{Common, Index};
use crate::model::{ExistingIndex, IndexPartition, Object, QualifiedName};

/// The index with everything beneath it; absent where a definition was not read.
pub(super) fn existing(
    tree: &GinTree<'_>,
    object: &Object,
    common: &Common,
) -> Option<ExistingIndex> {
    let root = tree.root;
    let detail = common.index_detail(root.oid)?;
    let partitions = if root.partitioned { partitions(root, common)? } else { Vec::new() };
    let statistics = detail.parts.iter().enumerate();
    Some(ExistingIndex {
        object: object.clone(),
        name: root.qualified_name(),
        table: tree.table.qualified_name(),
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

/// Everything beneath a partitioned index, each after the one it is a part of.
fn partitions(root: &Index, common: &Common) -> Option<Vec<IndexPartition>> {
    let all = common.indexes.get().ok()?;
    let (mut found, mut level): (Vec<IndexPartition>, Vec<&Index>) = (Vec::new(), vec![root]);
    // No deeper than any tree of partitions: a catalog that changed while it was read may show a cycle.
    for _ in 0..16 {
        let mut next = Vec::new();
        for parent in &level {
            let parts = all.iter().filter(|index| index.parent == Some(parent.oid));
            for part in parts {
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
