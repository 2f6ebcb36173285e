//! A statement explained on a target, its plan decoded and judged.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::decoding::{SourcedPlan, judged, narrow};
use super::{DecodeError, Request};
use crate::explain;
use crate::model::{DecodedPlan, Gap, GapReason, Topic};
use crate::observe::{self, ExplainQuestion, ExplainRefusal};
use crate::pg::{Error, Target};
use crate::sql::{NotExplainable, explainable};

/// How long explaining may take in all; each statement of it has a limit of its own on the server.
const TIME_MAX: Duration = Duration::from_secs(45);

/// Settings of the planner that a statement may be explained under.
const SETTINGS: [&str; 22] = [
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "effective_cache_size",
    "from_collapse_limit",
    "geqo",
    "hash_mem_multiplier",
    "jit",
    "jit_above_cost",
    "join_collapse_limit",
    "max_parallel_workers_per_gather",
    "min_parallel_index_scan_size",
    "min_parallel_table_scan_size",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "plan_cache_mode",
    "random_page_cost",
    "search_path",
    "seq_page_cost",
    "track_io_timing",
    "work_mem",
];

/// A statement to explain.
#[derive(Debug, Clone, Default)]
pub struct StatementText {
    /// The statement.
    pub sql: String,
    /// Values of its parameters, as text or NULL; none for the plan for any values.
    pub parameters: Vec<Option<String>>,
    /// Whether to execute it.
    pub analyze: bool,
    /// Settings of the planner to explain it under.
    pub settings: Vec<(String, String)>,
    /// Functions that ANALYZE may execute although they are volatile, each by its schema and name.
    pub allowed_functions: BTreeSet<String>,
    /// Findings at most.
    pub findings_max: usize,
}

/// Why a statement was not explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It is not one statement that EXPLAIN takes.
    #[error(transparent)]
    NotExplainable(NotExplainable),
    /// Other values than it has parameters.
    #[error("the statement has {needed} parameters and {given} values were given")]
    Parameters {
        /// Parameters of the statement.
        needed: u32,
        /// Values given.
        given: usize,
    },
    /// It cannot be executed without values.
    #[error("ANALYZE executes the statement and needs values for its {0} parameters")]
    Values(u32),
    /// It does more than read.
    #[error(
        "ANALYZE executes the statement, which may only read: no change, no lock, no new table"
    )]
    Changes,
    /// A setting that is not one of the planner's.
    #[error("`{0}` is not a setting that a statement can be explained under")]
    Setting(String),
    /// The target refused it, or we did.
    #[error(transparent)]
    Refused(ExplainRefusal),
    /// The plan could not be read or judged.
    #[error(transparent)]
    Decode(DecodeError),
}

/// Explain a statement on a target, and judge its plan.
///
/// # Errors
/// Why it was not explained.
pub async fn explain(
    target: &Target,
    mut request: Request,
    text: StatementText,
) -> Result<DecodedPlan, ExplainError> {
    narrow(&mut request).map_err(ExplainError::Decode)?;
    let findings_max = text.findings_max;
    let question = question(text)?;
    let sql = question.statement.text.clone();
    let late = |_| {
        let target = target.name().to_owned();
        ExplainRefusal::Target(Error::NoAnswer { target, seconds: TIME_MAX.as_secs() })
    };
    let explained = timeout(TIME_MAX, observe::explain(target, &question)).await;
    let explained = explained.map_err(late).flatten().map_err(ExplainError::Refused)?;
    let failed = |_| ExplainError::Decode(DecodeError::Failed);
    let plan = explain::read(&explained.text).map_err(failed)?.pop();
    let plan = Arc::new(plan.ok_or(ExplainError::Decode(DecodeError::Failed))?);
    let sourced = SourcedPlan { plan, source: explained.source, read_at: Timestamp::now() };
    let (_, mut decoded) = judged(&request, sourced, findings_max);
    if explained.by_helper {
        decoded.gaps.push(not_executed());
    }
    Ok(DecodedPlan { statement: Some(sql), ..decoded })
}

/// What is missing where the function of `scripts/grants --explain` planned the statement.
fn not_executed() -> Gap {
    let detail = "dbopt's role may not read what the statement names: the function of scripts/grants --explain planned it, \
                  and ANALYZE is refused";
    Gap::new(Topic::PLANS.as_str(), GapReason::MissingPrivilege, detail)
        .lifted_by("GRANT SELECT on what it reads: scripts/grants --schema NAME")
}

fn question(text: StatementText) -> Result<ExplainQuestion, ExplainError> {
    let StatementText { sql, parameters, analyze, settings, allowed_functions, .. } = text;
    let statement = explainable(&sql).map_err(ExplainError::NotExplainable)?;
    let needed = statement.parameters;
    if analyze && !statement.reads_only {
        return Err(ExplainError::Changes);
    }
    if analyze && needed > 0 && parameters.is_empty() {
        return Err(ExplainError::Values(needed));
    }
    if !parameters.is_empty() && parameters.len() != needed as usize {
        return Err(ExplainError::Parameters { needed, given: parameters.len() });
    }
    let known = |name: &str| SETTINGS.contains(&name) || name.starts_with("enable_");
    if let Some((name, _)) = settings.iter().find(|(name, _)| !known(name)) {
        return Err(ExplainError::Setting(name.clone()));
    }
    Ok(ExplainQuestion { statement, parameters, analyze, settings, allowed_functions })
}

impl ExplainError {
    /// The field of the request that it is about.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::NotExplainable(_) => Some("sql"),
            Self::Parameters { .. } | Self::Values(_) => Some("parameters"),
            Self::Changes => Some("analyze"),
            Self::Setting(_) => Some("settings"),
            Self::Refused(_) | Self::Decode(_) => None,
        }
    }
}
