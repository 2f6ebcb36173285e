//! Statements that explain, prepare or store another, and definitions of indexes.

use pg_query::NodeEnum;
use pg_query::protobuf::{CopyStmt, IndexStmt, Node};

use super::Walker;
use super::scope::ShapeScope;
use crate::model::observation::{BlockRole, StatementKind, UsePlace, Write};
use crate::sql::tree;

impl Walker<'_> {
    pub(super) fn statement(&mut self, statement: &Node) {
        let within = match tree::inner(statement) {
            Some(NodeEnum::ExplainStmt(explain)) => explain.query.as_deref(),
            Some(NodeEnum::PrepareStmt(prepare)) => prepare.query.as_deref(),
            Some(NodeEnum::DeclareCursorStmt(cursor)) => cursor.query.as_deref(),
            Some(NodeEnum::ViewStmt(view)) => view.query.as_deref(),
            Some(NodeEnum::CreateTableAsStmt(table)) => table.query.as_deref(),
            Some(NodeEnum::CopyStmt(copy)) => {
                if copy.query.is_none() {
                    self.block(BlockRole::Statement);
                    self.copy(copy);
                }
                copy.query.as_deref()
            }
            Some(NodeEnum::IndexStmt(index)) => return self.index(index),
            Some(NodeEnum::CreateStatsStmt(statistics)) => {
                self.block(BlockRole::Statement);
                self.scopes.push(ShapeScope::default());
                self.from(&statistics.relations);
                self.index_elements(&statistics.exprs, UsePlace::Index, "index");
                self.scopes.pop();
                return;
            }
            Some(
                NodeEnum::SelectStmt(_)
                | NodeEnum::InsertStmt(_)
                | NodeEnum::UpdateStmt(_)
                | NodeEnum::DeleteStmt(_)
                | NodeEnum::MergeStmt(_),
            ) => {
                self.block(BlockRole::Statement);
                self.rows(statement);
                return;
            }
            _ => None,
        };
        if let Some(within) = within {
            self.statement(within);
        }
    }

    fn index(&mut self, index: &IndexStmt) {
        self.block(BlockRole::Statement);
        self.scopes.push(ShapeScope::default());
        if let Some(relation) = &index.relation {
            let source = self.relation(relation);
            self.add(source);
        }
        self.index_elements(&index.index_params, UsePlace::Index, "index");
        self.index_elements(&index.index_including_params, UsePlace::Index, "index");
        if let Some(condition) = index.where_clause.as_deref() {
            self.condition(condition, UsePlace::Index);
        }
        self.scopes.pop();
    }

    fn copy(&mut self, copy: &CopyStmt) {
        let Some(relation) = &copy.relation else { return };
        let mut columns = tree::names(&copy.attlist);
        if columns.is_empty() {
            columns = self.columns_of(relation);
        }
        if copy.is_from {
            let table = self.find(&relation.schemaname, &relation.relname).0;
            self.wrote(Write { kind: StatementKind::Insert, table, columns, on_conflict: None });
            return;
        }
        self.scopes.push(ShapeScope::default());
        let source = self.relation(relation);
        self.add(source);
        let exprs: Vec<_> = columns.iter().map(|column| self.named(&[column])).collect();
        self.keep(&exprs, |block| &mut block.projected);
        self.scopes.pop();
    }
}
