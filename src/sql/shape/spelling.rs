//! Expressions read off the parser's tree, and spelled.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AConst, AExpr, AExprKind, BoolExprType, BoolTestType, CaseExpr, ColumnRef, FuncCall, MinMaxOp,
    Node, NullTestType, TypeCast,
};

use super::expression::Expr;
use super::{Walker, operators};
use crate::model::observation::{Applied, ColumnName, Compared, Distance, DistanceForm, UsePlace};
use crate::model::quote_identifier;
use crate::sql::tree;

/// Items of a list read at most: one of thousands is all of the same kind.
const LISTED_MAX: usize = 64;

/// Functions of text that yield text, so that a cast to text behind them does nothing.
const OF_TEXT: &[&str] = &[
    "lower",
    "upper",
    "initcap",
    "btrim",
    "ltrim",
    "rtrim",
    "replace",
    "translate",
    "left",
    "right",
    "substring",
    "substr",
    "split_part",
    "reverse",
    "lpad",
    "rpad",
    "md5",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "concat",
    "regexp_replace",
    "to_char",
    "format",
];

/// Types to which text is cast without being changed.
const TEXTS: &[&str] = &["text", "varchar"];

/// Spellings behind one another.
fn listed(parts: &[Expr]) -> String {
    let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    texts.join(", ")
}

