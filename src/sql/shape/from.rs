//! `FROM`: relations, joins and subqueries.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{JoinExpr, Node, RangeSubselect, RangeVar};

use super::Walker;
use super::emit::Under;
use super::expression::Expr;
use super::scope::{Of, ShapeColumns, ShapeRelation, ShapeScope};
use crate::model::QualifiedName;
use crate::model::observation::{BlockRole, RelationUse, UsePlace};
use crate::sql::catalog::CatalogRelation;
use crate::sql::tree;

impl<'c> Walker<'c> {
    pub(super) fn from(&mut self, items: &[Node]) {
        for item in items {
            self.item(item);
        }
    }

    pub(super) fn item(&mut self, item: &Node) {
        match tree::inner(item) {
            Some(NodeEnum::RangeVar(relation)) => {
                let source = self.relation(relation);
                self.add(source);
            }
            Some(NodeEnum::RangeSubselect(query)) => self.subquery(query),
            Some(NodeEnum::JoinExpr(join)) => self.join(join),
            Some(NodeEnum::RangeTableSample(sample)) => {
                sample.relation.iter().for_each(|relation| self.item(relation));
            }
            Some(NodeEnum::RangeFunction(range)) => {
                for function in &range.functions {
                    let parts = tree::items(function);
                    let calls = parts.first().map(|call| self.expr(call));
                    self.keep(&calls, |block| &mut block.projected);
                }
                let alias = range.alias.as_ref().map_or("", |alias| &alias.aliasname);
                self.add(source(alias, Of::Function));
            }
            Some(NodeEnum::JsonTable(table)) => {
                let context = table.context_item.as_deref();
                let document = context.and_then(|item| item.raw_expr.as_deref());
                let document = document.map(|document| self.expr(document));
                self.keep(&document, |block| &mut block.projected);
                let alias = table.alias.as_ref().map_or("", |alias| &alias.aliasname);
                self.add(source(alias, Of::Function));
            }
            _ => self.add(source("", Of::Function)),
        }
    }

