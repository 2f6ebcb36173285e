//! How many rows pass the conditions beside a search, as the planner's statistics have it.

use super::column::VectorField;
use super::missing_index::EXACT_ROWS_MAX;
use super::search::Search;
use crate::checks::number::float;
use crate::model::Case;
use crate::model::observation::{Index, NeighbourColumn, Predicate};

/// The share of the table's rows that pass a search's conditions; absent where one cannot be estimated without its values.
pub(super) fn share(case: &Case<'_>, column: &VectorField<'_>, search: &Search<'_>) -> Option<f64> {
    if !search.block.joins.is_empty() {
        return None;
    }
    search.filters.iter().map(|filter| of_filter(case, column, filter)).product()
}

fn of_filter(case: &Case<'_>, column: &VectorField<'_>, filter: &Predicate) -> Option<f64> {
    let name = plain_column(filter)?;
    let statistics = case.snapshot.vector.neighbour(column.root.oid, name)?;
    of_operator(statistics, &filter.operator, column.rows)
}

/// How many times larger that share is among the rows of the partitions that are read: with equality on a column that the table
/// is divided by, the planner reads one of them, of average size.
pub(super) fn pruning(case: &Case<'_>, column: &VectorField<'_>, search: &Search<'_>) -> f64 {
    let mut equal = search.filters.iter().filter(|filter| filter.operator == "=");
    let prunes = equal.any(|filter| {
        plain_column(filter)
            .and_then(|name| case.snapshot.vector.neighbour(column.root.oid, name))
            .is_some_and(|neighbour| neighbour.is_partition_key)
    });
    if prunes { float(column.leaves.len()).max(1.0) } else { 1.0 }
}

/// The column of a condition that every row of the result satisfies.
pub(super) fn plain_column(filter: &Predicate) -> Option<&str> {
    let subject = &filter.subject;
    let [one] = subject.columns.as_slice() else { return None };
    (subject.plain && !filter.under_or && !filter.under_not).then_some(&*one.column)
}

/// The share of rows that satisfy an operator with a value that no one knows: the average over the values.
fn of_operator(column: &NeighbourColumn, operator: &str, rows: f64) -> Option<f64> {
    let filled = 1.0 - column.null_share;
    match operator {
        "=" => {
            let distinct = if column.distinct_values < 0.0 {
                -column.distinct_values * rows
            } else {
                column.distinct_values
            };
            (distinct >= 1.0).then(|| filled / distinct)
        }
        "is null" => Some(column.null_share),
        "is not null" => Some(filled),
        _ => None,
    }
}

/// The rows that a B-tree index leaves for an exact search; absent where none finds them.
pub(super) fn exact_rows(
    case: &Case<'_>,
    column: &VectorField<'_>,
    search: &Search<'_>,
) -> Option<f64> {
    let indexes = case.snapshot.common.indexes.get().ok()?;
    let leading = indexes.iter().filter(|index| {
        index.table_oid == column.root.oid
            && index.method == "btree"
            && index.is_valid
            && !index.is_partial
    });
    let rows = leading.filter_map(|index| {
        let equal = search.filters.iter().filter_map(|filter| Some((filter, values(filter)?)));
        let (filter, values) =
            equal.into_iter().find(|(filter, _)| leads(case, column, index, filter))?;
        if index.is_unique && index.key_count == 1 {
            return Some(values);
        }
        let name = plain_column(filter)?;
        let statistics = case.snapshot.vector.neighbour(column.root.oid, name)?;
        Some(of_operator(statistics, "=", column.rows)? * values * column.rows)
    });
    rows.min_by(f64::total_cmp)
}

/// Whether a B-tree index leaves so few rows that the planner compares them one by one: no index on the vectors matters then.
pub(super) fn is_exact(case: &Case<'_>, column: &VectorField<'_>, search: &Search<'_>) -> bool {
    let most = case.policy.get(&EXACT_ROWS_MAX);
    exact_rows(case, column, search).is_some_and(|rows| rows <= most)
}

/// The values that a condition lets pass: of a list the planner takes ten where it does not know it.
fn values(filter: &Predicate) -> Option<f64> {
    match filter.operator.as_str() {
        "=" => Some(1.0),
        "in" | "= any" => Some(10.0),
        _ => None,
    }
}

/// Whether the column of a condition is the first of an index. Definitions are read of the largest indexes alone.
fn leads(case: &Case<'_>, column: &VectorField<'_>, index: &Index, filter: &Predicate) -> bool {
    let Some(name) = plain_column(filter) else { return false };
    let first = index.attributes.first().map(|number| i64::from(*number));
    if let Some(neighbour) = case.snapshot.vector.neighbour(column.root.oid, name) {
        return first == Some(neighbour.number);
    }
    let detail = case.snapshot.common.index_detail(index.oid);
    let part = detail.and_then(|detail| detail.parts.first());
    part.is_some_and(|part| part.column.as_deref() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_the_average_over_values_that_are_not_null() {
        let column = |distinct_values| NeighbourColumn {
            table_oid: 1,
            name: "tenant".to_owned(),
            number: 2,
            null_share: 0.2,
            distinct_values,
            most_common_share: None,
            is_partition_key: false,
        };
        let close = |share: Option<f64>, to: f64| share.is_some_and(|s| (s - to).abs() < 1e-9);
        assert!(close(of_operator(&column(8.0), "=", 1000.0), 0.1));
        assert!(close(of_operator(&column(-0.5), "=", 1000.0), 0.0016));
        assert!(close(of_operator(&column(8.0), "is null", 1000.0), 0.2));
        assert_eq!(of_operator(&column(8.0), "<", 1000.0), None, "the value decides");
        assert_eq!(of_operator(&column(0.0), "=", 1000.0), None, "never analyzed");
    }
}
