//! The one pass that counts the rows of a sample, in memory that does not grow with them.

use super::super::sample::{pages, pages_share, readable, rows_max};
use crate::model::observation::{StoredColumn, StoredSample, ToastTable};
use crate::model::toast::{CHUNK_DATA_BYTES, ROW_BYTES_MAX, TOAST_THRESHOLD_BYTES};

/// A TOAST pointer with its header.
const POINTER_BYTES: u64 = 18;
/// The header of a value that is wider than 126 bytes.
const VALUE_HEADER_BYTES: u64 = 4;
/// A tuple header with a null bitmap for a few columns.
const HEADER_BYTES: u64 = 24;
/// The number for pglz in what the query returns; lz4 is the other.
const PGLZ: u64 = 1;
/// How far a prediction may be beyond what the file can hold before it is given up.
const BEYOND: f64 = 1.5;

/// One value of a row.
#[derive(Debug, Clone, Copy)]
struct SampledValue {
    stored: u64,
    method: Option<u64>,
    out_of_line: Option<bool>,
    raw: Option<u64>,
}

/// Counts rows as they come.
pub(in super::super) struct StorageCounter {
    /// As if stored under the settings in force, then as if under the defaults: before 17 the server does not
    /// say which values are out of line, and settings reach only rows that were written after them.
    counts: [StorageCounts; 2],
    rows_max: u64,
    /// The share of the pages that is read unless there are more rows than that.
    pages_share: f64,
    /// The last page a row came from, counted from 1; absent where our role may not read that.
    last_page: Option<u64>,
    unreadable: u64,
}

impl StorageCounter {
    pub(in super::super) fn new(table: &ToastTable, rows: f64) -> Self {
        let columns = readable(table);
        let target = table.option("toast_tuple_target").and_then(|value| value.parse().ok());
        let today = columns.iter().map(|column| column.storage).collect();
        let before = columns.iter().map(|column| column.type_storage).collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let counts =
            |storages: Vec<char>, target| StorageCounts::new(&names, storages, target, table);
        let counts = [
            counts(today, target.unwrap_or(u64::from(TOAST_THRESHOLD_BYTES))),
            counts(before, u64::from(TOAST_THRESHOLD_BYTES)),
        ];
        Self {
            counts,
            rows_max: rows_max(table),
            pages_share: pages_share(table, rows),
            last_page: None,
            unreadable: 0,
        }
    }

    /// Count one row.
    pub(in super::super) fn add(&mut self, row: &str) {
        let Some((page, values)) = values(row) else {
            self.unreadable += 1;
            return;
        };
        self.last_page = page.map(|page| page + 1);
        for counts in &mut self.counts {
            counts.add(values.clone());
        }
    }

    /// The counts that the files can hold; none where the server's answer could not be read.
    #[expect(clippy::cast_precision_loss, reason = "pages below 2^53")]
    pub(in super::super) fn finish(self, table: &ToastTable) -> Option<StoredSample> {
        if self.unreadable > 0 {
            return None;
        }
        let mut share = self.pages_share;
        if self.counts[0].sample.rows >= self.rows_max {
            // Rows come in the order of the pages, and the rest was cut off.
            let last = self.last_page.map_or(0.0, |page| page as f64);
            share *= (last / pages(table).max(1.0)).min(1.0);
        }
        let [today, defaults] = self.counts.map(|counts| counts.finish(share));
        if today.placement_exact || today.rows == 0 {
            return Some(today);
        }
        Some(if beyond(inline_bytes(&today), &today, table.heap_bytes) {
            defaults
        } else if beyond(out_of_line_bytes(&today), &today, table.toast_bytes) {
            all_inline(today)
        } else {
            today
        })
    }
}

/// Whether so many bytes in the sampled rows are more than a file holds, all rows taken together.
#[expect(clippy::cast_precision_loss, reason = "sizes below 2^53")]
fn beyond(bytes: u64, sample: &StoredSample, file: Option<i64>) -> bool {
    sample.pages_share > 0.0
        && bytes as f64 / sample.pages_share > BEYOND * file.unwrap_or(0) as f64
}

