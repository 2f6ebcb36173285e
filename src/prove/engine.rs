//! Runs an experiment: one copy of the rows, a table for each arm, and rounds in which all arms take turns. This is the only
//! loop there is; what differs between experiments is in [`super::trial`].

use std::collections::BTreeMap;

use super::copy::{Copied, CopyColumn, Refusal, copy, quoted, rebuilt, sample};
use super::trial::{
    Arm, ArmMetric, Call, IndexUseShare, Metric, Name, SetupStep, TrialPlan, arm_name, arm_table,
};
use crate::ddl::{CopiedColumn, temporary_like, temporary_table};
use crate::model::{ProofSample, Snapshot, Storage, quote_identifier};
use crate::pg::{self, Target, TrialError};

/// Rounds that count. One before them warms up.
pub(super) const ROUNDS: u32 = 5;

/// Executions of a call in a round, of which the fastest counts: they take some milliseconds, and what disturbs them only
/// adds.
const TIMES: u32 = 3;

/// What was measured of an arm: each metric with a number for each round, each fact with one.
pub(super) type Runs = BTreeMap<Name, Vec<f64>>;

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// Of each arm, in the order of the trial.
    pub(super) arms: Vec<Runs>,
    pub(super) sample: ProofSample,
    /// Where the copy was made.
    pub(super) on_lab: bool,
}

/// Run a trial, or say why that was not possible.
pub(super) async fn run(
    target: &Target,
    snapshot: &Snapshot,
    trial: &TrialPlan,
) -> Result<Outcome, Refusal> {
    if let Some(reason) = trial.refused {
        return Err(Refusal::lasting(reason.to_owned()));
    }
    let Copied { trial: session, columns, on_lab } = copy(target, snapshot, &trial.subject).await?;
    let arms = Bench { session: &session, columns: &columns, trial, on_lab }.arms().await;
    let sample = sample(&session, snapshot, &trial.subject).await;
    let outcome = arms.and_then(|arms| Ok(Outcome { arms, sample: sample?, on_lab }));
    session.finish();
    outcome.map_err(|error| Refusal::from(&error))
}

/// A trial on the rows that were copied for it.
struct Bench<'a> {
    session: &'a pg::TrialTransaction,
    columns: &'a [CopyColumn],
    trial: &'a TrialPlan,
    on_lab: bool,
}

/// Values to make calls with, by the query that yields them: arms that share the query are called with the same.
type Values<'a> = BTreeMap<&'a str, Vec<Vec<Option<String>>>>;

impl<'a> Bench<'a> {
    async fn arms(&self) -> Result<Vec<Runs>, TrialError> {
        let arms = || self.trial.arms.iter().enumerate();
        for (position, arm) in arms() {
            self.create(position, arm).await?;
        }
        let mut runs = vec![Runs::new(); self.trial.arms.len()];
        let stages = self.trial.arms.first().map_or(0, |arm| arm.stages.len());
        for stage in 0..stages {
            for (position, arm) in arms() {
                for step in &arm.stages[stage].before {
                    self.step(position, step).await?;
                }
            }
            let values = self.values(stage).await?;
            for (position, arm) in arms() {
                for fact in arm.stages[stage].facts.iter().filter(|f| !f.on_target || !self.on_lab)
                {
                    runs[position].insert(fact.name, vec![self.share(fact, &values).await?]);
                }
            }
            for round in 0..=ROUNDS {
                for (position, arm) in arms() {
                    for metric in &arm.stages[stage].metrics {
                        let taken = self.take(position, metric, &values).await?;
                        for (name, number) in taken.into_iter().filter(|_| round > 0) {
                            runs[position].entry(name).or_default().push(number);
                        }
                    }
                }
            }
        }
        Ok(runs)
    }

