//! Proof on a sampled copy of what becomes of a key: the statements that the workload runs, timed with the key where it
//! is, with an index on it, and as a column.

use super::copy::{Column, Copied, RUNS, Refusal, Subject, copy, rebuilt, sample, timed};
use super::key_use::{COLUMN, KeyTrial, Place, Timed, Values, arm};
use super::sampled_copy::create_arm;
use crate::model::observation::KeyFind;
use crate::model::{
    PINNED, ProofSample, Snapshot, key_assignment, quote_identifier, quote_literal,
};
use crate::pg::{Target, Trial, TrialError};

/// Where in the order of its values those are that equality is timed with: by rows, so a value that many rows have comes
/// as often.
const POINTS: &str = "{0.1,0.3,0.5,0.7,0.9}";
/// Where a range begins and ends: it meets a tenth of the rows. Which part the workload's meet is in no ledger.
const RANGE: &str = "{0.45,0.55}";

/// Of as many executions in a run the fastest counts: they take some milliseconds, and what disturbs them only adds.
const TIMES: u32 = 3;

/// Why there is no experiment.
const NOT_RUN: &str = "no statement of the workload can be run on a copy as it is spelled: it depends on a function or on \
     rows of another table";

/// What was measured, run by run, of each arm that there is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyMeasured {
    pub(super) arms: Vec<(Place, Vec<KeyRun>)>,
    /// Calls for which the server reads the index on the expression; absent where there is none.
    pub(super) indexed_calls: Option<u64>,
    /// Calls for which it reads an index that the relation has already.
    pub(super) there_calls: u64,
    /// Calls that find rows by the key.
    pub(super) find_calls: u64,
    pub(super) sample: ProofSample,
    pub(super) on_lab: bool,
}

/// What the runs of all arms said, and the plans.
struct Arms {
    runs: Vec<(Place, Vec<KeyRun>)>,
    indexed_calls: Option<u64>,
    there_calls: u64,
}

/// One run of one arm. Times are the means of calls, weighted by how often each shape is called.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct KeyRun {
    pub(super) call_ms: f64,
    /// Of calls that find rows by the key.
    pub(super) filter_ms: Option<f64>,
    /// Of calls that need the key of every row.
    pub(super) read_key_ms: Option<f64>,
    /// All rows of the copy.
    pub(super) write_ms: f64,
    pub(super) heap_bytes: f64,
    pub(super) toast_bytes: f64,
    pub(super) index_bytes: f64,
}

/// Measure all arms, or say why that was not possible.
pub(super) async fn measure(
    target: &Target,
    seen: &Snapshot,
    on_trial: &KeyTrial,
) -> Result<KeyMeasured, Refusal> {
    let KeyTrial { relation, oid, document, shapes, .. } = on_trial;
    if shapes.is_empty() {
        return Err(Refusal::lasting(NOT_RUN.to_owned()));
    }
    let subject = Subject { relation, oid: *oid, column: document };
    let Copied { trial, columns, on_lab } = copy(target, seen, subject).await?;
    let arms = measure_on(&trial, &columns, (on_trial, on_lab)).await;
    let sample = sample(&trial, seen, subject).await;
    let find_calls = shapes.iter().filter(|timed| timed.find.is_some());
    let find_calls = find_calls.map(|timed| timed.shape.calls).sum();
    let measured = arms.and_then(|Arms { runs: arms, indexed_calls, there_calls }| {
        let sample = sample?;
        Ok(KeyMeasured { arms, indexed_calls, there_calls, find_calls, sample, on_lab })
    });
    trial.finish();
    measured.map_err(|error| Refusal::from(&error))
}

