//! Operators: those that step into a document, ask for or change what it holds, and those that compare.

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, Node};

use super::reader::StatementReader;
use super::understood::{Access, Clause, Comparison, JsonStep};
use super::value::{Origin, StepOperator, TracedValue};
use super::{jsonpath, literal, tree};

/// Operators that compare one value with another, and what each is with its sides changed.
const COMPARISONS: &[(&str, &str)] = &[
    ("=", "="),
    ("<>", "<>"),
    ("<", ">"),
    (">", "<"),
    ("<=", ">="),
    (">=", "<="),
    ("~", "~"),
    ("!~", "!~"),
    ("~*", "~*"),
    ("!~*", "!~*"),
    ("~~", "~~"),
    ("!~~", "!~~"),
    ("~~*", "~~*"),
    ("!~~*", "!~~*"),
    ("^@", "^@"),
];

/// An operator between its two sides.
struct Sides<'n> {
    operator: &'n str,
    left: &'n Node,
    right: &'n Node,
}

/// How a document is asked for something, and where.
pub(super) struct KeyLookup {
    pub(super) access: Access,
    pub(super) place: Clause,
    pub(super) comparison: Option<Comparison>,
}

impl KeyLookup {
    /// Without a comparison.
    pub(super) fn plainly(access: Access, place: Clause) -> Self {
        Self { access, place, comparison: None }
    }
}

