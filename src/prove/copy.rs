//! A bounded copy of a relation's real rows, in a temporary table that is rolled back: on the target, or on its lab.

use serde::Deserialize;

use super::foreign_code;
use super::trial::TrialRows;
use crate::ddl::{CopiedColumn, temporary_table};
use crate::model::{GapReason, ProofSample, Snapshot, Storage, quote_identifier};
use crate::pg::{Target, TrialError, TrialTransaction};

/// Bytes copied at most, uncompressed sizes not known: the stored ones, with room for their growth.
const BYTES_MAX: f64 = 8.0 * 1024.0 * 1024.0;
/// Rows at least, or the copy proves nothing.
const ROWS_MIN: i64 = 100;

/// A column of the copy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CopyColumn {
    pub(super) name: String,
    /// As SQL writes it.
    pub(super) data_type: String,
    /// Of variable length, and so possibly out of line.
    pub(super) varies: bool,
    is_array: bool,
    /// `attstorage`, to be kept for all columns but the one on trial.
    pub(super) storage: char,
}

/// The rows, in `pg_temp.dbopt_base`, and the transaction that holds them.
pub(super) struct Copied {
    pub(super) trial: TrialTransaction,
    pub(super) columns: Vec<CopyColumn>,
    /// Where the copy was made.
    pub(super) on_lab: bool,
}

/// Copy the rows, or say why that was not possible.
pub(super) async fn copy(
    target: &Target,
    snapshot: &Snapshot,
    subject: &TrialRows,
) -> Result<Copied, Refusal> {
    let context = snapshot.context.get().map_err(|gap| Refusal::lasting(gap.detail.clone()))?;
    let privileges = &context.privileges;
    let on_target = privileges.creates_temporary_tables && !snapshot.server.in_recovery;
    let outcome = match (target.lab(), on_target) {
        (Some(lab), _) => on_the_lab(target, lab, snapshot, subject).await,
        (None, true) => on_the_target(target, snapshot, subject).await,
        (None, false) => {
            let role = quote_identifier(&context.role);
            let why = if snapshot.server.in_recovery {
                "a hot standby has no temporary tables".to_owned()
            } else {
                format!(
                    "our role may not create temporary tables (GRANT TEMP ON DATABASE … TO {role})"
                )
            };
            return Err(Refusal::lasting(format!("{why}, and the target has no `lab`")));
        }
    };
    outcome.map_err(|error| Refusal::from(&error))
}

async fn on_the_target(
    target: &Target,
    snapshot: &Snapshot,
    subject: &TrialRows,
) -> Result<Copied, TrialError> {
    let trial = target.trial().await?;
    foreign_code::refuse(&trial, target.trusts_code(), &subject.relation).await?;
    let columns = columns(&trial, subject).await?;
    create_base(&trial, &columns).await?;
    let rows = select(&trial, &columns, snapshot, subject).await?;
    trial.run(&format!("insert /* dbopt */ into pg_temp.dbopt_base {rows}")).await?;
    Ok(Copied { trial, columns, on_lab: false })
}

async fn on_the_lab(
    target: &Target,
    lab: &Target,
    snapshot: &Snapshot,
    subject: &TrialRows,
) -> Result<Copied, TrialError> {
    let (there, trial) = (target.trial().await?, lab.trial().await?);
    // The target is only read.
    there.run("set transaction read only").await?;
    foreign_code::refuse(&there, target.trusts_code(), &subject.relation).await?;
    let columns = columns(&there, subject).await?;
    create_base(&trial, &columns).await?;
    let rows = select(&there, &columns, snapshot, subject).await?;
    let from = format!("copy ({rows}) to stdout (format binary)");
    trial.copy_from(&there, &from, "copy pg_temp.dbopt_base from stdin (format binary)").await?;
    there.finish();
    Ok(Copied { trial, columns, on_lab: true })
}

/// The columns our role may read, the one on trial among them.
async fn columns(
    trial: &TrialTransaction,
    subject: &TrialRows,
) -> Result<Vec<CopyColumn>, TrialError> {
    let rows = trial
        .rows(&format!(
            "select pg_catalog.json_build_object(
                'name', a.attname,
                'data_type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                'varies', a.attlen = -1,
                'is_array', t.typcategory = 'A',
                'storage', a.attstorage)::text
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_type as t on t.oid = a.atttypid
            where a.attrelid = {}::oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v'
                and pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'select')
            order by a.attnum",
            subject.oid
        ))
        .await?;
    Ok(rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect())
}

/// A temporary table of these columns, everything out of line and nothing compressed: reading it costs
/// every arm the same.
async fn create_base(trial: &TrialTransaction, columns: &[CopyColumn]) -> Result<(), TrialError> {
    let base = |column: &'_ CopyColumn| {
        column.varies && Storage::in_force(column.storage) != Storage::Plain
    };
    let columns: Vec<CopiedColumn<'_>> = columns
        .iter()
        .map(|column| CopiedColumn {
            name: &column.name,
            data_type: &column.data_type,
            storage: base(column).then_some(Storage::External.as_str()),
            compression: None,
        })
        .collect();
    trial.run(&temporary_table("dbopt_base", &columns, None)).await
}

/// The names of the columns, as SQL writes a list of them.
pub(super) fn quoted(columns: &[CopyColumn]) -> String {
    let names: Vec<_> = columns.iter().map(|column| quote_identifier(&column.name)).collect();
    names.join(", ")
}