impl Walker<'_> {
    /// How an expression is spelled, and what it comes from. Subqueries within are read.
    pub(super) fn expr(&mut self, node: &Node) -> Expr {
        let Some(inner) = tree::inner(node) else { return Expr::opaque("…") };
        match inner {
            NodeEnum::ColumnRef(column) => self.column_ref(column),
            NodeEnum::AConst(constant) => constant_value(constant),
            NodeEnum::ParamRef(_) => Expr::value(Compared::Parameter),
            NodeEnum::SetToDefault(_) => Expr::value(Compared::Constant),
            NodeEnum::TypeCast(cast) => self.cast(cast),
            NodeEnum::AExpr(operation) => self.operation(operation),
            NodeEnum::FuncCall(call) => self.call(call),
            NodeEnum::AIndirection(within) => self.indirection(within),
            NodeEnum::SubLink(link) => self.sublink_value(link),
            NodeEnum::CaseExpr(case) => self.case(case),
            NodeEnum::CoalesceExpr(all) => self.function("coalesce", &all.args),
            NodeEnum::MinMaxExpr(all) => {
                let greatest = all.op() == MinMaxOp::IsGreatest;
                self.function(if greatest { "greatest" } else { "least" }, &all.args)
            }
            NodeEnum::CollateClause(collate) => {
                let argument = self.optional(collate.arg.as_deref());
                let name = quote_identifier(tree::last_name(&collate.collname)).into_owned();
                Expr::of(format!("{} collate {name}", argument.within()), [&argument])
            }
            NodeEnum::NamedArgExpr(named) => self.optional(named.arg.as_deref()),
            NodeEnum::ResTarget(target) => self.optional(target.val.as_deref()),
            NodeEnum::MultiAssignRef(assigned) if assigned.colno == 1 => {
                self.optional(assigned.source.as_deref())
            }
            NodeEnum::SqlvalueFunction(_) => Expr::opaque("current"),
            other => self.compound(other),
        }
    }

    pub(super) fn optional(&mut self, node: Option<&Node>) -> Expr {
        node.map_or_else(|| Expr::opaque("…"), |node| self.expr(node))
    }

    /// Expressions of truth, lists and arrays.
    fn compound(&mut self, node: &NodeEnum) -> Expr {
        match node {
            NodeEnum::BoolExpr(all) => {
                let parts = self.walk(&all.args);
                let texts: Vec<String> = parts.iter().map(Expr::within).collect();
                let text = match all.boolop() {
                    BoolExprType::NotExpr => format!("not {}", texts.concat()),
                    BoolExprType::OrExpr => texts.join(" or "),
                    _ => texts.join(" and "),
                };
                Expr::of(text, &parts)
            }
            NodeEnum::NullTest(test) => {
                let argument = self.optional(test.arg.as_deref());
                Expr::of(
                    format!("{} {}", argument.within(), null_test(test.nulltesttype())),
                    [&argument],
                )
            }
            NodeEnum::BooleanTest(test) => {
                let argument = self.optional(test.arg.as_deref());
                Expr::of(
                    format!("{} {}", argument.within(), bool_test(test.booltesttype())),
                    [&argument],
                )
            }
            NodeEnum::RowExpr(row) => {
                let parts = self.walk(row.args.iter().take(LISTED_MAX));
                Expr::of(format!("({})", listed(&parts)), &parts).atom()
            }
            NodeEnum::AArrayExpr(array) => {
                let parts = self.walk(array.elements.iter().take(LISTED_MAX));
                if parts.iter().all(|part| !part.has_columns()) {
                    let nature = parts.iter().map(|part| part.nature).max();
                    return Expr::value(nature.unwrap_or(Compared::Constant));
                }
                Expr::of(format!("array[{}]", listed(&parts)), &parts).atom()
            }
            NodeEnum::List(list) => {
                let parts = self.walk(list.items.iter().take(LISTED_MAX));
                Expr::of(listed(&parts), &parts)
            }
            NodeEnum::JsonFuncExpr(function) => {
                let context = function.context_item.as_deref();
                let argument = self.optional(context.and_then(|item| item.raw_expr.as_deref()));
                Expr::of(format!("json({}, …)", argument.text), [&argument]).atom()
            }
            NodeEnum::GroupingFunc(grouping) => {
                let parts = self.walk(&grouping.args);
                Expr::of(format!("grouping({})", listed(&parts)), &parts).atom()
            }
            _ => Expr::opaque("…"),
        }
    }

    pub(super) fn column_ref(&mut self, column: &ColumnRef) -> Expr {
        let names: Vec<&str> = column.fields.iter().filter_map(tree::name).collect();
        // `relation.*` is a row.
        if names.len() < column.fields.len() { Expr::opaque("*") } else { self.named(&names) }
    }

    fn cast(&mut self, cast: &TypeCast) -> Expr {
        let argument = self.optional(cast.arg.as_deref());
        let Some(name) = cast.type_name.as_ref() else { return argument };
        if !argument.has_columns() && matches!(argument.text.as_str(), "$1" | "null") {
            return argument;
        }
        let typmods = name.typmods.iter().filter_map(tree::integer).map(|one| one.to_string());
        let typmods = typmods.collect::<Vec<_>>().join(",");
        let typmods = if typmods.is_empty() { typmods } else { format!("({typmods})") };
        let to = format!("{}{typmods}", tree::type_name(name));
        let is_text = TEXTS.contains(&to.as_str());
        let is_jsonb = |of: &ColumnName| argument.plain && self.jsonb.contains(&of.column);
        if is_text && argument.is_text || to == "jsonb" && argument.columns.iter().any(is_jsonb) {
            return argument;
        }
        let text = format!("{}::{to}", argument.within());
        let reached = argument.reached.clone().filter(|_| argument.cast.is_none());
        let path = argument.path.clone();
        Expr { cast: Some(to), path, reached, is_text, ..Expr::of(text, [&argument]).atom() }
    }

    fn operation(&mut self, operation: &AExpr) -> Expr {
        let operator = tree::last_name(&operation.name);
        let (kind, right) = (operation.kind(), operation.rexpr.as_deref());
        let Some(left) = operation.lexpr.as_deref() else {
            let argument = self.optional(right);
            if !argument.has_columns() && argument.text == "$1" {
                return argument;
            }
            return Expr::of(format!("{operator} {}", argument.within()), [&argument]);
        };
        let left = self.expr(left);
        let key = right.filter(|_| operators::has_key(operator) && left.has_columns_or_plain());
        if let Some(key) = key.filter(|_| kind == AExprKind::AexprOp) {
            return self.key(left, operator, key);
        }
        let right = self.optional(right);
        match kind {
            AExprKind::AexprOp => binary(operator, &left, &right),
            AExprKind::AexprNullif => {
                Expr::of(format!("nullif({}, {})", left.text, right.text), [&left, &right]).atom()
            }
            _ => {
                let operator = super::conditions::spelling(kind, operator);
                let text = format!("{} {operator} {}", left.within(), right.within());
                Expr::of(text, [&left, &right])
            }
        }
    }

    fn function(&mut self, name: &str, arguments: &[Node]) -> Expr {
        let parts = self.walk(arguments.iter().map(tree::argument));
        let is_text = parts.iter().any(|part| part.is_text);
        Expr { is_text, ..Expr::of(format!("{name}({})", listed(&parts)), &parts).atom() }
    }

    fn call(&mut self, call: &FuncCall) -> Expr {
        if let Some(extracted) = self.extracted(call) {
            return extracted;
        }
        let name = tree::last_name(&call.funcname);
        let mut parts = self.walk(call.args.iter().map(tree::argument));
        self.respell_text_search(call, &mut parts);
        let arguments = if call.agg_star { "*".to_owned() } else { listed(&parts) };
        let distinct = if call.agg_distinct { "distinct " } else { "" };
        let shown = quote_identifier(name);
        let mut whole = Expr::of(format!("{shown}({distinct}{arguments})"), &parts).atom();
        whole.is_text = OF_TEXT.contains(&name) && parts.iter().any(|part| part.is_text);
        if let ([left, right], true) = (parts.as_slice(), operators::is_distance_function(name)) {
            whole.distance = distance(name, left, right, DistanceForm::Function);
            for one in applied(name, left, right) {
                whole.apply(one);
            }
        }
        for item in &call.agg_order {
            if let Some(NodeEnum::SortBy(sort)) = tree::inner(item) {
                self.optional(sort.node.as_deref());
            }
        }
        if let Some(filter) = call.agg_filter.as_deref() {
            self.condition(filter, UsePlace::Filter);
        }
        if let Some(window) = call.over.as_deref() {
            self.window(window);
        }
        // What a function without arguments yields is known only once it runs.
        if parts.is_empty() {
            whole.nature = Compared::Expression;
        }
        whole
    }

    fn case(&mut self, case: &CaseExpr) -> Expr {
        let mut parts = Vec::new();
        let compared = case.arg.as_deref().map(|argument| self.expr(argument));
        for when in &case.args {
            let Some(NodeEnum::CaseWhen(when)) = tree::inner(when) else { continue };
            match (&compared, when.expr.as_deref()) {
                (Some(compared), Some(when)) => {
                    let with = self.expr(when);
                    let place = super::emit::Under::of(UsePlace::Filter);
                    self.compare(compared, place.applies("="), &with);
                }
                (None, Some(when)) => self.condition(when, UsePlace::Filter),
                (_, None) => {}
            }
            parts.push(self.optional(when.result.as_deref()));
        }
        parts.extend(case.defresult.as_deref().map(|result| self.expr(result)));
        Expr::of(format!("case … then {} end", listed(&parts)), &parts).atom()
    }
}

