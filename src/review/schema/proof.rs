//! What follows from the conditions that rows obey, as the server concludes it where it decides whether to read a table.

use std::cmp::Ordering;

use crate::sql::{BoundClause, CheckCondition, ComparisonOperator, ConstantValue, RangeDatum};

/// Whether something follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Implication {
    Proved,
    Unproved,
    /// It depends on what is not known here.
    Unknown,
}

/// What is to follow, of one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ProofGoal {
    NotNull(String),
    Compares(String, ComparisonOperator, ConstantValue),
    OneOf(String, Vec<ConstantValue>),
    /// The column is none of these.
    NoneOf(String, Vec<ConstantValue>),
    /// One of these.
    Either(Vec<ProofGoal>),
    /// What this module does not reason about.
    Beyond,
}

/// A table's columns, and what its rows obey.
pub(super) trait RowConstraints {
    fn is_filled(&self, column: &str) -> bool;
    fn type_of(&self, column: &str) -> Option<&str>;
    fn conditions(&self) -> Vec<&CheckCondition>;
}

/// Whether a goal follows from what the rows of a table obey.
pub(super) fn proves(rows: &impl RowConstraints, goal: &ProofGoal) -> Implication {
    if matches!(goal, ProofGoal::NotNull(column) if rows.is_filled(column)) {
        return Implication::Proved;
    }
    let type_of = |column: &str| rows.type_of(column);
    best(rows.conditions().into_iter().map(|condition| follows(condition, goal, &type_of)))
}

/// The best of several ways.
fn best(proofs: impl Iterator<Item = Implication>) -> Implication {
    let mut best = Implication::Unproved;
    for proof in proofs {
        match proof {
            Implication::Proved => return Implication::Proved,
            Implication::Unknown => best = Implication::Unknown,
            Implication::Unproved => {}
        }
    }
    best
}

/// What holds of all of several.
pub(super) fn all(proofs: impl Iterator<Item = Implication>) -> Implication {
    let mut whole = Implication::Proved;
    for proof in proofs {
        match proof {
            Implication::Unproved => return Implication::Unproved,
            Implication::Unknown => whole = Implication::Unknown,
            Implication::Proved => {}
        }
    }
    whole
}

/// The type of a column, where it is known.
type TypeOf<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

fn follows(condition: &CheckCondition, goal: &ProofGoal, type_of: TypeOf<'_>) -> Implication {
    match condition {
        _ if *goal == ProofGoal::Beyond => Implication::Unknown,
        CheckCondition::All(parts) => best(parts.iter().map(|part| follows(part, goal, type_of))),
        CheckCondition::Any(parts) => all(parts.iter().map(|part| follows(part, goal, type_of))),
        CheckCondition::NotNull(column) => {
            if matches!(goal, ProofGoal::NotNull(own) if own == column) {
                Implication::Proved
            } else {
                Implication::Unproved
            }
        }
        CheckCondition::Compares(column, how, value) => {
            CheckedValue { column, how: *how, value }.implies(goal, type_of(column))
        }
        CheckCondition::OneOf(column, values) => {
            let how = ComparisonOperator::Equal;
            let each = |value| CheckedValue { column, how, value }.implies(goal, type_of(column));
            all(values.iter().map(each))
        }
        CheckCondition::Other => Implication::Unproved,
    }
}

/// A column, with a value that it compares with in every row.
#[derive(Clone, Copy)]
struct CheckedValue<'c> {
    column: &'c str,
    how: ComparisonOperator,
    value: &'c ConstantValue,
}

impl CheckedValue<'_> {
    /// Whether a goal follows from it.
    fn implies(self, goal: &ProofGoal, column_type: Option<&str>) -> Implication {
        let Self { column, how, value } = self;
        let ordered = |other: &ConstantValue| value.compared(other, column_type);
        let decided = |holds: Option<bool>| match holds {
            Some(true) => Implication::Proved,
            Some(false) => Implication::Unproved,
            None => Implication::Unknown,
        };
        match goal {
            ProofGoal::Compares(own, wanted, bound) if own == column => {
                decided(ordered(bound).map(|order| implies(how, order, *wanted)))
            }
            ProofGoal::OneOf(own, values) if own == column && how == ComparisonOperator::Equal => {
                let equal = |other| decided(ordered(other).map(Ordering::is_eq));
                best(values.iter().map(equal))
            }
            ProofGoal::NoneOf(own, values) if own == column => {
                let misses = |other| decided(ordered(other).map(|order| excludes(how, order)));
                all(values.iter().map(misses))
            }
            ProofGoal::Either(goals) => {
                best(goals.iter().map(|goal| self.implies(goal, column_type)))
            }
            ProofGoal::Beyond => Implication::Unknown,
            _ => Implication::Unproved,
        }
    }
}

