//! `FROM`: relations, joins, subqueries, and functions that unnest documents.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{
    Alias, FuncCall, JoinExpr, JoinType, Node, RangeFunction, RangeSubselect, RangeVar,
};

use super::function;
use super::reader::StatementReader;
use super::scope::{Columns, FromRelation, FromScope, Merged, Named};
use super::tree;
use super::understood::{Access, Clause, JsonStep};
use super::value::{StepOperator, TracedValue};

impl StatementReader<'_> {
    /// Make the relations of a `FROM` known, one after the other: each may name those before it.
    pub(super) fn add_items(&mut self, items: &[Node]) {
        for item in items {
            self.add_item(item);
        }
    }

    pub(super) fn add_item(&mut self, item: &Node) {
        match tree::inner(item) {
            Some(NodeEnum::RangeVar(relation)) => {
                let source = self.named_relation(relation);
                self.add(source);
            }
            Some(NodeEnum::RangeSubselect(query)) => self.subquery(query),
            Some(NodeEnum::RangeFunction(function)) => self.functions(function),
            Some(NodeEnum::JoinExpr(join)) => self.join(join),
            Some(NodeEnum::JsonTable(table)) => self.json_table(table),
            Some(NodeEnum::RangeTableSample(sample)) => {
                sample.relation.iter().for_each(|relation| self.add_item(relation));
                self.read_all(&sample.args, Clause::Other);
            }
            Some(NodeEnum::RangeTableFunc(table)) => {
                self.read_all(table.docexpr.as_deref(), Clause::From);
                self.add(aliased(table.alias.as_ref(), "xmltable", Columns::unknown()));
            }
            _ => self.add(FromRelation::new("", Columns::unknown())),
        }
    }

    pub(super) fn add(&mut self, source: FromRelation) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.add(source);
        }
    }

    /// A relation by its name: a table, a view, a common table expression.
    pub(super) fn named_relation(&mut self, relation: &RangeVar) -> FromRelation {
        let schema = Some(relation.schemaname.as_str()).filter(|schema| !schema.is_empty());
        let columns = self.relation(schema, &relation.relname);
        let Some(alias) = &relation.alias else {
            return FromRelation {
                schema: schema.map(str::to_owned),
                ..FromRelation::new(&relation.relname, columns)
            };
        };
        if alias.colnames.is_empty() {
            return FromRelation::new(&alias.aliasname, columns);
        }
        let renamed = Columns::clone(&columns).renamed(&tree::names(&alias.colnames));
        FromRelation::new(&alias.aliasname, renamed)
    }

    fn subquery(&mut self, query: &RangeSubselect) {
        let Some(select) = query.subquery.as_deref() else { return };
        // Only LATERAL lets it name its neighbours.
        let neighbours = if query.lateral { None } else { self.scopes.pop() };
        let columns = self.rows(select);
        self.scopes.extend(neighbours);
        self.add(aliased(query.alias.as_ref(), "", columns));
    }

    fn join(&mut self, join: &JoinExpr) {
        let start = self.scopes.last().map_or(0, |scope| scope.sources.len());
        join.larg.iter().for_each(|item| self.add_item(item));
        let middle = self.scopes.last().map_or(start, |scope| scope.sources.len());
        join.rarg.iter().for_each(|item| self.add_item(item));
        let names = if join.is_natural {
            self.common_names(start, middle)
        } else {
            tree::names(&join.using_clause)
        };
        let either = matches!(join.jointype(), JoinType::JoinFull | JoinType::JoinRight);
        if let Some(scope) = self.scopes.last_mut() {
            scope.merged.extend(names.into_iter().map(|name| Merged { name, either }));
        }
        self.read_all(join.quals.as_deref(), Clause::Join);
        if let Some(alias) = &join.alias {
            self.join_alias(start, alias);
        }
    }

    /// Names of columns that both sides of a join have.
    fn common_names(&self, start: usize, middle: usize) -> Vec<String> {
        let Some(scope) = self.scopes.last() else { return Vec::new() };
        let right = &scope.sources[middle..];
        let names = scope.sources[start..middle].iter().flat_map(|source| &source.columns.list);
        let common = names
            .filter(|column| right.iter().any(|source| source.columns.get(&column.name).is_some()));
        common.map(|column| column.name.clone()).collect()
    }

    /// A join with an alias is one relation; those within cannot be named.
    fn join_alias(&mut self, start: usize, alias: &Alias) {
        let Some(scope) = self.scopes.last_mut() else { return };
        let mut within = FromScope::of(scope.sources.split_off(start));
        within.merged.clone_from(&scope.merged);
        self.add(aliased(Some(alias), "", within.star()));
    }

    fn functions(&mut self, range: &RangeFunction) {
        let mut columns = Columns::default();
        let mut reads = TracedValue::Plain;
        let mut scalar = range.functions.len() == 1 && !range.ordinality;
        let mut default_name = "";
        let alias = range.alias.as_ref().map(|alias| alias.aliasname.as_str());
        for function in &range.functions {
            let parts = tree::items(function);
            let Some(expression) = parts.first() else { continue };
            // ROWS FROM gives each function columns of its own; else they stand behind the alias.
            let own = parts.get(1).filter(|own| own.node.is_some());
            let definitions = own.map_or(range.coldeflist.as_slice(), tree::items);
            default_name = function_name(expression);
            let rows = self.function_rows(expression, definitions, alias.unwrap_or(default_name));
            scalar &= rows.columns.list.len() == 1 && definitions.is_empty();
            reads = reads.or(rows.reads);
            columns.open |= rows.columns.open;
            columns.list.extend(rows.columns.list);
        }
        if range.ordinality {
            columns.list.push(Named { name: "ordinality".to_owned(), value: TracedValue::Plain });
        }
        let source = aliased(range.alias.as_ref(), default_name, columns);
        self.add(FromRelation { scalar, reads: Some(reads), ..source });
    }

    /// The rows of one function, whose only column is called as the alias is.
    fn function_rows(
        &mut self,
        expression: &Node,
        definitions: &[Node],
        alias: &str,
    ) -> FunctionRows {
        let Some(NodeEnum::FuncCall(call)) = tree::inner(expression) else {
            let value = self.value(expression, Clause::From);
            self.take(&value, Clause::From, None);
            return FunctionRows {
                columns: Columns { open: true, ..Columns::one(alias, value) },
                reads: TracedValue::Plain,
            };
        };
        let name = tree::last_name(&call.funcname);
        match name {
            "json_to_record"
            | "jsonb_to_record"
            | "json_populate_record"
            | "jsonb_populate_record" => self.record(call, definitions, &[]),
            "json_to_recordset"
            | "jsonb_to_recordset"
            | "json_populate_recordset"
            | "jsonb_populate_recordset" => self.record(call, definitions, &[JsonStep::Elements]),
            "json_each" | "jsonb_each" | "json_each_text" | "jsonb_each_text" => {
                let document = call.args.first().map(tree::argument);
                let document =
                    document.map_or(TracedValue::Plain, |one| self.value(one, Clause::From));
                let reached =
                    if name.ends_with("_text") { StepOperator::text } else { StepOperator::json };
                let value = self.each_of(&document, reached(Access::Expand), Clause::From);
                let key = Named { name: "key".to_owned(), value: document.keys() };
                let value = Named { name: "value".to_owned(), value };
                FunctionRows {
                    columns: Columns { list: vec![key, value], open: false },
                    reads: TracedValue::Plain,
                }
            }
            _ => {
                let value = self.call(call, Clause::From);
                let column = if function::is_array_elements(name) { "value" } else { alias };
                let open = matches!(value, TracedValue::Unknown);
                FunctionRows {
                    columns: Columns { open, ..Columns::one(column, value.clone()) },
                    reads: value,
                }
            }
        }
    }

    /// The rows of a function that makes records of documents: each column reads the key of its name.
    fn record(
        &mut self,
        call: &FuncCall,
        definitions: &[Node],
        within: &[JsonStep],
    ) -> FunctionRows {
        let arguments: Vec<&Node> = call.args.iter().map(tree::argument).collect();
        let populates = tree::last_name(&call.funcname).contains("populate");
        let document = arguments.get(usize::from(populates));
        let document = document.map_or(TracedValue::Plain, |node| self.value(node, Clause::From));
        let whole = self.within(&document, within, StepOperator::json(Access::Record));
        let base = arguments.first().filter(|_| populates);
        let mut names: Vec<(String, Option<String>)> =
            definitions.iter().filter_map(definition).collect();
        if let Some(columns) = base.and_then(|base| self.row_type_of(base)) {
            names.extend(columns.into_iter().map(|name| (name, None)));
        }
        if names.is_empty() {
            let any = self.within(&whole, &[JsonStep::Bound], StepOperator::json(Access::Record));
            // Whichever of its columns are named, their keys are not known.
            self.take(&any, Clause::From, None);
            return FunctionRows { columns: Columns::unknown(), reads: TracedValue::Plain };
        }
        let mut list = Vec::new();
        for (name, of_type) in names {
            let step = [JsonStep::Key(name.clone())];
            let value = self.within(&whole, &step, StepOperator::json(Access::Record));
            let value = of_type.map_or(value.clone(), |of_type| value.cast(&of_type));
            list.push(Named { name, value });
        }
        FunctionRows { columns: Columns { list, open: false }, reads: whole }
    }

    /// The columns of the row type that `NULL::features` has.
    pub(super) fn row_type_of(&self, base: &Node) -> Option<Vec<String>> {
        let NodeEnum::TypeCast(cast) = tree::inner(base)? else { return None };
        let names = tree::names(&cast.type_name.as_ref()?.names);
        let (name, schema) = names.split_last()?;
        self.row_type(schema.last().map(String::as_str), name)
    }
}

/// What a function in `FROM` yields.
struct FunctionRows {
    columns: Columns,
    /// What it reads, even if no one names its columns.
    reads: TracedValue,
}

/// A column of a definition list, and its type.
fn definition(node: &Node) -> Option<(String, Option<String>)> {
    let NodeEnum::ColumnDef(column) = tree::inner(node)? else { return None };
    Some((column.colname.clone(), column.type_name.as_ref().map(tree::type_name)))
}

fn function_name(expression: &Node) -> &str {
    match tree::inner(expression) {
        Some(NodeEnum::FuncCall(call)) => tree::last_name(&call.funcname),
        _ => "",
    }
}

/// A relation under its alias, with the names that the alias gives its columns.
pub(super) fn aliased(alias: Option<&Alias>, otherwise: &str, columns: Columns) -> FromRelation {
    let Some(alias) = alias else { return FromRelation::new(otherwise, Rc::new(columns)) };
    FromRelation::new(&alias.aliasname, columns.renamed(&tree::names(&alias.colnames)))
}
