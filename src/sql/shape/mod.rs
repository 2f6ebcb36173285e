//! The shape of a statement: every column that it names, with the operator, the place and the order.
//!
//! Each expression is spelled over the columns of tables, through aliases, subqueries, common table expressions and views,
//! so that the same expression in two statements has one spelling. Values are spelled `$1`; keys of JSON documents stay.
//!
//! The parser's trees are decoded to a bounded depth, see [`super::parse`], and views stand on one another to a bounded depth,
//! so that walks need no guard of their own. What is kept of a statement is bounded, and says so where it was cut.

mod conditions;
mod emit;
mod expression;
mod from;
mod keys;
mod operators;
mod query;
mod scope;
mod spelling;
mod text_search;
mod utility;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::Node;

use self::expression::Expr;
pub use self::operators::commuted;
use self::scope::{ShapeColumns, ShapeScope};
use super::catalog::{Catalog, CatalogRelation};
use super::tree;
use crate::model::QualifiedName;
use crate::model::observation::{
    BlockRole, CommonTable, QueryBlock, RelationUse, StatementKind, StatementShape, Write,
};

/// Queries kept of one statement at most.
const BLOCKS_MAX: usize = 128;

/// Most conditions, keys and columns that are kept of one statement, together.
const ITEMS_MAX: usize = 1024;

/// Names of columns compared in one statement at most.
const LOOKUPS_MAX: usize = 1_000_000;

/// As deep may views stand on one another.
const VIEWS_DEPTH_MAX: usize = 8;
/// Queries within queries, those of views among them, that are followed: each takes stack.
const QUERIES_DEPTH_MAX: usize = 48;

/// The shape of a statement.
pub(super) fn shape(statement: &Node, catalog: &Catalog) -> StatementShape {
    let mut walker = Walker::new(catalog);
    walker.shape.kind = kind(statement);
    walker.statement(statement);
    walker.finish()
}

/// An expression over the columns of a relation as shapes spell it; none where it cannot be read.
///
/// The expression of an index, as `pg_get_indexdef` prints it, is spelled as that of a statement. The server prints the cast
/// of a domain to the type that it is over, which no statement writes: it is left out for the columns named in `jsonb`,
/// which are of that type or of a domain over it.
pub fn spelled(expression: &str, jsonb: &[String]) -> Option<String> {
    alone(expression, jsonb).map(|expr| expr.text)
}

/// The column and the path of the key whose value, perhaps cast, an expression over the columns of a relation is.
pub fn spelled_key(expression: &str, jsonb: &[String]) -> Option<(String, String)> {
    let subject = alone(expression, jsonb)?.subject();
    let column = subject.columns.into_iter().next()?;
    Some((column.column, subject.path?))
}

/// An expression in which every name is that of a column.
fn alone(expression: &str, jsonb: &[String]) -> Option<Expr> {
    let parsed = super::parse::parse(&format!("select {expression}")).ok()?;
    let [only] = parsed.as_slice() else { return None };
    let Some(NodeEnum::SelectStmt(select)) = tree::inner(&only.tree) else { return None };
    let [target] = select.target_list.as_slice() else { return None };
    let Some(NodeEnum::ResTarget(target)) = tree::inner(target) else { return None };
    let catalog = Catalog::default();
    let mut walker = Walker { jsonb, ..Walker::new(&catalog) };
    walker.block(BlockRole::Statement);
    walker.scopes.push(ShapeScope::any());
    Some(walker.expr(target.val.as_deref()?))
}

fn kind(statement: &Node) -> StatementKind {
    match tree::inner(statement) {
        Some(NodeEnum::SelectStmt(_)) => StatementKind::Select,
        Some(NodeEnum::InsertStmt(_)) => StatementKind::Insert,
        Some(NodeEnum::UpdateStmt(_)) => StatementKind::Update,
        Some(NodeEnum::DeleteStmt(_)) => StatementKind::Delete,
        Some(NodeEnum::MergeStmt(_)) => StatementKind::Merge,
        _ => StatementKind::Utility,
    }
}

