//! How often out-of-line values are read back, and by whom.

use super::remedy::only_column;
use super::size::{HISTORY_S_MIN, HOT_READ_SHARE, READ_BACK_MIN, READ_BACK_PER_DAY_MIN};
use super::table::{RelationNode, ToastedTable, float};
use crate::model::observation::{ColumnName, Context, QueryBlock, StatementProfile, Subject};
use crate::model::{Finding, Gap, GapReason, Policy, Snapshot, Unit};

/// `WIDTH_THRESHOLD`: values up to this width ANALYZE reads of any type.
const ANALYZED_BYTES_MAX: f64 = 1024.0;

/// How out-of-line values are read back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reads {
    /// How often each was, on average, since the counters were reset.
    pub(super) times: f64,
    /// The share of row reads that read a value back, too.
    pub(super) share_of_rows: f64,
    /// The share of the calls on the table that read the column which is out of line, where the workload is known.
    pub(super) share_of_calls: Option<f64>,
}

/// Calls on a table that are enough to know what most of them read.
const CALLS_MIN: u64 = 100;

impl Reads {
    /// Whether most calls of the workload read the values. Counters that have seen few reads so far do not stand against it.
    pub(super) fn are_wanted(&self, policy: &Policy) -> bool {
        self.share_of_calls.is_some_and(|share| share >= policy.get(&HOT_READ_SHARE))
    }

    /// Evidence of how the values are read.
    pub(super) fn on(&self, finding: Finding) -> Finding {
        let finding = finding
            .statistic("toast_tables.read_back_times", self.times, Unit::Ratio)
            .statistic("toast_tables.read_share_of_rows", self.share_of_rows, Unit::Ratio);
        match self.share_of_calls {
            Some(share) => finding.statistic("workload.read_share_of_calls", share, Unit::Ratio),
            None => finding,
        }
    }

    /// Whether queries read the values, rather than a dump and an export now and then.
    pub(super) fn are_many(&self, context: &Context, policy: &Policy) -> bool {
        let days = context.counting_days().unwrap_or(f64::INFINITY);
        self.times >= policy.get(&READ_BACK_MIN)
            && self.times >= policy.get(&READ_BACK_PER_DAY_MIN) * days
    }
}

/// Why counters that show little use prove nothing yet. What they do show is counted, whatever their age.
pub(super) fn too_early(context: &Context, policy: &Policy) -> Option<Gap> {
    let seconds = context.counting_days().map(|days| days * 86_400.0);
    let gap = |detail| Gap::new("counters", GapReason::NotEnoughHistory, detail);
    match seconds {
        None => Some(gap("the server does not say since when its counters count".to_owned())),
        Some(seconds) if seconds < policy.get(&HISTORY_S_MIN) => Some(
            gap(format!(
                "statistics were reset {:.0} minutes ago; low usage counts are not reliable for an hour",
                (seconds / 60.0).floor()
            ))
            .lifted_by("analyse again when they have counted for an hour"),
        ),
        Some(_) => None,
    }
}

impl ToastedTable<'_> {
    /// How out-of-line values are read back, if any are there.
    pub(super) fn reads(&self, snapshot: &Snapshot) -> Option<Reads> {
        let share_of_calls = self.share_of_calls(snapshot);
        self.counted_reads().map(|reads| Reads { share_of_calls, ..reads })
    }

    /// The share of the calls on the table that read the column which is out of line.
    fn share_of_calls(&self, snapshot: &Snapshot) -> Option<f64> {
        let workload = snapshot.workload.get().ok()?;
        let column = ColumnName {
            schema: self.root.schema.clone(),
            table: self.root.name.clone(),
            column: only_column(self)?.to_owned(),
        };
        let (mut all, mut reading) = (0, 0);
        for statement in workload.statements_of(&self.root.schema, &self.root.name) {
            all += statement.calls;
            reading += if reads_column(statement, &column) { statement.calls } else { 0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "calls below 2^53")]
        (all >= CALLS_MIN).then(|| reading as f64 / all as f64)
    }

    /// As the counters show it.
    pub(super) fn counted_reads(&self) -> Option<Reads> {
        let (mut chunks, mut values, mut columns) = (0.0, 0.0, Vec::new());
        for name in self.column_names() {
            let estimate = self.estimate(name);
            chunks += estimate.out_of_line_chunks;
            values += estimate.out_of_line_values;
            columns.push(OutOfLine {
                name,
                values_a_row: estimate.out_of_line_values / self.rows().max(1.0),
                mean_bytes: estimate.out_of_line_bytes / estimate.out_of_line_values.max(1.0),
            });
        }
        let live = self.leaves().map(RelationNode::chunks_live).sum::<f64>().max(chunks);
        if values < 1.0 || live < 1.0 {
            return None;
        }
        // To delete a chunk is to fetch it, and an update that builds a value from the old one has fetched
        // it before: neither is a query that wants the value. Nor is what indexes and ANALYZE read.
        let by_updates = 2 * self.total(|toast| toast.chunks_deleted);
        let maintained: f64 =
            self.leaves().map(|leaf| leaf.values_read_by_maintenance(&columns)).sum();
        let fetched = float(self.total(|toast| toast.chunks_read) - by_updates);
        let chunks_read = (fetched - maintained * chunks / values).max(0.0);
        let values_read = chunks_read / (chunks / values);
        let rows_read = float(self.total(|toast| toast.rows_read)).max(1.0);
        let share_of_rows = (values_read / rows_read).min(1.0);
        Some(Reads { times: chunks_read / live, share_of_rows, share_of_calls: None })
    }
}

/// Whether a statement needs the column's values: to return, compare, order or group them.
fn reads_column(statement: &StatementProfile, column: &ColumnName) -> bool {
    let of = |subject: &Subject| subject.columns.contains(column);
    let block = |block: &QueryBlock| {
        let predicates = block.predicates.iter().map(|one| &one.subject);
        let joins = block.joins.iter().flat_map(|pair| [&pair.left, &pair.right]);
        let orders = block.order_by.iter().map(|key| &key.subject);
        let lists = block.projected.iter().chain(&block.group_by).chain(&block.distinct);
        predicates.chain(joins).chain(orders).chain(lists).any(of)
    };
    statement.shape.blocks.iter().any(block)
}

/// What of a column is out of line.
struct OutOfLine<'a> {
    name: &'a str,
    values_a_row: f64,
    mean_bytes: f64,
}

impl RelationNode<'_> {
    /// Values that were read to build and keep indexes, to check conditions, by triggers, to analyze and to log old
    /// rows, rather than by a query, at most.
    fn values_read_by_maintenance(&self, columns: &[OutOfLine<'_>]) -> f64 {
        let toast = self.toast;
        let analyzed = float(toast.analyzes) * self.rows().min(float(toast.analyze_rows_max));
        let updated = float(toast.rows_updated);
        let logged = if toast.logs_old_values { updated + float(toast.rows_deleted) } else { 0.0 };
        // A trigger is handed the old row and the new one.
        let triggered = if toast.update_triggers { 2.0 * updated } else { 0.0 };
        let of_column = |stored: &OutOfLine<'_>| {
            let Some(column) = self.column(stored.name) else { return 0.0 };
            let readers = float(toast.value_readers);
            let writing = readers + float(column.written_readers);
            let is_looked_into = column.analyzed_whole || stored.mean_bytes <= ANALYZED_BYTES_MAX;
            let analyzing = if is_looked_into { readers + 1.0 } else { readers };
            stored.values_a_row
                * (logged + triggered + writing * (self.rows() + updated) + analyzing * analyzed)
        };
        columns.iter().map(of_column).sum()
    }
}