/// The rows to copy, bounded in number and bytes, every value built again.
async fn select(
    there: &TrialTransaction,
    columns: &[CopyColumn],
    seen: &Snapshot,
    subject: &TrialRows,
) -> Result<String, TrialError> {
    let rebuilt: Vec<String> = columns.iter().map(rebuilt).collect();
    let (rows, bytes) = size(seen, subject);
    let bytes = match bytes {
        Some(bytes) => bytes,
        None => table_bytes(there, subject).await?,
    };
    let row_bytes = (bytes / rows.max(1.0)).max(1.0);
    let wanted = subject.rows_max.min(BYTES_MAX / row_bytes).max(1.0).ceil();
    let percent = (wanted * 1.5 / rows.max(1.0) * 100.0).min(100.0);
    let sampled = if percent >= 100.0 {
        String::new()
    } else {
        format!(" tablesample system ({percent}) repeatable (14)")
    };
    Ok(format!(
        "select {} from only {} as t{sampled} where t.{} is not null limit {wanted}",
        rebuilt.join(", "),
        subject.relation.to_sql(),
        quote_identifier(&subject.column),
    ))
}

/// Bytes of a relation that no source of the visit measured, with its TOAST table.
async fn table_bytes(there: &TrialTransaction, subject: &TrialRows) -> Result<f64, TrialError> {
    let size = format!("select pg_catalog.pg_table_size({}::oid)::text", subject.oid);
    Ok(there.rows(&size).await?.first().and_then(|row| row.parse().ok()).unwrap_or(0.0))
}

/// A value built again, byte for byte; arrays would become arrays of arrays.
pub(super) fn rebuilt(column: &CopyColumn) -> String {
    let name = quote_identifier(&column.name);
    match (column.varies, column.is_array) {
        (true, false) => format!("(array[t.{name}])[1]"),
        (true, true) => format!("pg_catalog.array_cat(t.{name}, '{{}}')"),
        (false, _) => format!("t.{name}"),
    }
}

/// Rows and bytes of the relation, by whichever source looked at it; none did where bytes are absent.
#[expect(clippy::cast_precision_loss, reason = "sizes below 2^53")]
fn size(snapshot: &Snapshot, subject: &TrialRows) -> (f64, Option<f64>) {
    let relation =
        snapshot.relations.get().ok().and_then(|r| r.iter().find(|r| r.oid == subject.oid));
    let table =
        snapshot.toast_tables.get().ok().and_then(|t| t.iter().find(|t| t.oid == subject.oid));
    let layout = snapshot.layouts.get().ok().and_then(|l| l.iter().find(|l| l.oid == subject.oid));
    let sizes = table.map(|table| (table.heap_bytes, table.toast_bytes));
    let (heap, toast) = sizes
        .or_else(|| layout.map(|layout| (layout.heap_bytes, layout.toast_bytes)))
        .unwrap_or((None, None));
    let rows = relation.map_or(0.0, |relation| relation.rows_now(heap));
    let bytes = heap.or(toast).map(|_| (heap.unwrap_or(0) + toast.unwrap_or(0)) as f64);
    (rows, bytes)
}

pub(super) async fn sample(
    trial: &TrialTransaction,
    snapshot: &Snapshot,
    subject: &TrialRows,
) -> Result<ProofSample, TrialError> {
    let copied = trial
        .rows(
            "select pg_catalog.json_build_array(count(*),
                pg_catalog.pg_total_relation_size('pg_temp.dbopt_base'::pg_catalog.regclass))::text
            from pg_temp.dbopt_base",
        )
        .await?;
    let (rows, bytes) =
        copied.first().and_then(|row| serde_json::from_str(row).ok()).unwrap_or((0, 0));
    let (of_rows, _) = size(snapshot, subject);
    #[expect(clippy::cast_possible_truncation, reason = "rows below 2^53")]
    Ok(ProofSample { rows, bytes, of_rows: Some(of_rows.round() as i64) })
}

/// Too few rows to prove anything.
pub(super) fn is_too_small(sample: &ProofSample) -> bool {
    sample.rows < ROWS_MIN
}

/// Why there is no proof.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// Whether another try may work out.
    pub(super) is_passing: bool,
}

impl Refusal {
    pub(super) fn lasting(reason: String) -> Self {
        Self { reason, is_passing: false }
    }
}

impl From<&TrialError> for Refusal {
    fn from(error: &TrialError) -> Self {
        let is_passing = match error {
            TrialError::Refused(failure) => {
                failure.reason.is_passing() || lacks_resources(&failure.sqlstate)
            }
            TrialError::Lost(_) => true,
        };
        Self { reason: reason(error), is_passing }
    }
}

/// Disk, memory or connections, which may be there at another time.
fn lacks_resources(sqlstate: &str) -> bool {
    sqlstate.starts_with("53")
}

fn reason(error: &TrialError) -> String {
    match error {
        TrialError::Refused(failure) => match failure.reason {
            GapReason::ForeignCode => foreign_code::REFUSED.to_owned(),
            GapReason::Locked => "the table was locked by another session".to_owned(),
            GapReason::TimedOut => "a step of the experiment took longer than its limit".to_owned(),
            GapReason::MissingPrivilege => "our role lacks a privilege for it".to_owned(),
            // `read_only_sql_transaction`
            _ if failure.sqlstate == "25006" => {
                "transactions of our role are read-only by default (default_transaction_read_only), and the target \
                 has no `lab`"
                    .to_owned()
            }
            _ if failure.sqlstate == "53100" => {
                "no space is left on a disk of the server for a temporary table".to_owned()
            }
            _ => format!("the server refused a step of it (SQLSTATE {})", failure.sqlstate),
        },
        TrialError::Lost(error) => error.to_string(),
    }
}
