//! How an application uses columns, counted: by column or expression, operator and place.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::column_use::{Compared, UsePlace};
use super::statement::StatementShape;

/// Whether a sum of times is that of no time at all: nothing runs in no time, so none is known.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) fn is_unknown(ms: &f64) -> bool {
    *ms <= 0.0
}

/// How a column is used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnUsage {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Calls of statements that name it, each once.
    pub calls: u64,
    /// What these took, in milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub total_ms: f64,
    /// Those of the calls whose statement names no schema, while several schemas have a table of that name.
    #[serde(default)]
    pub ambiguous_calls: u64,
    /// Which use of it, those with most calls first. A call may use it in several ways: calls of uses do not add up.
    pub uses: Vec<OperatorUse>,
    /// Calls of uses that were left out, for there are too many different ones.
    #[serde(default)]
    pub left_out_calls: u64,
}

/// One way of using a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "facts about one place in a statement")]
pub struct OperatorUse {
    /// The expression over the column, as [`super::Subject::expression`]; absent where it is the column itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The operator as the statement spells it; absent where the place needs none: `GROUP BY`, `SELECT`.
    /// Resolve it by the type of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Where it stands.
    pub place: UsePlace,
    /// What it is compared with.
    #[serde(default)]
    pub with: Compared,
    /// The type the expression is cast to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "cast_type", alias = "cast")]
    pub cast: Option<String>,
    /// Whether it is within another expression, which has a use of its own: the `->>` of `data ->> 'k' = $1`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub within: bool,
    /// Whether it is a condition between two relations.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joins: bool,
    /// Whether it stands under an `OR`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_or: bool,
    /// Whether it stands under a `NOT`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_not: bool,
    /// Whether the order is descending, of `ORDER BY`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
    /// Calls.
    pub calls: u64,
    /// What they took, in milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub total_ms: f64,
    /// Definitions of the catalog that have it: indexes, views, functions. They make no calls.
    #[serde(default)]
    pub definitions: u64,
}

/// A statement that takes much time or has many calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementProfile {
    /// Identifies it among the statements of the workload.
    pub id: String,
    /// The server's identifier, where the source says: `queryid` of `pg_stat_statements`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_id: Option<i64>,
    /// Its text without literals and comments; the end of a long one is left out.
    pub text: String,
    /// What it does.
    pub shape: StatementShape,
    /// Its calls.
    pub calls: u64,
    /// What they took, in milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub total_ms: f64,
    /// What the server counted beside, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<StatementCounters>,
    /// Constants of its `LIMIT` in texts of the same statement that were seen to run, each once, sorted; where the shape
    /// itself has a parameter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_seen: Vec<u32>,
    /// Constants of its `LIMIT` and `OFFSET` added, in the same texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_rows_seen: Vec<u32>,
    /// The sources that have it: `log`, `stat_statements` and others.
    pub sources: Vec<String>,
}

/// What the server counts of a statement beside calls and time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementCounters {
    /// Rows returned or written.
    pub rows: u64,
    /// Pages of tables and indexes found in shared buffers.
    pub shared_blks_hit: u64,
    /// Pages of tables and indexes read from elsewhere.
    pub shared_blks_read: u64,
    /// Milliseconds that reading them took; absent where `track_io_timing` is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_ms: Option<f64>,
    /// Bytes of WAL.
    pub wal_bytes: u64,
    /// Since when the server counts; absent where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub counting_since: Option<Timestamp>,
}

/// How much of the workload is known for columns, and for keys of JSON documents. Calls that are not understood are in
/// neither share's numerator and in both denominators.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadCoverage {
    /// The share of all calls whose statement was read, and whose every column was followed to a table: operators, places
    /// and order are known of them. Absent where there are no calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns_ratio: Option<f64>,
    /// The share of the calls that use JSON documents, or may, whose every key is known. Absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_ratio: Option<f64>,
}

impl ColumnUsage {
    /// Calls of those uses that match. The sum is at most the column's calls, for one call may have several of them.
    pub fn calls_where(&self, mut matches: impl FnMut(&OperatorUse) -> bool) -> u64 {
        let calls = self.uses.iter().filter(|one| matches(one)).map(|one| one.calls);
        calls.fold(0, u64::saturating_add).min(self.calls)
    }

    /// The operators that find rows by this column, each with its calls.
    pub fn filters(&self) -> impl Iterator<Item = (&str, &OperatorUse)> {
        self.uses.iter().filter_map(|one| {
            let filters = matches!(one.place, UsePlace::Where | UsePlace::Join);
            one.operator.as_deref().filter(|_| filters).map(|operator| (operator, one))
        })
    }
}
