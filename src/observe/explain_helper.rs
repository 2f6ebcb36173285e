//! EXPLAIN by the function of `scripts/grants --explain`, of statements on tables whose rows our role may not read.

use tokio_postgres::error::SqlState;

use super::explaining::{ExplainRequest, Explained};
use super::statement_code::{PATH_ASIDE, PATH_BACK};
use crate::model::PlanSource;
use crate::pg::{Failure, TrialError, TrialTransaction};

const HELPER: &str = include_str!("plan/sql/explain_helper.sql");

/// From this version on EXPLAIN plans a statement for any values without PREPARE, which no function can use.
const GENERIC_PLAN_SINCE: u32 = 16;

/// What the refusal says where the function would explain the statement.
const MISSING: &str =
    "the role may not use what it names; scripts/grants --explain creates a function that plans it";

/// What becomes of a statement that EXPLAIN refused.
pub(super) enum Help {
    /// The function explained it.
    Explained(Explained),
    /// There is no such function that may be trusted.
    Missing(&'static str),
}

/// Whether the function may explain it: a SELECT that is not executed, without values for its parameters.
pub(super) fn may_help(trial: &TrialTransaction, question: &ExplainRequest) -> bool {
    let ExplainRequest { statement, parameters, analyze, .. } = question;
    let is_planned = statement.parameters == 0 || trial.major() >= GENERIC_PLAN_SINCE;
    statement.reads_only && !analyze && parameters.is_empty() && is_planned
}

/// Whether our role lacks a privilege.
pub(super) fn lacks_privilege(error: &TrialError) -> bool {
    let TrialError::Refused(Failure { sqlstate, .. }) = error else { return false };
    sqlstate == SqlState::INSUFFICIENT_PRIVILEGE.code()
}

/// Explain it by the function, if it may be trusted. The look-ups for code that the statement would run come before.
pub(super) async fn explain(
    trial: &TrialTransaction,
    question: &ExplainRequest,
) -> Result<Help, TrialError> {
    trial.rows(PATH_ASIDE).await?;
    let calls = trial.rows(HELPER).await?;
    trial.rows(PATH_BACK).await?;
    let Some(call) = calls.first() else { return Ok(Help::Missing(MISSING)) };
    let generic = question.statement.parameters > 0;
    let values = [Some(question.statement.text.clone()), Some(generic.to_string())];
    let rows = trial.rows_with(call, &values).await?;
    let source = if generic { PlanSource::Generic } else { PlanSource::Explained };
    Ok(Help::Explained(Explained { text: rows.join("\n"), source, by_helper: true }))
}
