//! `SELECT`: conditions, groups, order and limit of one query.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{
    CommonTableExpr, CteMaterialize, Node, SelectStmt, SetOperation, SortBy, SortByDir,
    SortByNulls, WindowDef, WithClause,
};

use super::expression::Expr;
use super::scope::{ShapeColumns, ShapeScope};
use super::{CommonTableExpression, Walker};
use crate::model::observation::{BlockRole, CommonTable, Limit, OrderKey, QueryBlock, UsePlace};
use crate::sql::query::{bare_name, column_name, output_position, star};
use crate::sql::tree;

/// Rows of `VALUES` read at most: the others are of the same kind.
const ROWS_MAX: usize = 16;

impl Walker<'_> {
    /// The columns of the rows that a statement yields.
    pub(super) fn rows(&mut self, statement: &Node) -> ShapeColumns {
        match tree::inner(statement) {
            Some(NodeEnum::SelectStmt(select)) => self.select(select),
            Some(NodeEnum::InsertStmt(insert)) => self.insert(insert),
            Some(NodeEnum::UpdateStmt(update)) => self.update(update),
            Some(NodeEnum::DeleteStmt(delete)) => self.delete(delete),
            Some(NodeEnum::MergeStmt(merge)) => self.merge_rows(merge),
            _ => ShapeColumns { list: Vec::new(), open: true },
        }
    }

    pub(super) fn select(&mut self, select: &SelectStmt) -> ShapeColumns {
        if self.queries_depth == super::QUERIES_DEPTH_MAX {
            self.shape.truncated = true;
            return ShapeColumns { list: Vec::new(), open: true };
        }
        self.queries_depth += 1;
        let with = self.with.len();
        self.common_tables(select.with_clause.as_ref());
        let columns = match (&select.larg, &select.rarg) {
            (Some(left), Some(right)) => self.set_operation(select, left, right),
            _ if !select.values_lists.is_empty() => self.values(select),
            _ => self.simple(select),
        };
        self.with.truncate(with);
        self.queries_depth -= 1;
        columns
    }

    fn set_operation(
        &mut self,
        whole: &SelectStmt,
        left: &SelectStmt,
        right: &SelectStmt,
    ) -> ShapeColumns {
        let left = self.arm(left);
        let right = self.arm(right);
        self.either(whole, left, right)
    }

    fn either(
        &mut self,
        whole: &SelectStmt,
        left: ShapeColumns,
        right: ShapeColumns,
    ) -> ShapeColumns {
        let columns = left.or(right);
        // All but UNION ALL compare each row with the others.
        if !(whole.op() == SetOperation::SetopUnion && whole.all) {
            self.keep(columns.list.iter().map(|(_, expr)| expr), |block| &mut block.distinct);
        }
        self.scopes.push(ShapeScope::default());
        self.order_and_limit(whole, &columns);
        self.scopes.pop();
        columns
    }

    fn arm(&mut self, arm: &SelectStmt) -> ShapeColumns {
        let before = self.block(BlockRole::Arm);
        let columns = self.select(arm);
        self.current = before;
        columns
    }

    fn values(&mut self, select: &SelectStmt) -> ShapeColumns {
        let mut columns = ShapeColumns::default();
        for (position, row) in select.values_lists.iter().take(ROWS_MAX).enumerate() {
            let row = self.walk(tree::items(row));
            if position == 0 {
                let named = row.into_iter().enumerate();
                columns.list =
                    named.map(|(at, expr)| (format!("column{}", at + 1), expr)).collect();
            }
        }
        columns
    }

    fn simple(&mut self, select: &SelectStmt) -> ShapeColumns {
        self.scopes.push(ShapeScope::default());
        self.from(&select.from_clause);
        if let Some(condition) = select.where_clause.as_deref() {
            self.condition(condition, UsePlace::Where);
        }
        let columns = self.targets(&select.target_list);
        self.keep(columns.list.iter().map(|(_, expr)| expr), |block| &mut block.projected);
        match select.distinct_clause.as_slice() {
            // The parser's way to write DISTINCT: a list of one item that is nothing.
            [item] if item.node.is_none() => {
                self.keep(columns.list.iter().map(|(_, expr)| expr), |block| &mut block.distinct);
            }
            items => self.group(items, &columns, |block| &mut block.distinct),
        }
        self.group(&select.group_clause, &columns, |block| &mut block.group_by);
        self.extremes(select);
        if let Some(condition) = select.having_clause.as_deref() {
            self.condition(condition, UsePlace::Having);
        }
        for window in &select.window_clause {
            if let Some(NodeEnum::WindowDef(window)) = tree::inner(window) {
                self.window(window);
            }
        }
        self.order_and_limit(select, &columns);
        self.scopes.pop();
        columns
    }

    /// What a query returns the least or the greatest of, if that is all that it returns.
    fn extremes(&mut self, select: &SelectStmt) {
        let grouped = !select.group_clause.is_empty() || select.having_clause.is_some();
        let of = |target: &Node| -> Option<Node> {
            let NodeEnum::ResTarget(target) = tree::inner(target)? else { return None };
            let NodeEnum::FuncCall(call) = tree::inner(target.val.as_deref()?)? else {
                return None;
            };
            let [argument] = call.args.as_slice() else { return None };
            let plain = call.over.is_none() && call.agg_filter.is_none();
            let extreme = matches!(tree::last_name(&call.funcname), "min" | "max");
            (plain && extreme).then(|| argument.clone())
        };
        let arguments: Option<Vec<Node>> = select.target_list.iter().map(of).collect();
        let Some(arguments) = arguments.filter(|_| !grouped) else { return };
        let arguments = self.walk(&arguments);
        self.keep(&arguments, |block| &mut block.extremes);
    }

    /// A window's expressions: only what stands within them is read, for no index serves a window by itself.
    pub(super) fn window(&mut self, window: &WindowDef) {
        self.walk(&window.partition_clause);
        for item in &window.order_clause {
            if let Some(NodeEnum::SortBy(sort)) = tree::inner(item) {
                self.walk(sort.node.as_deref());
            }
        }
    }

    fn order_and_limit(&mut self, select: &SelectStmt, columns: &ShapeColumns) {
        for item in &select.sort_clause {
            if let Some(NodeEnum::SortBy(sort)) = tree::inner(item) {
                self.order(sort, columns);
            }
        }
        let limit = select.limit_count.as_deref().and_then(|limit| self.limit(limit));
        let offset = select.limit_offset.as_deref().and_then(|limit| self.limit(limit));
        if let Some(block) = self.shape.blocks.get_mut(self.current) {
            (block.limit, block.offset) = (limit, offset);
        }
    }

    fn order(&mut self, sort: &SortBy, output: &ShapeColumns) {
        let Some(item) = sort.node.as_deref() else { return };
        let expr = match output_column(item, bare_name(item), output) {
            Some(expr) => expr.clone(),
            None => self.expr(item),
        };
        if !expr.has_columns() {
            return;
        }
        let nulls_first = match sort.sortby_nulls() {
            SortByNulls::SortbyNullsFirst => Some(true),
            SortByNulls::SortbyNullsLast => Some(false),
            _ => None,
        };
        let descending = match sort.sortby_dir() {
            SortByDir::SortbyDesc => true,
            SortByDir::SortbyUsing => tree::last_name(&sort.use_op) == ">",
            _ => false,
        };
        let key =
            OrderKey { subject: expr.subject(), descending, nulls_first, distance: expr.distance };
        if let Some(block) = self.room() {
            block.order_by.push(key);
        }
    }

    /// How many rows; none where it is `ALL`.
    fn limit(&mut self, limit: &Node) -> Option<Limit> {
        if let Some(number) = tree::integer(limit) {
            let small = u32::try_from(number).ok().filter(|number| *number <= Limit::KEPT_MAX);
            return Some(small.map_or(Limit::Large, Limit::Constant));
        }
        let expr = self.expr(limit);
        match (expr.text.as_str(), expr.nature) {
            ("null", _) => None,
            ("$1", crate::model::observation::Compared::Parameter) => Some(Limit::Parameter),
            // A number that is no integer of four bytes.
            ("$1", crate::model::observation::Compared::Constant) => Some(Limit::Large),
            _ => Some(Limit::Expression),
        }
    }

    fn group(
        &mut self,
        items: &[Node],
        output: &ShapeColumns,
        list: impl Fn(&mut QueryBlock) -> &mut Vec<crate::model::observation::Subject> + Copy,
    ) {
        for item in items {
            if let Some(NodeEnum::GroupingSet(set)) = tree::inner(item) {
                self.group(&set.content, output, list);
                continue;
            }
            // A name means a column of what is read before it means one of the output.
            let name = bare_name(item).filter(|name| !self.reads(name));
            if let Some(expr) = output_column(item, name, output) {
                self.keep([expr], list);
            } else {
                let expr = self.expr(item);
                self.keep([&expr], list);
            }
        }
    }

    /// The columns that a list of targets yields.
    pub(super) fn targets(&mut self, targets: &[Node]) -> ShapeColumns {
        let mut columns = ShapeColumns::default();
        for target in targets {
            let Some(NodeEnum::ResTarget(target)) = tree::inner(target) else { continue };
            let Some(expression) = target.val.as_deref() else { continue };
            if let Some(qualifier) = star(expression) {
                let listed = self.star(&qualifier);
                columns.open |= listed.open;
                columns.list.extend(listed.list);
                columns.bound();
                continue;
            }
            let name = if target.name.is_empty() { column_name(expression) } else { &target.name };
            let expr = self.expr(expression);
            columns.list.push((name.to_owned(), expr));
            columns.bound();
        }
        columns
    }

    /// Make the common table expressions of a `WITH` known.
    pub(super) fn common_tables(&mut self, with: Option<&WithClause>) {
        let Some(with) = with else { return };
        for table in &with.ctes {
            if let Some(NodeEnum::CommonTableExpr(table)) = tree::inner(table) {
                self.common(table, with.recursive);
            }
        }
    }

    fn common(&mut self, table: &CommonTableExpr, recursive: bool) {
        let Some(query) = table.ctequery.as_deref() else { return };
        let names = tree::names(&table.aliascolnames);
        let before = self.block(BlockRole::Cte);
        let position = self.common_table(CommonTable {
            name: table.ctename.clone(),
            materialized: match table.ctematerialized() {
                CteMaterialize::Always => Some(true),
                CteMaterialize::Never => Some(false),
                _ => None,
            },
            recursive: false,
            references: 0,
            block: self.current,
        });
        let known = |columns: &ShapeColumns| CommonTableExpression {
            name: table.ctename.clone(),
            table: position,
            columns: Rc::new(columns.clone()),
        };
        let columns = match tree::inner(query) {
            Some(NodeEnum::SelectStmt(select)) if recursive && select.larg.is_some() => {
                // The second arm reads the table itself, which first holds the rows of the first.
                let outer = self.with.len();
                self.common_tables(select.with_clause.as_ref());
                let first = select.larg.as_deref().map(|first| self.arm(first));
                let first = first.unwrap_or_default().renamed(&names);
                self.with.push(known(&first));
                let again = select.rarg.as_deref().map(|again| self.arm(again));
                self.with.truncate(outer);
                if let Some(table) = self.shape.ctes.get_mut(position) {
                    (table.recursive, table.references) = (table.references > 0, 0);
                }
                self.either(select, first, again.unwrap_or_default())
            }
            _ => self.rows(query).renamed(&names),
        };
        self.current = before;
        let known = known(&columns);
        self.with.push(known);
    }
}

/// The column of the output that an item means, by its position or its name.
fn output_column<'c>(
    item: &Node,
    name: Option<&str>,
    output: &'c ShapeColumns,
) -> Option<&'c Expr> {
    if let Some(position) = output_position(item) {
        output.list.get(position.checked_sub(1)?).map(|(_, expr)| expr)
    } else {
        let name = name?;
        output.list.iter().find(|(column, _)| column == name).map(|(_, expr)| expr)
    }
}
