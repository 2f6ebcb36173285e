//! Conditions of CHECK constraints, as far as something follows from them, and the constants in them.

use std::cmp::Ordering;

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, BoolExprType, Node, NullTestType, a_const};

use crate::sql::tree;

/// A condition that holds for every row, or is NULL for it.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckCondition {
    /// All of them.
    All(Vec<CheckCondition>),
    /// One of them.
    Any(Vec<CheckCondition>),
    /// A column is not NULL.
    NotNull(String),
    /// A column compares so with a constant.
    Compares(String, ComparisonOperator, ConstantValue),
    /// A column is one of these constants.
    OneOf(String, Vec<ConstantValue>),
    /// Anything else.
    Other,
}

/// How one compares with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonOperator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConstantValue {
    /// An integer.
    Integer(i64),
    /// A text, as it stands between quotes, and the type that it is cast to.
    Text(String, Option<String>),
    /// What the server may compute once, or not.
    Other,
}

impl ComparisonOperator {
    fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "<" => Self::Less,
            "<=" => Self::AtMost,
            "=" => Self::Equal,
            ">=" => Self::AtLeast,
            ">" => Self::Greater,
            _ => return None,
        })
    }

    /// With its sides exchanged.
    fn commuted(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Equal => Self::Equal,
            Self::AtLeast => Self::AtMost,
            Self::Greater => Self::Less,
        }
    }

    /// What holds where it does not; none where that is no comparison of these.
    fn negated(self) -> Option<Self> {
        Some(match self {
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Equal => return None,
            Self::AtLeast => Self::Less,
            Self::Greater => Self::AtMost,
        })
    }

    /// Whether it holds for two that are ordered so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

impl ConstantValue {
    /// What an expression without columns is.
    pub(super) fn of(node: &Node) -> Self {
        Self::constant(node).unwrap_or(Self::Other)
    }

    fn constant(node: &Node) -> Option<Self> {
        match tree::inner(node)? {
            NodeEnum::AConst(constant) => match constant.val.as_ref()? {
                a_const::Val::Ival(number) => Some(Self::Integer(number.ival.into())),
                a_const::Val::Fval(number) => number.fval.parse().ok().map(Self::Integer),
                a_const::Val::Sval(text) => Some(Self::Text(text.sval.clone(), None)),
                _ => None,
            },
            NodeEnum::AExpr(minus)
                if minus.lexpr.is_none() && tree::last_name(&minus.name) == "-" =>
            {
                match Self::constant(minus.rexpr.as_deref()?)? {
                    Self::Integer(number) => Some(Self::Integer(number.checked_neg()?)),
                    _ => None,
                }
            }
            NodeEnum::TypeCast(cast) => match Self::constant(cast.arg.as_deref()?)? {
                Self::Text(text, None) => {
                    Some(Self::Text(text, cast.type_name.as_ref().map(tree::type_name)))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// How they are ordered as values of a column of this type; none where that is not certain.
    pub fn compared(&self, other: &Self, column_type: Option<&str>) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => Some(one.cmp(other)),
            (Self::Integer(number), Self::Text(text, _)) => Some(number.cmp(&text.parse().ok()?)),
            (Self::Text(text, _), Self::Integer(number)) => {
                Some(text.parse::<i64>().ok()?.cmp(number))
            }
            (Self::Text(one, as_one), Self::Text(other, as_other)) => {
                let mut casts = [as_one, as_other].into_iter().flatten();
                let are_of_column = casts.all(|cast| column_type == Some(cast.as_str()));
                are_of_column.then(|| texts_compared(one, other)).flatten()
            }
            (Self::Other, _) | (_, Self::Other) => None,
        }
    }
}

/// How two texts are ordered whatever their type: where they are equal, integers, or days of the calendar as ISO 8601 writes
/// them with the same time behind.
fn texts_compared(one: &str, other: &str) -> Option<Ordering> {
    if one == other {
        return Some(Ordering::Equal);
    }
    if let (Ok(one), Ok(other)) = (one.parse::<i64>(), other.parse::<i64>()) {
        return Some(one.cmp(&other));
    }
    let ((day, time), (other_day, other_time)) = (iso_day(one)?, iso_day(other)?);
    (time == other_time).then(|| day.cmp(other_day))
}

/// The day and what stands behind it.
fn iso_day(text: &str) -> Option<(&str, &str)> {
    let (day, time) = text.split_at_checked(10)?;
    let is_day = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_day.then_some((day, time))
}

impl CheckCondition {
    /// What an expression says.
    pub(super) fn of(node: &Node) -> Self {
        Self::read(node, false)
    }

    fn read(node: &Node, is_negated: bool) -> Self {
        let known = match tree::inner(node) {
            Some(NodeEnum::BoolExpr(of)) => match (of.boolop(), of.args.as_slice()) {
                (BoolExprType::NotExpr, [inner]) => Some(Self::read(inner, !is_negated)),
                (BoolExprType::AndExpr | BoolExprType::OrExpr, all) => {
                    let parts = all.iter().map(|one| Self::read(one, is_negated)).collect();
                    // What is not both is not one, or not the other.
                    let is_all = (of.boolop() == BoolExprType::AndExpr) != is_negated;
                    Some(if is_all { Self::All(parts) } else { Self::Any(parts) })
                }
                _ => None,
            },
            Some(NodeEnum::NullTest(test)) => {
                let is_not_null = (test.nulltesttype() == NullTestType::IsNotNull) != is_negated;
                test.arg.as_deref().and_then(column).filter(|_| is_not_null).map(Self::NotNull)
            }
            Some(NodeEnum::AExpr(comparison)) => compares(comparison, is_negated),
            _ => None,
        };
        known.unwrap_or(Self::Other)
    }

    /// With a column renamed.
    #[must_use]
    pub fn renamed(self, old: &str, new: &str) -> Self {
        let rename = |name: String| if name == old { new.to_owned() } else { name };
        let all = |conditions: Vec<Self>| {
            conditions.into_iter().map(|one| one.renamed(old, new)).collect()
        };
        match self {
            Self::All(parts) => Self::All(all(parts)),
            Self::Any(parts) => Self::Any(all(parts)),
            Self::NotNull(column) => Self::NotNull(rename(column)),
            Self::Compares(column, how, value) => Self::Compares(rename(column), how, value),
            Self::OneOf(column, values) => Self::OneOf(rename(column), values),
            Self::Other => Self::Other,
        }
    }

    /// The columns that it compares with a constant.
    pub fn compared_with(&self, value: &ConstantValue) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(|part| part.compared_with(value)).collect()
            }
            Self::Compares(column, _, own) if is_same(own, value) => vec![column],
            Self::OneOf(column, values) if values.iter().any(|own| is_same(own, value)) => {
                vec![column]
            }
            _ => Vec::new(),
        }
    }

    /// Whether it names a column.
    pub fn names(&self, column: &str) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.names(column)),
            Self::NotNull(own) | Self::Compares(own, ..) | Self::OneOf(own, _) => own == column,
            Self::Other => false,
        }
    }
}

