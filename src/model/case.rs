//! What a check is given.

use std::cell::OnceCell;

use super::{Families, Family, Gap, Object, Policy, Scope, Snapshot};

/// Everything a check may know: pure, and made of values that can be kept.
#[derive(Debug)]
pub struct Case<'a> {
    /// What this visit saw, the workload and contracts beside it.
    pub snapshot: &'a Snapshot,
    /// What earlier visits saw, the newest first. Empty where none is kept.
    pub earlier: &'a [Snapshot],
    /// Thresholds in force.
    pub policy: &'a Policy,
    /// What the caller narrowed the analysis to.
    pub scope: &'a Scope,
    /// The forest of the snapshot's tables, which most checks walk through.
    families: OnceCell<Families<'a>>,
}

impl<'a> Case<'a> {
    /// A case without earlier visits.
    pub fn new(snapshot: &'a Snapshot, policy: &'a Policy, scope: &'a Scope) -> Self {
        Self { snapshot, earlier: &[], policy, scope, families: OnceCell::new() }
    }

    /// Every table with its partitions.
    ///
    /// # Errors
    /// Why the tables were not seen.
    pub fn families(&self) -> Result<&Families<'a>, Gap> {
        let relations = self.snapshot.relations.get().map_err(Clone::clone)?;
        Ok(self.families.get_or_init(|| Families::of(relations)))
    }

    /// Whether a table is in scope: itself, or one of its partitions.
    pub fn wants(&self, family: &Family<'_>) -> bool {
        family.members.iter().any(|member| self.scope.holds(&member.schema, &member.name))
    }

    /// Tests objects against the scope. Where it names schemas or tables, what belongs to no table is out of it.
    pub fn wants_object(&self) -> impl Fn(&Object) -> bool {
        let narrowed = !self.scope.schemas.is_empty() || !self.scope.tables.is_empty();
        move |object| {
            let Some((schema, table)) = object.table().filter(|_| narrowed) else {
                return !narrowed;
            };
            let family = self.families().ok().and_then(|families| families.named(schema, table));
            family.map_or_else(|| self.scope.holds(schema, table), |family| self.wants(family))
        }
    }
}
