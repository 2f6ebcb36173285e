//! Indexes that are there, as actions name them: with all that building them again needs.

use crate::model::observation::{Common, Index};
use crate::model::{ExistingIndex, IndexPartition, Object, QualifiedName};

/// The index with everything beneath it; absent where a definition was not read.
pub(super) fn existing(
    common: &Common,
    root: &Index,
    table: QualifiedName,
    object: Object,
) -> Option<ExistingIndex> {
    let detail = common.index_detail(root.oid)?;
    let statistics = detail.parts.iter().enumerate();
    Some(ExistingIndex {
        object,
        name: root.qualified_name(),
        table,
        definition: detail.definition.clone(),
        partitions: if root.partitioned { partitions(root, common)? } else { Vec::new() },
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
            for part in all.iter().filter(|index| index.parent == Some(parent.oid)) {
                found.push(IndexPartition {
                    name: part.qualified_name(),
                    parent: parent.qualified_name(),
                    partitioned: part.partitioned,
                    definition: common.index_detail(part.oid)?.definition.clone(),
                });
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
