//! What SQL/JSON brought: `JSON_TABLE`, `JSON_VALUE` and the functions like it, and the constructors.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    JsonAggConstructor, JsonExprOp, JsonFuncExpr, JsonTable, JsonTableColumn, JsonTableColumnType,
    JsonValueExpr, Node,
};

use super::from::aliased;
use super::operator::{KeyLookup, jsonpath_of};
use super::reader::StatementReader;
use super::scope::{Columns, FromRelation, Named};
use super::tree;
use super::understood::{Access, Clause, JsonStep};
use super::value::{StepOperator, TracedValue};

const RECORD: StepOperator = StepOperator { access: Access::Record, json: true };

impl StatementReader<'_> {
    /// `JSON_TABLE`: each column reads its path, or the key of its name.
    pub(super) fn json_table(&mut self, table: &JsonTable) {
        let document = self.json_value(table.context_item.as_deref(), Clause::From);
        let path = table.pathspec.as_deref().and_then(|path| path.string.as_deref());
        let row = self.at(&document, path, Clause::From);
        let mut columns = Columns::default();
        self.json_columns(&row, &table.columns, &mut columns);
        let source = aliased(table.alias.as_ref(), "json_table", columns);
        self.add(FromRelation { reads: Some(row), ..source });
    }

    fn json_columns(&mut self, row: &TracedValue, definitions: &[Node], columns: &mut Columns) {
        for definition in definitions {
            let Some(NodeEnum::JsonTableColumn(column)) = tree::inner(definition) else { continue };
            let path = column.pathspec.as_deref().and_then(|path| path.string.as_deref());
            match column.coltype() {
                JsonTableColumnType::JtcNested => {
                    let nested = self.at(row, path, Clause::From);
                    self.json_columns(&nested, &column.columns, columns);
                }
                JsonTableColumnType::JtcForOrdinality => {
                    columns
                        .list
                        .push(Named { name: column.name.clone(), value: TracedValue::Plain });
                }
                _ => {
                    let value = self.json_column(row, column, path);
                    columns.list.push(Named { name: column.name.clone(), value });
                }
            }
        }
    }

    fn json_column(
        &mut self,
        row: &TracedValue,
        column: &JsonTableColumn,
        path: Option<&Node>,
    ) -> TracedValue {
        let value = match path {
            Some(_) => self.at(row, path, Clause::From),
            None => self.within(row, &[JsonStep::Key(column.name.clone())], RECORD),
        };
        match &column.type_name {
            Some(name) if column.coltype() != JsonTableColumnType::JtcExists => {
                value.cast(&tree::type_name(name))
            }
            _ => value,
        }
    }

    /// `JSON_VALUE`, `JSON_QUERY` and `JSON_EXISTS`.
    pub(super) fn json_function(&mut self, function: &JsonFuncExpr, place: Clause) -> TracedValue {
        let document = self.json_value(function.context_item.as_deref(), place);
        self.read_all(&function.passing, place);
        let value = self.at(&document, function.pathspec.as_deref(), place);
        let output = function.output.as_ref().and_then(|output| output.type_name.as_ref());
        match (function.op(), output) {
            (JsonExprOp::JsonExistsOp, _) => {
                self.take(&value, place, None);
                TracedValue::Plain
            }
            (_, Some(name)) => value.cast(&tree::type_name(name)),
            (JsonExprOp::JsonValueOp, None) => value.cast("text"),
            (_, None) => value,
        }
    }

    /// The value that a path finds in a document. What it reads beside is read here.
    fn at(&mut self, document: &TracedValue, path: Option<&Node>, place: Clause) -> TracedValue {
        let Some(path) = path else { return document.clone() };
        match jsonpath_of(path) {
            Some(reading) => {
                self.look_up_beside(
                    document,
                    &reading.beside,
                    &KeyLookup::plainly(Access::Record, place),
                );
                match reading.result {
                    Some(steps) => self.within(document, &steps, RECORD),
                    None => TracedValue::Plain,
                }
            }
            None => self.within(document, &[JsonStep::Bound], RECORD),
        }
    }

    /// The document that an expression with `FORMAT JSON` or without is.
    fn json_value(&mut self, value: Option<&JsonValueExpr>, place: Clause) -> TracedValue {
        let expression = value.and_then(|value| value.raw_expr.as_deref());
        expression.map_or(TracedValue::Plain, |expression| self.value(expression, place))
    }

    /// Constructors of JSON, and tests for it: all they are made of is consumed.
    pub(super) fn json_constructor(&mut self, node: &NodeEnum, place: Clause) {
        let read = |reader: &mut Self, value: Option<&JsonValueExpr>| {
            reader.read_all(value.and_then(|value| value.raw_expr.as_deref()), place);
        };
        match node {
            NodeEnum::JsonObjectConstructor(object) => self.read_all(&object.exprs, place),
            NodeEnum::JsonArrayConstructor(array) => self.read_all(&array.exprs, place),
            NodeEnum::JsonArrayQueryConstructor(array) => {
                array.query.iter().for_each(|query| self.consume(query, place));
            }
            NodeEnum::JsonKeyValue(pair) => {
                self.read_all(pair.key.as_deref(), place);
                read(self, pair.value.as_deref());
            }
            NodeEnum::JsonValueExpr(value) => read(self, Some(value)),
            NodeEnum::JsonArgument(argument) => read(self, argument.val.as_deref()),
            NodeEnum::JsonObjectAgg(object) => {
                self.json_aggregate(object.constructor.as_deref());
                let pair = object.arg.as_deref();
                self.read_all(pair.and_then(|pair| pair.key.as_deref()), place);
                read(self, pair.and_then(|pair| pair.value.as_deref()));
            }
            NodeEnum::JsonArrayAgg(array) => {
                self.json_aggregate(array.constructor.as_deref());
                read(self, array.arg.as_deref());
            }
            NodeEnum::JsonParseExpr(parse) => read(self, parse.expr.as_deref()),
            NodeEnum::JsonScalarExpr(scalar) => self.read_all(scalar.expr.as_deref(), place),
            NodeEnum::JsonSerializeExpr(serialize) => read(self, serialize.expr.as_deref()),
            NodeEnum::JsonIsPredicate(test) => self.read_all(test.expr.as_deref(), place),
            _ => {}
        }
    }

    fn json_aggregate(&mut self, aggregate: Option<&JsonAggConstructor>) {
        let Some(aggregate) = aggregate else { return };
        self.order_by(&aggregate.agg_order, &Columns::default());
        self.read_all(aggregate.agg_filter.as_deref(), Clause::Where);
        if let Some(window) = &aggregate.over {
            self.window(window);
        }
    }
}
