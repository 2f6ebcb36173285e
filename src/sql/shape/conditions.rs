//! Conditions: `WHERE`, `ON`, `HAVING`, taken apart at `AND`, `OR` and `NOT`.

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, BoolExprType, Node, SubLink, SubLinkType};

use super::Walker;
use super::emit::Under;
use super::expression::Expr;
use super::scope::Columns;
use super::spelling::{bool_test, null_test};
use crate::model::observation::{BlockRole, Compared, UsePlace};
use crate::sql::tree;

/// How a comparison of that kind is spelled.
pub(super) fn spelling(kind: AExprKind, operator: &str) -> String {
    match kind {
        AExprKind::AexprOpAny => format!("{operator} any"),
        AExprKind::AexprOpAll => format!("{operator} all"),
        AExprKind::AexprDistinct => "is distinct from".to_owned(),
        AExprKind::AexprNotDistinct => "is not distinct from".to_owned(),
        AExprKind::AexprIn if operator == "<>" => "not in".to_owned(),
        AExprKind::AexprIn => "in".to_owned(),
        AExprKind::AexprSimilar if operator.starts_with('!') => "not similar to".to_owned(),
        AExprKind::AexprSimilar => "similar to".to_owned(),
        AExprKind::AexprBetween | AExprKind::AexprBetweenSym => "between".to_owned(),
        AExprKind::AexprNotBetween | AExprKind::AexprNotBetweenSym => "not between".to_owned(),
        _ => operator.to_owned(),
    }
}

impl Walker<'_> {
    /// A condition that stands in this place.
    pub(super) fn condition(&mut self, node: &Node, place: UsePlace) {
        self.under(node, Under::of(place));
    }

    fn under(&mut self, node: &Node, under: Under) {
        match tree::inner(node) {
            Some(NodeEnum::BoolExpr(all)) => {
                let under = match all.boolop() {
                    BoolExprType::OrExpr => Under { or: true, ..under },
                    BoolExprType::NotExpr => Under { not: !under.not, ..under },
                    _ => under,
                };
                all.args.iter().for_each(|one| self.under(one, under));
            }
            Some(NodeEnum::AExpr(comparison)) => self.comparison(comparison, under),
            Some(NodeEnum::SubLink(link)) => self.sublink(link, under),
            Some(NodeEnum::NullTest(test)) => {
                let Some(argument) = test.arg.as_deref() else { return };
                let argument = self.expr(argument);
                let operator = null_test(test.nulltesttype());
                self.predicate(&argument, operator, Compared::Nothing, under);
            }
            Some(NodeEnum::BooleanTest(test)) => {
                let Some(argument) = test.arg.as_deref() else { return };
                let argument = self.expr(argument);
                let operator = bool_test(test.booltesttype());
                self.predicate(&argument, operator, Compared::Nothing, under);
            }
            _ => {
                let expr = self.expr(node);
                self.predicate(&expr, "true", Compared::Nothing, under);
            }
        }
    }

    fn comparison(&mut self, comparison: &AExpr, under: Under) {
        let operator = tree::last_name(&comparison.name);
        let kind = comparison.kind();
        let (Some(left), Some(right)) = (&comparison.lexpr, &comparison.rexpr) else { return };
        if let (Some(NodeEnum::RowExpr(one)), Some(NodeEnum::RowExpr(other))) =
            (tree::inner(left), tree::inner(right))
        {
            for (left, right) in one.args.iter().zip(&other.args) {
                let (left, right) = (self.expr(left), self.expr(right));
                self.compare(&left, operator, &right, under);
            }
            return;
        }
        let spelled = spelling(kind, operator);
        match kind {
            AExprKind::AexprBetween
            | AExprKind::AexprBetweenSym
            | AExprKind::AexprNotBetween
            | AExprKind::AexprNotBetweenSym => self.between(left, right, &spelled, under),
            AExprKind::AexprIn => {
                // Each of a row's expressions is in the list.
                let lefts = match tree::inner(left) {
                    Some(NodeEnum::RowExpr(row)) => self.walk(&row.args),
                    _ => vec![self.expr(left)],
                };
                let right = self.expr(right);
                for left in &lefts {
                    self.compare(left, &spelled, &right, under);
                }
            }
            AExprKind::AexprOpAny | AExprKind::AexprOpAll => {
                let (left, right) = (self.expr(left), self.expr(right));
                if left.has_columns() {
                    return self.compare(&left, &spelled, &right, under);
                }
                // `$1 = ANY (tags)`: the array is the column.
                let word = if kind == AExprKind::AexprOpAny { "any" } else { "all" };
                self.predicate(&right, &format!("{word} {operator}"), left.compared(), under);
            }
            _ => {
                let (left, right) = (self.expr(left), self.expr(right));
                self.compare(&left, &spelled, &right, under);
            }
        }
    }

    fn between(&mut self, of: &Node, bounds: &Node, spelled: &str, under: Under) {
        let of = self.expr(of);
        let bounds = self.walk(tree::items(bounds));
        if bounds.iter().all(|bound| !bound.has_columns()) {
            let with = bounds.iter().map(Expr::compared).max().unwrap_or_default();
            return self.predicate(&of, spelled, with, under);
        }
        let operators = if spelled == "between" { [">=", "<="] } else { ["<", ">"] };
        for (bound, operator) in bounds.iter().zip(operators) {
            self.compare(&of, operator, bound, under);
        }
    }

    /// A subquery as a condition.
    fn sublink(&mut self, link: &SubLink, under: Under) {
        let lefts = match link.testexpr.as_deref() {
            Some(test) => match tree::inner(test) {
                Some(NodeEnum::RowExpr(row)) => self.walk(&row.args),
                _ => vec![self.expr(test)],
            },
            None => Vec::new(),
        };
        let columns = self.subselect(link);
        let operator = match tree::last_name(&link.oper_name) {
            "" => "in".to_owned(),
            operator if link.sub_link_type() == SubLinkType::AllSublink => {
                format!("{operator} all")
            }
            operator => format!("{operator} any"),
        };
        for (position, left) in lefts.iter().enumerate() {
            match columns.list.get(position) {
                Some((_, right)) if left.has_columns() && right.has_columns() => {
                    self.joins(left, &operator, right, under);
                }
                _ => self.predicate(left, &operator, Compared::Subquery, under),
            }
        }
    }

    /// A subquery as a value.
    pub(super) fn sublink_value(&mut self, link: &SubLink) -> Expr {
        if let Some(test) = link.testexpr.as_deref() {
            self.sublink(link, Under::of(UsePlace::Filter));
            let test = self.expr(test);
            return Expr::of("(select)".to_owned(), [&test]).atom();
        }
        self.subselect(link);
        Expr { text: "(select)".to_owned(), ..Expr::value(Compared::Subquery) }
    }

    fn subselect(&mut self, link: &SubLink) -> Columns {
        let before = self.block(BlockRole::Sublink);
        let columns = link.subselect.as_deref().map(|query| self.rows(query)).unwrap_or_default();
        self.current = before;
        columns
    }
}
