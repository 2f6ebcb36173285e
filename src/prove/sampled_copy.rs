//! Proof by sampled copy: the column's real values, stored again under each option, timed in turns.

use std::fmt::Write;

use serde::Deserialize;

use super::method::{Arm, Experiment, storage};
use super::renamed;
use crate::model::{GapReason, ProofSample, Snapshot, quote_identifier, quote_literal};
use crate::pg::{Target, Trial, TrialError};

/// Runs of each arm, in turns, so that a disturbance hits all of them.
pub(super) const RUNS: u32 = 5;
/// Rows copied at most.
const ROWS_MAX: f64 = 2000.0;
/// Bytes copied at most, uncompressed sizes not known: the stored ones, with room for their growth.
const BYTES_MAX: f64 = 8.0 * 1024.0 * 1024.0;
/// Rows at least, or the copy proves nothing.
const ROWS_MIN: i64 = 100;

/// What was measured: the baseline first, then each candidate, run by run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub(super) arms: Vec<Vec<Run>>,
    pub(super) sample: ProofSample,
    /// Where the copy was made.
    pub(super) on_lab: bool,
}

/// One run of one arm.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    pub(super) write_ms: f64,
    pub(super) read_column_ms: f64,
    pub(super) scan_others_ms: f64,
    /// Where keys are on trial.
    pub(super) read_key_ms: Option<f64>,
    pub(super) heap_bytes: f64,
    pub(super) toast_bytes: f64,
}

/// A column of the copy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    /// As SQL writes it.
    data_type: String,
    /// Of variable length, and so possibly out of line.
    varies: bool,
    is_array: bool,
    /// `attstorage`, to be kept for all columns but the one on trial.
    storage: char,
}

/// Measure all arms of an experiment, or say why that was not possible.
pub(super) async fn measure(
    target: &Target,
    seen: &Snapshot,
    experiment: &Experiment,
) -> Result<Measured, String> {
    let privileges = &seen.context.get().map_err(|gap| gap.detail.clone())?.privileges;
    let on_target = privileges.creates_temporary_tables && !seen.server.in_recovery;
    let outcome = match (on_target, target.lab()) {
        (true, _) => on_the_target(target, seen, experiment).await,
        (false, Some(lab)) => on_the_lab(target, lab, seen, experiment).await,
        (false, None) => {
            let why = if seen.server.in_recovery {
                "a hot standby has no temporary tables"
            } else {
                "our role may not create temporary tables (GRANT TEMP ON DATABASE … TO dbopt)"
            };
            return Err(format!("{why}, and the target has no `lab`"));
        }
    };
    outcome.map_err(|error| reason(&error))
}

async fn on_the_target(
    target: &Target,
    seen: &Snapshot,
    experiment: &Experiment,
) -> Result<Measured, TrialError> {
    let trial = target.trial().await?;
    let columns = columns(&trial, experiment).await?;
    create_base(&trial, &columns).await?;
    trial
        .run(&format!(
            "insert /* dbopt */ into pg_temp.dbopt_base {}",
            select(&columns, seen, experiment)
        ))
        .await?;
    let measured = measure_on(&trial, &columns, seen, experiment).await?;
    trial.finish();
    Ok(Measured { on_lab: false, ..measured })
}

async fn on_the_lab(
    target: &Target,
    lab: &Target,
    seen: &Snapshot,
    experiment: &Experiment,
) -> Result<Measured, TrialError> {
    let (there, here) = (target.trial().await?, lab.trial().await?);
    // The target is only read.
    there.run("set transaction read only").await?;
    let columns = columns(&there, experiment).await?;
    create_base(&here, &columns).await?;
    let from = format!("copy ({}) to stdout (format binary)", select(&columns, seen, experiment));
    here.copy_from(&there, &from, "copy pg_temp.dbopt_base from stdin (format binary)").await?;
    there.finish();
    let measured = measure_on(&here, &columns, seen, experiment).await?;
    here.finish();
    Ok(Measured { on_lab: true, ..measured })
}

/// The columns our role may read, the one on trial among them.
async fn columns(trial: &Trial, experiment: &Experiment) -> Result<Vec<Column>, TrialError> {
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
            experiment.oid
        ))
        .await?;
    Ok(rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect())
}

