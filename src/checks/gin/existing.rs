//! GIN indexes that are there, as actions name them.

use super::index::GinTree;
use crate::checks::existing;
use crate::model::{ExistingIndex, Object, Snapshot};

/// The index with everything beneath it; absent where a definition was not read.
pub(super) fn existing(
    tree: &GinTree<'_>,
    object: &Object,
    snapshot: &Snapshot,
) -> Option<ExistingIndex> {
    existing::existing(tree.root, &tree.table.qualified_name(), object, snapshot)
}
