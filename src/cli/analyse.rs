//! `dbopt analyse`, and what the commands of superpowers share with it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::contracts::Contracts;
use super::options::{AnalysisArgs, Output, Selection};
use super::project::ProjectSettings;
use super::{CommandOutcome, Error, print, render, snapshot, warn};
use crate::analysis::{self, Request, Run};
use crate::model::{Analysis, Superpower};
use crate::pg::Target;
use crate::pool::{PoolInputs, PoolPlan};

/// Options of `dbopt analyse`, and of the command of each superpower.
#[derive(Debug, Args)]
pub(super) struct Analyse {
    #[command(flatten)]
    options: AnalysisArgs,
    #[command(flatten)]
    contracts: Contracts,
    /// Also write what the visit saw to this file, without literals or values; `dbopt judge` judges it again.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
}

impl Analyse {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        let project = self.output().project()?;
        let request = self.request(None, &project)?;
        self.report(&request, &project, None).await
    }

    /// What these options ask of a superpower, or of all.
    pub(super) fn request(
        &self,
        superpower: Option<Superpower>,
        project: &ProjectSettings,
    ) -> Result<Request, Error> {
        let mut request = self.options.request(superpower, project)?;
        request.contracts = self.contracts.read()?;
        if !request.contracts.is_empty() && !request.covers(Superpower::HybridSchema) {
            let problem =
                "--contract: documents are judged by `dbopt hybrid-schema` and `dbopt analyse`";
            return Err(Error::Usage(problem.to_owned()));
        }
        Ok(request)
    }

    /// How to show the answer.
    pub(super) fn output(&self) -> &Output {
        &self.options.selection.output
    }

    /// The database to look at.
    pub(super) fn target(&self) -> Result<Target, Error> {
        self.options.target()
    }

    /// Analyse, and print the answer; where something is known of a service, with a plan of its pools.
    pub(super) async fn report(
        &self,
        request: &Request,
        project: &ProjectSettings,
        pool_inputs: Option<&PoolInputs>,
    ) -> Result<CommandOutcome, Error> {
        let target = self.options.target()?;
        self.options.reach_lab(&target).await?;
        let workload = self.options.workload(&target).await?;
        let with_workload = Request { workload: workload.clone(), ..request.clone() };
        let run = Box::pin(run(&target, &with_workload)).await?;
        if let Some(path) = &self.snapshot {
            snapshot::write(path, &run.snapshot)?;
        }
        let plan = match pool_inputs {
            None => None,
            Some(pool_inputs) => {
                let policy = &request.policy;
                let plan = analysis::pool_plan(&target, pool_inputs, policy, workload).await;
                Some(plan.map_err(Error::Analysis)?)
            }
        };
        report(run.analysis, plan.as_ref(), &self.options.selection, project)
    }
}

/// Analyse once, with a sign of life on a terminal.
pub(super) async fn run(target: &Target, request: &Request) -> Result<Run, Error> {
    let bar = ProgressBar::new_spinner().with_message(format!("analysing {}", target.name()));
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    let run = analysis::run(target, request).await;
    bar.finish_and_clear();
    run.map_err(Error::Analysis)
}

/// Print the analysis as asked for, with a plan of pools where there is one. What makes the command fail is judged before anything is hidden.
pub(super) fn report(
    mut analysis: Analysis,
    plan: Option<&PoolPlan>,
    selection: &Selection,
    project: &ProjectSettings,
) -> Result<CommandOutcome, Error> {
    project.ignore_in_analysis(&mut analysis);
    let baseline = selection.output.baseline(project, &analysis.findings)?;
    analysis.keep(|finding| !baseline.covers(finding));
    let found = analysis.findings.iter().map(|finding| finding.severity);
    // What a lock or a time limit hid this time is no pass either.
    let saw = analysis.saw_scope() && !analysis.is_passing;
    let outcome = selection.output.outcome(project, found, saw);
    if let Some(least) = selection.severity_min {
        analysis.keep_from(least);
    }
    let (format, verbose) = (selection.output.format(project), selection.output.verbose);
    print(&match plan {
        None => render::analysis(&analysis, format, verbose),
        Some(plan) => render::planned(&analysis, plan, format, verbose),
    })?;
    if outcome == CommandOutcome::Unseen {
        warn("not everything asked for could be seen (see the gaps); --allow-gaps accepts that");
    }
    Ok(outcome)
}