/// A temporary table of these columns, everything out of line and nothing compressed: reading it costs
/// every arm the same.
async fn create_base(trial: &Trial, columns: &[Column]) -> Result<(), TrialError> {
    let mut sql = format!("create temp table dbopt_base ({});", definitions(columns));
    for column in columns.iter().filter(|column| column.varies && column.storage != 'p') {
        let _ = write!(
            sql,
            "alter table pg_temp.dbopt_base alter column {} set storage external;",
            quote_identifier(&column.name)
        );
    }
    trial.run(&sql).await
}

fn definitions(columns: &[Column]) -> String {
    let define =
        |column: &Column| format!("{} {}", quote_identifier(&column.name), column.data_type);
    columns.iter().map(define).collect::<Vec<_>>().join(", ")
}

/// The rows to copy, bounded in number and bytes, every value built anew.
fn select(columns: &[Column], seen: &Snapshot, experiment: &Experiment) -> String {
    let rebuilt: Vec<String> = columns.iter().map(rebuilt).collect();
    let (rows, bytes) = size(seen, experiment);
    let row_bytes = (bytes / rows.max(1.0)).max(1.0);
    let wanted = ROWS_MAX.min(BYTES_MAX / row_bytes).max(1.0).ceil();
    let percent = (wanted * 1.5 / rows.max(1.0) * 100.0).min(100.0);
    let sampled = if percent >= 100.0 {
        String::new()
    } else {
        format!(" tablesample system ({percent}) repeatable (14)")
    };
    format!(
        "select {} from only {} as t{sampled} where t.{} is not null limit {wanted}",
        rebuilt.join(", "),
        experiment.relation.to_sql(),
        quote_identifier(&experiment.column),
    )
}

/// A value built anew, byte for byte; arrays would become arrays of arrays.
fn rebuilt(column: &Column) -> String {
    let name = quote_identifier(&column.name);
    match (column.varies, column.is_array) {
        (true, false) => format!("(array[t.{name}])[1]"),
        (true, true) => format!("pg_catalog.array_cat(t.{name}, '{{}}')"),
        (false, _) => format!("t.{name}"),
    }
}

/// Rows and bytes of the relation, by whichever source looked at it.
#[expect(clippy::cast_precision_loss, reason = "sizes below 2^53")]
fn size(seen: &Snapshot, experiment: &Experiment) -> (f64, f64) {
    let relation =
        seen.relations.get().ok().and_then(|r| r.iter().find(|r| r.oid == experiment.oid));
    let table =
        seen.toast_tables.get().ok().and_then(|t| t.iter().find(|t| t.oid == experiment.oid));
    let rows = relation.and_then(|relation| relation.rows).unwrap_or(0.0);
    let live = table.map_or(0.0, |table| table.rows_live as f64);
    let layout = seen.layouts.get().ok().and_then(|l| l.iter().find(|l| l.oid == experiment.oid));
    let sizes = table.map(|table| (table.heap_bytes, table.toast_bytes));
    let (heap, toast) = sizes
        .or_else(|| layout.map(|layout| (layout.heap_bytes, layout.toast_bytes)))
        .unwrap_or((None, None));
    (rows.max(live), (heap.unwrap_or(0) + toast.unwrap_or(0)) as f64)
}

async fn measure_on(
    trial: &Trial,
    columns: &[Column],
    seen: &Snapshot,
    experiment: &Experiment,
) -> Result<Measured, TrialError> {
    let arms = experiment.arms();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut bases = Vec::new();
    for (position, arm) in arms.iter().enumerate() {
        trial.run(&create_arm(position, arm, columns, experiment)).await?;
        bases.push(renamed::base(trial, position, arm, (&names, &experiment.column)).await?);
    }
    let mut runs = vec![Vec::new(); arms.len()];
    // One run to warm up, which is not counted.
    for round in 0..=RUNS {
        for (position, runs) in runs.iter_mut().enumerate() {
            let on_trial = OnTrial { position, arm: arms[position], base: &bases[position] };
            let run = run(trial, &on_trial, columns, experiment).await?;
            if round > 0 {
                runs.push(run);
            }
        }
    }
    let sample = sample(trial, seen, experiment).await?;
    Ok(Measured { arms: runs, sample, on_lab: false })
}

