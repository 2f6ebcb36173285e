//! What a check is given.

use super::{Families, Family, Object, Policy, Scope, Snapshot};

/// Everything a check may know: pure, and made of values that can be kept.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What this visit saw, the workload and contracts beside it.
    pub snapshot: &'a Snapshot,
    /// What earlier visits saw, the newest first. Empty where none is kept.
    pub earlier: &'a [Snapshot],
    /// Thresholds in force.
    pub policy: &'a Policy,
    /// What the caller narrowed the analysis to.
    pub scope: &'a Scope,
}

impl Case<'_> {
    /// Whether a table is in scope: itself, or one of its partitions.
    pub fn wants(&self, family: &Family<'_>) -> bool {
        family.members.iter().any(|member| self.scope.holds(&member.schema, &member.name))
    }

    /// Tests objects against the scope. Where it names schemas or tables, what belongs to no table is out of it.
    pub fn wants_object<'a>(&'a self, families: &'a Families<'a>) -> impl Fn(&Object) -> bool + 'a {
        let narrowed = !self.scope.schemas.is_empty() || !self.scope.tables.is_empty();
        move |object| {
            let Some((schema, table)) = object.table().filter(|_| narrowed) else {
                return !narrowed;
            };
            let is_root =
                |family: &&Family<'_>| family.root.schema == schema && family.root.name == table;
            let family = families.iter().find(is_root);
            family.map_or_else(|| self.scope.holds(schema, table), |family| self.wants(family))
        }
    }
}
