//! EXPLAIN of one statement, in a transaction that only reads and is rolled back, with nothing of the target's own run that
//! the caller may not run.

use std::collections::BTreeSet;

use serde::Deserialize;
use tokio_postgres::error::SqlState;

use super::explain_helper::{self, Help};
use super::statement_code::{self, PATH_ASIDE, PATH_BACK, Permission, STATEMENT_CODE};
use super::{foreign_code, source};
use crate::model::observation::ForeignCode;
use crate::model::{GapReason, PlanSource};
use crate::pg::{Error, Failure, Target, TrialError, TrialTransaction};
use crate::sql::Explainable;

/// Planning as the application's sessions do it. Constraint exclusion stays off, for it evaluates checks of tables, and so
/// does what row security would hide.
const AS_THE_APPLICATION: &str = "set transaction read only;
set local search_path to default;
set local jit to default;
set local max_parallel_workers_per_gather to default;
set local timezone to default;
set local datestyle to default";

/// The statement whose generic plan is asked for. `GENERIC_PLAN` of PostgreSQL 16 takes the simple protocol, in which a text may be
/// several statements. It outlives the transaction, and is deallocated.
const PREPARED: &str = "dbopt_explained";

/// What to explain, and how.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    /// The statement.
    pub statement: Explainable,
    /// Values of its parameters, as text or NULL; none for the plan for any values.
    pub parameters: Vec<Option<String>>,
    /// Whether to execute it.
    pub analyze: bool,
    /// Settings of the planner to explain it under.
    pub settings: Vec<(String, String)>,
    /// Functions that ANALYZE may execute although they are volatile, each by its schema and name.
    pub allowed_functions: BTreeSet<String>,
}

/// What EXPLAIN printed.
#[derive(Debug)]
pub struct Explained {
    /// The output as text.
    pub text: String,
    /// What kind of plan it is.
    pub source: PlanSource,
    /// Whether the function of `scripts/grants --explain` made it, for want of a privilege.
    pub by_helper: bool,
}

/// Why a statement was not explained. Holds nothing that the server said.
#[derive(Debug, thiserror::Error)]
pub enum ExplainRefusal {
    /// The target failed.
    #[error(transparent)]
    Target(Error),
    /// It would run code that it may not run.
    #[error("{}", called(kind, name, function, why))]
    Code {
        /// `function`, `operator`, `view` and the like.
        kind: String,
        /// Its name.
        name: String,
        /// The function.
        function: String,
        /// What is wrong with that.
        why: &'static str,
    },
    /// A relation or a type that it names runs code of the target's own.
    #[error("{0} runs code of the database's own: review it, then trust the target (`trust_code`)")]
    Named(String),
    /// The server refused it.
    #[error("the server refuses the statement: {reason} (SQLSTATE {sqlstate})")]
    Refused {
        /// The class of the error in words.
        reason: &'static str,
        /// The code.
        sqlstate: String,
    },
}

/// A function as the source shows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalledCode {
    kind: String,
    name: String,
    function: String,
    is_volatile: bool,
}

/// Explain a statement.
///
/// # Errors
/// Why it was not explained.
pub async fn explain(
    target: &Target,
    question: &ExplainRequest,
) -> Result<Explained, ExplainRefusal> {
    let trial = target.trial().await.map_err(refused)?;
    trial.run(AS_THE_APPLICATION).await.map_err(refused)?;
    for (name, value) in &question.settings {
        let values = [Some(name.clone()), Some(value.clone())];
        trial
            .rows_with("select pg_catalog.set_config($1, $2, true)", &values)
            .await
            .map_err(refused)?;
    }
    trial.rows(PATH_ASIDE).await.map_err(refused)?;
    check_code(&trial, target.trusts_code(), question).await?;
    trial.rows(PATH_BACK).await.map_err(refused)?;
    let explained = output_or_help(&trial, question).await;
    trial.finish();
    explained
}

/// The output of EXPLAIN, by the function of `scripts/grants --explain` where our role lacks a privilege.
async fn output_or_help(
    trial: &TrialTransaction,
    question: &ExplainRequest,
) -> Result<Explained, ExplainRefusal> {
    if !explain_helper::may_help(trial, question) {
        return output(trial, question).await.map_err(refused);
    }
    trial.run("savepoint unhelped").await.map_err(refused)?;
    match output(trial, question).await {
        Err(error) if explain_helper::lacks_privilege(&error) => {}
        other => return other.map_err(refused),
    }
    trial.run("rollback to savepoint unhelped").await.map_err(refused)?;
    match explain_helper::explain(trial, question).await.map_err(refused)? {
        Help::Explained(explained) => Ok(explained),
        Help::Missing(reason) => {
            let sqlstate = SqlState::INSUFFICIENT_PRIVILEGE.code().to_owned();
            Err(ExplainRefusal::Refused { reason, sqlstate })
        }
    }
}

