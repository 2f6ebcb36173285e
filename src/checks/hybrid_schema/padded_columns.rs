//! `hybrid-schema/padded-columns`, explained in the page beside this file.

use super::table::{Table, Tables, tables};
use crate::checks::number::{float, whole};
use crate::checks::row::{Item, MAXALIGN, Reordered, reorder};
use crate::checks::{Check, Requirement};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Declined, Finding, Gap, GapReason, Judgement, Policy, Severity, Superpower, Threshold,
    Topic, Unit, alter_role, grant, quote_identifier,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Low,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS],
    uses: &[],
    requires: &[Requirement::ColumnStatistics],
    thresholds: &[&PADDING_SHARE_MAX, &TABLE_BYTES_MIN],
    page: include_str!("padded_columns.md"),
    judge,
};

pub(in crate::checks) const ID: &str = "hybrid-schema/padded-columns";

pub(in crate::checks) static PADDING_SHARE_MAX: Threshold = Threshold {
    name: "padding_share_max",
    default: 0.05,
    unit: Unit::Ratio,
    reason: "below a twentieth of the heap the gain is not noticeable, and the order of columns is for readers",
};

/// A line pointer.
const POINTER_BYTES: f64 = 4.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let policy = case.policy;
    let Tables { all, gaps } = tables(case)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for table in all {
        // The rows of a view are laid out as its query says, which can be changed at any time.
        if !table.is_large(policy) || table.is_materialized_view() {
            continue;
        }
        match Padding::of(&table) {
            Ok(padding) => padding.judge(&table, policy, &mut judgement),
            Err(gap) => judgement.gaps.push(gap),
        }
    }
    Ok(judgement)
}

/// What a row takes now, and would in the best order.
struct Padding {
    now: f64,
    best: f64,
    /// The columns in the best order.
    order: Vec<String>,
}

impl Padding {
    fn of(table: &Table<'_>) -> Result<Self, Gap> {
        let layout = table.leaf.unwrap_or(table.layout);
        let items: Option<Vec<Item>> = layout.columns.iter().map(Item::of).collect();
        let items = items.ok_or_else(|| uncounted(table))?;
        let dropped = usize::try_from(layout.dropped_columns).unwrap_or(0);
        let Reordered { order, now, best } = reorder(&items, dropped);
        let name =
            |position: &usize| quote_identifier(&layout.columns[*position].name).into_owned();
        Ok(Self { now, best, order: order.iter().map(name).collect() })
    }

    fn judge(&self, table: &Table<'_>, policy: &Policy, judgement: &mut Judgement) {
        let saved = self.now - self.best;
        let share = saved / (self.now + POINTER_BYTES);
        // A row ends at a multiple of 8: less is saved in some rows only, or in none.
        if saved + 1e-6 < MAXALIGN || share <= policy.get(&PADDING_SHARE_MAX) {
            return;
        }
        let (object, order) = (table.object(), self.order.join(", "));
        let percent = crate::model::percent(share);
        let message = format!(
            "`{object}` pads each row with {saved:.0} bytes ({percent} of it) that another order of columns saves"
        );
        judgement.findings.push(
            Finding::new(ID, object.clone(), Severity::Low, message)
                .statistic("layouts.row_bytes", self.now, Unit::Bytes)
                .statistic("layouts.row_bytes_reordered", self.best, Unit::Bytes)
                .statistic("layouts.padding_bytes", whole(saved * table.rows), Unit::Bytes)
                .statistic("relations.table_rows", whole(table.rows), Unit::Rows)
                .statistic("layouts.column_order", order.as_str(), Unit::Name),
        );
        judgement.declined.push(Declined::new(ID, object, "no statement reorders columns", format!(
                "it takes a new table and a copy of {} MB of heap, which padding alone is not worth; when you rebuild the \
                 table for another reason, or create a similar one, declare the columns in this order: {order}",
                whole(float(table.heap_bytes) / 1e6)
            )));
    }
}

/// Values that vary and were never analyzed, or that our role may not read about.
fn uncounted(table: &Table<'_>) -> Gap {
    let layout = table.leaf.unwrap_or(table.layout);
    // A partition has privileges of its own.
    let sql = table.measured.qualified_name().to_sql();
    let hidden: Vec<_> = layout
        .columns
        .iter()
        .filter(|column| !column.readable)
        .map(|column| quote_identifier(&column.name))
        .collect();
    let gap = |reason, detail| Gap::new("layouts", reason, detail);
    let hidden = hidden.join(", ");
    let select = grant(format_args!("SELECT ({hidden}) ON {sql}"));
    // It hides the statistics of columns that our role may read as well.
    if layout.row_security {
        let detail = format!("row security hides the statistics of `{sql}` from our role");
        let bypass = alter_role("BYPASSRLS");
        let lift = if hidden.is_empty() { bypass } else { format!("{select} {bypass}") };
        return gap(GapReason::MissingPrivilege, detail).lifted_by(lift);
    }
    if hidden.is_empty() {
        let detail = format!(
            "no statistics of `{sql}` are shown, so the length of its values is unknown: it was not analyzed"
        );
        return gap(GapReason::NotEnoughEvidence, detail).lifted_by(format!("ANALYZE {sql};"));
    }
    let detail = format!("our role may not see statistics on {hidden} of `{sql}`");
    gap(GapReason::MissingPrivilege, detail).lifted_by(select)
}
