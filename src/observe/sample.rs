//! How values are stored: the query that tells, and the one pass that counts its rows.
//!
//! Nothing here reads a TOAST table: sizes, methods and chunk ids stand in the TOAST pointer. So a sample
//! costs heap pages only, and does not make cold values look as if somebody had read them.

use std::fmt::Write;

use serde::Deserialize;

use crate::model::observation::{StoredColumn, StoredSample, ToastColumn, ToastTable};
use crate::model::{QualifiedName, quote_identifier};

/// Rows aimed at: the standard error of a share is then at most 1.1 %.
const ROWS_WANTED: f64 = 2000.0;
/// Rows at most, whatever the pages turn out to hold.
const ROWS_MAX: u32 = 5000;
/// Pages at least, because rows of one page are alike.
const PAGES_MIN: f64 = 40.0;
/// Pages at most: 16 MiB.
const PAGES_MAX: f64 = 2000.0;
/// Columns at most; a target list has room for 1,664 expressions.
const COLUMNS_MAX: usize = 256;
/// The same pages at every visit, so that two visits can be compared.
const SEED: u32 = 14;

/// `TOAST_TUPLE_THRESHOLD` and the default `toast_tuple_target`: a quarter of a page less its header.
pub(super) const TOAST_THRESHOLD: u64 = 2032;
/// `TOAST_TUPLE_TARGET_MAIN`: as much as a page can hold.
const PAGE_ROOM: u64 = 8160;
/// Room for data in one chunk of a TOAST table.
const CHUNK_ROOM: u64 = 1996;
/// A TOAST pointer with its header.
const POINTER_BYTES: u64 = 18;
/// A tuple header with a null bitmap for a few columns.
const HEADER_BYTES: u64 = 24;

/// The columns a sample looks at: those our role may read.
pub(super) fn readable(table: &ToastTable) -> Vec<&ToastColumn> {
    table.columns.iter().filter(|column| column.readable).take(COLUMNS_MAX).collect()
}

/// The query: one JSON array a row, four items a column.
pub(super) fn sql(name: &QualifiedName, table: &ToastTable, rows: f64, major: u32) -> String {
    let mut items = String::new();
    for column in readable(table) {
        let c = format!("t.{}", quote_identifier(&column.name));
        // From 17 on the server says whether a value is out of line.
        let out_of_line = match major {
            17.. => format!("(pg_catalog.pg_column_toast_chunk_id({c}) is not null)::int"),
            _ => "null::int".to_owned(),
        };
        // The length of text and bytea stands in the TOAST pointer.
        let raw = match column.type_name.as_str() {
            "text" | "varchar" | "bytea" => format!("pg_catalog.octet_length({c}) + 4"),
            _ => "null::int".to_owned(),
        };
        let _ = write!(
            items,
            "{}pg_catalog.pg_column_size({c}), pg_catalog.pg_column_compression({c}), {out_of_line}, {raw}",
            if items.is_empty() { "" } else { ", " },
        );
    }
    let sampled = match percent(table, rows) {
        Some(percent) => format!(" tablesample system ({percent}) repeatable ({SEED})"),
        None => String::new(),
    };
    format!(
        "/* dbopt */ select pg_catalog.json_build_array({items})::text from only {} as t{sampled} limit {ROWS_MAX}",
        name.to_sql(),
    )
}

/// The share of pages to read, or none where all of them are few enough.
fn percent(table: &ToastTable, rows: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "pages below 2^53")]
    let pages = (table.heap_bytes.unwrap_or(0) / 8192) as f64;
    let rows_a_page = (rows / pages).max(0.01);
    let wanted = (ROWS_WANTED / rows_a_page).clamp(PAGES_MIN, PAGES_MAX);
    (pages > wanted).then(|| (wanted / pages * 100.0 * 1e4).ceil() / 1e4)
}

/// Four items a column: bytes as stored, method, whether out of line, bytes uncompressed.
type Item<'a> = (Option<u64>, Option<&'a str>, Option<u8>, Option<u64>);

/// One value of a row.
#[derive(Debug, Clone, Copy)]
struct Value<'a> {
    stored: u64,
    method: Option<&'a str>,
    out_of_line: Option<bool>,
    raw: Option<u64>,
}

/// Counts rows as they come, in memory that does not grow with them.
pub(super) struct Counter {
    sample: StoredSample,
    columns: Vec<ToastColumn>,
    squares: Vec<f64>,
    fixed_bytes: u64,
    target: u64,
    unreadable: u64,
}

impl Counter {
    pub(super) fn new(table: &ToastTable, complete: bool) -> Self {
        let columns: Vec<ToastColumn> = readable(table).into_iter().cloned().collect();
        let named = |column: &ToastColumn| StoredColumn {
            column: column.name.clone(),
            ..StoredColumn::default()
        };
        Self {
            sample: StoredSample {
                complete,
                placement_exact: true,
                columns: columns.iter().map(named).collect(),
                ..StoredSample::default()
            },
            squares: vec![0.0; columns.len()],
            columns,
            fixed_bytes: u64::try_from(table.fixed_bytes).unwrap_or(0),
            target: table
                .option("toast_tuple_target")
                .and_then(|value| value.parse().ok())
                .unwrap_or(TOAST_THRESHOLD),
            unreadable: 0,
        }
    }

