//! What the documents of one JSONB column hold: two round trips, a bounded sample, counted as it streams.
//!
//! The text of each document comes as one column of the ordinary protocol, in binary: the same bytes as a COPY
//! would send, without the round trip that prepares it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;

use super::sample::SEED;
use super::{gaps, source};
use crate::jsonb::Counts;
use crate::model::{Gap, GapReason, Observation, QualifiedName, quote_identifier};
use crate::pg::{Answer, Error, Question, Session};

/// Rows aimed at: the standard error of a share is then at most half a per cent.
const ROWS_WANTED: f64 = 10_000.0;
/// Bytes aimed at, as they are stored.
const BYTES_WANTED: f64 = 16.0 * 1024.0 * 1024.0;
/// Rows at least: large documents, but not one of them alone.
const ROWS_MIN: f64 = 20.0;
/// Partitions at most; the largest speak for the rest.
const LEAVES_MAX: usize = 8;
/// Pages asked for beyond those needed on average: pages differ in how many rows they hold.
const MORE: f64 = 1.2;

/// Which column is asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subject {
    /// Its table's schema; absent for any.
    pub schema: Option<String>,
    /// Its table.
    pub table: String,
    /// The column; absent where the table has only one of JSON.
    pub column: Option<String>,
}

/// What was seen of it.
#[derive(Debug)]
pub struct DocumentsSeen {
    /// When the visit began.
    pub observed_at: Timestamp,
    /// The table.
    pub table: QualifiedName,
    /// The column.
    pub column: String,
    /// Rows of the whole table.
    pub of_rows: f64,
    /// What was counted.
    pub tally: Tally,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
}

/// Why no column was looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmatched {
    /// No such table, or we may not see it.
    #[error("no table is called `{table}` here")]
    Table {
        /// As it was asked for.
        table: String,
    },
    /// In several schemas.
    #[error("`{table}` is in several schemas: write one of {}", .schemas.join(", "))]
    Ambiguous {
        /// As it was asked for.
        table: String,
        /// `schema.table`, each.
        schemas: Vec<String>,
    },
    /// No such column of JSONB.
    #[error("{}", columns_of(.table, .columns))]
    Column {
        /// The table.
        table: String,
        /// Those it has.
        columns: Vec<String>,
    },
}

fn columns_of(table: &str, columns: &[String]) -> String {
    if columns.is_empty() {
        return format!("`{table}` has no JSONB column");
    }
    format!("name a JSONB column of `{table}`: {}", columns.join(", "))
}

/// Counts the rows of the sample.
#[derive(Debug, Default)]
pub struct Tally {
    /// Rows read.
    pub rows: u64,
    /// Those without a document.
    pub null_rows: u64,
    /// Bytes of the documents as stored.
    pub stored_bytes: u64,
    /// Documents stored compressed.
    pub compressed: u64,
    /// Documents stored out of line, where the server says so.
    pub out_of_line: u64,
    /// Whether every row was to be read.
    pub complete: bool,
    /// What the documents hold.
    pub counts: Counts,
}

impl Tally {
    /// `<stored bytes> <compressed> <out of line> <document>`; fewer parts without a document.
    fn add(&mut self, row: &str) {
        self.rows += 1;
        let mut parts = row.splitn(4, ' ');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let (Some(stored), Some(compressed), Some(out_of_line)) = (number(), number(), number())
        else {
            self.null_rows += 1;
            return;
        };
        self.stored_bytes += stored;
        self.compressed += compressed;
        self.out_of_line += out_of_line;
        self.counts.add(parts.next().unwrap_or_default());
    }
}

/// A JSON column of a leaf, or a table without one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    schema: String,
    table: String,
    leaf_schema: String,
    leaf: String,
    rows: f64,
    heap_bytes: i64,
    toast_bytes: i64,
    holds_rows: bool,
    column: Option<String>,
    type_name: Option<String>,
    hidden_by: Option<HiddenBy>,
}

/// What keeps rows of a leaf from our role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HiddenBy {
    RowSecurity,
    Privilege,
}