    /// The table of an arm, and what its rows are written through. What only converts the rows is done once, here, so that
    /// storing them is timed and nothing else.
    async fn create(&self, position: usize, arm: &Arm) -> Result<(), TrialError> {
        let on_trial = &self.trial.subject.column;
        let column = |column: &'a CopyColumn| {
            let stored = arm.stored.as_ref().filter(|_| column.name == *on_trial);
            let storage =
                stored.map_or_else(|| Storage::in_force(column.storage), |stored| stored.storage);
            CopiedColumn {
                name: &column.name,
                data_type: &column.data_type,
                storage: column.varies.then_some(storage.as_str()),
                compression: stored
                    .filter(|_| storage.compresses())
                    .map(|stored| stored.compression.as_str()),
            }
        };
        let columns: Vec<CopiedColumn<'_>> = self.columns.iter().map(column).collect();
        let target = arm.stored.as_ref().and_then(|stored| stored.toast_tuple_target);
        self.session.run(&temporary_table(&arm_name(position), &columns, target)).await?;
        if let Some(converted) = &arm.converted {
            let value = |column: &CopyColumn| {
                let name = quote_identifier(&column.name);
                if column.name == *on_trial {
                    format!("{}({name})", converted.function)
                } else {
                    name.into_owned()
                }
            };
            let values: Vec<String> = self.columns.iter().map(value).collect();
            let (create, base) = (&converted.create, base(position, arm));
            let table = temporary_like(&base, "pg_temp.dbopt_base");
            let values = values.join(", ");
            self.session
                .run(&format!(
                    "{create}
                    {table}
                    insert into {base} select {values} from pg_temp.dbopt_base;"
                ))
                .await?;
        }
        for statement in &arm.setup {
            self.session.run(statement).await?;
        }
        Ok(())
    }

    async fn step(&self, position: usize, step: &SetupStep) -> Result<(), TrialError> {
        match step {
            SetupStep::Fill => self.session.run(&self.insert(position)).await,
            SetupStep::Run(statement) => self.session.run(statement).await,
        }
    }

    /// All rows, through what the arm has.
    fn insert(&self, position: usize) -> String {
        let values: Vec<String> = self.columns.iter().map(rebuilt).collect();
        format!(
            "insert into {} ({}) select {} from {} as t",
            arm_table(position),
            quoted(self.columns),
            values.join(", "),
            base(position, &self.trial.arms[position])
        )
    }

    /// The values of all calls of a stage, once the rows of its arms are there.
    async fn values(&self, stage: usize) -> Result<Values<'a>, TrialError> {
        let mut values = Values::new();
        for call in self.trial.arms.iter().flat_map(|arm| calls(&arm.stages[stage])) {
            let Some(query) = call.values.as_deref().filter(|query| !values.contains_key(query))
            else {
                continue;
            };
            let rows = self.session.rows(query).await?;
            let rows = rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect();
            values.insert(query, rows);
        }
        Ok(values)
    }

    /// The share of calls for which the server reads an index, where reading the whole table is the last resort: whether an
    /// index serves a statement is its decision.
    async fn share(&self, fact: &IndexUseShare, values: &Values<'_>) -> Result<f64, TrialError> {
        self.session.run("set local enable_seqscan = off").await?;
        let mut reading = 0;
        for call in &fact.calls {
            let Some(parameters) = executions(call, values).next() else { continue };
            let plan = format!("explain (costs off) {}", call.statement);
            let plan = self.session.rows_with(&plan, parameters).await?;
            let reads = plan.iter().any(|line| line.contains("Index Scan"));
            reading += if reads { call.calls } else { 0 };
        }
        self.session.run("set local enable_seqscan = on").await?;
        Ok(share(reading, fact.calls.iter().map(|call| call.calls).sum()))
    }

    async fn take(
        &self,
        position: usize,
        Metric { name, take }: &Metric,
        values: &Values<'_>,
    ) -> Result<Vec<(Name, f64)>, TrialError> {
        let table = arm_table(position);
        let number = match take {
            ArmMetric::Write => {
                self.session.run(&format!("truncate {table}")).await?;
                self.timed(&self.insert(position), &[]).await?
            }
            ArmMetric::ReadColumn => {
                let on_trial = |column: &&CopyColumn| column.name == self.trial.subject.column;
                let value = self.columns.iter().find(on_trial).map(rebuilt);
                let value = value.unwrap_or_else(|| "t.ctid".to_owned());
                let read =
                    format!("select sum(pg_catalog.pg_column_size({value})) from {table} as t");
                self.timed(&read, &[]).await?
            }
            ArmMetric::Time(statement) => self.timed(statement, &[]).await?,
            ArmMetric::Number(query) => {
                let rows = self.session.rows(query).await?;
                rows.first().and_then(|row| row.parse().ok()).unwrap_or(f64::NAN)
            }
            ArmMetric::Calls(calls) => return self.calls(name, calls, values).await,
        };
        Ok(vec![(*name, number)])
    }

    /// The mean of a call: of all, and of each kind.
    async fn calls(
        &self,
        name: Name,
        calls: &[Call],
        values: &Values<'_>,
    ) -> Result<Vec<(Name, f64)>, TrialError> {
        let (mut all, mut kinds) = (Weighed::default(), BTreeMap::<Name, Weighed>::new());
        for call in calls {
            let (mut sum, mut executed) = (0.0, 0.0);
            for parameters in executions(call, values) {
                let mut fastest = self.timed(&call.statement, parameters).await?;
                for _ in 1..TIMES {
                    fastest = fastest.min(self.timed(&call.statement, parameters).await?);
                }
                sum += fastest;
                executed += 1.0;
            }
            // Without a value there is nothing to find.
            if executed > 0.0 {
                all.add(sum / executed, call.calls);
                kinds.entry(call.kind).or_default().add(sum / executed, call.calls);
            }
        }
        let kinds = kinds.into_iter().filter_map(|(kind, weighed)| Some((kind, weighed.mean()?)));
        Ok(std::iter::once((name, all.mean().unwrap_or(f64::NAN))).chain(kinds).collect())
    }

    /// The server's own time for the statement, without the network.
    async fn timed(
        &self,
        statement: &str,
        parameters: &[Option<String>],
    ) -> Result<f64, TrialError> {
        let explain = format!("explain (analyze, timing off, costs off, format text) {statement}");
        let plan = self.session.rows_with(&explain, parameters).await?;
        let time = plan.iter().rev().find_map(|line| {
            line.trim().strip_prefix("Execution Time: ")?.strip_suffix(" ms")?.parse().ok()
        });
        Ok(time.unwrap_or(f64::NAN))
    }
}

/// The table that an arm's rows are taken from.
fn base(position: usize, arm: &Arm) -> String {
    match arm.converted {
        Some(_) => format!("pg_temp.dbopt_base_{position}"),
        None => "pg_temp.dbopt_base".to_owned(),
    }
}

/// Every call of a stage, whatever for.
fn calls(stage: &super::trial::Stage) -> impl Iterator<Item = &Call> {
    let timed = stage.metrics.iter().flat_map(|metric| match &metric.take {
        ArmMetric::Calls(calls) => calls.as_slice(),
        _ => &[],
    });
    stage.facts.iter().flat_map(|fact| &fact.calls).chain(timed)
}

/// The values of each execution of a call; one of no value where the statement takes none.
fn executions<'v>(
    call: &Call,
    values: &'v Values<'_>,
) -> impl Iterator<Item = &'v [Option<String>]> {
    let drawn =
        call.values.as_deref().map(|query| values.get(query).map_or(&[][..], Vec::as_slice));
    let none: &'static [Option<String>] = &[];
    let once = call.values.is_none().then_some(none);
    once.into_iter().chain(drawn.into_iter().flatten().map(Vec::as_slice))
}

#[expect(clippy::cast_precision_loss, reason = "calls below 2^53")]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
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