/// Refuse what would run code that the caller may not run.
async fn check_code(
    trial: &TrialTransaction,
    trusted: bool,
    question: &ExplainRequest,
) -> Result<(), ExplainRefusal> {
    let (executes, functions) = (question.analyze, Some(&question.allowed_functions));
    let permission = Permission { executes, trusted, functions };
    let parameters = statement_code::parameters(&question.statement, permission);
    let rows = trial.rows_typed(STATEMENT_CODE, &parameters).await.map_err(refused)?;
    if let Some(row) = rows.first() {
        let CalledCode { kind, name, function, is_volatile } = read(row)?;
        let why = if question.analyze && is_volatile {
            "is volatile: it is explained without ANALYZE, or allowed by name (`allow_functions`, `--allow-function`)"
        } else {
            "may run code of the database's own: review it, then trust the target (`trust_code`)"
        };
        return Err(ExplainRefusal::Code { kind, name, function, why });
    }
    if trusted {
        return Ok(());
    }
    let sql = source::as_json::<ForeignCode>(&source::FOREIGN_CODE.spelling(trial.major()));
    let rows = trial.rows(&sql).await.map_err(refused)?;
    let foreign: Vec<ForeignCode> = rows.iter().map(|row| read(row)).collect::<Result<_, _>>()?;
    match foreign_code::named_in(&foreign, &question.statement) {
        Some(code) => Err(ExplainRefusal::Named(described(code))),
        None => Ok(()),
    }
}

/// What calls the function; a function that the statement names calls itself.
fn called(kind: &str, name: &str, function: &str, why: &str) -> String {
    if kind == "function" && function.rsplit('.').next() == Some(name) {
        format!("function `{function}` {why}")
    } else {
        format!("{kind} `{name}` calls `{function}`, which {why}")
    }
}

/// What runs code, as a message names it.
fn described(code: &ForeignCode) -> String {
    let ForeignCode { oid, name, kind, object, .. } = code;
    match (oid, object) {
        (None, _) => format!("type `{name}`"),
        (Some(_), Some(object)) => format!("`{name}`, by its {kind} `{object}`,"),
        (Some(_), None) => format!("`{name}`, by its {kind},"),
    }
}

fn read<T: serde::de::DeserializeOwned>(row: &str) -> Result<T, ExplainRefusal> {
    let sqlstate = "XX000".to_owned();
    serde_json::from_str(row)
        .map_err(|_| ExplainRefusal::Refused { reason: "an answer of another form", sqlstate })
}

/// The output of EXPLAIN.
async fn output(
    trial: &TrialTransaction,
    question: &ExplainRequest,
) -> Result<Explained, TrialError> {
    let text = &question.statement.text;
    let generic = question.statement.parameters > 0 && question.parameters.is_empty();
    let mut options = vec!["verbose", "settings"];
    if question.analyze {
        options.extend(["analyze", "buffers"]);
    }
    if generic {
        return prepared(trial, question).await;
    }
    let sql = format!("explain ({}) {text}", options.join(", "));
    let rows = trial.rows_with(&sql, &question.parameters).await?;
    let source = if question.analyze { PlanSource::Analyzed } else { PlanSource::Explained };
    Ok(Explained { text: rows.join("\n"), source, by_helper: false })
}

/// The plan for any values, as a session keeps it.
async fn prepared(
    trial: &TrialTransaction,
    question: &ExplainRequest,
) -> Result<Explained, TrialError> {
    let text = &question.statement.text;
    let nulls = vec!["null"; question.statement.parameters as usize].join(", ");
    trial.run("set local plan_cache_mode = force_generic_plan").await?;
    trial.rows(&format!("prepare {PREPARED} as {text}")).await?;
    trial.run("savepoint explained").await?;
    let rows =
        trial.rows(&format!("explain (verbose, settings) execute {PREPARED}({nulls})")).await;
    // A pooler may give the server's session to others.
    let ending = format!("rollback to savepoint explained; deallocate {PREPARED}");
    trial.run(&ending).await?;
    Ok(Explained { text: rows?.join("\n"), source: PlanSource::Generic, by_helper: false })
}

fn refused(error: TrialError) -> ExplainRefusal {
    match error {
        TrialError::Lost(error) => ExplainRefusal::Target(error),
        TrialError::Refused(Failure { reason, sqlstate }) => {
            ExplainRefusal::Refused { reason: words(reason, &sqlstate), sqlstate }
        }
    }
}

/// What an SQLSTATE means. The server's own text may hold values.
pub(super) fn words(reason: GapReason, sqlstate: &str) -> &'static str {
    match (reason, sqlstate) {
        (GapReason::TimedOut, _) => "it took longer than its time limit",
        (GapReason::Locked, _) => "another session holds a lock on what it reads",
        (GapReason::MissingPrivilege, _) => "the role may not use what it names",
        (_, "42P01") => "a table that it names does not exist",
        (_, "42703") => "a column that it names does not exist",
        (_, "42883") => "a function or operator that it names does not exist for these types",
        (_, "42P18") => "the type of a parameter is unknown; cast it, as in $1::bigint",
        (_, "25006") => "it changes something, and the transaction only reads",
        (_, "08P01") => "it has another number of parameters than values were given",
        (_, "0A000") => "it asks for something that this server does not support",
        (_, "55000") => {
            "something that it reads is not in a state to be read, such as a materialized view without data"
        }
        (_, code) if code.starts_with("42") => "it is not valid in this database",
        (_, code) if code.starts_with("22") => {
            "a value does not fit its type or what is done with it"
        }
        (_, code) if code.starts_with("23") => "a value breaks a constraint of its type",
        _ => "it failed",
    }
}
