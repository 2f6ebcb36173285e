//! `INSERT`, `UPDATE`, `DELETE` and `MERGE`: what they write, and how they find it.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    DeleteStmt, InsertStmt, MergeStmt, MergeWhenClause, Node, OnConflictAction, OnConflictClause,
    RangeVar, ReturningClause, UpdateStmt,
};

use super::Walker;
use super::from::source;
use super::scope::{Of, ShapeColumns, ShapeRelation, ShapeScope};
use crate::model::observation::{
    BlockRole, Compared, OnConflict, RelationUse, StatementKind, UsePlace, Write,
};
use crate::sql::catalog::CatalogRelation;
use crate::sql::tree;

impl<'c> Walker<'c> {
    pub(super) fn insert(&mut self, insert: &InsertStmt) -> ShapeColumns {
        let with = self.with.len();
        self.common_tables(insert.with_clause.as_ref());
        let Some(relation) = &insert.relation else { return ShapeColumns::default() };
        let (table, target) = self.target(relation);
        let selected = insert.select_stmt.as_deref();
        let of_query = match selected.and_then(tree::inner) {
            Some(NodeEnum::SelectStmt(select)) => select.values_lists.is_empty(),
            _ => false,
        };
        let before = if of_query { self.block(BlockRole::Subquery) } else { self.current };
        selected.map(|rows| self.rows(rows));
        self.current = before;
        let mut columns = assigned(&insert.cols);
        if columns.is_empty() {
            columns = self.columns_of(relation);
        }
        self.scopes.push(ShapeScope { sources: vec![target], merged: Vec::new() });
        let on_conflict = insert.on_conflict_clause.as_deref();
        let on_conflict = on_conflict.map(|conflict| self.on_conflict(conflict, &mut columns));
        let returned = self.returning(insert.returning_clause.as_ref());
        self.scopes.pop();
        self.with.truncate(with);
        self.wrote(Write { kind: StatementKind::Insert, table, columns, on_conflict });
        returned
    }

