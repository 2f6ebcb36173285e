//! How much of what may use a column's documents could be attributed.

use super::ledger::Ledger;
use crate::model::QualifiedName;

impl Ledger {
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
