//! Tables with their counters, and what a finding about some of their partitions is about.

use crate::checks::number::float;
use crate::model::observation::{Relation, RelationKind, TableActivity};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Families, Family, Gap, Member, MemberKind, Object, OptionsChange, OptionsOf, Policy,
    Severity,
};

/// A relation that holds rows, with its counters.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeafTable<'a> {
    pub(super) relation: &'a Relation,
    pub(super) activity: &'a TableActivity,
}

impl LeafTable<'_> {
    /// Live rows: as counted by the last vacuum or analyze, or by the counters.
    pub(super) fn rows(&self) -> f64 {
        self.relation.rows_now(None)
    }
}

/// The forest of tables; a gap where relations or counters were not seen.
pub(super) fn forest<'c, 'a>(case: &'c Case<'a>) -> Result<&'c Families<'a>, Gap> {
    case.snapshot.common.table_activity.get()?;
    case.families()
}

/// Those of a table's leaves whose counters were read.
pub(super) fn leaves<'a>(case: &Case<'a>, family: &Family<'a>) -> Vec<LeafTable<'a>> {
    let common = &case.snapshot.common;
    let counted = family.leaves().filter_map(|relation| {
        common.activity(relation.oid).map(|activity| LeafTable { relation, activity })
    });
    counted.collect()
}

/// What a finding about these leaves is about: the one partition that alone is affected, else the table.
pub(super) fn object(family: &Family<'_>, affected: &[&Relation]) -> Object {
    match affected {
        [one] if one.oid != family.root.oid && family.leaves().count() > 1 => {
            partition(family.root, one)
        }
        _ => table(family.root),
    }
}

/// A table, by its name.
pub(super) fn table(relation: &Relation) -> Object {
    let (schema, table) = (relation.schema.clone(), relation.name.clone());
    match relation.kind {
        RelationKind::MaterializedView => Object::MaterializedView { schema, table },
        RelationKind::Table | RelationKind::PartitionedTable => Object::Table { schema, table },
    }
}

/// One partition of a table.
pub(super) fn partition(root: &Relation, one: &Relation) -> Object {
    let qualified = one.schema != root.schema || one.name.contains('.');
    let name = if qualified { format!("{}.{}", one.schema, one.name) } else { one.name.clone() };
    Object::Partition { schema: root.schema.clone(), table: root.name.clone(), partition: name }
}

/// A severity for a table of its size: a mistake at a small one is `low`.
pub(super) fn by_size(family: &Family<'_>, policy: &Policy, severity: Severity) -> Severity {
    if is_large(family, policy) { severity } else { severity.min(Severity::Low) }
}

/// Whether the table is large enough for savings to matter.
pub(super) fn is_large(family: &Family<'_>, policy: &Policy) -> bool {
    float(family.total_bytes()) >= policy.get(&TABLE_BYTES_MIN)
}

/// A change of storage parameters of these leaves, which neither sets nor resets any yet.
pub(super) fn options(
    object: &Object,
    leaves: &[LeafTable<'_>],
    title: String,
    purpose: &str,
) -> OptionsChange {
    let member = |leaf: &LeafTable<'_>| Member {
        name: leaf.relation.qualified_name(),
        kind: kind(leaf.relation),
        before: leaf.activity.options.clone(),
    };
    OptionsChange {
        object: object.clone(),
        of: OptionsOf::Tables,
        members: leaves.iter().map(member).collect(),
        set: Vec::new(),
        reset: Vec::new(),
        then: None,
        title,
        purpose: purpose.to_owned(),
        caveats: Vec::new(),
    }
}

fn kind(relation: &Relation) -> MemberKind {
    match relation.kind {
        RelationKind::Table => MemberKind::Table,
        RelationKind::PartitionedTable => MemberKind::PartitionedTable,
        RelationKind::MaterializedView => MemberKind::MaterializedView,
    }
}
