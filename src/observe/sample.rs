//! How values are stored: the query that shows it. `tally` counts its rows.
//!
//! Nothing in it reads a TOAST table: sizes, methods and chunk ids stand in the TOAST pointer. So a sample
//! costs heap pages only, and does not make cold values look as if someone had read them.

use std::fmt::Write;

use crate::model::observation::{ToastColumn, ToastTable};
use crate::model::toast::BLOCK_BYTES;
use crate::model::{QualifiedName, quote_identifier};

/// Rows aimed at: the standard error of a share is then at most 1.1 %.
const ROWS_WANTED: f64 = 2000.0;
/// Rows at most, whatever the pages turn out to hold.
const ROWS_MAX: u64 = 5000;
/// Values at most: a table may have 1,600 columns.
const VALUES_MAX: u64 = 200_000;
/// Pages at least, because rows of one page are alike.
const PAGES_MIN: f64 = 40.0;
/// Pages at most: 16 MiB.
const PAGES_MAX: f64 = 2000.0;
/// The same pages at every visit, so that two visits can be compared.
pub(super) const SEED: u32 = 14;

/// The columns a sample looks at: those our role may read.
pub(super) fn readable(table: &ToastTable) -> Vec<&ToastColumn> {
    table.columns.iter().filter(|column| column.readable).collect()
}

/// The query: one JSON array of numbers a row, the page first, then four items a column.
///
/// An array constructor, because a function takes 100 arguments and so no more than 25 columns.
pub(super) fn sql(name: &QualifiedName, table: &ToastTable, rows: f64, major: u32) -> String {
    let page = if table.readable_whole { "(t.ctid::text::point)[0]::int8" } else { "null" };
    let mut items = page.to_owned();
    for column in readable(table) {
        let c = format!("t.{}", quote_identifier(&column.name));
        // From 17 on the server says whether a value is out of line.
        let out_of_line = match major {
            17.. => format!("(pg_catalog.pg_column_toast_chunk_id({c}) is not null)::int"),
            _ => "null".to_owned(),
        };
        // The length of text and bytea stands in the TOAST pointer.
        let raw = match column.type_name.as_str() {
            "text" | "varchar" | "bytea" => format!("pg_catalog.octet_length({c}) + 4"),
            _ => "null".to_owned(),
        };
        let _ = write!(
            items,
            ", pg_catalog.pg_column_size({c}), \
             case pg_catalog.pg_column_compression({c}) when 'pglz' then 1 when 'lz4' then 2 end, {out_of_line}, {raw}"
        );
    }
    let sampled = match percent(table, rows) {
        Some(percent) => format!(" tablesample system ({percent}) repeatable ({SEED})"),
        None => String::new(),
    };
    format!(
        "select /* dbopt */ pg_catalog.array_to_json(array[{items}]::int8[])::text from only {} as t{sampled} limit {}",
        name.to_sql(),
        rows_max(table),
    )
}

/// Rows at most, whatever the pages turn out to hold: fewer where each is an array of many columns.
pub(super) fn rows_max(table: &ToastTable) -> u64 {
    (VALUES_MAX / readable(table).len().max(1) as u64).min(ROWS_MAX)
}

/// The share of pages to read, or none where all of them are few enough.
fn percent(table: &ToastTable, rows: f64) -> Option<f64> {
    let pages = pages(table);
    let rows_a_page = (rows / pages).max(0.01);
    let wanted = (ROWS_WANTED / rows_a_page).clamp(PAGES_MIN, PAGES_MAX);
    (pages > wanted).then(|| (wanted / pages * 100.0 * 1e4).ceil() / 1e4)
}

/// The share of the pages that the query reads.
pub(super) fn pages_share(table: &ToastTable, rows: f64) -> f64 {
    percent(table, rows).map_or(1.0, |percent| percent / 100.0)
}

/// Pages of the heap.
#[expect(clippy::cast_precision_loss, reason = "pages below 2^53")]
pub(super) fn pages(table: &ToastTable) -> f64 {
    (table.heap_bytes.unwrap_or(0) / BLOCK_BYTES) as f64
}
