//! Ways to keep a column's values in the row, which several checks of TOAST advise.

use super::estimate::StorageEstimate;
use super::table::{RelationNode, ToastedTable, float, is_vector, storage, whole};
use crate::model::observation::ToastColumn;
use crate::model::toast::ROW_BYTES_MAX;
use crate::model::{
    Action, Compression, Declined, Object, Rewrite, RewriteOf, Storage, StorageSetting,
    TupleTargetSetting,
};

/// Values as wide as this on average are moved out where the row is too wide, some of them at least: the server
/// spares those of up to 24 bytes with their header.
const MOVABLE_BYTES: f64 = 16.0;
/// The share of rows that must fit a page before keeping values inline is worth advising.
const FITTING_SHARE_MIN: f64 = 0.95;

/// The column that holds most of what is out of line, if one holds nearly all of it.
///
/// Counters are kept for the TOAST table as a whole: with several such columns no one can say which is read.
pub(super) fn only_column<'a>(table: &ToastedTable<'a>) -> Option<&'a str> {
    if hides_columns(table) {
        return None;
    }
    let chunks = |name: &str| table.estimate(name).out_of_line_chunks;
    let names = table.column_names();
    let all: f64 = names.iter().map(|name| chunks(name)).sum();
    names.into_iter().find(|name| all > 0.0 && chunks(name) / all >= 0.9)
}

/// Why it is not said which column is read back.
pub(super) fn no_column_alone(check: &str, table: &ToastedTable<'_>) -> Declined {
    let (reason, which) = if hides_columns(table) {
        ("columns are hidden from our role", "whether it is one that our role may not read")
    } else {
        ("several columns are stored out of line", "which of them")
    };
    Declined::new(
        check,
        table.object(),
        reason,
        format!(
            "the counters are kept for the TOAST table as a whole and do not say {which} is read back, so none can \
             be moved inline on evidence"
        ),
    )
}

/// Whether columns that may be out of line are not shown to our role: how wide its rows are is not known then.
pub(super) fn hides_columns(table: &ToastedTable<'_>) -> bool {
    table.nodes.iter().flat_map(|node| &node.toast.columns).any(|column| !column.readable)
}

/// A column with the leaves that a finding about it reaches.
pub(super) struct AffectedColumn<'t, 'a> {
    pub(super) table: &'t ToastedTable<'a>,
    pub(super) column: &'t str,
    pub(super) leaves: Vec<&'t RelationNode<'a>>,
}

/// A column where its values are out of line, as far as they were sampled.
pub(super) fn out_of_line<'t, 'a>(
    table: &'t ToastedTable<'a>,
    column: &'t str,
) -> AffectedColumn<'t, 'a> {
    let affected = |node: &&RelationNode<'_>| {
        let stored = node.sample.and_then(|sample| sample.column(column));
        // A partition that was not sampled is taken to be like those that were.
        stored.is_none_or(|stored| stored.out_of_line_values * 10 >= stored.values.max(1))
    };
    AffectedColumn { table, column, leaves: table.leaves().filter(affected).collect() }
}

/// Actions that bring the column's values back into the row, or why none does.
pub(super) fn inline(
    check: &str,
    table: &ToastedTable<'_>,
    column: &str,
) -> Result<Vec<Action>, Declined> {
    let affected = out_of_line(table, column);
    let columns = || table.nodes.iter().filter_map(|node| node.column(column));
    let vector = columns().any(is_vector);
    let crowded = crowds_others_out(table, column);
    // The next vector may be wider where its dimensions are not set, and PLAIN would refuse its row.
    let plain = vector && !crowded && columns().all(|column| column.equally_wide);
    let widest = affected.widest_fitting(check, plain)?;
    let rewrite = affected.rewrite(check, RewriteOf::OutOfLine)?;
    if plain {
        return Ok(vec![affected.set_storage(Storage::Plain, Some(rewrite))]);
    }
    // The lighter lock first. MAIN would go on compressing in vain what does not compress, and contradict
    // toast/incompressible-values.
    let mut actions = vec![affected.set_target(widest, rewrite.clone())];
    // The server would give indexes the strategy, too, and where they keep another, no statement gives it back.
    let storages_stay = columns().all(|c| c.index_storages.iter().all(|kept| *kept == c.storage));
    if !vector && !crowded && storages_stay && !is_incompressible(&table.estimate(column)) {
        actions.push(affected.set_storage(Storage::Main, Some(rewrite)));
    }
    Ok(actions)
}

/// The same where every row must fit: what stays out of line would keep the TOAST table large.
pub(super) fn inline_wholly(
    check: &str,
    table: &ToastedTable<'_>,
    column: &str,
) -> Result<Vec<Action>, Declined> {
    out_of_line(table, column).widest_fitting(check, true)?;
    inline(check, table, column)
}

/// Whether the row would lose other values for this one: a row beyond the threshold sends out whatever may move,
/// down to what is hardly wider than a TOAST pointer, before it touches what is stored MAIN or PLAIN.
fn crowds_others_out(table: &ToastedTable<'_>, column: &str) -> bool {
    table.column_names().into_iter().filter(|other| *other != column).any(|other| {
        let may_move =
            |column: &ToastColumn| matches!(storage(column), Storage::Extended | Storage::External);
        let estimate = table.estimate(other);
        table.leaves().filter_map(|leaf| leaf.column(other)).any(may_move)
            && estimate.values >= 1.0
            && estimate.stored_bytes / estimate.values > MOVABLE_BYTES
    })
}

