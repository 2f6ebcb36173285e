//! Searches for the nearest rows of a column of vectors, as they read at full and at half precision.

use super::{RowsWanted, STATEMENTS_MAX, only_block};
use crate::model::observation::{ColumnName, DistanceForm, StatementProfile, Workload};
use crate::model::{NewIndex, quote_identifier};
use crate::prove::trial::Call;

/// A column of vectors, to be indexed at half precision.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HalfVector {
    pub(super) column: String,
    /// The expression of the new index: `embedding::public.halfvec(768)`.
    pub(super) expression: String,
    /// The type behind its cast.
    pub(super) half: String,
    /// The schema of the extension.
    pub(super) schema: String,
    /// The operator of distance.
    pub(super) operator: &'static str,
}

/// A search for the nearest rows as the workload runs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearest {
    limit: u32,
    calls: u64,
}

/// The table of an arm, with what its index is on.
pub(super) struct SearchedArm<'t> {
    pub(super) table: &'t str,
    pub(super) expression: &'t str,
    pub(super) data_type: &'t str,
}

impl HalfVector {
    /// The searches of the column that an index serves and that have no further condition.
    pub(super) fn searches(&self, new: &NewIndex, workload: &Workload) -> Vec<Nearest> {
        let of = ColumnName::of(&new.table, &self.column);
        let statements = workload.statements_of(&of.schema, &of.table);
        let mut all: Vec<Nearest> =
            statements.filter_map(|statement| self.nearest(statement, &of)).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.calls));
        all.truncate(STATEMENTS_MAX);
        all
    }

    fn nearest(&self, statement: &StatementProfile, column: &ColumnName) -> Option<Nearest> {
        let block = only_block(statement, column)?;
        let [order] = block.order_by.as_slice() else { return None };
        let distance = order.distance.as_ref()?;
        let of_column = distance.columns.as_slice() == [column.clone()]
            && distance.expression == quote_identifier(&column.column);
        let served = distance.form == DistanceForm::Operator
            && !order.descending
            && distance.operator == self.operator;
        let RowsWanted::First(limit) = RowsWanted::of(statement, block)? else { return None };
        (of_column && served && block.predicates.is_empty())
            .then_some(Nearest { limit, calls: statement.calls })
    }

    /// The nearest rows of an arm.
    pub(super) fn call(&self, one: &Nearest, arm: &SearchedArm<'_>) -> Call {
        let SearchedArm { table, expression, data_type } = arm;
        let HalfVector { column, schema, operator, .. } = self;
        let column = quote_identifier(column);
        Call {
            statement: format!(
                "select t.ctid from {table} as t
                order by {expression} operator({schema}.{operator}) $1::{data_type} limit {}",
                one.limit
            ),
            values: Some(format!(
                "select pg_catalog.json_build_array(v.vector)::text
                from (
                    select t.{column}::pg_catalog.text as vector, pg_catalog.row_number() over () as position,
                        count(*) over () as rows
                    from pg_temp.dbopt_base as t
                ) as v
                where v.position % greatest(v.rows / 5, 1) = 0
                limit 5"
            )),
            calls: one.calls,
            kind: "search_ms",
        }
    }
}
