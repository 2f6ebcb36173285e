//! Proof by sampled copy: the column's real values, stored again under each option, timed in turns.

use std::fmt::Write;

use serde::Deserialize;

use super::copy::{
    Column, Copied, RUNS, Refusal, Subject, copy, definitions, rebuilt, sample, timed,
};
use super::method::{Arm, Experiment, storage};
use super::renamed;
use crate::model::{ProofSample, Snapshot, quote_identifier, quote_literal};
use crate::pg::{Target, Trial, TrialError};

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

/// Measure all arms of an experiment, or say why that was not possible.
pub(super) async fn measure(
    target: &Target,
    seen: &Snapshot,
    experiment: &Experiment,
) -> Result<Measured, Refusal> {
    let Experiment { relation, oid, column, .. } = experiment;
    let subject = Subject { relation, oid: *oid, column };
    let Copied { trial, columns, on_lab } = copy(target, seen, subject).await?;
    let arms = measure_on(&trial, &columns, experiment).await;
    let sample = sample(&trial, seen, subject).await;
    let measured = arms.and_then(|arms| Ok(Measured { arms, sample: sample?, on_lab }));
    trial.finish();
    measured.map_err(|error| Refusal::from(&error))
}

async fn measure_on(
    trial: &Trial,
    columns: &[Column],
    experiment: &Experiment,
) -> Result<Vec<Vec<Run>>, TrialError> {
    let arms = experiment.arms();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut bases = Vec::new();
    for (position, arm) in arms.iter().enumerate() {
        trial.run(&create_arm(position, arm, columns, &experiment.column)).await?;
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
    Ok(runs)
}

/// An arm's table: the column on trial as the arm stores it, the others as they are stored today.
pub(super) fn create_arm(position: usize, arm: &Arm, columns: &[Column], column: &str) -> String {
    let name_on_trial = column;
    let mut sql = format!("create temp table dbopt_arm_{position} ({});", definitions(columns));
    let alter = format!("alter table pg_temp.dbopt_arm_{position}");
    for column in columns.iter().filter(|column| column.varies) {
        let name = quote_identifier(&column.name);
        let on_trial = column.name == name_on_trial;
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
