//! `hybrid-schema/hot-key-in-document`, explained in the page beside this file.

use super::names::normalized;
use super::promotion::promote;
use super::table::{Column, columns, tables};
use super::workload::{
    self, WORKLOAD_CALLS_MIN, WORKLOAD_COVERAGE_MIN, WORKLOAD_EXECUTIONS_MIN, WORKLOAD_SAMPLES_MIN,
};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::checks::size::{TABLE_BYTES_MIN, TABLE_ROWS_MIN};
use crate::model::observation::{ColumnWorkload, KeyWorkload};
use crate::model::{
    Confidence, Declined, DocumentKey, Finding, Gap, Judgement, Policy, Severity, Snapshot,
    Superpower, Threshold, Topic, Unit, quote_identifier, quote_literal,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    needs: &[Topic::Relations, Topic::Layouts, Topic::Documents, Topic::Workload],
    requires: &[],
    thresholds: &[
        &HOT_KEY_SHARE,
        &WORKLOAD_CALLS_MIN,
        &WORKLOAD_COVERAGE_MIN,
        &WORKLOAD_EXECUTIONS_MIN,
        &WORKLOAD_SAMPLES_MIN,
        &TABLE_BYTES_MIN,
        &TABLE_ROWS_MIN,
    ],
    page: include_str!("hot_key_in_document.md"),
    judge,
};

const ID: &str = "hybrid-schema/hot-key-in-document";

static HOT_KEY_SHARE: Threshold = Threshold {
    name: "hot_key_share",
    default: 0.8,
    unit: Unit::Ratio,
    reason: "the specification's: what four of five queries need is no experiment any more",
};

fn judge(seen: &Snapshot, policy: &Policy) -> Result<Judgement, Gap> {
    let told = workload::told(seen)?;
    let tables = tables(seen)?;
    let (columns, gaps) = columns(seen, &tables)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for column in columns.iter().filter(|column| column.layout.type_name == "jsonb") {
        // A small table is read whole in no time, however its keys are stored.
        if !column.table.is_large(policy) {
            continue;
        }
        let used = match workload::of(told, column, policy) {
            None => continue,
            Some(Ok(used)) => used,
            Some(Err(gaps)) => {
                judgement.gaps.extend(gaps);
                continue;
            }
        };
        for key in &used.keys {
            let share = float(key.calls) / float(used.calls);
            if share > policy.get(&HOT_KEY_SHARE) {
                Hot { column, used, key, share }.judge(&mut judgement);
            }
        }
    }
    Ok(judgement)
}

/// A key that most calls use.
struct Hot<'a> {
    column: &'a Column<'a>,
    used: &'a ColumnWorkload,
    key: &'a KeyWorkload,
    share: f64,
}

impl Hot<'_> {
    fn judge(&self, judgement: &mut Judgement) {
        let Some(seen) = self.seen() else { return };
        let name = normalized(seen.path.rsplit('.').next().unwrap_or_default());
        let columns = &self.column.table.layout.columns;
        let fits = seen.fits.as_deref().unwrap_or("jsonb");
        if columns.iter().any(|column| normalized(&column.name) == name) || fits == "jsonb" {
            return;
        }
        let object = self.column.key_object(seen);
        let percent = self.share * 100.0;
        let message =
            format!("`{object}` is used by {percent:.0} % of the calls that use these documents");
        let by_time = self.key.total_ms / self.used.total_ms.max(f64::MIN_POSITIVE);
        let finding = Finding::new(ID, object, Severity::Medium, message)
            .confidence(Confidence::Medium)
            .statistic("workload.share_by_calls", self.share, Unit::Ratio)
            .statistic("workload.share_by_time", by_time.min(1.0), Unit::Ratio)
            .statistic("workload.calls", whole(float(self.key.calls)), Unit::Count)
            .statistic("workload.filter_calls", whole(float(self.key.filter_calls)), Unit::Count)
            .statistic("workload.definitions", whole(float(self.key.definitions)), Unit::Count)
            .measured("presence_ratio", seen.presence_ratio, Unit::Ratio)
            .measured("fits", fits, Unit::Name);
        let finding = workload::with_sources(finding, self.used);
        match promote(ID, self.column, seen) {
            Ok(action) => {
                judgement.findings.push(finding.action(action));
                judgement.declined.push(self.cheaper(seen));
            }
            Err(declined) => {
                judgement.findings.push(finding);
                judgement.declined.push(declined);
            }
        }
    }

    /// The same key in the sample.
    fn seen(&self) -> Option<&DocumentKey> {
        self.column.documents.keys.iter().find(|key| key.path == self.key.path)
    }

    /// What costs less than a column, and does less.
    fn cheaper(&self, key: &DocumentKey) -> Declined {
        let (table, document) = (self.column.table.name().to_sql(), &self.column.layout.name);
        let path: Vec<&str> = key.path.split('.').collect();
        let text = match path.as_slice() {
            [only] => format!("{} ->> {}", quote_identifier(document), quote_literal(only)),
            path => format!(
                "{} #>> {}",
                quote_identifier(document),
                quote_literal(&format!("{{{}}}", path.join(",")))
            ),
        };
        Declined {
            check: ID.to_owned(),
            object: self.column.key_object(key),
            reason: "an index or statistics on the expression cost less, and do less".to_owned(),
            detail: format!(
                "{} of {} calls filter by it: for these, CREATE INDEX CONCURRENTLY ON {table} (({text})) finds the rows without \
                 a new column, but is never read alone, and CREATE STATISTICS ON ({text}) FROM {table} mends the planner's \
                 estimate; neither spares reading the document for the value",
                self.key.filter_calls, self.key.calls
            ),
        }
    }
}