/// A statement being walked.
struct Walker<'c> {
    catalog: &'c Catalog,
    /// Columns of which a cast to `jsonb` does nothing.
    jsonb: &'c [String],
    shape: StatementShape,
    /// What may be named, the innermost query last.
    scopes: Vec<ShapeScope<'c>>,
    /// Common table expressions that may be named, the innermost last: the position of each in the shape, and its columns.
    with: Vec<CommonTableExpression>,
    /// Views that were read.
    views: BTreeMap<QualifiedName, Rc<ShapeColumns>>,
    views_depth: usize,
    queries_depth: usize,
    /// The query that is being read, by its position.
    current: usize,
    /// How many relations were met: each reference is one of its own.
    instances: u32,
    items: usize,
    lookups: usize,
}

/// A common table expression.
struct CommonTableExpression {
    name: String,
    table: usize,
    columns: Rc<ShapeColumns>,
}

impl<'c> Walker<'c> {
    fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            jsonb: &[],
            shape: StatementShape::default(),
            scopes: Vec::new(),
            with: Vec::new(),
            views: BTreeMap::new(),
            views_depth: 0,
            queries_depth: 0,
            current: 0,
            instances: 0,
            items: 0,
            lookups: 0,
        }
    }

    fn finish(mut self) -> StatementShape {
        for block in &mut self.shape.blocks {
            block.relations.sort();
            block.relations.dedup();
            block.predicates.sort();
            block.predicates.dedup();
            block.joins.sort();
            block.joins.dedup();
            block.projected.sort();
            block.projected.dedup();
        }
        self.shape
    }

    /// Begins a query within the current one, and says which was current.
    fn block(&mut self, role: BlockRole) -> usize {
        let before = self.current;
        if self.shape.blocks.len() == BLOCKS_MAX {
            self.shape.truncated = true;
            return before;
        }
        let parent = (!self.shape.blocks.is_empty()).then_some(before);
        self.current = self.shape.blocks.len();
        self.shape.blocks.push(QueryBlock { role, parent, ..QueryBlock::default() });
        before
    }

    /// The query being read, unless as much as is kept was kept already.
    fn room(&mut self) -> Option<&mut QueryBlock> {
        self.items += 1;
        if self.items > ITEMS_MAX {
            self.shape.truncated = true;
            return None;
        }
        self.shape.blocks.get_mut(self.current)
    }

    /// What a name of a relation means: a table, or a view by its query. Several schemas may have the name.
    fn find(&self, schema: &str, name: &str) -> (RelationUse, Option<&'c CatalogRelation>) {
        let schema = Some(schema).filter(|schema| !schema.is_empty());
        let ambiguous = schema.is_none() && self.catalog.is_ambiguous(name);
        if let Some((name, relation)) = self.catalog.find_anywhere(schema, name) {
            let QualifiedName { schema, name } = name;
            (RelationUse { schema, name, known: true, ambiguous }, Some(relation))
        } else {
            let schema = schema.unwrap_or_default().to_owned();
            (RelationUse { schema, name: name.to_owned(), known: false, ambiguous }, None)
        }
    }

    fn wrote(&mut self, write: Write) {
        if self.shape.writes.len() < BLOCKS_MAX {
            self.shape.writes.push(write);
        } else {
            self.shape.truncated = true;
        }
    }

    fn common_table(&mut self, table: CommonTable) -> usize {
        self.shape.ctes.push(table);
        self.shape.ctes.len() - 1
    }

    /// Walks expressions for what stands within them.
    fn walk<'n>(&mut self, nodes: impl IntoIterator<Item = &'n Node>) -> Vec<Expr> {
        nodes.into_iter().map(|node| self.expr(node)).collect()
    }
}