async fn measure_on(
    trial: &Trial,
    columns: &[Column],
    (on_trial, on_lab): (&KeyTrial, bool),
) -> Result<Arms, TrialError> {
    let has_arm = |place: &Place| *place != Place::Indexed || on_trial.index.is_some();
    let places: Vec<Place> = Place::ALL.into_iter().filter(has_arm).collect();
    for place in &places {
        create(trial, columns, (on_trial, *place)).await?;
    }
    let mut arms: Vec<(Place, Vec<KeyRun>)> =
        places.iter().map(|place| (*place, Vec::new())).collect();
    // One run to warm up, which is not counted.
    for round in 0..=RUNS {
        for (place, runs) in &mut arms {
            let run = write(trial, columns, *place).await?;
            if round > 0 {
                runs.push(run);
            }
        }
    }
    let statements = statements(trial, on_trial, &places).await?;
    let indexed = places.iter().position(|place| *place == Place::Indexed);
    let calls = match indexed {
        Some(position) => {
            let of_arm = statements[position].iter();
            let first = of_arm.map(|one| (one.timed, one.of_values.first()));
            Some(indexed_calls(trial, first).await?)
        }
        None => None,
    };
    // On a lab the relation is not there.
    let there = statements.iter().flatten().filter(|_| !on_lab);
    let there = there.map(|one| (one.timed, one.there.as_ref()));
    let there_calls = indexed_calls(trial, there).await?;
    for round in 0..=RUNS {
        for (position, (_, runs)) in arms.iter_mut().enumerate() {
            let (call_ms, filter_ms, read_key_ms) = call(trial, &statements[position]).await?;
            let run = round.checked_sub(1).and_then(|done| runs.get_mut(done as usize));
            if let Some(run) = run {
                *run = KeyRun { call_ms, filter_ms, read_key_ms, ..*run };
            }
        }
    }
    Ok(Arms { runs: arms, indexed_calls: calls, there_calls })
}

/// An arm's table with what its rows are written through: a trigger that fills the column, as the one that is recommended
/// does, and an index.
async fn create(
    trial: &Trial,
    columns: &[Column],
    (on_trial, place): (&KeyTrial, Place),
) -> Result<(), TrialError> {
    let table = arm(place);
    trial.run(&create_arm(place as usize, &on_trial.stored, columns, &on_trial.document)).await?;
    if place.is_column() {
        let KeyTrial { document, path, type_sql, .. } = on_trial;
        let fill = key_assignment(COLUMN, (document, path), type_sql);
        let function = format!("pg_temp.dbopt_promoted_{}", place as usize);
        trial
            .run(&format!(
                "alter table {table} add column {COLUMN} {type_sql};
                create function {function}() returns trigger language plpgsql {PINNED} as {};
                create trigger dbopt_promoted before insert on {table} for each row execute function {function}();",
                quote_literal(&format!("begin {fill} return new; end"))
            ))
            .await?;
    }
    let indexed = match place {
        Place::Indexed => on_trial.index.as_ref().map(|expression| expression.to_sql("")),
        Place::IndexedColumn => Some(COLUMN.to_owned()),
        Place::Today | Place::Column => None,
    };
    match indexed {
        Some(indexed) => trial.run(&format!("create index on {table} (({indexed}))")).await,
        None => Ok(()),
    }
}

/// All rows of the copy, written through what the arm has.
async fn write(trial: &Trial, columns: &[Column], place: Place) -> Result<KeyRun, TrialError> {
    let table = arm(place);
    trial.run(&format!("truncate {table}")).await?;
    let names: Vec<_> = columns.iter().map(|column| quote_identifier(&column.name)).collect();
    let values: Vec<String> = columns.iter().map(rebuilt).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    let insert =
        format!("insert into {table} ({names}) select {values} from pg_temp.dbopt_base as t");
    let write_ms = timed(trial, &insert).await?;
    let sizes = trial
        .rows(&format!(
            "select pg_catalog.json_build_array(pg_catalog.pg_relation_size(c.oid),
                coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0),
                pg_catalog.pg_indexes_size(c.oid))::text
            from pg_catalog.pg_class as c where c.oid = {}::pg_catalog.regclass",
            quote_literal(&table)
        ))
        .await?;
    let (heap_bytes, toast_bytes, index_bytes) =
        sizes.first().and_then(|row| serde_json::from_str(row).ok()).unwrap_or_default();
    Ok(KeyRun { write_ms, heap_bytes, toast_bytes, index_bytes, ..KeyRun::default() })
}

/// What is timed of a shape: its statement with each value.
struct Statements<'a> {
    timed: &'a Timed,
    of_values: Vec<String>,
    /// The same on the relation itself, with one of the values: it is planned and never run.
    there: Option<String>,
}

/// The statements of each arm, once its rows are there: values come from them, and the planner's estimates.
async fn statements<'a>(
    trial: &Trial,
    on_trial: &'a KeyTrial,
    places: &[Place],
) -> Result<Vec<Vec<Statements<'a>>>, TrialError> {
    let points = points(trial, on_trial).await?;
    let mut of_arms = Vec::new();
    for place in places {
        let table = arm(*place);
        trial.run(&format!("analyze {table}")).await?;
        let mut of_arm = Vec::new();
        for timed in &on_trial.shapes {
            let mut values = Values { points: points.clone(), ranges: Vec::new() };
            if let Some(find) = timed.find.as_ref().filter(|_| timed.is_range()) {
                values.ranges = range(trial, on_trial, (find, *place)).await?;
            }
            let conditions = on_trial.conditions(timed, *place, &values);
            let of = |table: &str, one: &String| on_trial.statement(timed, (table, *place), one);
            let relation = on_trial.relation.to_sql();
            let there = conditions.first().filter(|_| *place == Place::Today);
            of_arm.push(Statements {
                timed,
                there: there.map(|condition| of(&relation, condition)),
                of_values: conditions.iter().map(|condition| of(&table, condition)).collect(),
            });
        }
        of_arms.push(of_arm);
    }
    Ok(of_arms)
}