    fn on_conflict(
        &mut self,
        conflict: &OnConflictClause,
        columns: &mut Vec<String>,
    ) -> OnConflict {
        if let Some(inferred) = &conflict.infer {
            self.index_elements(&inferred.index_elems, UsePlace::Conflict, "=");
        }
        if conflict.action() != OnConflictAction::OnconflictUpdate {
            return OnConflict::Nothing;
        }
        for column in assigned(&conflict.target_list) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.push(source("excluded", Of::Function));
        }
        self.walk(&conflict.target_list);
        if let Some(condition) = conflict.where_clause.as_deref() {
            self.condition(condition, UsePlace::Filter);
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.pop();
        }
        OnConflict::Update
    }

    pub(super) fn update(&mut self, update: &UpdateStmt) -> ShapeColumns {
        let with = self.with.len();
        self.common_tables(update.with_clause.as_ref());
        let Some(relation) = &update.relation else { return ShapeColumns::default() };
        let (table, target) = self.target(relation);
        self.scopes.push(ShapeScope { sources: vec![target], merged: Vec::new() });
        self.from(&update.from_clause);
        if let Some(condition) = update.where_clause.as_deref() {
            self.condition(condition, UsePlace::Where);
        }
        self.walk(&update.target_list);
        let returned = self.returning(update.returning_clause.as_ref());
        self.scopes.pop();
        self.with.truncate(with);
        let columns = assigned(&update.target_list);
        self.wrote(Write { kind: StatementKind::Update, table, columns, on_conflict: None });
        returned
    }

    pub(super) fn delete(&mut self, delete: &DeleteStmt) -> ShapeColumns {
        let with = self.with.len();
        self.common_tables(delete.with_clause.as_ref());
        let Some(relation) = &delete.relation else { return ShapeColumns::default() };
        let (table, target) = self.target(relation);
        self.scopes.push(ShapeScope { sources: vec![target], merged: Vec::new() });
        self.from(&delete.using_clause);
        if let Some(condition) = delete.where_clause.as_deref() {
            self.condition(condition, UsePlace::Where);
        }
        let returned = self.returning(delete.returning_clause.as_ref());
        self.scopes.pop();
        self.with.truncate(with);
        let columns = Vec::new();
        self.wrote(Write { kind: StatementKind::Delete, table, columns, on_conflict: None });
        returned
    }

    pub(super) fn merge_rows(&mut self, merge: &MergeStmt) -> ShapeColumns {
        let with = self.with.len();
        self.common_tables(merge.with_clause.as_ref());
        let Some(relation) = &merge.relation else { return ShapeColumns::default() };
        let (table, target) = self.target(relation);
        self.scopes.push(ShapeScope { sources: vec![target], merged: Vec::new() });
        merge.source_relation.iter().for_each(|source| self.item(source));
        if let Some(condition) = merge.join_condition.as_deref() {
            self.condition(condition, UsePlace::Join);
        }
        let mut columns = Vec::new();
        for clause in &merge.merge_when_clauses {
            if let Some(NodeEnum::MergeWhenClause(clause)) = tree::inner(clause) {
                self.when(clause, &mut columns);
            }
        }
        let returned = self.returning(merge.returning_clause.as_ref());
        self.scopes.pop();
        self.with.truncate(with);
        self.wrote(Write { kind: StatementKind::Merge, table, columns, on_conflict: None });
        returned
    }

    fn when(&mut self, clause: &MergeWhenClause, columns: &mut Vec<String>) {
        if let Some(condition) = clause.condition.as_deref() {
            self.condition(condition, UsePlace::Filter);
        }
        self.walk(&clause.target_list);
        self.walk(&clause.values);
        for column in assigned(&clause.target_list) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
    }

    /// The table that is written, and as a relation whose columns may be named. Written views count by their tables.
    fn target(&mut self, relation: &RangeVar) -> (RelationUse, ShapeRelation<'c>) {
        let table = self.find(&relation.schemaname, &relation.relname).0;
        (table, self.relation(relation))
    }

    /// All columns of a table.
    pub(super) fn columns_of(&self, relation: &RangeVar) -> Vec<String> {
        match self.find(&relation.schemaname, &relation.relname).1 {
            Some(CatalogRelation::Table(columns)) => {
                columns.iter().map(|one| one.name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    fn returning(&mut self, returning: Option<&ReturningClause>) -> ShapeColumns {
        let Some(returning) = returning else { return ShapeColumns::default() };
        if let Some(scope) = self.scopes.last_mut() {
            // Since PostgreSQL 18, what rows were and are has names of its own.
            scope.sources.push(source("old", Of::Function));
            scope.sources.push(source("new", Of::Function));
        }
        let columns = self.targets(&returning.exprs);
        self.keep(columns.list.iter().map(|(_, expr)| expr), |block| &mut block.projected);
        columns
    }

    /// What an index, a statistic or `ON CONFLICT` is on: columns and expressions.
    pub(super) fn index_elements(&mut self, elements: &[Node], place: UsePlace, operator: &str) {
        for element in elements {
            let (name, expression) = match tree::inner(element) {
                Some(NodeEnum::IndexElem(element)) => (&element.name, &element.expr),
                Some(NodeEnum::StatsElem(element)) => (&element.name, &element.expr),
                _ => continue,
            };
            let expr = match expression.as_deref() {
                Some(expression) => self.expr(expression),
                None => self.named(&[name]),
            };
            let under = super::emit::Under::of(place);
            self.predicate(&expr, under.applies(operator), Compared::Nothing);
        }
    }
}

/// The names of columns that a list of targets assigns.
fn assigned(targets: &[Node]) -> Vec<String> {
    let name = |target: &Node| match tree::inner(target)? {
        NodeEnum::ResTarget(target) => Some(target.name.clone()),
        _ => None,
    };
    targets.iter().filter_map(name).collect()
}
