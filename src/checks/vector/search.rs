//! Searches: statements of the workload that order by the distance of a column.

use super::distance::DistanceMetric;
use super::operand::VectorOperand;
use crate::checks::number::float;
use crate::model::observation::{
    Distance, DistanceForm, Limit, Predicate, QueryBlock, Relation, RelationUse, StatementProfile,
    UsePlace, VectorColumn, Workload,
};

/// A query that orders by a distance.
pub(super) struct Search<'a> {
    pub(super) statement: &'a StatementProfile,
    pub(super) block: &'a QueryBlock,
    pub(super) metric: DistanceMetric,
    /// The operator or function as it is spelled.
    pub(super) spelled: &'a str,
    pub(super) form: DistanceForm,
    pub(super) descending: bool,
    /// Whether rows without a distance come first: an index has none of them.
    pub(super) nulls_first: bool,
    pub(super) operand: VectorOperand,
    /// Conditions on other columns of the table.
    pub(super) filters: Vec<&'a Predicate>,
}

/// The searches of a column.
pub(super) fn searches<'a>(
    workload: &'a Workload,
    table: &Relation,
    column: &VectorColumn,
) -> Vec<Search<'a>> {
    let mut found = Vec::new();
    for statement in workload.statements_of(&table.schema, &table.name) {
        for block in &statement.shape.blocks {
            // A query over a subquery orders what that returned: it re-ranks, and no index is meant to serve it.
            let of_table = |relation: &&RelationUse| {
                relation.schema == table.schema && relation.name == table.name
            };
            let reads = block.relations.iter().find(of_table).filter(|found| !found.ambiguous);
            // Groups and distinct rows are made of every row before any is ordered.
            if !block.group_by.is_empty() || !block.distinct.is_empty() {
                continue;
            }
            // An index gives rows in the order of the first key.
            let Some(key) = reads.and_then(|_| block.order_by.first()) else { continue };
            let Some(distance) = &key.distance else { continue };
            let Some((metric, operand)) = of_column(distance, table, column) else { continue };
            found.push(Search {
                statement,
                block,
                metric,
                spelled: &distance.operator,
                form: distance.form,
                descending: key.descending,
                nulls_first: key.nulls_first == Some(true),
                operand,
                filters: filters(block, table, column),
            });
        }
    }
    found
}

fn of_column(
    distance: &Distance,
    table: &Relation,
    column: &VectorColumn,
) -> Option<(DistanceMetric, VectorOperand)> {
    let [one] = distance.columns.as_slice() else { return None };
    let same = one.schema == table.schema && one.table == table.name && one.column == column.name;
    let operand = VectorOperand::of(&distance.expression, &column.name).filter(|_| same)?;
    Some((DistanceMetric::of(&distance.operator)?, operand))
}

/// Conditions on the table's other columns.
fn filters<'a>(
    block: &'a QueryBlock,
    table: &Relation,
    column: &VectorColumn,
) -> Vec<&'a Predicate> {
    let of_table = |predicate: &&Predicate| {
        let columns = &predicate.subject.columns;
        matches!(predicate.place, UsePlace::Where | UsePlace::Join)
            && columns.iter().any(|one| {
                one.schema == table.schema && one.table == table.name && one.column != column.name
            })
    };
    block.predicates.iter().filter(of_table).collect()
}

impl Search<'_> {
    /// Whether it is in the one form that an index serves: ascending by the operator alone, the first rows.
    pub(super) fn is_indexable(&self) -> bool {
        self.form == DistanceForm::Operator
            && !self.descending
            && !self.nulls_first
            && self.block.limit.is_some()
    }

    /// Whether it has conditions on other columns, or joins.
    pub(super) fn is_filtered(&self) -> bool {
        !self.filters.is_empty() || !self.block.joins.is_empty()
    }

    /// The most rows that it takes from the index, as far as that is known: `LIMIT` and `OFFSET`.
    pub(super) fn rows_wanted(&self) -> Option<f64> {
        let last_rows = self.statement.last_rows_seen.iter().copied().max().map(f64::from);
        if let (Some(Limit::Parameter), Some(_), Some(rows)) =
            (self.block.limit, self.block.offset, last_rows)
        {
            let limits = self.statement.limits_seen.iter().copied().max().map_or(0.0, f64::from);
            return Some(rows.max(limits));
        }
        let limit = match self.block.limit? {
            Limit::Constant(limit) => f64::from(limit),
            Limit::Large => f64::from(Limit::KEPT_MAX) + 1.0,
            Limit::Parameter => f64::from(self.statement.limits_seen.iter().copied().max()?),
            Limit::Expression => return None,
        };
        let offset = match self.block.offset {
            Some(Limit::Constant(offset)) => f64::from(offset),
            Some(Limit::Large) => f64::from(Limit::KEPT_MAX) + 1.0,
            Some(Limit::Parameter | Limit::Expression) | None => 0.0,
        };
        Some(limit + offset)
    }

    pub(super) fn calls(&self) -> f64 {
        float(self.statement.calls)
    }

    /// Milliseconds that a call takes, where that is known.
    pub(super) fn mean_ms(&self) -> Option<f64> {
        let known = self.statement.calls > 0 && self.statement.total_ms > 0.0;
        known.then(|| self.statement.total_ms / self.calls())
    }
}
