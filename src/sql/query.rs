//! `SELECT`: where its columns come from, and what it reads on the way.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{CommonTableExpr, Node, SelectStmt, SetOperation, WindowDef, WithClause};

use super::reader::StatementReader;
use super::scope::{Columns, FromScope, Named};
use super::tree;
use super::understood::Clause;
use super::value::TracedValue;

impl StatementReader<'_> {
    /// The rows that a statement yields, none of which is consumed yet.
    pub(super) fn rows(&mut self, statement: &Node) -> Columns {
        match tree::inner(statement) {
            Some(NodeEnum::SelectStmt(select)) => self.select(select),
            Some(NodeEnum::InsertStmt(insert)) => self.insert(insert),
            Some(NodeEnum::UpdateStmt(update)) => self.update(update),
            Some(NodeEnum::DeleteStmt(delete)) => self.delete(delete),
            Some(NodeEnum::MergeStmt(merge)) => self.merge(merge),
            _ => Columns::unknown(),
        }
    }

    /// Read a statement whose rows are consumed here.
    pub(super) fn consume(&mut self, statement: &Node, place: Clause) {
        let rows = self.rows(statement);
        self.take_all(&rows, place);
    }

    pub(super) fn select(&mut self, select: &SelectStmt) -> Columns {
        let with = self.with.len();
        self.common_tables(select.with_clause.as_ref());
        let columns = match (&select.larg, &select.rarg) {
            (Some(left), Some(right)) => self.set_operation(select, left, right),
            _ if !select.values_lists.is_empty() => self.values(select),
            _ => self.simple(select),
        };
        self.with.truncate(with);
        columns
    }

    fn set_operation(
        &mut self,
        whole: &SelectStmt,
        left: &SelectStmt,
        right: &SelectStmt,
    ) -> Columns {
        let left = self.select(left);
        let right = self.select(right);
        let columns = self.either(whole, left, right);
        self.order_by(&whole.sort_clause, &columns);
        columns
    }

    /// The rows of a set operation. All but `UNION ALL` compare each row with the others, and so consume it.
    fn either(&mut self, operation: &SelectStmt, left: Columns, right: Columns) -> Columns {
        let is_union = operation.op() == SetOperation::SetopUnion;
        if !(is_union && operation.all) {
            self.take_all(&left, Clause::GroupBy);
            self.take_all(&right, Clause::GroupBy);
        }
        if is_union { left.or(right) } else { left }
    }

    pub(super) fn take_all(&mut self, columns: &Columns, place: Clause) {
        columns.list.iter().for_each(|column| self.take(&column.value, place, None));
    }

    fn values(&mut self, select: &SelectStmt) -> Columns {
        let mut columns = Columns::default();
        for (position, row) in select.values_lists.iter().enumerate() {
            let named = tree::items(row).iter().enumerate().map(|(number, item)| Named {
                name: format!("column{}", number + 1),
                value: self.value(item, Clause::Select),
            });
            let row = Columns { list: named.collect(), open: false };
            columns = if position == 0 { row } else { columns.or(row) };
        }
        columns
    }

    fn simple(&mut self, select: &SelectStmt) -> Columns {
        self.scopes.push(FromScope::default());
        self.add_items(&select.from_clause);
        self.read_all(select.where_clause.as_deref(), Clause::Where);
        let columns = self.targets(&select.target_list, Clause::Select);
        self.distinct(&select.distinct_clause, &columns);
        self.group_by(&select.group_clause, &columns);
        self.read_all(select.having_clause.as_deref(), Clause::Having);
        for window in &select.window_clause {
            if let Some(NodeEnum::WindowDef(window)) = tree::inner(window) {
                self.window(window);
            }
        }
        self.order_by(&select.sort_clause, &columns);
        self.read_all(select.limit_count.as_deref(), Clause::Other);
        self.read_all(select.limit_offset.as_deref(), Clause::Other);
        self.close_scope();
        columns
    }

    /// `DISTINCT` groups by all columns, `DISTINCT ON` by what it lists.
    fn distinct(&mut self, items: &[Node], columns: &Columns) {
        match items {
            // The parser's way to write DISTINCT: a list of one item that is nothing.
            [item] if item.node.is_none() => self.take_all(columns, Clause::GroupBy),
            items => self.group_by(items, columns),
        }
    }

    /// What a window partitions and orders by.
    pub(super) fn window(&mut self, window: &WindowDef) {
        self.read_all(&window.partition_clause, Clause::Other);
        self.order_by(&window.order_clause, &Columns::default());
    }

    /// Make the common table expressions of a `WITH` known.
    pub(super) fn common_tables(&mut self, with: Option<&WithClause>) {
        let Some(with) = with else { return };
        for table in &with.ctes {
            let Some(NodeEnum::CommonTableExpr(table)) = tree::inner(table) else { continue };
            let columns = self.common_table(table, with.recursive);
            self.with.push((table.ctename.clone(), Rc::new(columns)));
        }
    }

    fn common_table(&mut self, table: &CommonTableExpr, recursive: bool) -> Columns {
        let names = tree::names(&table.aliascolnames);
        let Some(query) = table.ctequery.as_deref() else { return Columns::unknown() };
        if recursive
            && let Some(NodeEnum::SelectStmt(select)) = tree::inner(query)
            && let (Some(first), Some(again)) = (&select.larg, &select.rarg)
        {
            // The second arm reads the table itself, which first holds the rows of the first arm.
            let outer = self.with.len();
            self.common_tables(select.with_clause.as_ref());
            let columns = self.select(first).renamed(&names);
            self.with.push((table.ctename.clone(), Rc::new(columns.clone())));
            let again = self.select(again);
            self.with.truncate(outer);
            return self.either(select, columns, again);
        }
        self.rows(query).renamed(&names)
    }

    /// The columns that a list of targets yields.
    pub(super) fn targets(&mut self, targets: &[Node], place: Clause) -> Columns {
        let mut columns = Columns::default();
        for target in targets {
            let Some(NodeEnum::ResTarget(target)) = tree::inner(target) else { continue };
            let Some(expression) = target.val.as_deref() else { continue };
            if let Some(qualifier) = star(expression) {
                let listed = self.star(&qualifier);
                columns.open |= listed.open;
                columns.list.extend(listed.list);
                continue;
            }
            let name = if target.name.is_empty() { column_name(expression) } else { &target.name };
            let value = self.value(expression, place);
            columns.list.push(Named { name: name.to_owned(), value });
        }
        columns
    }

    fn group_by(&mut self, items: &[Node], output: &Columns) {
        for item in items {
            if let Some(NodeEnum::GroupingSet(set)) = tree::inner(item) {
                self.group_by(&set.content, output);
                continue;
            }
            // A name means a column of what is read before it means one of the output.
            let name = bare_name(item).filter(|name| !self.reads(name));
            match output_column(item, name, output) {
                Some(value) => self.take(value, Clause::GroupBy, None),
                None => self.read(item, Clause::GroupBy),
            }
        }
    }

    pub(super) fn order_by(&mut self, items: &[Node], output: &Columns) {
        for item in items {
            let Some(NodeEnum::SortBy(sort)) = tree::inner(item) else { continue };
            let Some(item) = sort.node.as_deref() else { continue };
            match output_column(item, bare_name(item), output) {
                Some(value) => self.take(value, Clause::OrderBy, None),
                None => self.read(item, Clause::OrderBy),
            }
        }
    }

    /// Read expressions whose values are consumed here.
    pub(super) fn read_all<'n>(
        &mut self,
        nodes: impl IntoIterator<Item = &'n Node>,
        place: Clause,
    ) {
        for node in nodes {
            self.read(node, place);
        }
    }

    /// Read an expression whose value is consumed here.
    pub(super) fn read(&mut self, node: &Node, place: Clause) {
        let value = self.value(node, place);
        self.take(&value, place, None);
    }
}