/// Look at the documents of a column.
///
/// # Errors
/// Outside, a lost connection; inside, a name that nothing answers to.
pub async fn documents(
    session: &mut Session,
    subject: &Subject,
) -> Result<Observation<Result<DocumentsSeen, Unmatched>>, Error> {
    let observed_at = Timestamp::now();
    let rows = match columns(session, subject).await? {
        Observation::Seen(rows) => rows,
        Observation::Unseen(gap) => return Ok(Observation::Unseen(gap)),
    };
    let leaves = match leaves(subject, rows) {
        Ok(leaves) => leaves,
        Err(unmatched) => return Ok(Observation::Seen(Err(unmatched))),
    };
    let first = &leaves[0];
    let mut seen = DocumentsSeen {
        observed_at,
        table: QualifiedName { schema: first.schema.clone(), name: first.table.clone() },
        column: first.column.clone().unwrap_or_default(),
        of_rows: leaves.iter().map(|leaf| leaf.rows).sum(),
        tally: Tally { complete: leaves.len() <= LEAVES_MAX, ..Tally::default() },
        gaps: Vec::new(),
    };
    sample(session, leaves, &mut seen).await?;
    Ok(Observation::Seen(Ok(seen)))
}

async fn columns(session: &mut Session, subject: &Subject) -> Result<Observation<Vec<Row>>, Error> {
    let source = &source::DOCUMENT_COLUMNS;
    let question = Question {
        source: source.name,
        sql: source.sql_for(session.facts().major),
        parameters: vec![
            (Box::new(subject.schema.clone()), Type::TEXT),
            (Box::new(subject.table.clone()), Type::TEXT),
        ],
    };
    let mut rows = super::visit::Rows::new(source);
    let answers = session.ask(&[question], |_, row| rows.add(row)).await?;
    Ok(rows.seen(&answers[0]))
}

/// The leaves of the one table that is meant, each with the one column that is meant; the largest first.
fn leaves(subject: &Subject, rows: Vec<Row>) -> Result<Vec<Row>, Unmatched> {
    let table = subject.table.clone();
    let mut tables: Vec<String> = rows
        .iter()
        .map(|row| format!("{}.{}", quote_identifier(&row.schema), quote_identifier(&row.table)))
        .collect();
    tables.dedup();
    match tables.len() {
        0 => return Err(Unmatched::Table { table }),
        1 => {}
        _ => return Err(Unmatched::Ambiguous { table, schemas: tables }),
    }
    let is_jsonb = |row: &&Row| row.type_name.as_deref() == Some("jsonb");
    let mut known: Vec<String> =
        rows.iter().filter(is_jsonb).filter_map(|r| r.column.clone()).collect();
    known.sort();
    known.dedup();
    let wanted = match (&subject.column, known.as_slice()) {
        (Some(column), known) if known.contains(column) => column.clone(),
        (None, [only]) => only.clone(),
        _ => return Err(Unmatched::Column { table, columns: known }),
    };
    let meant = |row: &Row| row.holds_rows && row.column.as_ref() == Some(&wanted);
    let mut leaves: Vec<Row> = rows.into_iter().filter(meant).collect();
    if leaves.is_empty() {
        // A partitioned table without partitions holds no document.
        return Err(Unmatched::Column { table, columns: Vec::new() });
    }
    leaves.sort_by_key(|leaf| std::cmp::Reverse(leaf.heap_bytes + leaf.toast_bytes));
    Ok(leaves)
}