/// Whether `column how value` implies `column wanted bound`, where the value is ordered so against the bound.
fn implies(how: ComparisonOperator, order: Ordering, wanted: ComparisonOperator) -> bool {
    use ComparisonOperator::{AtLeast, AtMost, Equal, Greater, Less};
    match (how, wanted) {
        (Equal, _) => wanted.holds(order),
        (AtLeast, AtLeast) | (Greater, AtLeast | Greater) => order.is_ge(),
        (AtLeast, Greater) => order.is_gt(),
        (AtMost, AtMost) | (Less, AtMost | Less) => order.is_le(),
        (AtMost, Less) => order.is_lt(),
        _ => false,
    }
}

/// Whether `column how value` leaves another value out, where the value is ordered so against that.
fn excludes(how: ComparisonOperator, order: Ordering) -> bool {
    // The other itself does not compare so with the value.
    !how.holds(order.reverse())
}

/// What a row of a partition with this bound obeys, one by one; the columns are those of the key.
pub(super) fn within(bound: &BoundClause, keys: &[Option<String>]) -> Vec<ProofGoal> {
    let columns: Option<Vec<&str>> = keys.iter().map(Option::as_deref).collect();
    let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
        return vec![ProofGoal::Beyond];
    };
    let filled = |column: &&str| ProofGoal::NotNull((*column).to_owned());
    match bound {
        BoundClause::Range { from, to } => {
            let mut goals: Vec<ProofGoal> = columns.iter().map(filled).collect();
            goals.extend(range(from, to, &columns));
            goals
        }
        BoundClause::List(values) => {
            let column = columns[0];
            match values.iter().cloned().collect::<Option<Vec<ConstantValue>>>() {
                Some(values) => vec![filled(&column), ProofGoal::OneOf(column.to_owned(), values)],
                None => vec![ProofGoal::Beyond],
            }
        }
        // A CHECK constraint on the hash of a key is possible and not in use.
        BoundClause::Hash => vec![ProofGoal::Either(Vec::new())],
        BoundClause::Default => vec![ProofGoal::Beyond],
    }
}

/// What keeps a row out of a partition with this bound.
pub(super) fn outside(bound: &BoundClause, keys: &[Option<String>]) -> ProofGoal {
    let [Some(column)] = keys else { return ProofGoal::Beyond };
    match bound {
        BoundClause::Range { from, to } => {
            let below = |datum: &RangeDatum| ends(datum, column, ComparisonOperator::Less);
            let above = |datum: &RangeDatum| ends(datum, column, ComparisonOperator::AtLeast);
            let sides = [from.first().map(below), to.first().map(above)];
            ProofGoal::Either(sides.into_iter().flatten().flatten().collect())
        }
        BoundClause::List(values) => {
            match values.iter().cloned().collect::<Option<Vec<ConstantValue>>>() {
                Some(values) => ProofGoal::NoneOf(column.clone(), values),
                None => ProofGoal::Beyond,
            }
        }
        BoundClause::Hash | BoundClause::Default => ProofGoal::Beyond,
    }
}

fn ends(datum: &RangeDatum, column: &str, how: ComparisonOperator) -> Option<ProofGoal> {
    match datum {
        RangeDatum::Value(value) => {
            Some(ProofGoal::Compares(column.to_owned(), how, value.clone()))
        }
        RangeDatum::Other => Some(ProofGoal::Beyond),
        RangeDatum::Least | RangeDatum::Greatest => None,
    }
}

/// What the ends of a range ask of the columns of its key.
fn range(from: &[RangeDatum], to: &[RangeDatum], columns: &[&str]) -> Vec<ProofGoal> {
    let mut goals = Vec::new();
    // Columns whose ends are equal are equal to them in every row.
    let mut at = 0;
    while let (Some(RangeDatum::Value(low)), Some(RangeDatum::Value(high))) =
        (from.get(at), to.get(at))
    {
        if low != high || at + 1 >= columns.len() {
            break;
        }
        goals.push(ProofGoal::Compares(
            columns[at].to_owned(),
            ComparisonOperator::Equal,
            low.clone(),
        ));
        at += 1;
    }
    goals.extend(end(from, at, columns, true));
    goals.extend(end(to, at, columns, false));
    goals
}

/// One end of a range: the value belongs to it where what the key's further columns allow touches it.
fn end(data: &[RangeDatum], at: usize, columns: &[&str], is_low: bool) -> Option<ProofGoal> {
    let column = columns.get(at)?;
    let value = match data.get(at)? {
        RangeDatum::Value(value) => value.clone(),
        RangeDatum::Least | RangeDatum::Greatest => return None,
        RangeDatum::Other => return Some(ProofGoal::Beyond),
    };
    let is_included = match (data.get(at + 1), is_low) {
        (None | Some(RangeDatum::Least), _) => is_low,
        (Some(RangeDatum::Greatest), _) => !is_low,
        (Some(_), _) => return Some(ProofGoal::Beyond),
    };
    let how = match (is_low, is_included) {
        (true, true) => ComparisonOperator::AtLeast,
        (true, false) => ComparisonOperator::Greater,
        (false, true) => ComparisonOperator::AtMost,
        (false, false) => ComparisonOperator::Less,
    };
    Some(ProofGoal::Compares((*column).to_owned(), how, value))
}

#[cfg(test)]
mod tests;
