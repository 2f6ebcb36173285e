//! `hybrid-schema/hot-key-in-document`, explained in the page beside this file.

use super::indexing::{KeyInUse, Served};
use super::promotion::{NO_PATH_OF_KEYS, column_called_like, generated, promote};
use super::table::{DocumentColumn, columns, tables};
use super::workload::{
    self, WORKLOAD_CALLS_MIN, WORKLOAD_COVERAGE_MIN, WORKLOAD_EXECUTIONS_MIN, WORKLOAD_SAMPLES_MIN,
};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::observation::{ColumnWorkload, KeyWorkload};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Confidence, Declined, DocumentKey, Finding, Gap, Judgement, Object, Policy, Severity,
    Superpower, Threshold, Topic, Unit, counted, grouped, path_keys, quote_identifier,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::HybridSchema,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::LAYOUTS, Topic::DOCUMENTS, Topic::WORKLOAD],
    uses: &[],
    requires: &[],
    thresholds: &[
        &HOT_KEY_SHARE,
        &WORKLOAD_CALLS_MIN,
        &WORKLOAD_COVERAGE_MIN,
        &WORKLOAD_EXECUTIONS_MIN,
        &WORKLOAD_SAMPLES_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("hot_key_in_document.md"),
    judge,
};

const ID: &str = "hybrid-schema/hot-key-in-document";

static HOT_KEY_SHARE: Threshold = Threshold {
    name: "hot_key_share",
    default: 0.8,
    unit: Unit::Ratio,
    reason: "what four of five queries need is no experiment any more",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let workload = workload::workload(seen)?;
    let tables = tables(case)?;
    let (columns, gaps) = columns(seen, &tables)?;
    let mut judgement = Judgement { gaps, ..Judgement::default() };
    for column in columns.iter().filter(|column| column.layout.type_name == "jsonb") {
        // A small table is read whole in no time, however its keys are stored.
        if !column.table.is_large(policy) {
            continue;
        }
        let used = match workload::of(workload, column, policy) {
            None => continue,
            Some(Ok(used)) => used,
            Some(Err(gaps)) => {
                judgement.gaps.extend(gaps);
                continue;
            }
        };
        for key in &used.keys {
            if float(key.calls) / float(used.calls) > policy.get(&HOT_KEY_SHARE) {
                match hot_key(column, used, key, policy) {
                    Ok(hot) => hot.judge(&mut judgement),
                    Err(declined) => judgement.declined.push(declined),
                }
            }
        }
    }
    Ok(judgement)
}

/// A key that most calls use.
struct Hot<'a> {
    key: KeyInUse<'a>,
    used: &'a ColumnWorkload,
    served: Served,
    share_max: f64,
}

/// A key as it is used, where it may get a column and no index serves enough of its calls.
fn hot_key<'a>(
    column: &'a DocumentColumn<'a>,
    used: &'a ColumnWorkload,
    key: &'a KeyWorkload,
    policy: &Policy,
) -> Result<Hot<'a>, Declined> {
    let declined =
        |object: Object, reason: &str, detail: String| Declined::new(ID, object, reason, detail);
    let Some(seen) = column.documents.keys.iter().find(|seen| seen.path == key.path) else {
        let (reason, detail) = not_sampled(&key.path, column.count());
        return Err(declined(column.object(), reason, detail));
    };
    if let Some((reason, detail)) = no_column(column, seen) {
        return Err(declined(column.key_object(seen), reason, detail));
    }
    let key = KeyInUse { column, key, seen };
    let hot = Hot { key, used, served: key.served(), share_max: policy.get(&HOT_KEY_SHARE) };
    if hot.share_without(hot.served.calls) > hot.share_max {
        Ok(hot)
    } else {
        Err(hot.is_indexed())
    }
}

/// Why nothing is known of a key's values.
fn not_sampled(path: &str, documents: u64) -> (&'static str, String) {
    if path.contains('[') && path_keys(path).is_none() {
        let detail =
            format!("`{path}`: {NO_PATH_OF_KEYS}, or a place in one; no column holds them");
        return ("its path is no plain one", detail);
    }
    let detail = format!(
        "`{path}` is in none of {}, so its type is not known",
        counted(documents, "document", "documents")
    );
    ("no document of the sample has the key", detail)
}

/// Why the key gets no column: one of the table is called like it, or no type but `jsonb` takes its values.
fn no_column(column: &DocumentColumn<'_>, key: &DocumentKey) -> Option<(&'static str, String)> {
    if let Some(there) = column_called_like(column, key) {
        let there = quote_identifier(&there.name);
        let detail = format!(
            "query `{there}` where it holds the same value, else rename the key or the column"
        );
        return Some(("a column of that name is there", detail));
    }
    let detail =
        "its values are objects, arrays or of several types, which no type but jsonb takes";
    (key.fits.as_deref().unwrap_or("jsonb") == "jsonb")
        .then(|| ("its values are documents", detail.to_owned()))
}