fn create_arm(position: usize, arm: &Arm, columns: &[Column], experiment: &Experiment) -> String {
    let mut sql = format!("create temp table dbopt_arm_{position} ({});", definitions(columns));
    let alter = format!("alter table pg_temp.dbopt_arm_{position}");
    for column in columns.iter().filter(|column| column.varies) {
        let name = quote_identifier(&column.name);
        let on_trial = column.name == experiment.column;
        let storage = if on_trial { arm.storage } else { storage(column.storage) };
        let _ = write!(sql, "{alter} alter column {name} set storage {storage};");
        if on_trial && matches!(storage, "EXTENDED" | "MAIN") {
            let _ = write!(sql, "{alter} alter column {name} set compression {};", arm.compression);
        }
    }
    if let Some(bytes) = arm.toast_tuple_target {
        let _ = write!(sql, "{alter} set (toast_tuple_target = {bytes});");
    }
    sql
}

/// An arm whose turn it is.
struct OnTrial<'a> {
    position: usize,
    arm: &'a Arm,
    /// The table its rows are taken from.
    base: &'a str,
}

/// Write the arm, read its column, scan its rows without it.
async fn run(
    trial: &Trial,
    OnTrial { position, arm: options, base }: &OnTrial<'_>,
    columns: &[Column],
    experiment: &Experiment,
) -> Result<Run, TrialError> {
    let arm = format!("pg_temp.dbopt_arm_{position}");
    trial.run(&format!("truncate {arm}")).await?;
    let values: Vec<String> = columns.iter().map(rebuilt).collect();
    let insert = format!("insert into {arm} select {} from {base} as t", values.join(", "));
    let on_trial = columns.iter().find(|column| column.name == experiment.column);
    let read = on_trial.map_or_else(|| "t.ctid".to_owned(), rebuilt);
    let write_ms = timed(trial, &insert).await?;
    let read_column_ms =
        timed(trial, &format!("select sum(pg_catalog.pg_column_size({read})) from {arm} as t"))
            .await?;
    let scan_others_ms = timed(trial, &format!("select count(t.ctid) from {arm} as t")).await?;
    let read_key_ms = match &options.keys {
        Some(keys) => {
            let column = quote_identifier(&experiment.column);
            let value = format!("t.{column} -> {}", quote_literal(&keys.read));
            Some(timed(trial, &format!("select count({value}) from {arm} as t")).await?)
        }
        None => None,
    };
    let sizes = trial
        .rows(&format!(
            "select pg_catalog.json_build_array(pg_catalog.pg_relation_size(c.oid),
                coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0))::text
            from pg_catalog.pg_class as c where c.oid = {}::pg_catalog.regclass",
            quote_literal(&arm)
        ))
        .await?;
    let (heap_bytes, toast_bytes) =
        sizes.first().and_then(|row| serde_json::from_str(row).ok()).unwrap_or((0.0, 0.0));
    Ok(Run { write_ms, read_column_ms, scan_others_ms, read_key_ms, heap_bytes, toast_bytes })
}

/// The server's own time for the statement, without the network.
async fn timed(trial: &Trial, statement: &str) -> Result<f64, TrialError> {
    let plan = trial
        .rows(&format!("explain (analyze, timing off, costs off, format text) {statement}"))
        .await?;
    let time = plan.iter().rev().find_map(|line| {
        line.trim().strip_prefix("Execution Time: ")?.strip_suffix(" ms")?.parse().ok()
    });
    Ok(time.unwrap_or(f64::NAN))
}

async fn sample(
    trial: &Trial,
    seen: &Snapshot,
    experiment: &Experiment,
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
    let (of_rows, _) = size(seen, experiment);
    #[expect(clippy::cast_possible_truncation, reason = "rows below 2^53")]
    Ok(ProofSample { rows, bytes, of_rows: Some(of_rows.round() as i64) })
}

/// Too few rows to prove anything.
pub(super) fn is_too_small(sample: &ProofSample) -> bool {
    sample.rows < ROWS_MIN
}

fn reason(error: &TrialError) -> String {
    match error {
        TrialError::Refused(failure) => match failure.reason {
            GapReason::Locked => "the table was locked by another session".to_owned(),
            GapReason::TimedOut => "a step of the experiment took longer than its limit".to_owned(),
            GapReason::MissingPrivilege => "our role lacks a privilege for it".to_owned(),
            // `read_only_sql_transaction`
            _ if failure.sqlstate == "25006" => {
                "transactions of our role are read-only by default (default_transaction_read_only), and the target \
                 has no `lab`"
                    .to_owned()
            }
            _ => format!("the server refused a step of it (SQLSTATE {})", failure.sqlstate),
        },
        TrialError::Lost(error) => error.to_string(),
    }
}