/// Whether hardly any wide value of the column compresses.
fn is_incompressible(estimate: &StorageEstimate) -> bool {
    estimate.compressed_values() < 0.05 * estimate.wide_uncompressed_values
}

impl AffectedColumn<'_, '_> {
    pub(super) fn object(&self) -> Object {
        self.table.column_of(self.column, &self.leaves)
    }

    /// Bytes of the widest row, all inline, or why the column cannot be kept inline.
    fn widest_fitting(&self, check: &str, strictly: bool) -> Result<u64, Declined> {
        if hides_columns(self.table) {
            return Err(Declined::new(
                check,
                self.object(),
                "columns are hidden from our role",
                "how wide its rows are, and so whether they would fit a page, is not known without them",
            ));
        }
        let (mut rows, mut fitting, mut widest) = (0, 0, 0);
        for sample in self.leaves.iter().filter_map(|node| node.sample) {
            rows += sample.rows_out_of_line;
            fitting += sample.rows_fitting_page;
            widest = widest.max(sample.fitting_row_bytes_max);
        }
        // Stored PLAIN, a row that does not fit cannot be stored at all.
        let share_min = if strictly { 1.0 } else { FITTING_SHARE_MIN };
        let share = float(fitting) / float(rows).max(1.0);
        if share >= share_min {
            return Ok(widest);
        }
        Err(Declined::new(
            check,
            self.object(),
            "rows do not fit a page",
            format!(
                "only {} of the sampled rows would fit a page with `{}` inline; \
             split the table or promote the keys that are read",
                crate::model::percent(share),
                self.column
            ),
        ))
    }

    /// Set the column's storage strategy where a finding about these leaves reaches, and where it differs.
    pub(super) fn set_storage(&self, to: Storage, rewrite: Option<Rewrite>) -> Action {
        let before =
            |node: &RelationNode<'_>| Some(node.member(storage(node.column(self.column)?)));
        let reach = self.table.reach(&self.leaves);
        Action::SetColumnStorage(StorageSetting {
            object: self.object(),
            column: self.column.to_owned(),
            to,
            members: reach
                .into_iter()
                .filter_map(before)
                .filter(|member| member.before != to)
                .collect(),
            rewrite,
        })
    }

    /// Raise `toast_tuple_target` on the affected leaves: partitioned nodes have no storage parameters.
    pub(super) fn set_target(&self, row_bytes: u64, rewrite: Rewrite) -> Action {
        // Some room for rows that grow a little, in steps a person can remember; never less than is set.
        let leaves: Vec<&RelationNode<'_>> =
            self.table.reach(&self.leaves).into_iter().filter(|node| node.holds_rows()).collect();
        let set =
            |node: &&RelationNode<'_>| node.toast.option("toast_tuple_target")?.parse::<u64>().ok();
        let least = leaves.iter().filter_map(set).max().unwrap_or(128);
        let most = u64::from(ROW_BYTES_MAX);
        let bytes = (row_bytes + row_bytes / 16).next_multiple_of(16).clamp(least.min(most), most);
        Action::SetToastTupleTarget(TupleTargetSetting {
            object: self.table.object_of(&self.leaves),
            bytes: u32::try_from(bytes).unwrap_or(ROW_BYTES_MAX),
            members: leaves.iter().map(|node| node.member(node.toast.options.clone())).collect(),
            rewrite,
        })
    }

    /// A rewrite of the column's values in these leaves, priced from the estimate, or why it cannot be done.
    pub(super) fn rewrite(&self, check: &str, of: RewriteOf) -> Result<Rewrite, Declined> {
        let Self { table, column, leaves } = self;
        let estimate = StorageEstimate::of(column, leaves);
        let values = match of {
            RewriteOf::OutOfLine => estimate.out_of_line_values,
            RewriteOf::NotCompressedBy(Compression::Lz4) => estimate.pglz_values,
            RewriteOf::NotCompressedBy(Compression::Pglz) => estimate.lz4_values,
            RewriteOf::WideInline => estimate.values,
        };
        let mean_bytes = estimate.stored_bytes / estimate.values.max(1.0);
        let heap_row_bytes = float(table.heap_bytes()) / table.rows().max(1.0);
        let columns: Vec<&ToastColumn> =
            table.nodes.iter().filter_map(|node| node.column(column)).collect();
        let generated = columns.iter().find(|column| column.generated);
        let generated_from = generated.and_then(|column| column.generated_from.clone());
        let refused = leaves.iter().find_map(|leaf| leaf.toast.updates_refused.as_deref());
        let unwritable = if generated.is_some() && generated_from.is_none() {
            Some("it is generated from no column that could be assigned")
        } else {
            refused
        };
        if let Some(why) = unwritable {
            return Err(not_updatable(check, self.object(), why));
        }
        Ok(Rewrite {
            column: (*column).to_owned(),
            is_array: columns.iter().any(|column| column.is_array),
            generated_from,
            of,
            tables: leaves.iter().map(|node| node.member(())).collect(),
            rows: whole(values),
            bytes: whole(values * (mean_bytes + heap_row_bytes)),
            fires_triggers: leaves.iter().any(|node| node.toast.update_triggers),
        })
    }
}

fn not_updatable(check: &str, object: Object, why: &str) -> Declined {
    let detail = format!(
        "{why}, so no UPDATE builds the values of `{object}` again; other settings apply to new values only"
    );
    Declined::new(check, object, "its rows cannot be updated as they are", detail)
}

/// The object of a table-wide finding that names a column in its actions.
pub(super) fn column_object(table: &ToastedTable<'_>, column: &str) -> Object {
    out_of_line(table, column).object()
}