impl Hot<'_> {
    /// The share of the calls that use the key, less those that an index serves.
    fn share_without(&self, served: u64) -> f64 {
        float(self.key.key.calls.saturating_sub(served)) / float(self.used.calls)
    }

    fn judge(&self, judgement: &mut Judgement) {
        let KeyInUse { column, key, seen } = self.key;
        let (mut finding, mut remedies) = (self.finding(), Vec::new());
        if let Some(there) = generated(column, &seen.path) {
            finding.message =
                format!("{}; query `{}`, which is generated from it", finding.message, there.name);
            judgement.findings.push(finding);
            return;
        }
        match self.key.index(ID) {
            Ok((index, calls))
                if self.share_without(self.served.calls + calls) <= self.share_max =>
            {
                finding = finding.action(index);
            }
            Ok((_, calls)) => remedies.push(self.serves_few(calls)),
            Err(declined) => remedies.push(declined),
        }
        match promote(ID, column, seen, &key.shapes) {
            Ok(action) => {
                finding = finding.action(action);
                remedies.push(self.generated());
            }
            Err(declined) => remedies.push(declined),
        }
        remedies.push(self.statistics());
        judgement.findings.push(finding);
        judgement.declined.extend(remedies);
    }

    fn finding(&self) -> Finding {
        let KeyInUse { column, key, seen } = self.key;
        let (object, share) = (column.key_object(seen), self.share_without(0));
        let percent = crate::model::percent(share);
        let message =
            format!("`{object}` is used by {percent} of the calls that use these documents");
        // Lists and some logs say no times.
        let by_time = (self.used.total_ms > 0.0).then(|| key.total_ms / self.used.total_ms);
        let mut finding = Finding::new(ID, object, Severity::Medium, message)
            .confidence(Confidence::Medium)
            .statistic("workload.share_by_calls", share, Unit::Ratio);
        if let Some(by_time) = by_time {
            finding = finding.statistic("workload.share_by_time", by_time.min(1.0), Unit::Ratio);
        }
        let finding = finding
            .statistic("workload.calls", whole(float(key.calls)), Unit::Count)
            .statistic("workload.filter_calls", whole(float(key.filter_calls)), Unit::Count)
            .statistic("workload.indexed_calls", whole(float(self.served.calls)), Unit::Count)
            .statistic("workload.definitions", whole(float(key.definitions)), Unit::Count)
            .measured("presence_ratio", seen.presence_ratio, Unit::Ratio)
            .measured("distinct", whole(float(seen.distinct)), Unit::Count)
            .measured("fits", seen.fits.as_deref().unwrap_or("jsonb"), Unit::Name);
        workload::with_sources(finding, self.used)
    }

    fn declined(&self, reason: &str, detail: String) -> Declined {
        let object = self.key.column.key_object(self.key.seen);
        Declined::new(ID, object, reason, detail)
    }

    /// Why a key that is hot is no finding.
    fn is_indexed(&self) -> Declined {
        let Served { indexes, calls } = &self.served;
        let detail = format!(
            "{} finds the rows of {} of the {} that use it; the others are {} of the calls that use these documents",
            indexes.join(" and "),
            grouped(float(*calls)),
            counted(self.key.key.calls, "call", "calls"),
            crate::model::percent(self.share_without(*calls))
        );
        self.declined("an index on the key serves its calls", detail)
    }

    fn serves_few(&self, calls: u64) -> Declined {
        let detail = format!(
            "it would find the rows of {} of the {} that use the key; the others read the document for the value, \
             and an index on an expression is never read alone",
            grouped(float(calls)),
            counted(self.key.key.calls, "call", "calls")
        );
        self.declined("an index on the expression leaves most calls as they are", detail)
    }

    /// The way to a column that everybody thinks of first.
    fn generated(&self) -> Declined {
        let table = self.key.column.table;
        let casts = match self.key.seen.fits.as_deref() {
            Some(time) if time.starts_with("timestamp") => {
                "; a cast to a time depends on the session, and is refused as not immutable"
            }
            _ => "",
        };
        let detail = format!(
            "a stored one rewrites the table, about {:.0} MB and {} rows with every index, under ACCESS \
             EXCLUSIVE, and a value that does not fit its type stops that; a virtual one, from 18 on, \
             reads the document each time and takes no index; no planner rewrites a query to \
             either{casts}",
            float(table.bytes) / 1e6,
            grouped(table.rows)
        );
        self.declined("a stored generated column rewrites the table", detail)
    }

    fn statistics(&self) -> Declined {
        let detail = format!(
            "extended statistics on the expression cost one more value in each ANALYZE, a lock that only keeps other \
             maintenance out, and improve the planner's estimate of {} that filter by the key (without, it takes \
             every comparison to meet 0.5 % of the rows); an index on the expression and a column bring \
             statistics with them, and these alone spare no reading of a document",
            counted(self.key.key.filter_calls, "call", "calls")
        );
        self.declined("extended statistics improve estimates only", detail)
    }
}