impl StatementReader<'_> {
    pub(super) fn operation(&mut self, expression: &AExpr, place: Clause) -> TracedValue {
        let (Some(left), Some(right)) = (expression.lexpr.as_deref(), expression.rexpr.as_deref())
        else {
            self.read_all(expression.lexpr.as_deref().or(expression.rexpr.as_deref()), place);
            return TracedValue::Plain;
        };
        let operator = match tree::last_name(&expression.name) {
            // As JDBC has them, whose placeholder is the single sign.
            "??" => "?",
            "??|" => "?|",
            "??&" => "?&",
            operator => operator,
        };
        let sides = Sides { operator, left, right };
        match expression.kind() {
            AExprKind::AexprOp => self.operator(&sides, place),
            AExprKind::AexprNullif => {
                let value = self.value(left, place);
                self.read(right, place);
                value.indirect()
            }
            kind => {
                self.compare(&sides, &comparison_name(kind, operator), place);
                TracedValue::Plain
            }
        }
    }

    fn operator(&mut self, sides: &Sides, place: Clause) -> TracedValue {
        match sides.operator {
            "->" => self.get(sides, StepOperator::json(Access::Value), place),
            "->>" => self.get(sides, StepOperator::text(Access::Text), place),
            "#>" => self.get(sides, StepOperator::json(Access::Path), place),
            "#>>" => self.get(sides, StepOperator::text(Access::PathText), place),
            "@>" | "<@" => self.contains(sides, place),
            "?" | "?|" | "?&" => self.exists(sides, place),
            "@?" | "@@" => self.matches(sides, place),
            "||" => self.concatenate(sides, place),
            "-" | "#-" => self.remove(sides, place),
            operator => {
                self.compare(sides, operator, place);
                TracedValue::Plain
            }
        }
    }

    /// A value within a value. Where the document cannot be followed, that is counted once for all steps into it.
    pub(super) fn within(
        &mut self,
        value: &TracedValue,
        steps: &[JsonStep],
        reached: StepOperator,
    ) -> TracedValue {
        match value {
            TracedValue::Documents(origins) => TracedValue::Documents(
                origins.iter().map(|origin| origin.step(steps, reached)).collect(),
            ),
            TracedValue::Row(origins) => TracedValue::Row(origins.clone()),
            TracedValue::Unknown => {
                self.unresolved();
                TracedValue::Plain
            }
            TracedValue::Keys(_) | TracedValue::Plain => TracedValue::Plain,
        }
    }

    fn get(&mut self, sides: &Sides, reached: StepOperator, place: Clause) -> TracedValue {
        let value = self.value(sides.left, place);
        self.read(sides.right, place);
        let steps = match sides.operator {
            "->" | "->>" => vec![literal::step(sides.right)],
            _ => literal::path(sides.right),
        };
        self.within(&value, &steps, reached)
    }

    /// `@>` and `<@`: each leaf of a document that is written out is asked for.
    fn contains(&mut self, sides: &Sides, place: Clause) -> TracedValue {
        let (left, right) = (self.value(sides.left, place), self.value(sides.right, place));
        // '{"a": 1}' <@ data asks what data @> '{"a": 1}' asks.
        let swapped = !left.is_json() && (right.is_json() || matches!(left, TracedValue::Plain));
        let (document, other, written) =
            if swapped { (right, left, sides.left) } else { (left, right, sides.right) };
        let unknown = matches!(document, TracedValue::Unknown)
            && !is_no_document(sides.left)
            && !is_no_document(sides.right);
        if !document.is_json() && !unknown {
            // Arrays and ranges contain, too.
            self.take(&document, place, None);
            self.take(&other, place, None);
            return TracedValue::Plain;
        }
        let operator = match (sides.operator, swapped) {
            ("@>", false) | ("<@", true) => "@>",
            _ => "<@",
        };
        let leaves = match literal::leaves(written) {
            Some(leaves) => leaves.into_iter().collect(),
            None if tree::string(written).is_some() => vec![vec![JsonStep::Any]],
            None => vec![vec![JsonStep::Bound]],
        };
        let comparison = Some(comparison(operator, written));
        self.look_up(
            &document,
            &leaves,
            &KeyLookup { access: Access::Contains, place, comparison },
        );
        self.take(&other, place, None);
        TracedValue::Plain
    }

    /// `?`, `?|`, `?&`: whether keys are there.
    fn exists(&mut self, sides: &Sides, place: Clause) -> TracedValue {
        let document = self.value(sides.left, place);
        self.read(sides.right, place);
        let steps = match sides.operator {
            "?" => vec![literal::step(sides.right)],
            _ => literal::keys(sides.right),
        };
        let paths: Vec<_> = steps.into_iter().map(|step| vec![step]).collect();
        let comparison = Some(comparison(sides.operator, sides.right));
        self.look_up(&document, &paths, &KeyLookup { access: Access::Exists, place, comparison });
        TracedValue::Plain
    }

    /// `@?` and `@@`: whether a jsonpath finds something, or holds.
    fn matches(&mut self, sides: &Sides, place: Clause) -> TracedValue {
        let document = self.value(sides.left, place);
        self.read(sides.right, place);
        let text_search = sides.operator == "@@" && !document.is_json();
        if text_search && tree::string(sides.right).is_none_or(|path| !path.contains('$')) {
            self.take(&document, place, None);
            return TracedValue::Plain;
        }
        let paths = match jsonpath_of(sides.right) {
            Some(reading) => reading.result.into_iter().chain(reading.beside).collect(),
            None => vec![vec![JsonStep::Bound]],
        };
        let comparison = Some(comparison(sides.operator, sides.right));
        self.look_up(&document, &paths, &KeyLookup { access: Access::JsonPath, place, comparison });
        TracedValue::Plain
    }

    /// A document is asked for what is at each of these paths.
    pub(super) fn look_up(
        &mut self,
        document: &TracedValue,
        paths: &[Vec<JsonStep>],
        how: &KeyLookup,
    ) {
        if matches!(document, TracedValue::Unknown) {
            return self.unresolved();
        }
        for origin in document.origins() {
            for path in paths {
                let reached = origin.step(path, StepOperator::json(how.access));
                let lookup = Origin { access: how.access, ..reached };
                self.note(&lookup, how.place, how.comparison.as_ref());
            }
        }
    }

    /// `||`: a document with another's keys, or text.
    fn concatenate(&mut self, sides: &Sides, place: Clause) -> TracedValue {
        let (left, right) = (self.value(sides.left, place), self.value(sides.right, place));
        if !left.is_json() && !right.is_json() {
            self.take(&left, place, None);
            self.take(&right, place, None);
            return TracedValue::Plain;
        }
        for (document, other) in [(&left, sides.right), (&right, sides.left)] {
            // Whole values are put under the keys of the first level.
            let first = |path: Vec<JsonStep>| path.into_iter().next().map(|key| vec![key]);
            let paths: Vec<_> = match literal::leaves(other) {
                Some(leaves) => leaves.into_iter().filter_map(first).collect(),
                None => vec![vec![JsonStep::Bound]],
            };
            if document.is_json() {
                self.look_up(document, &paths, &KeyLookup::plainly(Access::Change, place));
            }
        }
        left.or(right).indirect()
    }

    /// `-` and `#-`: a document without some of its keys, or arithmetic.
    fn remove(&mut self, sides: &Sides, place: Clause) -> TracedValue {
        let document = self.value(sides.left, place);
        if !document.is_json() {
            self.take(&document, place, None);
            self.read(sides.right, place);
            return TracedValue::Plain;
        }
        self.read(sides.right, place);
        let paths = if sides.operator == "#-" {
            vec![literal::path(sides.right)]
        } else if matches!(tree::uncast(sides.right), Some(NodeEnum::AArrayExpr(_)))
            || is_array_cast(sides.right)
        {
            literal::keys(sides.right).into_iter().map(|step| vec![step]).collect()
        } else {
            vec![vec![literal::step(sides.right)]]
        };
        self.look_up(&document, &paths, &KeyLookup::plainly(Access::Change, place));
        document.indirect()
    }

    /// Both sides are consumed; each is compared with the other where the operator compares.
    fn compare(&mut self, sides: &Sides, operator: &str, place: Clause) {
        if let Some(pairs) = pairs(sides) {
            return pairs.for_each(|pair| self.compare(&pair, operator, place));
        }
        let (left, right) = (self.value(sides.left, place), self.value(sides.right, place));
        for (keys, other) in [(&left, sides.right), (&right, sides.left)] {
            if let TracedValue::Keys(documents) = keys
                && let Some(paths) = named_paths(operator, other)
            {
                self.named_keys(documents, &paths, place);
            }
        }
        let known = COMPARISONS.iter().find(|(known, _)| *known == operator);
        let (forth, back) = match known {
            Some((_, back)) => (Some(operator), Some(*back)),
            None if operator.starts_with(|c: char| !c.is_ascii_alphabetic())
                && !operator.contains(' ') =>
            {
                (None, None)
            }
            None => (Some(operator), None),
        };
        let forth = forth.map(|operator| comparison(operator, sides.right));
        let back = back.map(|operator| comparison(operator, sides.left));
        self.take(&left, place, forth.as_ref());
        self.take(&right, place, back.as_ref());
    }
}

