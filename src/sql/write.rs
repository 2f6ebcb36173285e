//! `INSERT`, `UPDATE`, `DELETE` and `MERGE`: what they read, and which keys they assign.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{
    CmdType, DeleteStmt, InsertStmt, MergeStmt, MergeWhenClause, Node, OnConflictClause, RangeVar,
    ResTarget, ReturningClause, UpdateStmt,
};

use super::reader::StatementReader;
use super::scope::{Columns, FromRelation, FromScope, Named};
use super::tree;
use super::understood::{Access, Clause, JsonStep};
use super::value::{Origin, StepOperator, TracedValue};

impl StatementReader<'_> {
    pub(super) fn insert(&mut self, insert: &InsertStmt) -> Columns {
        let with = self.with.len();
        self.common_tables(insert.with_clause.as_ref());
        if let Some(rows) = insert.select_stmt.as_deref() {
            self.consume(rows, Clause::Select);
        }
        let target = self.target(insert.relation.as_ref());
        if let Some(conflict) = &insert.on_conflict_clause {
            self.on_conflict(conflict, &target);
        }
        let returned = self.returning(insert.returning_clause.as_ref(), &target);
        self.close_scope();
        self.with.truncate(with);
        returned
    }

    fn on_conflict(&mut self, conflict: &OnConflictClause, target: &Rc<Columns>) {
        if let Some(infer) = &conflict.infer {
            self.index_elements(&infer.index_elems);
            self.read_all(infer.where_clause.as_deref(), Clause::Index);
        }
        // What was to be inserted is no stored document.
        let plain = |column: &Named| Named { name: column.name.clone(), value: TracedValue::Plain };
        let list = target.list.iter().map(plain).collect();
        self.scopes.insert(
            self.scopes.len().saturating_sub(1),
            FromScope::of(vec![FromRelation::new("excluded", Columns { list, open: target.open })]),
        );
        self.assign_all(&conflict.target_list, target);
        self.read_all(conflict.where_clause.as_deref(), Clause::Where);
        self.scopes.remove(self.scopes.len().saturating_sub(2));
    }

    pub(super) fn update(&mut self, update: &UpdateStmt) -> Columns {
        let with = self.with.len();
        self.common_tables(update.with_clause.as_ref());
        let target = self.target(update.relation.as_ref());
        self.add_items(&update.from_clause);
        self.assign_all(&update.target_list, &target);
        self.read_all(update.where_clause.as_deref(), Clause::Where);
        let returned = self.returning(update.returning_clause.as_ref(), &target);
        self.close_scope();
        self.with.truncate(with);
        returned
    }

    pub(super) fn delete(&mut self, delete: &DeleteStmt) -> Columns {
        let with = self.with.len();
        self.common_tables(delete.with_clause.as_ref());
        let target = self.target(delete.relation.as_ref());
        self.add_items(&delete.using_clause);
        self.read_all(delete.where_clause.as_deref(), Clause::Where);
        let returned = self.returning(delete.returning_clause.as_ref(), &target);
        self.close_scope();
        self.with.truncate(with);
        returned
    }

    pub(super) fn merge(&mut self, merge: &MergeStmt) -> Columns {
        let with = self.with.len();
        self.common_tables(merge.with_clause.as_ref());
        let target = self.target(merge.relation.as_ref());
        merge.source_relation.iter().for_each(|source| self.add_item(source));
        self.read_all(merge.join_condition.as_deref(), Clause::Join);
        for clause in &merge.merge_when_clauses {
            if let Some(NodeEnum::MergeWhenClause(clause)) = tree::inner(clause) {
                self.merge_clause(clause, &target);
            }
        }
        let returned = self.returning(merge.returning_clause.as_ref(), &target);
        self.close_scope();
        self.with.truncate(with);
        returned
    }

    fn merge_clause(&mut self, clause: &MergeWhenClause, target: &Rc<Columns>) {
        self.read_all(clause.condition.as_deref(), Clause::Where);
        if clause.command_type() == CmdType::CmdUpdate {
            self.assign_all(&clause.target_list, target);
        }
        self.read_all(&clause.values, Clause::Select);
    }

    /// Open a scope with the relation that is written to.
    fn target(&mut self, relation: Option<&RangeVar>) -> Rc<Columns> {
        self.scopes.push(FromScope::default());
        let Some(relation) = relation else { return Rc::new(Columns::unknown()) };
        // A common table expression of its name is not what is written to.
        let with = std::mem::take(&mut self.with);
        let source = self.named_relation(relation);
        self.with = with;
        let columns = Rc::clone(&source.columns);
        self.add(source);
        columns
    }

    fn assign_all(&mut self, targets: &[Node], columns: &Rc<Columns>) {
        for target in targets {
            if let Some(NodeEnum::ResTarget(target)) = tree::inner(target) {
                self.assign(target, columns);
            }
        }
    }

    /// One assignment. A document that is changed in place is assigned the keys that are changed, else the whole of it.
    fn assign(&mut self, target: &ResTarget, columns: &Rc<Columns>) {
        let column = columns.value(&target.name);
        let before = self.uses.len();
        let steps = self.subscripts(&target.indirection, Clause::Set);
        let value = target
            .val
            .as_deref()
            .map_or(TracedValue::Plain, |value| self.value(value, Clause::Set));
        if steps.is_empty() && is_same(&column, &value) && self.uses.len() > before {
            return;
        }
        self.take(&value, Clause::Set, None);
        let assigned = self.assigned(&column, &steps);
        self.take(&assigned, Clause::Set, None);
    }

    fn assigned(&mut self, column: &TracedValue, steps: &[JsonStep]) -> TracedValue {
        match column {
            TracedValue::Documents(_) => {
                self.within(column, steps, StepOperator::json(Access::Subscript))
            }
            // Arrays have subscripts too; only a key shows that it is a document.
            TracedValue::Unknown if steps.iter().any(|step| matches!(step, JsonStep::Key(_))) => {
                self.within(column, steps, StepOperator::json(Access::Subscript))
            }
            _ => TracedValue::Plain,
        }
    }

    /// What is returned. Since PostgreSQL 18 also by the names `old` and `new`.
    fn returning(&mut self, returning: Option<&ReturningClause>, target: &Rc<Columns>) -> Columns {
        let Some(returning) = returning else { return Columns::default() };
        let source = |name| FromRelation::new(name, Rc::clone(target));
        let versions = FromScope::of(vec![source("old"), source("new")]);
        let outer = self.scopes.len().saturating_sub(1);
        self.scopes.insert(outer, versions);
        let columns = self.targets(&returning.exprs, Clause::Returning);
        self.scopes.remove(outer);
        columns
    }
}

/// Whether a value is made of the document that a column stores, and of nothing else.
fn is_same(column: &TracedValue, value: &TracedValue) -> bool {
    let [stored] = column.origins() else { return false };
    let same =
        |origin: &Origin| origin.base == stored.base && origin.path.is_empty() && origin.json;
    matches!(value, TracedValue::Documents(origins) if origins.iter().all(same))
}
