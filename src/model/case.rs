//! What a check is given.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::observation::{Relation, StatementPlan};
use super::{Families, Family, Gap, Object, Policy, Scope, Snapshot};

/// Everything a check may know: pure, and made of values that can be kept.
#[derive(Debug)]
pub struct Case<'a> {
    /// What this visit saw, the workload and contracts beside it.
    pub snapshot: &'a Snapshot,
    /// Thresholds in force.
    pub policy: &'a Policy,
    /// What the caller narrowed the analysis to.
    pub scope: &'a Scope,
    /// The forest of the snapshot's tables, which most checks walk through.
    families: OnceCell<Families<'a>>,
}

impl<'a> Case<'a> {
    /// A case of one visit.
    pub fn new(snapshot: &'a Snapshot, policy: &'a Policy, scope: &'a Scope) -> Self {
        Self { snapshot, policy, scope, families: OnceCell::new() }
    }

    /// Every table with its partitions.
    ///
    /// # Errors
    /// Why the tables were not seen.
    pub fn families(&self) -> Result<&Families<'a>, Gap> {
        let relations = self.snapshot.relations.get()?;
        Ok(self.families.get_or_init(|| Families::of(relations)))
    }

    /// Whether a table is in scope: itself, or one of its partitions.
    pub fn wants(&self, family: &Family<'_>) -> bool {
        family.is_in(self.scope)
    }

    /// Tests objects against the scope. Where it names schemas or tables, what belongs to no table is out of it.
    pub fn wants_object(&self) -> impl Fn(&Object) -> bool {
        let narrowed = self.scope.is_narrowed();
        move |object| {
            if !narrowed {
                return true;
            }
            match object {
                Object::PlanNode { schema, table: Some(table), .. } => {
                    self.wants_table(schema.as_deref(), table)
                }
                Object::PlanNode { statement, .. } => self.wants_statement(statement.as_deref()),
                object => object
                    .table()
                    .is_some_and(|(schema, name)| self.wants_table(Some(schema), name)),
            }
        }
    }

    /// Whether a table is in scope, whose schema a plan need not say.
    fn wants_table(&self, schema: Option<&str>, table: &str) -> bool {
        let families = self.families().ok();
        let named = families.zip(schema).and_then(|(all, schema)| all.named(schema, table));
        if let Some(family) = named {
            return self.wants(family);
        }
        let is_own = |member: &&Relation| {
            member.name == table && schema.is_none_or(|schema| member.schema == schema)
        };
        let all = families.into_iter().flat_map(Families::iter);
        let mut own = all.filter(|family| family.members.iter().any(is_own)).peekable();
        match (own.peek(), schema) {
            (Some(_), _) => own.any(|family| self.wants(family)),
            (None, Some(schema)) => self.scope.holds(schema, table),
            (None, None) => false,
        }
    }

    /// Whether a statement reads a table in scope: what its plan does with rows in between belongs to all of its tables.
    fn wants_statement(&self, fingerprint: Option<&str>) -> bool {
        let plans = self.snapshot.plan.statements.get().map(Vec::as_slice).unwrap_or_default();
        let of_statement = |plan: &&StatementPlan| {
            plan.statement.as_ref().map(|own| own.fingerprint.as_str()) == fingerprint
        };
        let mut scans = plans.iter().filter(of_statement).flat_map(|plan| &plan.plan.nodes);
        let is_scanned = scans.any(|node| {
            let table = node.relation.as_deref();
            table.is_some_and(|table| self.wants_table(node.schema.as_deref(), table))
        });
        is_scanned || self.is_logged_of(fingerprint)
    }

    /// Whether the text of a statement whose plans a log held names a table in scope: the plans are gone.
    fn is_logged_of(&self, fingerprint: Option<&str>) -> bool {
        let (Ok(workload), Ok(families)) = (self.snapshot.workload.get(), self.families()) else {
            return false;
        };
        let mut logged = workload.logged_plans.iter();
        let own = logged.find(|plans| Some(plans.fingerprint.as_str()) == fingerprint);
        own.is_some_and(|plans| {
            let is_part = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
            let words: HashSet<&str> = plans.text.split(is_part).collect();
            families
                .iter()
                .any(|family| words.contains(family.root.name.as_str()) && self.wants(family))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::explain;
    use crate::model::observation::{LoggedPlans, Workload, WorkloadStatement};
    use crate::model::{Observation, PlanSource};

    #[test]
    fn a_node_without_a_table_is_in_scope_where_its_statement_reads_a_table_that_is() {
        let text = "Sort  (cost=1.0..2.0 rows=1 width=8)\n  ->  Seq Scan on orders  (cost=0.0..1.0 rows=1 width=8)\n";
        let plan = Arc::new(explain::read(text).unwrap().remove(0));
        let of = |fingerprint: &str| {
            Some(Arc::new(WorkloadStatement {
                fingerprint: fingerprint.to_owned(),
                text: String::new(),
                query_id: None,
                calls: 1,
                total_ms: 1.0,
                rows_per_call: None,
            }))
        };
        let mut snapshot = Snapshot::default();
        let explained =
            StatementPlan { source: PlanSource::Explained, plan, statement: of("explained") };
        snapshot.plan.statements = Observation::Seen(vec![explained]);
        let logged = LoggedPlans {
            fingerprint: "logged".to_owned(),
            text: "select * from shop.orders where id = $1".to_owned(),
            ..LoggedPlans::default()
        };
        snapshot.workload =
            Observation::Seen(Workload { logged_plans: vec![logged], ..Workload::default() });
        let relations = [Relation::empty(1, "shop", "orders"), Relation::empty(2, "hr", "people")];
        snapshot.relations = Observation::Seen(relations.to_vec());
        let policy = Policy::default();
        let wants = |schema: &str, statement: &str, table: Option<&str>| {
            let scope = Scope { schemas: vec![schema.to_owned()], ..Scope::default() };
            let case = Case::new(&snapshot, &policy, &scope);
            let object = Object::PlanNode {
                node: 0,
                schema: None,
                table: table.map(str::to_owned),
                statement: Some(statement.to_owned()),
            };
            case.wants_object()(&object)
        };
        for statement in ["explained", "logged"] {
            assert!(wants("shop", statement, None), "{statement}");
            assert!(!wants("hr", statement, None), "{statement}");
        }
        assert!(wants("shop", "other", Some("orders")) && !wants("hr", "other", Some("orders")));
        assert!(!wants("shop", "other", None));
    }
}
