//! How much of a relation is read for its documents, and the query that does.
//!
//! The text of each document comes as one column of the ordinary protocol, in binary: the same bytes as a COPY
//! would send, without the round trip that prepares it.

use crate::model::{QualifiedName, quote_identifier};
use crate::observe::sample::SEED;

/// Rows at least: large documents, but not one of them alone.
const ROWS_MIN: f64 = 20.0;
/// Pages asked for, of those that the budget pays for on average: how many come is for chance to say, and pages differ.
const SHARE_OF_BUDGET: f64 = 0.9;
/// Rows at which a sample ends that is to reach the last page, as a multiple of those that the budget pays for.
const TO_THE_END: f64 = 1.5;
/// Pages asked for where a sample ends with as many rows as the budget pays for.
const MORE: f64 = 1.2;

/// How much to read of one column.
#[derive(Debug, Clone, Copy)]
pub(in crate::observe) struct Budget {
    pub(in crate::observe) rows: f64,
    /// As they are stored.
    pub(in crate::observe) bytes: f64,
    /// Whether rows of the last pages may not be cut off, of partitions either: what was written last is there, and
    /// drifts first. Partitions then come in their proportions but by chance.
    pub(in crate::observe) to_the_end: bool,
}

impl Budget {
    /// One column that someone asked for: the standard error of a share is then about half a per cent at most.
    pub(in crate::observe) const COLUMN: Self =
        Self { rows: 10_000.0, bytes: 16_777_216.0, to_the_end: false };
    /// Each of many columns: 1.2 per cent.
    pub(in crate::observe) const EACH: Self =
        Self { rows: 2000.0, bytes: 4_194_304.0, to_the_end: false };
    /// The same of a column with a contract.
    pub(in crate::observe) const JUDGED: Self = Self { to_the_end: true, ..Self::EACH };
}

/// Rows and bytes, heap and TOAST, of a relation that holds rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::observe) struct RelationExtent {
    pub(in crate::observe) rows: f64,
    pub(in crate::observe) bytes: i64,
}

/// A relation's part of the sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct SamplePart {
    /// The share of its pages in per cent; absent reads all of them.
    percent: Option<f64>,
    /// Rows at most.
    pub(super) limit: u64,
    /// Whether that is every row, by the statistics.
    pub(super) is_whole: bool,
}

impl SamplePart {
    /// In proportion to its share of the `total` rows.
    pub(super) fn of(extent: RelationExtent, total: f64, budget: Budget) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "sizes below 2^53")]
        let bytes = extent.bytes as f64;
        let share = if total > 0.0 { extent.rows / total } else { 1.0 };
        let row_bytes = (bytes / extent.rows.max(1.0)).max(1.0);
        let wanted = (budget.rows.min(budget.bytes / row_bytes) * share).max(ROWS_MIN).ceil();
        let is_whole = extent.rows <= wanted;
        // Of one relation alone no proportion is lost.
        let to_the_end = budget.to_the_end || share >= 1.0;
        let (more, most) = if to_the_end { (SHARE_OF_BUDGET, TO_THE_END) } else { (MORE, 1.0) };
        let percent = (wanted * more / extent.rows.max(1.0) * 100.0 * 1e4).ceil() / 1e4;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "20 to 20,000")]
        let limit = if is_whole { wanted * 2.0 } else { wanted * most } as u64;
        Self { percent: (!is_whole && percent < 100.0).then_some(percent), limit, is_whole }
    }

    /// Its rows: `<stored bytes> <compressed> <out of line> <document>`.
    pub(super) fn sql(&self, name: &QualifiedName, column: &str, major: u32) -> String {
        let sampled = self.percent.map_or_else(String::new, |percent| {
            format!(" tablesample system ({percent}) repeatable ({SEED})")
        });
        let c = format!("t.{}", quote_identifier(column));
        let out_of_line = match major {
            17.. => format!("(pg_catalog.pg_column_toast_chunk_id({c}) is not null)::int4"),
            _ => "0".to_owned(),
        };
        format!(
            "select /* dbopt */ pg_catalog.concat_ws(' ', pg_catalog.pg_column_size({c}), \
             (pg_catalog.pg_column_compression({c}) is not null)::int4, {out_of_line}, {c}::pg_catalog.text) \
             from only {} as t{sampled} limit {}",
            name.to_sql(),
            self.limit
        )
    }
}
