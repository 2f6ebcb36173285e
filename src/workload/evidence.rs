//! Whether the ledger holds enough to judge by.

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use crate::model::{Policy, QualifiedName, Threshold, Unit};

/// As many calls of a column's documents are enough.
pub static WORKLOAD_CALLS_MIN: Threshold = Threshold {
    name: "workload_calls_min",
    default: 100.0,
    unit: Unit::Count,
    reason: "a share of 0.8 among 100 calls is between 0.71 and 0.87 with 95 % confidence",
};

/// As many executions that were seen one by one are enough, where there are fewer calls.
pub static WORKLOAD_EXECUTIONS_MIN: Threshold = Threshold {
    name: "workload_executions_min",
    default: 20.0,
    unit: Unit::Count,
    reason: "a key that 20 of 20 executions use is used by more than 0.83 of all with 95 % confidence",
};

/// Below this share of calls that could be attributed, nothing is judged.
pub static WORKLOAD_COVERAGE_MIN: Threshold = Threshold {
    name: "workload_coverage_min",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "where most calls cannot be attributed, they may use any key",
};

/// Whether the ledger holds enough to judge a column by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Sufficiency {
    /// It does.
    Enough,
    /// The column's documents were used in too few calls.
    TooFewCalls {
        /// Calls.
        calls: u64,
        /// Executions that were seen one by one.
        executions: u64,
    },
    /// Too many calls could not be attributed, so that they may use this column, too.
    TooLittleCoverage {
        /// The share that could be attributed.
        attributed: f64,
    },
}

impl Ledger {
    /// Whether there is enough to judge the documents of a column by.
    ///
    /// Calls that cannot be attributed count against every column that they may use: those whose key is a parameter against
    /// their column, those with an operator that could not be followed against the columns of their tables, and those that
    /// were not understood against all.
    pub fn sufficiency(&self, table: &QualifiedName, column: &str, policy: &Policy) -> Sufficiency {
        let used = self.column(table, column);
        let touched = used.map(|used| used.touched).unwrap_or_default();
        let sources = used.iter().flat_map(|used| &used.sources);
        let seen = sources.filter(|(source, _)| source.is_seen_one_by_one());
        let executions = seen.map(|(_, tally)| tally.calls.min(tally.entries)).sum();
        let count = |count: u64| {
            #[expect(clippy::cast_precision_loss, reason = "thresholds are small")]
            let count = count as f64;
            count
        };
        if count(touched.calls) < policy.get(&WORKLOAD_CALLS_MIN)
            && count(executions) < policy.get(&WORKLOAD_EXECUTIONS_MIN)
        {
            return Sufficiency::TooFewCalls { calls: touched.calls, executions };
        }
        let attributed = self.attributed(table, column);
        if attributed < policy.get(&WORKLOAD_COVERAGE_MIN) {
            return Sufficiency::TooLittleCoverage { attributed };
        }
        Sufficiency::Enough
    }

    /// The share of calls that use a column's documents, or may, whose keys are known.
    pub fn attributed(&self, table: &QualifiedName, column: &str) -> f64 {
        let used = self.column(table, column);
        let touched = used.map_or(0, |used| used.touched.calls);
        let unknown = used.map_or(0, |used| used.unknown_key.calls);
        let untraced = self.table(table).map_or(0, |table| table.untraced.calls);
        let not_understood = self.total_coverage().not_understood.calls;
        let all = touched.saturating_add(untraced).saturating_add(not_understood);
        #[expect(clippy::cast_precision_loss, reason = "a share has no such precision")]
        let share = touched.saturating_sub(unknown) as f64 / all.max(1) as f64;
        share
    }
}
