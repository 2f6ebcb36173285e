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

/// The same with the forest of partitions, which each superpower walks through.
pub(super) struct CatalogForest<'a> {
    facts: &'a CatalogFacts,
    /// Empty where the relations were not seen.
    pub(super) families: Families<'a>,
}

impl<'a> From<&'a CatalogFacts> for CatalogForest<'a> {
    fn from(facts: &'a CatalogFacts) -> Self {
        let relations = facts.relations.get().map(Vec::as_slice).unwrap_or_default();
        Self { facts, families: Families::of(relations) }
    }
}

impl std::ops::Deref for CatalogForest<'_> {
    type Target = CatalogFacts;

    fn deref(&self) -> &CatalogFacts {
        self.facts
    }
}