    /// Whether a sample of that many rows can have been all there are.
    pub(super) fn is_whole(table: &ToastTable, rows: f64) -> bool {
        percent(table, rows).is_none()
    }

    /// Count one row.
    pub(super) fn add(&mut self, row: &str) {
        let Ok(items) = serde_json::from_str::<Items<'_>>(row) else {
            self.unreadable += 1;
            return;
        };
        let mut values: Vec<Option<Value<'_>>> = items.values().collect();
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
    pub(super) fn finish(mut self) -> Option<StoredSample> {
        if self.unreadable > 0 {
            return None;
        }
        self.sample.complete &= self.sample.rows < u64::from(ROWS_MAX);
        let rows = self.sample.rows as f64;
        for (column, squares) in self.sample.columns.iter_mut().zip(self.squares) {
            if rows > 1.0 && !self.sample.complete {
                let mean = column.stored_bytes as f64 / rows;
                let variance = (squares / rows - mean * mean).max(0.0) * rows / (rows - 1.0);
                column.stored_bytes_error = (variance / rows).sqrt();
            }
        }
        Some(self.sample)
    }

    /// Say which values are out of line, and whether any is.
    ///
    /// Before 17 the server does not tell; it is worked out the way `heap_toast_insert_or_update` decides:
    /// nothing moves while the row is below the threshold, then the widest goes first.
    fn place(&mut self, values: &mut [Option<Value<'_>>]) -> bool {
        let told = values.iter().flatten().all(|value| value.out_of_line.is_some());
        if !told {
            self.sample.placement_exact = false;
            self.work_out(values);
        }
        values.iter().flatten().any(|value| value.out_of_line == Some(true))
    }

    fn work_out(&self, values: &mut [Option<Value<'_>>]) {
        let mut width = self.width(values);
        let movable = |storage| matches!(storage, 'x' | 'e');
        let room = if width > TOAST_THRESHOLD { self.target } else { u64::MAX };
        width = self.move_out(values, (width, room), movable);
        self.move_out(values, (width, PAGE_ROOM), |storage| storage == 'm');
        for value in values.iter_mut().flatten() {
            value.out_of_line.get_or_insert(false);
        }
    }

    /// Move the widest values of these storage strategies out until the row has room. Its width is returned.
    fn move_out(
        &self,
        values: &mut [Option<Value<'_>>],
        (mut width, room): (u64, u64),
        movable: impl Fn(char) -> bool,
    ) -> u64 {
        while width > room {
            let widest = values
                .iter_mut()
                .zip(&self.columns)
                .filter(|(_, column)| movable(column.storage))
                .filter_map(|(value, _)| value.as_mut())
                .filter(|value| value.out_of_line.is_none() && value.stored > POINTER_BYTES)
                .max_by_key(|value| value.stored);
            let Some(widest) = widest else { break };
            widest.out_of_line = Some(true);
            width -= widest.stored - POINTER_BYTES;
        }
        width
    }

    /// Bytes of the row if every value stood in it as it is stored.
    fn width(&self, values: &[Option<Value<'_>>]) -> u64 {
        HEADER_BYTES
            + self.fixed_bytes
            + values.iter().flatten().map(|value| value.stored).sum::<u64>()
    }

    fn widths(&mut self, values: &[Option<Value<'_>>]) {
        let width = self.width(values);
        if width <= TOAST_THRESHOLD + TOAST_THRESHOLD / 4 {
            self.sample.rows_just_above += 1;
        }
        if width <= PAGE_ROOM {
            self.sample.rows_fitting_page += 1;
            self.sample.fitting_row_bytes_max = self.sample.fitting_row_bytes_max.max(width);
        }
    }
}

fn count(column: &mut StoredColumn, value: &Value<'_>) {
    column.values += 1;
    column.stored_bytes += value.stored;
    if value.out_of_line == Some(true) {
        column.out_of_line_values += 1;
        column.out_of_line_bytes += value.stored;
        column.out_of_line_chunks += value.stored.div_ceil(CHUNK_ROOM);
    }
    match value.method {
        Some("pglz") => {
            column.pglz_values += 1;
            column.pglz_bytes += value.stored;
        }
        Some(_) => {
            column.lz4_values += 1;
            column.lz4_bytes += value.stored;
        }
        None if value.stored > TOAST_THRESHOLD => {
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

/// A row as it comes: a flat array, four items a column.
#[derive(Deserialize)]
struct Items<'a>(#[serde(borrow)] Vec<Scalar<'a>>);

#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Scalar<'a> {
    Whole(u64),
    Text(&'a str),
    Null(()),
}

impl<'a> Items<'a> {
    fn values(&self) -> impl Iterator<Item = Option<Value<'a>>> {
        self.0.chunks_exact(4).map(|item| {
            let (stored, method, out_of_line, raw): Item<'a> = (
                whole(item[0]),
                text(item[1]),
                whole(item[2]).map(|flag| u8::from(flag != 0)),
                whole(item[3]),
            );
            let out_of_line = out_of_line.map(|flag| flag != 0);
            stored.map(|stored| Value { stored, method, out_of_line, raw })
        })
    }
}

fn whole(scalar: Scalar<'_>) -> Option<u64> {
    if let Scalar::Whole(value) = scalar { Some(value) } else { None }
}

fn text(scalar: Scalar<'_>) -> Option<&str> {
    if let Scalar::Text(value) = scalar { Some(value) } else { None }
}