impl StatementReader<'_> {
    /// `e.key = 'k'`: of all the keys of a document, these are the ones that the statement is after.
    fn named_keys(&mut self, documents: &[Origin], paths: &[Vec<JsonStep>], place: Clause) {
        let documents = TracedValue::Documents(documents.to_vec());
        self.look_up(&documents, paths, &KeyLookup::plainly(Access::Expand, place));
    }
}

/// The keys that names of keys are compared with; none where the operator finds no key by its name.
fn named_paths(operator: &str, names: &Node) -> Option<Vec<Vec<JsonStep>>> {
    if !matches!(operator, "=" | "in" | "= any") {
        return None;
    }
    let steps = match tree::inner(names) {
        Some(NodeEnum::List(list)) => list.items.iter().map(literal::step).collect(),
        _ if operator == "= any" => literal::keys(names),
        _ => vec![literal::step(names)],
    };
    Some(steps.into_iter().map(|step| vec![step]).collect())
}

/// Two rows of the same length, field by field.
fn pairs<'n>(sides: &Sides<'n>) -> Option<impl Iterator<Item = Sides<'n>>> {
    let row = |node: &'n Node| match tree::inner(node)? {
        NodeEnum::RowExpr(row) => Some(&row.args),
        _ => None,
    };
    let (left, right) = (row(sides.left)?, row(sides.right)?);
    let operator = sides.operator;
    let pairs = left.iter().zip(right).map(move |(left, right)| Sides { operator, left, right });
    (left.len() == right.len()).then_some(pairs)
}

/// A comparison with what is written on the other side.
fn comparison(operator: &str, other: &Node) -> Comparison {
    Comparison { operator: operator.to_owned(), with: literal::operand(other) }
}

/// The name under which an expression that is no plain operator compares.
fn comparison_name(kind: AExprKind, operator: &str) -> String {
    match kind {
        AExprKind::AexprOpAny => format!("{operator} any"),
        AExprKind::AexprOpAll => format!("{operator} all"),
        AExprKind::AexprIn => if operator == "<>" { "not in" } else { "in" }.to_owned(),
        AExprKind::AexprDistinct => "is distinct from".to_owned(),
        AExprKind::AexprNotDistinct => "is not distinct from".to_owned(),
        AExprKind::AexprBetween | AExprKind::AexprBetweenSym => "between".to_owned(),
        AExprKind::AexprNotBetween | AExprKind::AexprNotBetweenSym => "not between".to_owned(),
        _ => operator.to_owned(),
    }
}

/// What a jsonpath reads, where it is a constant.
pub(super) fn jsonpath_of(node: &Node) -> Option<jsonpath::JsonpathReads> {
    tree::string(node).map(jsonpath::read)
}

/// Whether an expression can be no document: an array, or what a function makes that has nothing to do with JSON.
fn is_no_document(node: &Node) -> bool {
    match tree::uncast(node) {
        Some(NodeEnum::AArrayExpr(_)) => true,
        Some(NodeEnum::FuncCall(call)) => !tree::last_name(&call.funcname).contains("json"),
        _ => false,
    }
}

fn is_array_cast(node: &Node) -> bool {
    let Some(NodeEnum::TypeCast(cast)) = tree::inner(node) else { return false };
    cast.type_name.as_ref().is_some_and(|name| !name.array_bounds.is_empty())
}
