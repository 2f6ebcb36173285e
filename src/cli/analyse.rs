//! `dbopt analyse`, and what the commands of superpowers share with it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::contracts::Contracts;
use super::options::{Options, Output};
use super::{Error, Outcome, print, render, snapshot};
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

    /// How to show the answer.
    pub(super) fn output(&self) -> &Output {
        &self.options.selection.output
    }

    /// The database to look at.
    pub(super) fn target(&self) -> Result<Target, Error> {
        self.options.target()
    }

    /// Analyse, and print the answer.
    pub(super) async fn report(&self, request: &Request) -> Result<Outcome, Error> {
        let target = self.options.target()?;
        let workload = self.options.workload(&target).await?;
        let run = run(&target, &Request { workload, ..request.clone() }).await?;
        if let Some(path) = &self.snapshot {
            snapshot::write(path, &run.snapshot)?;
        }
        print(&render::analysis(&run.analysis, self.options.selection.output.format))?;
        Ok(outcome(&run.analysis, &self.options.selection.output))
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

pub(super) fn outcome(analysis: &Analysis, output: &Output) -> Outcome {
    let bad = analysis.findings.iter().any(|finding| finding.severity >= output.fail_on);
    if bad { Outcome::Found } else { Outcome::Clean }
}