/// What stands before the dot of `relation.*`, if that is what it is.
pub(super) fn star(expression: &Node) -> Option<Vec<&str>> {
    let NodeEnum::ColumnRef(column) = tree::inner(expression)? else { return None };
    let (last, qualifier) = column.fields.split_last()?;
    matches!(tree::inner(last)?, NodeEnum::AStar(_))
        .then(|| qualifier.iter().filter_map(tree::name).collect())
}

/// The column of the output that an item means, by its position or its name.
fn output_column<'c>(
    item: &Node,
    name: Option<&str>,
    output: &'c Columns,
) -> Option<&'c TracedValue> {
    match output_position(item) {
        Some(position) => output.list.get(position.checked_sub(1)?).map(|column| &column.value),
        None => output.get(name?),
    }
}

/// The position of a column of the output, where an item is one.
pub(super) fn output_position(item: &Node) -> Option<usize> {
    tree::integer(item).and_then(|number| usize::try_from(number).ok())
}

/// A name without a qualifier.
pub(super) fn bare_name(item: &Node) -> Option<&str> {
    match tree::inner(item)? {
        NodeEnum::ColumnRef(column) if column.fields.len() == 1 => tree::name(&column.fields[0]),
        _ => None,
    }
}

/// The name that PostgreSQL gives a column without an alias.
pub(super) fn column_name(expression: &Node) -> &str {
    let unnamed = "?column?";
    match tree::inner(expression) {
        Some(NodeEnum::ColumnRef(column)) => tree::last_name(&column.fields),
        Some(NodeEnum::FuncCall(call)) => tree::last_name(&call.funcname),
        Some(NodeEnum::AIndirection(within)) => within
            .indirection
            .iter()
            .rev()
            .find_map(tree::name)
            .or_else(|| within.arg.as_deref().map(column_name))
            .unwrap_or(unnamed),
        Some(NodeEnum::TypeCast(cast)) => {
            let inner = cast.arg.as_deref().map_or(unnamed, column_name);
            let of_type =
                || cast.type_name.as_ref().map_or(unnamed, |name| tree::last_name(&name.names));
            if inner == unnamed { of_type() } else { inner }
        }
        Some(NodeEnum::CollateClause(collate)) => {
            collate.arg.as_deref().map_or(unnamed, column_name)
        }
        Some(NodeEnum::CoalesceExpr(_)) => "coalesce",
        Some(NodeEnum::CaseExpr(_)) => "case",
        Some(NodeEnum::SubLink(link)) => match link.subselect.as_deref().and_then(tree::inner) {
            Some(NodeEnum::SelectStmt(select)) => match select.target_list.first().map(tree::inner)
            {
                Some(Some(NodeEnum::ResTarget(target))) if !target.name.is_empty() => &target.name,
                Some(Some(NodeEnum::ResTarget(target))) => {
                    target.val.as_deref().map_or(unnamed, column_name)
                }
                _ => unnamed,
            },
            _ => unnamed,
        },
        _ => unnamed,
    }
}
