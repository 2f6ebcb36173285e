//! What the first round trip showed, for the choices of the next two.

use crate::model::observation::{Common, Context, ForeignCode, Relation};
use crate::model::{Families, Observation};

/// What the first round trip showed.
pub(super) struct CatalogFacts {
    /// Settings, privileges, extensions and the age of the counters.
    pub(super) context: Observation<Context>,
    /// Every table and materialized view.
    pub(super) relations: Observation<Vec<Relation>>,
    /// Relations that may not be planned or read.
    pub(super) foreign_code: Observation<Vec<ForeignCode>>,
    /// What several superpowers read.
    pub(super) common: Common,
}

impl CatalogFacts {
    /// The forest of partitions; empty where the relations were not seen.
    pub(super) fn families(&self) -> Families<'_> {
        self.relations.get().map(|relations| Families::of(relations)).unwrap_or_default()
    }
}