async fn sample(
    session: &mut Session,
    mut leaves: Vec<Row>,
    seen: &mut DocumentsSeen,
) -> Result<(), Error> {
    leaves.truncate(LEAVES_MAX);
    let (hidden, leaves): (Vec<Row>, Vec<Row>) =
        leaves.into_iter().partition(|leaf| leaf.hidden_by.is_some());
    seen.gaps.extend(hidden.iter().map(|leaf| unreadable(leaf, &seen.column)));
    let total: f64 = leaves.iter().map(|leaf| leaf.rows).sum();
    let (mut questions, mut parts) = (Vec::new(), Vec::new());
    for leaf in &leaves {
        let part = Part::of(leaf, total);
        seen.tally.complete &= part.is_whole && hidden.is_empty();
        let sql = part.sql(leaf, session.facts().major);
        questions.push(Question { source: "documents", sql, parameters: Vec::new() });
        parts.push((part, 0));
    }
    let tally = &mut seen.tally;
    let on_row = |position: usize, row: &str| {
        parts[position].1 += 1;
        tally.add(row);
    };
    let answers: Vec<Answer> = session.ask_finally(&questions, on_row).await?;
    // By then the statistics were out of date, and there is more.
    tally.complete &= parts.iter().all(|(part, rows)| *rows < part.limit);
    for (leaf, answer) in leaves.iter().zip(answers) {
        let Err(failure) = answer else { continue };
        seen.tally.complete = false;
        let gap = gaps::failed("documents", &failure);
        let detail = format!("the sample of `{}` ended early: {}", name(leaf).to_sql(), gap.detail);
        seen.gaps.push(Gap { detail, ..gap });
    }
    Ok(())
}

fn name(leaf: &Row) -> QualifiedName {
    QualifiedName { schema: leaf.leaf_schema.clone(), name: leaf.leaf.clone() }
}

fn unreadable(leaf: &Row, column: &str) -> Gap {
    let sql = name(leaf).to_sql();
    if leaf.hidden_by == Some(HiddenBy::RowSecurity) {
        return gaps::hidden_by_row_security("documents", &sql);
    }
    let column = quote_identifier(column);
    Gap::new(
        "documents",
        GapReason::MissingPrivilege,
        format!("our role may not read {column} of `{sql}`"),
    )
    .lifted_by(format!(
        "GRANT USAGE ON SCHEMA {} TO dbopt; GRANT SELECT ({column}) ON {sql} TO dbopt;",
        quote_identifier(&leaf.leaf_schema)
    ))
}

/// A leaf's part of the sample.
struct Part {
    /// The share of its pages in per cent; absent reads all of them.
    percent: Option<f64>,
    /// Rows at most.
    limit: u64,
    /// Whether that is every row, by the statistics.
    is_whole: bool,
}

impl Part {
    /// In proportion to its share of the `total` rows.
    fn of(leaf: &Row, total: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "sizes below 2^53")]
        let bytes = (leaf.heap_bytes + leaf.toast_bytes) as f64;
        let share = if total > 0.0 { leaf.rows / total } else { 1.0 };
        let row_bytes = (bytes / leaf.rows.max(1.0)).max(1.0);
        let wanted = (ROWS_WANTED.min(BYTES_WANTED / row_bytes) * share).max(ROWS_MIN).ceil();
        let is_whole = leaf.rows <= wanted;
        let percent = (wanted * MORE / leaf.rows.max(1.0) * 100.0 * 1e4).ceil() / 1e4;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "20 to 20,000")]
        let limit = if is_whole { wanted * 2.0 } else { wanted } as u64;
        Self { percent: (!is_whole && percent < 100.0).then_some(percent), limit, is_whole }
    }

    /// Its rows: `<stored bytes> <compressed> <out of line> <document>`.
    fn sql(&self, leaf: &Row, major: u32) -> String {
        let sampled = self.percent.map_or_else(String::new, |percent| {
            format!(" tablesample system ({percent}) repeatable ({SEED})")
        });
        let c = format!("t.{}", quote_identifier(leaf.column.as_deref().unwrap_or_default()));
        let out_of_line = match major {
            17.. => format!("(pg_catalog.pg_column_toast_chunk_id({c}) is not null)::int4"),
            _ => "0".to_owned(),
        };
        format!(
            "/* dbopt */ select pg_catalog.concat_ws(' ', pg_catalog.pg_column_size({c}), \
             (pg_catalog.pg_column_compression({c}) is not null)::int4, {out_of_line}, {c}::pg_catalog.text) \
             from only {} as t{sampled} limit {}",
            name(leaf).to_sql(),
            self.limit
        )
    }
}