fn out_of_line_bytes(sample: &StoredSample) -> u64 {
    sample.columns.iter().map(|column| column.out_of_line_bytes).sum()
}

fn inline_bytes(sample: &StoredSample) -> u64 {
    sample.bytes - out_of_line_bytes(sample)
}

fn all_inline(sample: StoredSample) -> StoredSample {
    let inline = |column: StoredColumn| StoredColumn {
        out_of_line_values: 0,
        out_of_line_bytes: 0,
        out_of_line_chunks: 0,
        wide_uncompressed_values: 0,
        wide_uncompressed_bytes: 0,
        ..column
    };
    StoredSample {
        rows_out_of_line: 0,
        rows_just_above: 0,
        rows_fitting_page: 0,
        fitting_row_bytes_max: 0,
        columns: sample.columns.into_iter().map(inline).collect(),
        ..sample
    }
}

/// Counts under one assumption of how the rows came to be stored.
struct StorageCounts {
    sample: StoredSample,
    squares: Vec<f64>,
    storages: Vec<char>,
    target: u64,
    fixed_bytes: u64,
    padding_bytes: u64,
}

impl StorageCounts {
    fn new(names: &[&str], storages: Vec<char>, target: u64, table: &ToastTable) -> Self {
        let column =
            |name: &&str| StoredColumn { column: (*name).to_owned(), ..StoredColumn::default() };
        Self {
            sample: StoredSample {
                placement_exact: true,
                columns: names.iter().map(column).collect(),
                ..StoredSample::default()
            },
            squares: vec![0.0; names.len()],
            storages,
            target,
            fixed_bytes: u64::try_from(table.fixed_bytes).unwrap_or(0),
            padding_bytes: u64::try_from(table.padding_bytes).unwrap_or(0),
        }
    }

    fn add(&mut self, mut values: Vec<Option<SampledValue>>) {
        if self.place(&mut values) {
            self.sample.rows_out_of_line += 1;
            self.widths(&values);
        }
        self.sample.rows += 1;
        for (position, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            self.sample.bytes += value.stored;
            #[expect(clippy::cast_precision_loss, reason = "a value is below 1 GiB")]
            let square = (value.stored as f64).powi(2);
            self.squares[position] += square;
            count(&mut self.sample.columns[position], value);
        }
    }

    /// The counts, with the standard errors of the means.
    #[expect(clippy::cast_precision_loss, reason = "a sample's sums are below 2^53")]
    fn finish(mut self, pages_share: f64) -> StoredSample {
        self.sample.complete = pages_share >= 1.0;
        self.sample.pages_share = pages_share;
        let rows = self.sample.rows as f64;
        for (column, squares) in self.sample.columns.iter_mut().zip(self.squares) {
            if rows > 1.0 && !self.sample.complete {
                let mean = column.stored_bytes as f64 / rows;
                let variance = (squares / rows - mean * mean).max(0.0) * rows / (rows - 1.0);
                column.stored_bytes_error = (variance / rows).sqrt();
            }
        }
        self.sample
    }

    /// Say which values are out of line, and whether any is.
    ///
    /// Before 17 the server does not show it; it is worked out the way `heap_toast_insert_or_update` decides:
    /// nothing moves while the row is below the threshold, then the widest goes first.
    fn place(&mut self, values: &mut [Option<SampledValue>]) -> bool {
        let server_reports_placement =
            values.iter().flatten().all(|value| value.out_of_line.is_some());
        if !server_reports_placement {
            self.sample.placement_exact = false;
            self.work_out(values);
        }
        values.iter().flatten().any(|value| value.out_of_line == Some(true))
    }

    fn work_out(&self, values: &mut [Option<SampledValue>]) {
        let mut row = ToastedRow { width: self.width(values), values, storages: &self.storages };
        let movable = |storage| matches!(storage, 'x' | 'e');
        let is_wide = row.width > u64::from(TOAST_THRESHOLD_BYTES);
        row.move_out(if is_wide { self.target } else { u64::MAX }, movable);
        row.move_out(u64::from(ROW_BYTES_MAX), |storage| storage == 'm');
        for value in values.iter_mut().flatten() {
            value.out_of_line.get_or_insert(false);
        }
    }

