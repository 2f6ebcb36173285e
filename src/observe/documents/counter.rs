//! Counts the rows of a sample of documents, and sums them up.

use std::collections::BTreeMap;

use super::judging::Judging;
use super::renamed::{StoredDocument, renamed};
use crate::jsonb::{self, Conversion, DocumentCounts, Path, TYPES};
use crate::model::observation::Documents;
use crate::model::{DocumentKey, DocumentSample, DocumentTotals, Extrapolated};

/// Standard errors to each side of an estimate that hold 95 % of a normal distribution.
const Z_95: f64 = 1.96;

/// Counts the rows of the sample, in memory that does not grow with them.
#[derive(Default)]
pub(super) struct DocumentCounter {
    /// Whether the column is of type `json` or of text, and it is to be said whether `jsonb` would keep its documents.
    is_text: bool,
    /// Rows read.
    rows: u64,
    /// Those without a document.
    null_rows: u64,
    /// Bytes of the documents as stored.
    stored_bytes: u64,
    /// Documents stored compressed.
    compressed: u64,
    /// Documents stored out of line, where the server says so.
    out_of_line: u64,
    /// Documents of type `json` that `jsonb` would not keep whole.
    lost: u64,
    /// Values that are no JSON objects or arrays.
    no_documents: u64,
    /// Those that it would print otherwise than they were written.
    reprinted: u64,
    /// How each document is stored.
    stored: Vec<StoredDocument>,
    /// What the documents hold.
    counts: DocumentCounts,
    /// Where they are judged by a contract, if they are.
    pub(super) judging: Option<Judging>,
}

impl DocumentCounter {
    /// Of a column of type `json`, or `jsonb`.
    pub(super) fn of(is_text: bool) -> Self {
        Self { is_text, ..Self::default() }
    }

    /// `<stored bytes> <compressed> <out of line> <document>`; fewer parts without a document.
    pub(super) fn add(&mut self, row: &str) {
        self.rows += 1;
        let mut parts = row.splitn(4, ' ');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let (Some(stored), Some(compressed), Some(out_of_line)) = (number(), number(), number())
        else {
            self.null_rows += 1;
            return;
        };
        self.stored_bytes += stored;
        self.stored.push(StoredDocument { bytes: stored, compressed: compressed > 0 });
        self.compressed += compressed;
        self.out_of_line += out_of_line;
        let document = parts.next().unwrap_or_default();
        if self.is_text {
            let begins = document.trim_ascii_start().starts_with(['{', '[']);
            let converted = jsonb::conversion(document);
            self.no_documents += u64::from(!begins || converted.is_err());
            match converted {
                Ok(Conversion::Exact) => {}
                Ok(Conversion::Kept) => self.reprinted += 1,
                Ok(Conversion::Lost) | Err(_) => self.lost += 1,
            }
        }
        self.counts.add(document);
        if let Some(judging) = &mut self.judging {
            judging.add(document);
        }
    }

    /// Documents, and groups of them, that have each path.
    pub(super) fn presence(&self) -> BTreeMap<String, (u64, u64)> {
        let paths = self.counts.paths();
        paths.map(|(name, path, _)| (name, (path.documents, path.groups))).collect()
    }

    /// What was counted, of a table of so many rows, all of which were read or not, on such a server.
    pub(super) fn sum_up(&self, of_rows: f64, complete: bool, major: u32) -> Documents {
        let counts = &self.counts;
        let sample = DocumentSample {
            rows: self.rows,
            null_rows: self.null_rows,
            text_bytes: counts.text_bytes,
            of_rows: of_rows.max(float(self.rows)),
            complete,
        };
        let totals = DocumentTotals {
            stored_bytes_mean: ratio(self.stored_bytes, counts.documents),
            uncompressed_bytes_mean: ratio(counts.uncompressed_bytes, counts.documents),
            compressed: self.compressed,
            out_of_line: (major >= 17).then_some(self.out_of_line),
            depth_max: counts.depth_max as u64,
            tops: by_type(&counts.roots),
        };
        let keys = counts.paths().map(|(name, path, is_data)| DocumentKey {
            is_data,
            ..key(name, path, counts, &sample)
        });
        Documents {
            keys: keys.collect(),
            renamed: renamed(counts, &self.stored),
            keys_left_out: counts.keys_left_out,
            depths: counts.depths.clone(),
            lost: self.lost,
            no_documents: self.no_documents,
            reprinted: self.reprinted,
            sample,
            totals,
        }
    }
}

fn key(name: String, path: &Path, counts: &DocumentCounts, sample: &DocumentSample) -> DocumentKey {
    let arrays = path.types[1];
    DocumentKey {
        path: name,
        name: path.key.as_deref().map(str::to_owned),
        is_data: false,
        depth: path.depth as u64,
        presence_ratio: ratio(path.documents, counts.documents),
        instances: extrapolated(path, sample),
        types: by_type(&path.types),
        numeric_strings: path.numeric_strings,
        fits: path.fit.as_sql().map(str::to_owned),
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
