//! Expressions: what each stands for, and what it consumes on the way.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AIndirection, CaseExpr, FuncCall, Node, NullTest, NullTestType, SubLink, SubLinkType,
};

use super::reader::StatementReader;
use super::scope::Columns;
use super::understood::{Access, Clause, Comparison, JsonStep, Operand};
use super::value::{StepOperator, TracedValue};
use super::{literal, tree};

impl StatementReader<'_> {
    /// What an expression stands for. What it is computed from is consumed here; a document that it merely hands on is not.
    pub(super) fn value(&mut self, node: &Node, place: Clause) -> TracedValue {
        let Some(node) = tree::inner(node) else { return TracedValue::Plain };
        match node {
            NodeEnum::ColumnRef(column) => {
                let names: Vec<&str> = column.fields.iter().filter_map(tree::name).collect();
                if names.len() < column.fields.len() {
                    return self.star(&names).row();
                }
                self.named(&names)
            }
            NodeEnum::AExpr(expression) => self.operation(expression, place),
            NodeEnum::FuncCall(call) => self.call(call, place),
            NodeEnum::TypeCast(cast) => {
                let value =
                    cast.arg.as_deref().map_or(TracedValue::Plain, |arg| self.value(arg, place));
                match &cast.type_name {
                    Some(to) => value.cast(&tree::type_name(to)),
                    None => value,
                }
            }
            NodeEnum::AIndirection(within) => self.indirection(within, place),
            NodeEnum::SubLink(link) => self.sublink(link, place),
            NodeEnum::CaseExpr(case) => self.case(case, place),
            NodeEnum::CoalesceExpr(all) => self.any_of(&all.args, place),
            NodeEnum::MinMaxExpr(all) => self.any_of(&all.args, place),
            NodeEnum::NullTest(test) => self.null_test(test, place),
            NodeEnum::CollateClause(collate) => {
                collate.arg.as_deref().map_or(TracedValue::Plain, |arg| self.value(arg, place))
            }
            NodeEnum::NamedArgExpr(named) => {
                named.arg.as_deref().map_or(TracedValue::Plain, |arg| self.value(arg, place))
            }
            NodeEnum::JsonFuncExpr(function) => self.json_function(function, place),
            NodeEnum::AConst(_) | NodeEnum::ParamRef(_) => TracedValue::Plain,
            other => self.computed(other, place),
        }
    }

    /// An expression that hands nothing on: all that it is computed from is consumed.
    fn computed(&mut self, node: &NodeEnum, place: Clause) -> TracedValue {
        match node {
            NodeEnum::BoolExpr(all) => self.read_all(&all.args, place),
            NodeEnum::BooleanTest(test) => self.read_all(test.arg.as_deref(), place),
            NodeEnum::RowExpr(row) => self.read_all(&row.args, place),
            NodeEnum::AArrayExpr(array) => self.read_all(&array.elements, place),
            NodeEnum::List(list) => self.read_all(&list.items, place),
            NodeEnum::AIndices(indices) => {
                self.read_all(indices.lidx.as_deref(), place);
                self.read_all(indices.uidx.as_deref(), place);
            }
            NodeEnum::MultiAssignRef(assigned) if assigned.colno == 1 => {
                self.read_all(assigned.source.as_deref(), place);
            }
            NodeEnum::XmlExpr(xml) => {
                self.read_all(&xml.named_args, place);
                self.read_all(&xml.args, place);
            }
            NodeEnum::XmlSerialize(xml) => self.read_all(xml.expr.as_deref(), place),
            NodeEnum::ResTarget(target) => self.read_all(target.val.as_deref(), place),
            NodeEnum::GroupingFunc(grouping) => self.read_all(&grouping.args, Clause::GroupBy),
            other => self.json_constructor(other, place),
        }
        TracedValue::Plain
    }

    /// One of several values, whichever it is.
    pub(super) fn any_of<'n>(
        &mut self,
        nodes: impl IntoIterator<Item = &'n Node>,
        place: Clause,
    ) -> TracedValue {
        let mut any = TracedValue::Plain;
        for node in nodes {
            any = any.or(self.value(node, place));
        }
        any.indirect()
    }

    fn case(&mut self, case: &CaseExpr, place: Clause) -> TracedValue {
        self.read_all(case.arg.as_deref(), place);
        let mut results = Vec::new();
        for when in &case.args {
            let Some(NodeEnum::CaseWhen(when)) = tree::inner(when) else { continue };
            self.read_all(when.expr.as_deref(), place);
            results.extend(when.result.as_deref());
        }
        results.extend(case.defresult.as_deref());
        self.any_of(results, place)
    }

    fn null_test(&mut self, test: &NullTest, place: Clause) -> TracedValue {
        let Some(argument) = test.arg.as_deref() else { return TracedValue::Plain };
        let value = self.value(argument, place);
        let is_null = test.nulltesttype() == NullTestType::IsNull;
        let operator = if is_null { "is null" } else { "is not null" }.to_owned();
        // Whether a row is null is seen without a look into its documents.
        if !matches!(value, TracedValue::Row(_)) {
            self.take(&value, place, Some(&Comparison { operator, with: Operand::Constant }));
        }
        TracedValue::Plain
    }

    /// Subscripts and fields: `data['a'][0]`, `(row).column`.
    fn indirection(&mut self, within: &AIndirection, place: Clause) -> TracedValue {
        let Some(argument) = within.arg.as_deref() else { return TracedValue::Plain };
        if let Some(value) = self.populated_field(within, place) {
            return value;
        }
        let value = self.field(within).unwrap_or_else(|| self.value(argument, place));
        let steps = self.subscripts(&within.indirection, place);
        if steps.is_empty() && !matches!(value, TracedValue::Row(_)) {
            return value;
        }
        if value.is_json() {
            return self.within(&value, &steps, StepOperator::json(Access::Subscript));
        }
        // Arrays have subscripts too; only a key shows that it is a document that cannot be followed.
        if matches!(value, TracedValue::Unknown)
            && steps.iter().any(|step| matches!(step, JsonStep::Key(_)))
        {
            self.unresolved();
            return TracedValue::Plain;
        }
        self.take(&value, place, None);
        if matches!(value, TracedValue::Unknown) {
            TracedValue::Unknown
        } else {
            TracedValue::Plain
        }
    }

    /// The column that `(relation).column` means.
    fn field(&self, within: &AIndirection) -> Option<TracedValue> {
        let NodeEnum::ColumnRef(relation) = tree::inner(within.arg.as_deref()?)? else {
            return None;
        };
        let [relation] = relation.fields.as_slice() else { return None };
        let (relation, column) = (tree::name(relation)?, tree::name(within.indirection.first()?)?);
        matches!(self.named(&[relation]), TracedValue::Row(_))
            .then(|| self.named(&[relation, column]))
    }

    /// The steps that subscripts make.
    pub(super) fn subscripts(&mut self, indirection: &[Node], place: Clause) -> Vec<JsonStep> {
        let mut steps = Vec::new();
        for node in indirection {
            let Some(NodeEnum::AIndices(indices)) = tree::inner(node) else { continue };
            self.read(node, place);
            // No document has slices: data[:name] is one as little as a driver's placeholder.
            let step = match indices.uidx.as_deref() {
                Some(index) if !indices.is_slice => literal::step(index),
                _ => JsonStep::Bound,
            };
            steps.push(step);
        }
        steps
    }

    fn sublink(&mut self, link: &SubLink, place: Clause) -> TracedValue {
        let Some(select) = link.subselect.as_deref() else { return TracedValue::Plain };
        if let Some(test) = link.testexpr.as_deref() {
            self.compare_with_rows(test, link, place);
        }
        let rows = self.rows(select);
        match link.sub_link_type() {
            // Whatever it selects, only whether there is a row is asked.
            SubLinkType::ExistsSublink => TracedValue::Plain,
            SubLinkType::ExprSublink => rows
                .list
                .into_iter()
                .next()
                .map_or(TracedValue::Plain, |column| column.value.indirect()),
            _ => {
                self.take_all(&rows, Clause::Select);
                TracedValue::Plain
            }
        }
    }

    /// What is looked for in the rows of a subquery, field by field.
    fn compare_with_rows(&mut self, test: &Node, link: &SubLink, place: Clause) {
        let operator = match (tree::last_name(&link.oper_name), link.sub_link_type()) {
            ("" | "=", SubLinkType::AnySublink) => "in".to_owned(),
            (operator, SubLinkType::AllSublink) => format!("{operator} all"),
            (operator, _) => format!("{operator} any"),
        };
        let comparison = Comparison { operator, with: Operand::Expression };
        let fields = match tree::inner(test) {
            Some(NodeEnum::RowExpr(row)) => row.args.as_slice(),
            _ => std::slice::from_ref(test),
        };
        for field in fields {
            let value = self.value(field, place);
            self.take(&value, place, Some(&comparison));
        }
    }

    /// What an aggregate or window function consumes besides its arguments.
    pub(super) fn aggregate(&mut self, call: &FuncCall) {
        self.order_by(&call.agg_order, &Columns::default());
        self.read_all(call.agg_filter.as_deref(), Clause::Where);
        if let Some(window) = &call.over {
            self.window(window);
        }
    }
}