    pub(super) fn add(&mut self, source: ShapeRelation<'c>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.push(source);
        }
    }

    /// A relation by its name: a table, a view, a common table expression.
    pub(super) fn relation(&mut self, relation: &RangeVar) -> ShapeRelation<'c> {
        let renamed = relation.alias.as_ref().map(|alias| tree::names(&alias.colnames));
        let renamed = renamed.unwrap_or_default();
        let alias = relation.alias.as_ref().map_or(&relation.relname, |alias| &alias.aliasname);
        let common = self
            .with
            .iter()
            .rfind(|known| relation.schemaname.is_empty() && known.name == relation.relname);
        if let Some(known) = common {
            let (table, columns) = (known.table, Rc::clone(&known.columns));
            if let Some(table) = self.shape.ctes.get_mut(table) {
                table.references = table.references.saturating_add(1);
            }
            return source(alias, query(columns, &renamed));
        }
        let (used, known) = self.find(&relation.schemaname, &relation.relname);
        let schema = relation.schemaname.clone();
        let of = match known {
            Some(CatalogRelation::View(definition)) => {
                let name = QualifiedName { schema: used.schema, name: used.name };
                query(self.view(name, definition), &renamed)
            }
            Some(CatalogRelation::Table(columns)) => self.table(used, columns),
            Some(CatalogRelation::Partition(_)) | None => {
                self.reads_relation(used);
                Of::Unknown
            }
        };
        ShapeRelation { schema, renamed, ..source(alias, of) }
    }

    fn table(&mut self, table: RelationUse, columns: &'c [crate::sql::Column]) -> Of<'c> {
        self.instances += 1;
        self.reads_relation(table.clone());
        Of::Table { table, columns, instance: self.instances }
    }

    fn reads_relation(&mut self, table: RelationUse) {
        if let Some(block) = self.room() {
            block.relations.push(table);
        }
    }

    /// The columns of a view, followed to tables. What its query does is part of the statement.
    fn view(&mut self, name: QualifiedName, definition: &str) -> Rc<ShapeColumns> {
        if let Some(columns) = self.views.get(&name) {
            return Rc::clone(columns);
        }
        let unknown = Rc::new(ShapeColumns { list: Vec::new(), open: true });
        self.views.insert(name.clone(), Rc::clone(&unknown));
        let Some(parsed) = Some(())
            .filter(|()| self.views_depth < super::VIEWS_DEPTH_MAX)
            .and_then(|()| crate::sql::parse::parse(definition).ok()?.into_iter().next())
        else {
            return unknown;
        };
        // A view sees nothing of the query that names it.
        let (scopes, with) = (std::mem::take(&mut self.scopes), std::mem::take(&mut self.with));
        self.views_depth += 1;
        let before = self.block(BlockRole::View);
        let columns = Rc::new(self.rows(&parsed.tree));
        self.current = before;
        self.views_depth -= 1;
        (self.scopes, self.with) = (scopes, with);
        self.views.insert(name, Rc::clone(&columns));
        columns
    }

    fn subquery(&mut self, range: &RangeSubselect) {
        let Some(select) = range.subquery.as_deref() else { return };
        // Only LATERAL lets it name its neighbours.
        let neighbours = if range.lateral { None } else { self.scopes.pop() };
        let before = self.block(BlockRole::Subquery);
        let columns = self.rows(select);
        self.current = before;
        self.scopes.extend(neighbours);
        let alias = range.alias.as_ref();
        let renamed = alias.map(|alias| tree::names(&alias.colnames)).unwrap_or_default();
        let name = alias.map_or("", |alias| &alias.aliasname);
        self.add(source(name, query(Rc::new(columns), &renamed)));
    }

    fn join(&mut self, join: &JoinExpr) {
        let start = self.scopes.last().map_or(0, |scope| scope.sources.len());
        join.larg.iter().for_each(|item| self.item(item));
        let middle = self.scopes.last().map_or(start, |scope| scope.sources.len());
        join.rarg.iter().for_each(|item| self.item(item));
        let names = if join.is_natural {
            let right = self.part(middle, usize::MAX);
            let named = |(name, _): &(String, Expr)| {
                right.list.iter().any(|(other, _)| other == name).then(|| name.clone())
            };
            self.part(start, middle).list.iter().filter_map(named).collect()
        } else {
            tree::names(&join.using_clause)
        };
        if !names.is_empty() {
            self.merge(start, middle, names);
        }
        if let Some(condition) = join.quals.as_deref() {
            self.condition(condition, UsePlace::Join);
        }
        if let Some(alias) = &join.alias {
            // A join with an alias is one relation; those within cannot be named.
            let columns = self.part(start, usize::MAX).renamed(&tree::names(&alias.colnames));
            if let Some(scope) = self.scopes.last_mut() {
                scope.sources.truncate(start);
            }
            self.add(source(&alias.aliasname, Of::Query(Rc::new(columns))));
        }
    }

    /// Columns of the same name on both sides of a join are compared, and become one.
    fn merge(&mut self, start: usize, middle: usize, names: Vec<String>) {
        let (left, right) = (self.part(start, middle), self.part(middle, usize::MAX));
        for name in &names {
            let of = |columns: &ShapeColumns| {
                columns.list.iter().find(|(column, _)| column == name).map(|(_, expr)| expr.clone())
            };
            if let (Some(left), Some(right)) = (of(&left), of(&right)) {
                self.compare(&left, Under::of(UsePlace::Join).applies("="), &right);
            }
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.merged.extend(names);
        }
    }

    /// The columns of some relations of the innermost `FROM`.
    fn part(&mut self, start: usize, end: usize) -> ShapeColumns {
        let Some(scope) = self.scopes.last_mut() else { return ShapeColumns::default() };
        let end = end.min(scope.sources.len());
        let rest = scope.sources.split_off(end);
        let part = scope.sources.split_off(start.min(end));
        let merged = scope.merged.clone();
        self.scopes.push(ShapeScope { sources: part, merged });
        let columns = self.star(&[]);
        let part = self.scopes.pop().map(|scope| scope.sources).unwrap_or_default();
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.extend(part);
            scope.sources.extend(rest);
        }
        columns
    }
}

pub(super) fn source<'c>(name: &str, of: Of<'c>) -> ShapeRelation<'c> {
    ShapeRelation { name: name.to_owned(), schema: String::new(), of, renamed: Vec::new() }
}

fn query<'c>(columns: Rc<ShapeColumns>, renamed: &[String]) -> Of<'c> {
    if renamed.is_empty() {
        return Of::Query(columns);
    }
    Of::Query(Rc::new(ShapeColumns::clone(&columns).renamed(renamed)))
}