/// Calls of statements for which the server reads an index, where reading the whole table is the last resort: whether an index
/// serves a statement is its decision.
async fn indexed_calls<'a>(
    trial: &Trial,
    statements: impl Iterator<Item = (&'a Timed, Option<&'a String>)>,
) -> Result<u64, TrialError> {
    trial.run("set local enable_seqscan = off").await?;
    let mut calls = 0;
    for (timed, statement) in statements {
        let Some(statement) = statement.filter(|_| timed.find.is_some()) else { continue };
        let plan = trial.rows(&format!("explain (costs off) {statement}")).await?;
        let reads = plan.iter().any(|line| line.contains("Index Scan"));
        calls += if reads { timed.shape.calls } else { 0 };
    }
    trial.run("set local enable_seqscan = on").await?;
    Ok(calls)
}

/// Values of the key, spread over its rows.
async fn points(trial: &Trial, on_trial: &KeyTrial) -> Result<Vec<String>, TrialError> {
    let (text, table) = (on_trial.text(), arm(Place::IndexedColumn));
    trial
        .rows(&format!(
            "select distinct v.value
            from (
                select pg_catalog.percentile_disc('{POINTS}'::float8[]) within group (order by x.value) as found
                from (select ({text}) collate \"C\" as value from {table} as t where t.{COLUMN} is not null) as x
            ) as p
            cross join lateral pg_catalog.unnest(p.found) as v (value)
            where v.value is not null"
        ))
        .await
}

/// A range of the key's values, as the shape orders them.
async fn range(
    trial: &Trial,
    on_trial: &KeyTrial,
    (find, place): (&KeyFind, Place),
) -> Result<Vec<(String, String)>, TrialError> {
    let (compared, _) = on_trial.compared(find, place);
    let bounds = trial
        .rows(&format!(
            "select pg_catalog.json_build_array(p.bounds[1]::text, p.bounds[2]::text)::text
            from (
                select pg_catalog.percentile_disc('{RANGE}'::float8[]) within group (order by {compared}) as bounds
                from {} as t
            ) as p
            where p.bounds[2] is not null",
            arm(place)
        ))
        .await?;
    Ok(bounds.iter().filter_map(|row| serde_json::from_str(row).ok()).collect())
}

/// The mean of a call: of all, of those that filter, and of those that need every row.
async fn call(
    trial: &Trial,
    of_arm: &[Statements<'_>],
) -> Result<(f64, Option<f64>, Option<f64>), TrialError> {
    let (mut filters, mut reads) = (Weighed::default(), Weighed::default());
    for Statements { timed: of_shape, of_values, .. } in of_arm {
        // Without a value there is nothing to find.
        if of_values.is_empty() {
            continue;
        }
        let mut sum = 0.0;
        for statement in of_values {
            let mut fastest = timed(trial, statement).await?;
            for _ in 1..TIMES {
                fastest = fastest.min(timed(trial, statement).await?);
            }
            sum += fastest;
        }
        let mean = sum / f64::from(u32::try_from(of_values.len()).unwrap_or(u32::MAX));
        let weighed = if of_shape.find.is_some() { &mut filters } else { &mut reads };
        weighed.add(mean, of_shape.shape.calls);
    }
    let all = Weighed { sum: filters.sum + reads.sum, calls: filters.calls + reads.calls };
    Ok((all.mean().unwrap_or(f64::NAN), filters.mean(), reads.mean()))
}

/// Times, weighted by calls.
#[derive(Debug, Clone, Copy, Default)]
struct Weighed {
    sum: f64,
    calls: f64,
}

impl Weighed {
    #[expect(clippy::cast_precision_loss, reason = "calls below 2^53")]
    fn add(&mut self, ms: f64, calls: u64) {
        self.sum += ms * calls as f64;
        self.calls += calls as f64;
    }

    fn mean(self) -> Option<f64> {
        (self.calls > 0.0).then(|| self.sum / self.calls)
    }
}