/// `left operator right`.
pub(super) fn binary(operator: &str, left: &Expr, right: &Expr) -> Expr {
    let text = format!("{} {operator} {}", left.within(), right.within());
    // A value that is computed of values is one.
    if left.text == "$1" && right.text == "$1" && !left.has_columns() && !right.has_columns() {
        return Expr::value(left.nature.max(right.nature));
    }
    let mut whole = Expr::of(text, [left, right]);
    if operators::is_distance(operator) {
        whole.distance = distance(operator, left, right, DistanceForm::Operator);
    }
    if !operators::is_arithmetic(operator) {
        for one in applied(operator, left, right) {
            whole.apply(one);
        }
    }
    whole
}

/// The distance between two operands, if one of them has columns.
fn distance(operator: &str, left: &Expr, right: &Expr, form: DistanceForm) -> Option<Distance> {
    let (of, with, operator) = match (left.has_columns(), right.has_columns()) {
        (true, _) => (left, right, operator.to_owned()),
        (false, true) => (right, left, exchanged(operator)),
        (false, false) => return None,
    };
    Some(Distance {
        operator,
        expression: of.text.clone(),
        columns: of.columns.clone(),
        with: with.compared(),
        form,
    })
}

/// The operator as if its other side stood on its left; the sides of a function's distance do not matter.
fn exchanged(operator: &str) -> String {
    let function = operators::is_distance_function(operator);
    if function { operator.to_owned() } else { operators::commuted(operator) }
}

/// The operator as it is applied to each side that has columns.
fn applied(operator: &str, left: &Expr, right: &Expr) -> Vec<Applied> {
    let side = |of: &Expr, with: &Expr, operator: String| {
        of.columns.first().map(|column| Applied {
            column: column.clone(),
            expression: of.text.clone(),
            operator,
            with: with.compared(),
        })
    };
    let sides = [side(left, right, operator.to_owned()), side(right, left, exchanged(operator))];
    sides.into_iter().flatten().collect()
}

fn constant_value(constant: &AConst) -> Expr {
    if constant.isnull {
        return Expr { text: "null".to_owned(), ..Expr::value(Compared::Constant) };
    }
    Expr::value(Compared::Constant)
}

pub(super) fn null_test(test: NullTestType) -> &'static str {
    if test == NullTestType::IsNull { "is null" } else { "is not null" }
}

pub(super) fn bool_test(test: BoolTestType) -> &'static str {
    match test {
        BoolTestType::IsNotTrue => "is not true",
        BoolTestType::IsFalse => "is false",
        BoolTestType::IsNotFalse => "is not false",
        BoolTestType::IsUnknown => "is unknown",
        BoolTestType::IsNotUnknown => "is not unknown",
        _ => "is true",
    }
}
