//! Conditions: `WHERE`, `ON`, `HAVING`, taken apart at `AND`, `OR` and `NOT`.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, BoolExprType, Node, SubLink, SubLinkType};

use super::Walker;
use super::emit::{AppliedOperator, Under};
use super::expression::Expr;
use super::scope::ShapeColumns;
use super::spelling::{bool_test, null_test};
use crate::model::observation::{BlockRole, Compared, Predicate, UsePlace};
use crate::sql::understood::JsonStep;
use crate::sql::{literal, path_to_string, tree};

/// Keys that are kept of one document.
const KEYS_MAX: usize = 16;

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

/// Keys of a document that is written out; none where they are too many to be kept.
fn contained(written: Option<&BTreeSet<Vec<JsonStep>>>) -> Vec<String> {
    let kept = written.filter(|written| written.len() <= KEYS_MAX);
    kept.into_iter().flatten().map(|path| path_to_string(path)).collect()
}

impl Walker<'_> {
    /// A condition that stands in this place.
    pub(super) fn condition(&mut self, node: &Node, place: UsePlace) {
        self.under(node, Under::of(place));
    }

    fn under(&mut self, node: &Node, under: Under) {
        match tree::inner(node) {
            Some(NodeEnum::BoolExpr(all)) => {
                // NOT makes an OR of an AND, and the other way round.
                let under = match all.boolop() {
                    BoolExprType::OrExpr => Under { or: under.or || !under.not, ..under },
                    BoolExprType::AndExpr => Under { or: under.or || under.not, ..under },
                    BoolExprType::NotExpr => Under { not: !under.not, ..under },
                    BoolExprType::Undefined => under,
                };
                all.args.iter().for_each(|one| self.under(one, under));
            }
            Some(NodeEnum::AExpr(comparison)) => self.comparison(comparison, under),
            Some(NodeEnum::SubLink(link)) => self.sublink(link, under),
            Some(NodeEnum::NullTest(test)) => {
                let Some(argument) = test.arg.as_deref() else { return };
                let argument = self.expr(argument);
                let operator = null_test(test.nulltesttype());
                self.predicate(&argument, under.applies(operator), Compared::Nothing);
            }
            Some(NodeEnum::BooleanTest(test)) => {
                let Some(argument) = test.arg.as_deref() else { return };
                let argument = self.expr(argument);
                let operator = bool_test(test.booltesttype());
                self.predicate(&argument, under.applies(operator), Compared::Nothing);
            }
            _ => {
                let expr = self.expr(node);
                self.predicate(&expr, under.applies("true"), Compared::Nothing);
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
            for (at, (left, right)) in one.args.iter().zip(&other.args).enumerate() {
                let (left, right) = (self.expr(left), self.expr(right));
                if at == 0 || operator == "=" {
                    self.compare(&left, under.applies(operator), &right);
                    continue;
                }
                // Rows are ordered by their first fields; further ones decide only between equals.
                let under = Under { or: true, ..under };
                let commuted = super::operators::commuted(operator);
                self.predicate(&left, under.applies(operator), Compared::Expression);
                self.predicate(&right, under.applies(&commuted), Compared::Expression);
            }
            return;
        }
        let spelled = spelling(kind, operator);
        match kind {
            AExprKind::AexprBetween
            | AExprKind::AexprBetweenSym
            | AExprKind::AexprNotBetween
            | AExprKind::AexprNotBetweenSym => self.between(left, right, under.applies(&spelled)),
            AExprKind::AexprIn => {
                // Each of a row's expressions is in the list.
                let lefts = match tree::inner(left) {
                    Some(NodeEnum::RowExpr(row)) => self.walk(&row.args),
                    _ => vec![self.expr(left)],
                };
                let right = self.expr(right);
                for left in &lefts {
                    self.compare(left, under.applies(&spelled), &right);
                }
            }
            AExprKind::AexprOpAny | AExprKind::AexprOpAll => {
                let (left, right) = (self.expr(left), self.expr(right));
                if left.has_columns() {
                    return self.compare(&left, under.applies(&spelled), &right);
                }
                // `$1 = ANY (tags)`: the array is the column.
                let word = if kind == AExprKind::AexprOpAny { "any" } else { "all" };
                let quantified = format!("{word} {operator}");
                self.predicate(&right, under.applies(&quantified), left.compared());
            }
            _ => {
                let written = match spelled.as_str() {
                    "@>" => literal::leaves(right),
                    "<@" => literal::leaves(left),
                    _ => None,
                };
                let (left, right) = (self.expr(left), self.expr(right));
                let before = self.predicates().len();
                self.compare(&left, under.applies(&spelled), &right);
                for predicate in &mut self.predicates()[before..] {
                    predicate.contains = contained(written.as_ref());
                }
            }
        }
    }

    /// Conditions of the query that is being read.
    fn predicates(&mut self) -> &mut [Predicate] {
        let block = self.shape.blocks.get_mut(self.current);
        block.map_or(&mut [], |block| &mut block.predicates)
    }

    fn between(&mut self, of: &Node, bounds: &Node, applied: AppliedOperator<'_>) {
        let of = self.expr(of);
        let bounds = self.walk(tree::items(bounds));
        if bounds.iter().all(|bound| !bound.has_columns()) {
            let with = bounds.iter().map(Expr::compared).max().unwrap_or_default();
            return self.predicate(&of, applied, with);
        }
        let operators = if applied.operator == "between" { [">=", "<="] } else { ["<", ">"] };
        for (bound, operator) in bounds.iter().zip(operators) {
            self.compare(&of, applied.under.applies(operator), bound);
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
                    self.joins(left, under.applies(&operator), right);
                }
                _ => self.predicate(left, under.applies(&operator), Compared::Subquery),
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

    fn subselect(&mut self, link: &SubLink) -> ShapeColumns {
        let before = self.block(BlockRole::Sublink);
        let columns = link.subselect.as_deref().map(|query| self.rows(query)).unwrap_or_default();
        self.current = before;
        columns
    }
}
