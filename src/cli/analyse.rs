//! `dbopt analyse`, and what the commands of superpowers share with it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::contracts::Contracts;
use super::options::{Options, Selection};
use super::{Error, Outcome, print, render, snapshot, warn};
use crate::analysis::{self, Request, Run};
use crate::model::{Analysis, Superpower};
use crate::pg::Target;

/// Options of `dbopt analyse`, and of the command of each superpower.
#[derive(Debug, Args)]
pub(super) struct Analyse {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    contracts: Contracts,
    /// Also write what the visit saw to this file, without literals or values; `dbopt judge` judges it again.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
}

impl Analyse {
    pub(super) async fn run(self) -> Result<Outcome, Error> {
        let request = self.request(None)?;
        self.report(&request).await
    }

    /// What these options ask of a superpower, or of all.
    pub(super) fn request(&self, superpower: Option<Superpower>) -> Result<Request, Error> {
        let mut request = self.options.request(superpower)?;
        request.contracts = self.contracts.read()?;
        if !request.contracts.is_empty() && !request.covers(Superpower::HybridSchema) {
            let problem =
                "--contract: documents are judged by `dbopt hybrid-schema` and `dbopt analyse`";
            return Err(Error::Usage(problem.to_owned()));
        }
        Ok(request)
    }

    /// Analyse, and print the answer.
    pub(super) async fn report(&self, request: &Request) -> Result<Outcome, Error> {
        let target = self.options.target()?;
        let workload = self.options.workload(&target).await?;
        let run = run(&target, &Request { workload, ..request.clone() }).await?;
        if let Some(path) = &self.snapshot {
            snapshot::write(path, &run.snapshot)?;
        }
        report(run.analysis, &self.options.selection)
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

/// Print the analysis as asked for. What makes the command fail is judged before anything is hidden.
pub(super) fn report(mut analysis: Analysis, selection: &Selection) -> Result<Outcome, Error> {
    let found = analysis.findings.iter().map(|finding| finding.severity);
    // What a lock or a time limit hid this time is no pass either.
    let saw = analysis.saw_scope() && !analysis.is_passing;
    let outcome = selection.output.outcome(found, saw);
    if let Some(least) = selection.severity_min {
        analysis.keep_from(least);
    }
    print(&render::analysis(&analysis, selection.output.format, selection.output.verbose))?;
    if outcome == Outcome::Unseen {
        warn("not everything asked for could be seen (see the gaps); --allow-gaps accepts that");
    }
    Ok(outcome)
}