    /// Bytes of the row if every value stood in it as it is stored.
    fn width(&self, values: &[Option<SampledValue>]) -> u64 {
        HEADER_BYTES
            + self.fixed_bytes
            + values.iter().flatten().map(|value| value.stored).sum::<u64>()
    }

    fn widths(&mut self, values: &[Option<SampledValue>]) {
        let width = self.width(values);
        if width <= u64::from(TOAST_THRESHOLD_BYTES) + u64::from(TOAST_THRESHOLD_BYTES) / 4 {
            self.sample.rows_just_above += 1;
        }
        // Inline at most: what is out of line was counted without its header.
        let moved = values.iter().flatten().filter(|value| value.out_of_line == Some(true));
        let widest = width + self.padding_bytes + moved.count() as u64 * VALUE_HEADER_BYTES;
        if widest <= u64::from(ROW_BYTES_MAX) {
            self.sample.rows_fitting_page += 1;
            self.sample.fitting_row_bytes_max = self.sample.fitting_row_bytes_max.max(widest);
        }
    }
}

/// A row whose values the server moves out of line.
struct ToastedRow<'r> {
    values: &'r mut [Option<SampledValue>],
    storages: &'r [char],
    /// Its bytes without those that were moved out.
    width: u64,
}

impl ToastedRow<'_> {
    /// Move the widest values of these storage strategies out until the row has at most so many bytes.
    fn move_out(&mut self, bytes_max: u64, movable: impl Fn(char) -> bool) {
        while self.width > bytes_max {
            let widest = self
                .values
                .iter_mut()
                .zip(self.storages)
                .filter(|(_, storage)| movable(**storage))
                .filter_map(|(value, _)| value.as_mut())
                .filter(|value| value.out_of_line.is_none() && value.stored > POINTER_BYTES)
                .max_by_key(|value| value.stored);
            let Some(widest) = widest else { break };
            widest.out_of_line = Some(true);
            self.width -= widest.stored - POINTER_BYTES;
        }
    }
}

fn count(column: &mut StoredColumn, value: &SampledValue) {
    column.values += 1;
    column.stored_bytes += value.stored;
    if value.out_of_line == Some(true) {
        column.out_of_line_values += 1;
        column.out_of_line_bytes += value.stored;
        column.out_of_line_chunks += value.stored.div_ceil(u64::from(CHUNK_DATA_BYTES));
    }
    match value.method {
        Some(PGLZ) => {
            column.pglz_values += 1;
            column.pglz_bytes += value.stored;
        }
        Some(_) => {
            column.lz4_values += 1;
            column.lz4_bytes += value.stored;
        }
        // What stands inline may never have been tried: under a higher `toast_tuple_target`, or stored PLAIN.
        None if value.stored > u64::from(TOAST_THRESHOLD_BYTES)
            && value.out_of_line == Some(true) =>
        {
            column.wide_uncompressed_values += 1;
            column.wide_uncompressed_bytes += value.stored;
        }
        None => {}
    }
    if let (Some(_), Some(raw)) = (value.method, value.raw) {
        column.ratio_values += 1;
        column.ratio_stored_bytes += value.stored;
        column.ratio_raw_bytes += raw;
    }
}

/// A row as it comes: the page it stands in, then four items a column: bytes as stored, method, whether out
/// of line, bytes uncompressed.
fn values(row: &str) -> Option<(Option<u64>, Vec<Option<SampledValue>>)> {
    let items: Vec<Option<u64>> = serde_json::from_str(row).ok()?;
    let (page, columns) = items.split_first()?;
    let value = |item: &[Option<u64>]| {
        let out_of_line = item[2].map(|flag| flag != 0);
        item[0].map(|stored| SampledValue { stored, method: item[1], out_of_line, raw: item[3] })
    };
    Some((*page, columns.chunks_exact(4).map(value).collect()))
}
