//! What comparisons, orders and lists of columns become in a shape.

use super::Walker;
use super::expression::Expr;
use super::operators;
use crate::model::observation::{Compared, JoinPair, Predicate, QueryBlock, Subject, UsePlace};

/// What a condition stands under.
#[derive(Debug, Clone, Copy)]
pub(super) struct Under {
    pub(super) place: UsePlace,
    pub(super) or: bool,
    pub(super) not: bool,
}

/// An operator where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct AppliedOperator<'a> {
    pub(super) operator: &'a str,
    pub(super) under: Under,
}

impl Under {
    /// An operator that stands here.
    pub(super) fn applies(self, operator: &str) -> AppliedOperator<'_> {
        AppliedOperator { operator, under: self }
    }

    /// Under nothing but its place.
    pub(super) fn of(place: UsePlace) -> Self {
        Self { place, or: false, not: false }
    }
}

impl Walker<'_> {
    /// A condition on one expression.
    pub(super) fn predicate(&mut self, of: &Expr, applied: AppliedOperator<'_>, with: Compared) {
        let AppliedOperator { operator, under } = applied;
        if !of.has_columns() {
            return;
        }
        let predicate = Predicate {
            subject: of.subject(),
            operator: operator.to_owned(),
            with,
            contains: Vec::new(),
            place: under.place,
            under_or: under.or,
            under_not: under.not,
        };
        if let Some(block) = self.room() {
            block.predicates.push(predicate);
        }
    }

    /// A comparison of two expressions: a join where their columns are of two relations.
    pub(super) fn compare(&mut self, left: &Expr, applied: AppliedOperator<'_>, right: &Expr) {
        let joins = left.has_columns()
            && right.has_columns()
            && !left.instances.iter().any(|instance| right.instances.contains(instance));
        if joins {
            return self.joins(left, applied, right);
        }
        self.predicate(left, applied, right.compared());
        let commuted = operators::commuted(applied.operator);
        self.predicate(right, applied.under.applies(&commuted), left.compared());
    }

    pub(super) fn joins(&mut self, left: &Expr, applied: AppliedOperator<'_>, right: &Expr) {
        let AppliedOperator { operator, under } = applied;
        let pair = JoinPair {
            left: left.subject(),
            right: right.subject(),
            operator: operator.to_owned(),
            place: under.place,
            under_or: under.or,
            under_not: under.not,
        };
        if let Some(block) = self.room() {
            block.joins.push(pair);
        }
    }

    /// Expressions of which those that have columns are kept in one of the query's lists.
    pub(super) fn keep<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        list: impl Fn(&mut QueryBlock) -> &mut Vec<Subject>,
    ) {
        for expr in exprs.into_iter().filter(|expr| expr.has_columns()) {
            if let Some(block) = self.room() {
                list(block).push(expr.subject());
            }
        }
    }
}
