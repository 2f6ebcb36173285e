//! From counted documents to what is said of them.

use std::collections::BTreeMap;

use crate::jsonb::{Counts, Path, TYPES};
use crate::model::{
    Cost, DocumentKey, DocumentReport, DocumentSample, DocumentTotals, Extrapolated, Object, Server,
};
use crate::observe::DocumentsSeen;

/// Standard errors to each side of an estimate that hold 95 % of a normal distribution.
const Z_95: f64 = 1.96;

/// The report of what was seen.
pub(super) fn report(
    target: &str,
    server: Server,
    cost: Cost,
    seen: DocumentsSeen,
) -> DocumentReport {
    let tally = &seen.tally;
    let sample = DocumentSample {
        rows: tally.rows,
        null_rows: tally.null_rows,
        text_bytes: tally.counts.text_bytes,
        of_rows: seen.of_rows.max(float(tally.rows)),
        complete: tally.complete,
    };
    let documents = tally.counts.documents;
    let totals = DocumentTotals {
        stored_bytes_mean: ratio(tally.stored_bytes, documents),
        uncompressed_bytes_mean: ratio(tally.counts.uncompressed_bytes, documents),
        compressed: tally.compressed,
        out_of_line: (server.major >= 17).then_some(tally.out_of_line),
        depth_max: tally.counts.depth_max as u64,
        tops: by_type(&tally.counts.roots),
    };
    let keys = tally.counts.paths().map(|(name, path)| key(name, path, &tally.counts, &sample));
    let (schema, table) = (seen.table.schema.clone(), seen.table.name.clone());
    DocumentReport {
        target: target.to_owned(),
        object: Object::Column { schema, table, column: seen.column.clone(), partition: None },
        observed_at: seen.observed_at,
        server,
        cost,
        keys: keys.collect(),
        keys_left_out: tally.counts.keys_left_out,
        documents: totals,
        sample,
        gaps: seen.gaps,
    }
}

fn key(name: String, path: &Path, counts: &Counts, sample: &DocumentSample) -> DocumentKey {
    let arrays = path.types[1];
    DocumentKey {
        path: name,
        depth: path.depth as u64,
        presence_ratio: ratio(path.documents, counts.documents),
        instances: extrapolated(path, sample),
        types: by_type(&path.types),
        key_bytes: path.key.as_ref().map_or(0, |key| key.len() as u64),
        value_bytes_mean: ratio(path.value_bytes, path.instances),
        value_bytes_max: path.value_bytes_max,
        distinct: path.distinct() as u64,
        elements_mean: (arrays > 0).then(|| ratio(path.elements, arrays)),
        elements_max: (arrays > 0).then_some(path.elements_max),
    }
}

/// Instances in the whole table: the mean of a row times the rows, give or take its standard error.
fn extrapolated(path: &Path, sample: &DocumentSample) -> Extrapolated {
    let (rows, instances) = (float(sample.rows).max(1.0), float(path.instances));
    if sample.complete {
        return Extrapolated { estimate: instances, low: instances, high: instances };
    }
    let mean = instances / rows;
    let variance = (float(path.squares) / rows - mean * mean).max(0.0);
    let error = Z_95 * (variance / rows).sqrt() * sample.of_rows;
    let estimate = (mean * sample.of_rows).round();
    Extrapolated {
        estimate,
        // What was seen is there.
        low: (estimate - error).max(instances).round(),
        high: (estimate + error).round(),
    }
}

fn by_type(counts: &[u64; 6]) -> BTreeMap<String, u64> {
    let named = TYPES.iter().zip(counts).filter(|(_, count)| **count > 0);
    named.map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// A mean or share to four digits; 0 of nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (float(part) / float(whole) * 1e4).round() / 1e4 }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a sample, far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}
