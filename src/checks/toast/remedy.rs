//! Ways to keep a column's values in the row, which several checks of TOAST advise.

use super::table::{Estimate, Node, Table, float, is_vector, storage, whole};
use crate::model::{Action, Declined, Member, Object, Rewrite, RewriteOf, Storage};

/// `TOAST_TUPLE_THRESHOLD`: from here on the server compresses and moves values out of line.
pub(super) const TOAST_THRESHOLD: f64 = 2032.0;
/// The widest row a page can hold, which is also the largest `toast_tuple_target`.
const PAGE_ROOM: u64 = 8160;
/// The share of rows that must fit a page before keeping values inline is worth advising.
const FITTING_SHARE_MIN: f64 = 0.95;

/// The column that holds most of what is out of line, if one holds nearly all of it.
///
/// Counters are kept for the TOAST table as a whole: with several such columns nobody can say which is read.
pub(super) fn only_column<'a>(table: &Table<'a>) -> Option<&'a str> {
    let chunks = |name: &str| table.estimate(name).out_of_line_chunks;
    let names = table.column_names();
    let all: f64 = names.iter().map(|name| chunks(name)).sum();
    names.into_iter().find(|name| all > 0.0 && chunks(name) / all >= 0.9)
}

/// Nodes whose values of the column are out of line, as far as they were sampled.
pub(super) fn out_of_line<'t, 'a>(table: &'t Table<'a>, column: &str) -> Vec<&'t Node<'a>> {
    let affected = |node: &&Node<'_>| {
        let stored = node.sample.and_then(|sample| sample.column(column));
        // A partition that was not sampled is taken to be like those that were.
        stored.is_none_or(|stored| stored.out_of_line_values * 10 >= stored.values.max(1))
    };
    table.leaves().filter(affected).collect()
}

/// Actions that bring the column's values back into the row, or why none does.
pub(super) fn inline(
    check: &str,
    table: &Table<'_>,
    column: &str,
) -> Result<Vec<Action>, Declined> {
    let affected = out_of_line(table, column);
    let object = table.column_of(column, &affected);
    let (mut rows, mut fitting, mut widest) = (0, 0, 0);
    for sample in affected.iter().filter_map(|node| node.sample) {
        rows += sample.rows_out_of_line;
        fitting += sample.rows_fitting_page;
        widest = widest.max(sample.fitting_row_bytes_max);
    }
    let share = float(fitting) / float(rows).max(1.0);
    if share < FITTING_SHARE_MIN {
        return Err(Declined {
            check: check.to_owned(),
            object,
            reason: "rows do not fit a page".to_owned(),
            detail: format!(
                "only {:.0} % of the sampled rows would fit a page with `{column}` inline; \
                 split the table or promote the keys that are read",
                share * 100.0
            ),
        });
    }
    let rewrite = rewrite(table, column, &affected, RewriteOf::OutOfLine);
    let vector = table.nodes.iter().filter_map(|node| node.column(column)).any(is_vector);
    if vector {
        return Ok(vec![set_storage(table, column, Storage::Plain, Some(rewrite))]);
    }
    // The lighter lock first. MAIN would go on compressing in vain what does not compress, and contradict
    // toast/incompressible-values.
    let mut actions = vec![set_target(table, &affected, widest, rewrite.clone())];
    if !is_incompressible(&table.estimate(column)) {
        actions.push(set_storage(table, column, Storage::Main, Some(rewrite)));
    }
    Ok(actions)
}

/// Whether hardly any wide value of the column compresses.
fn is_incompressible(estimate: &Estimate) -> bool {
    estimate.compressed_values() < 0.05 * estimate.wide_uncompressed_values
}

/// Set the column's storage strategy wherever it differs, on partitioned nodes too, so that new
/// partitions inherit it.
pub(super) fn set_storage(
    table: &Table<'_>,
    column: &str,
    to: Storage,
    rewrite: Option<Rewrite>,
) -> Action {
    let members = differing(table, column, to);
    let leaves: Vec<&Node<'_>> =
        table.leaves().filter(|node| node.column(column).map(storage) != Some(to)).collect();
    Action::SetColumnStorage {
        object: table.column_of(column, &leaves),
        column: column.to_owned(),
        to,
        members,
        rewrite,
    }
}

fn differing(table: &Table<'_>, column: &str, to: Storage) -> Vec<Member<Storage>> {
    let before = |node: &Node<'_>| Some(node.member(storage(node.column(column)?)));
    table.nodes.iter().filter_map(before).filter(|member| member.before != to).collect()
}

/// Raise `toast_tuple_target` on the affected leaves: partitioned nodes have no storage parameters.
pub(super) fn set_target(
    table: &Table<'_>,
    affected: &[&Node<'_>],
    row_bytes: u64,
    rewrite: Rewrite,
) -> Action {
    // Some room for rows that grow a little, in steps a person can remember.
    let bytes = (row_bytes + row_bytes / 16).next_multiple_of(16).clamp(128, PAGE_ROOM);
    let before = |node: &Node<'_>| {
        node.toast.option("toast_tuple_target").and_then(|value| value.parse().ok())
    };
    Action::SetToastTupleTarget {
        object: table.object_of(affected),
        bytes: u32::try_from(bytes).unwrap_or(8160),
        members: affected.iter().map(|node| node.member(before(node))).collect(),
        rewrite,
    }
}

/// A rewrite of the column's values in these leaves, priced from the estimate.
pub(super) fn rewrite(
    table: &Table<'_>,
    column: &str,
    leaves: &[&Node<'_>],
    of: RewriteOf,
) -> Rewrite {
    let estimate = table.estimate(column);
    let share = leaves.iter().map(|node| node.rows()).sum::<f64>() / table.rows().max(1.0);
    let values = share
        * match of {
            RewriteOf::OutOfLine => estimate.out_of_line_values,
            RewriteOf::NotCompressedBy(crate::model::Compression::Lz4) => estimate.pglz_values,
            RewriteOf::NotCompressedBy(crate::model::Compression::Pglz) => estimate.lz4_values,
            RewriteOf::WideInline => estimate.values,
        };
    let mean_bytes = estimate.stored_bytes / estimate.values.max(1.0);
    let heap_row_bytes = float(table.heap_bytes()) / table.rows().max(1.0);
    Rewrite {
        column: column.to_owned(),
        is_array: table.nodes.iter().filter_map(|node| node.column(column)).any(|c| c.is_array),
        of,
        tables: leaves.iter().map(|node| node.member(())).collect(),
        rows: whole(values),
        bytes: whole(values * (mean_bytes + heap_row_bytes)),
        fires_triggers: leaves.iter().any(|node| node.toast.update_triggers),
    }
}

/// The object of a table-wide finding that names a column in its actions.
pub(super) fn column_object(table: &Table<'_>, column: &str) -> Object {
    table.column_of(column, &out_of_line(table, column))
}
