//! What the documents of one JSONB column hold: two round trips, a bounded sample, counted as it streams.

mod codes;
mod counter;
mod judging;
mod part;
mod renamed;
mod sampled;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;

use super::batch::Batch;
use super::source::Source;
use super::{foreign_code, gaps};
use crate::model::observation::{Documents, ForeignCode};
use crate::model::{Gap, Observation, QualifiedName, quote_identifier};
use crate::pg::{Error, QueryParameters, Session};

pub(super) use part::{Budget, RelationExtent};
pub(super) use sampled::Sampled;

static DOCUMENT_COLUMNS: Source =
    Source::new("document_columns", include_str!("sql/document_columns.sql"));

pub(super) static JSON_TABLES: Source =
    Source::new("json_tables", include_str!("sql/json_tables.sql"));

/// Partitions at most; the largest speak for the rest.
const LEAVES_MAX: usize = 8;

/// Relations that may not be read.
type Foreign = Observation<Vec<ForeignCode>>;

/// Which column is asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampledColumn {
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
    /// What was counted.
    pub documents: Documents,
    /// The key that each code of the documents stands for, by the dictionary beside the table.
    pub codes: BTreeMap<String, String>,
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

/// A JSON column of a leaf, or a table without one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentRow {
    schema: String,
    table: String,
    leaf_oid: i64,
    leaf_schema: String,
    leaf: String,
    rows: f64,
    heap_bytes: i64,
    toast_bytes: i64,
    holds_rows: bool,
    column: Option<String>,
    type_name: Option<String>,
    hidden_by: Option<HiddenBy>,
    dictionary_oid: Option<i64>,
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
    subject: &SampledColumn,
) -> Result<Observation<Result<DocumentsSeen, Unmatched>>, Error> {
    let observed_at = Timestamp::now();
    let (columns, foreign) = columns(session, subject).await?;
    let rows = match columns {
        Observation::Seen(rows) => rows,
        Observation::Unseen(gap) => return Ok(Observation::Unseen(gap)),
    };
    let leaves = match leaves(subject, rows) {
        Ok(leaves) => leaves,
        Err(unmatched) => return Ok(Observation::Seen(Err(unmatched))),
    };
    Ok(Observation::Seen(Ok(sample(session, leaves, &foreign, observed_at).await?)))
}

async fn columns(
    session: &mut Session,
    subject: &SampledColumn,
) -> Result<(Observation<Vec<DocumentRow>>, Foreign), Error> {
    let mut batch = Batch::new(session.facts().major);
    let parameters: QueryParameters = vec![
        (Box::new(subject.schema.clone()), Type::TEXT),
        (Box::new(subject.table.clone()), Type::TEXT),
    ];
    let columns = batch.query(&DOCUMENT_COLUMNS, parameters);
    let foreign = foreign_code::query_always(&mut batch, session.trusts_code());
    batch.send(session).await?;
    Ok((columns.rows(), foreign.seen()))
}

/// The leaves of the one table that is meant, each with the one column that is meant; the largest first.
fn leaves(subject: &SampledColumn, rows: Vec<DocumentRow>) -> Result<Vec<DocumentRow>, Unmatched> {
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
    let is_jsonb = |row: &&DocumentRow| row.type_name.as_deref() == Some("jsonb");
    let mut known: Vec<String> =
        rows.iter().filter(is_jsonb).filter_map(|r| r.column.clone()).collect();
    known.sort();
    known.dedup();
    let wanted = match (&subject.column, known.as_slice()) {
        (Some(column), known) if known.contains(column) => column.clone(),
        (None, [only]) => only.clone(),
        _ => return Err(Unmatched::Column { table, columns: known }),
    };
    let meant = |row: &DocumentRow| row.holds_rows && row.column.as_ref() == Some(&wanted);
    let mut leaves: Vec<DocumentRow> = rows.into_iter().filter(meant).collect();
    if leaves.is_empty() {
        // A partitioned table without partitions holds no document.
        return Err(Unmatched::Column { table, columns: Vec::new() });
    }
    leaves.sort_by_key(|leaf| std::cmp::Reverse(leaf.heap_bytes + leaf.toast_bytes));
    Ok(leaves)
}

async fn sample(
    session: &mut Session,
    mut leaves: Vec<DocumentRow>,
    foreign: &Foreign,
    observed_at: Timestamp,
) -> Result<DocumentsSeen, Error> {
    let first = &leaves[0];
    let table = QualifiedName { schema: first.schema.clone(), name: first.table.clone() };
    let column = first.column.clone().unwrap_or_default();
    let dictionary = first.dictionary_oid.map(|oid| (oid, codes::dictionary(&table, &column)));
    let of_rows = leaves.iter().map(|leaf| leaf.rows).sum();
    let all = leaves.len() <= LEAVES_MAX;
    leaves.truncate(LEAVES_MAX);
    let mut gaps: Vec<Gap> = Vec::new();
    let found = leaves.len();
    leaves.retain(|leaf| {
        let unread = unreadable(leaf, &column, foreign);
        gaps.extend(unread.clone());
        unread.is_none()
    });
    let none_hidden = leaves.len() == found;
    let dictionary = dictionary.filter(|(oid, name)| {
        let refused = foreign_code::refusal(foreign, *oid, name, "documents");
        gaps.extend(refused.clone());
        refused.is_none()
    });

    let major = session.facts().major;
    let extents = leaves.iter().map(|leaf| (name(leaf), leaf.extent())).collect();
    let mut sampled = Sampled::new(&column, false, extents, Budget::COLUMN);
    let mut codes = BTreeMap::new();
    let mut batch = Batch::new(major);
    sampled.query(&mut batch);
    let dictionary = dictionary.map(|(_, name)| codes::query(&name, &mut codes, &mut batch));
    batch.send_finally(session).await?;
    let whole = all && none_hidden;
    let (documents, _, ended_early) = sampled.sum_up(of_rows, whole, major);
    gaps.extend(ended_early);
    let unread = dictionary.as_ref().and_then(|receipt| receipt.failure());
    gaps.extend(unread.map(|failure| gaps::failed("documents", failure)));
    Ok(DocumentsSeen { observed_at, table, column, documents, codes, gaps })
}

impl DocumentRow {
    fn extent(&self) -> RelationExtent {
        RelationExtent { rows: self.rows, bytes: self.heap_bytes + self.toast_bytes }
    }
}

fn name(leaf: &DocumentRow) -> QualifiedName {
    QualifiedName { schema: leaf.leaf_schema.clone(), name: leaf.leaf.clone() }
}

/// Why a leaf is not read, where it is not.
fn unreadable(leaf: &DocumentRow, column: &str, foreign: &Foreign) -> Option<Gap> {
    match leaf.hidden_by {
        Some(HiddenBy::RowSecurity) => {
            Some(gaps::hidden_by_row_security("documents", &name(leaf).to_sql()))
        }
        Some(HiddenBy::Privilege) => Some(gaps::unread_column(&name(leaf), column)),
        None => foreign_code::refusal(foreign, leaf.leaf_oid, &name(leaf), "documents"),
    }
}
