//! What a superpower looks at, in the round trips that all share.

use super::Interest;
use super::batch::Batch;
use super::catalog::CatalogForest;

/// The sources of one superpower. Each method adds queries to a round trip and keeps their slots.
pub(super) trait Look {
    /// What was seen: the superpower's part of the snapshot.
    type Seen;

    /// The first round trip: sources that need to know nothing, of constant number.
    fn catalog(&mut self, _batch: &mut Batch<'_>, _interest: &Interest) {}

    /// The second: sources about what the catalogs showed, bounded in number.
    fn detail(
        &mut self,
        _batch: &mut Batch<'_>,
        _catalog: &CatalogForest<'_>,
        _interest: &Interest,
    ) {
    }

    /// What was seen. A slot that was never asked is unseen with that reason.
    fn seen(self) -> Self::Seen;
}