/// The column that an expression is, by its last name.
pub(super) fn column(node: &Node) -> Option<String> {
    match tree::inner(node)? {
        NodeEnum::ColumnRef(reference) => {
            Some(tree::last_name(&reference.fields).to_owned()).filter(|name| !name.is_empty())
        }
        _ => None,
    }
}

/// A comparison of a column with constants.
fn compares(of: &AExpr, is_negated: bool) -> Option<CheckCondition> {
    let (left, right) = (of.lexpr.as_deref()?, of.rexpr.as_deref()?);
    let operator = tree::last_name(&of.name);
    if of.kind() == AExprKind::AexprOp {
        let how = ComparisonOperator::of(operator)?;
        let how = if is_negated { how.negated()? } else { how };
        return match (column(left), column(right)) {
            (Some(column), None) => {
                Some(CheckCondition::Compares(column, how, ConstantValue::of(right)))
            }
            (None, Some(column)) => {
                Some(CheckCondition::Compares(column, how.commuted(), ConstantValue::of(left)))
            }
            _ => None,
        };
    }
    let column = column(left).filter(|_| !is_negated)?;
    match of.kind() {
        AExprKind::AexprBetween => {
            let [from, to] = tree::items(right) else { return None };
            let (from, to) = (ConstantValue::of(from), ConstantValue::of(to));
            Some(CheckCondition::All(vec![
                CheckCondition::Compares(column.clone(), ComparisonOperator::AtLeast, from),
                CheckCondition::Compares(column, ComparisonOperator::AtMost, to),
            ]))
        }
        AExprKind::AexprIn if operator == "=" => Some(CheckCondition::OneOf(
            column,
            tree::items(right).iter().map(ConstantValue::of).collect(),
        )),
        AExprKind::AexprOpAny if operator == "=" => {
            let NodeEnum::AArrayExpr(array) = tree::uncast(right)? else { return None };
            Some(CheckCondition::OneOf(
                column,
                array.elements.iter().map(ConstantValue::of).collect(),
            ))
        }
        _ => None,
    }
}

/// Whether two constants are the same, whatever they are cast to.
fn is_same(one: &ConstantValue, other: &ConstantValue) -> bool {
    match (one, other) {
        (ConstantValue::Text(one, _), ConstantValue::Text(other, _)) => one == other,
        _ => one.compared(other, None).is_some_and(Ordering::is_eq),
    }
}
