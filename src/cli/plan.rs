//! What `dbopt plan` can do beside an analysis: decode a plan from a file, or that of a statement.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::analyse::Analyse;
use super::project::ProjectSettings;
use super::{CommandOutcome, Error, print, render};
use crate::analysis::{
    self, DecodeError, ExplainError, ExplainRefusal, FINDINGS_MAX, PlanText, Request, StatementText,
};
use crate::config::is_qualified_name;
use crate::model::DecodedPlans;

/// Options of `dbopt plan` alone.
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// Decode this output of EXPLAIN, text, JSON, YAML or XML; `-` for standard input. Needs no server.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "write_baseline"])]
    plan_file: Option<PathBuf>,
    /// Output of an earlier EXPLAIN of the same statement, to compare with.
    #[arg(long, value_name = "FILE", requires = "plan_file", conflicts_with = "query_file")]
    before: Option<PathBuf>,
    /// Show a plan that is cut off as far as it can be read.
    #[arg(long, requires = "plan_file", conflicts_with = "query_file")]
    partial: bool,
    /// Explain the statement in this file on the database; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan_file", "baseline", "write_baseline"])]
    query_file: Option<PathBuf>,
    /// Value of `$1`, `$2` and so on; repeatable. Without values the plan is that for any values.
    // What is required is not asked for where it conflicts with what is given, hence the conflict.
    #[arg(
        long,
        value_name = "VALUE",
        requires = "query_file",
        conflicts_with = "plan_file",
        allow_hyphen_values = true
    )]
    parameter: Vec<String>,
    /// Execute the statement: a SELECT that calls nothing volatile but what --allow-function names.
    #[arg(long, requires = "query_file", conflicts_with = "plan_file")]
    analyze: bool,
    /// Function that --analyze may execute although it is volatile, with its schema; repeatable.
    #[arg(long, value_name = "SCHEMA.NAME", requires = "analyze", value_parser = qualified)]
    allow_function: Vec<String>,
    /// Findings of each plan at most, those with the most time at stake.
    #[arg(long, value_name = "NUMBER", default_value_t = FINDINGS_MAX)]
    findings_max: usize,
    /// A file without its option.
    #[arg(hide = true, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Decode {
    /// Whether a plan is to be decoded rather than a database analysed.
    pub(super) fn is_given(&self) -> bool {
        self.plan_file.is_some() || self.query_file.is_some() || self.file.is_some()
    }

    pub(super) async fn run(
        self,
        request: Request,
        analyse: &Analyse,
        project: &ProjectSettings,
    ) -> Result<CommandOutcome, Error> {
        if let Some(file) = &self.file {
            let file = file.display();
            let how = format!(
                "`{file}` has no option: --plan-file {file} decodes a plan, --query-file {file} explains a statement"
            );
            return Err(Error::Usage(how));
        }
        let output = analyse.output();
        let decoded = match (&self.plan_file, &self.query_file) {
            (Some(file), _) => self.decode(file, request).await?,
            (None, Some(file)) => self.explain(file, request, analyse).await?,
            (None, None) => {
                return Err(Error::Usage("--plan-file or --query-file is needed".to_owned()));
            }
        };
        print(&render::plans(&decoded, output.format(project)))?;
        let findings = decoded.plans().iter().flat_map(|plan| &plan.findings);
        // A plan that was read is all that was asked for; its gaps are what a fuller EXPLAIN would show.
        Ok(output.outcome(project, findings.map(|finding| finding.severity), true))
    }

    async fn decode(&self, file: &Path, request: Request) -> Result<DecodedPlans, Error> {
        let text = PlanText {
            plan: read(file, "plan-file")?,
            before: self.before.as_deref().map(|file| read(file, "before")).transpose()?,
            partial: self.partial,
            findings_max: self.findings_max.max(1),
        };
        analysis::decode(request, text).await.map_err(|error| self.usage(&error))
    }

    async fn explain(
        &self,
        file: &Path,
        request: Request,
        analyse: &Analyse,
    ) -> Result<DecodedPlans, Error> {
        let text = StatementText {
            sql: read(file, "query-file")?,
            parameters: self.parameter.iter().cloned().map(Some).collect(),
            analyze: self.analyze,
            settings: Vec::new(),
            allowed_functions: self.allow_function.iter().cloned().collect(),
            findings_max: self.findings_max.max(1),
        };
        let target = analyse.target()?;
        let explained = analysis::explain(&target, request, text).await;
        let explained = explained.map_err(|error| match error {
            ExplainError::Refused(ExplainRefusal::Target(error)) => {
                Error::Analysis(analysis::Error::Target(error))
            }
            error => Error::Usage(format!("--query-file: {error}")),
        })?;
        Ok(DecodedPlans::One(Box::new(explained)))
    }

    fn usage(&self, error: &DecodeError) -> Error {
        let lift = match error {
            // Where nothing was read, nothing is to be shown.
            DecodeError::Unreadable { line, column, .. }
                if !self.partial && (*line, *column) > (1, 1) =>
            {
                "; --partial shows what can be read before that"
            }
            _ => "",
        };
        let option = if error.field() == Some("before") { "before" } else { "plan-file" };
        Error::Usage(format!("--{option}: {error}{lift}"))
    }
}

/// A name with its schema.
fn qualified(name: &str) -> Result<String, &'static str> {
    is_qualified_name(name)
        .then(|| name.to_owned())
        .ok_or("a function is named with its schema, such as pg_catalog.random")
}

/// A file, or standard input.
fn read(path: &Path, option: &str) -> Result<String, Error> {
    let failed =
        |error| Error::Usage(format!("--{option}: {} cannot be read: {error}", path.display()));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map_err(failed)?;
    } else {
        bytes = std::fs::read(path).map_err(failed)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
