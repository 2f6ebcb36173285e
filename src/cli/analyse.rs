//! `dbopt analyse`, and a command for each superpower.

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::contracts::Contracts;
use super::options::{Options, Output};
use super::{Error, Outcome, print, render};
use crate::analysis::{self, Request};
use crate::model::{Analysis, Superpower};
use crate::pg::Target;

/// `dbopt analyse`.
#[derive(Debug, Args)]
pub(super) struct Analyse {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    contracts: Contracts,
}

impl Analyse {
    pub(super) async fn run(self) -> Result<Outcome, Error> {
        let mut request = self.options.request(None)?;
        request.contracts = self.contracts.read()?;
        report(&self.options, &request).await
    }
}

/// `dbopt hybrid-schema`.
#[derive(Debug, Args)]
pub(super) struct HybridSchema {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    contracts: Contracts,
    /// Share of calls from which on a key deserves a column (`hot_key_share`).
    #[arg(long, value_name = "SHARE")]
    threshold: Option<String>,
}

impl HybridSchema {
    pub(super) async fn run(self) -> Result<Outcome, Error> {
        let mut request = self.options.request(Some(Superpower::HybridSchema))?;
        request.contracts = self.contracts.read()?;
        if let Some(share) = &self.threshold {
            let usage = |mend| Error::Usage(format!("--threshold: {mend}"));
            request.set_threshold("hot_key_share", share).map_err(usage)?;
        }
        report(&self.options, &request).await
    }
}

/// `dbopt toast`.
#[derive(Debug, Args)]
pub(super) struct Toast {
    #[command(flatten)]
    options: Options,
    /// Share of the heap from which on a TOAST table is looked into (`toast_share_max`).
    #[arg(long, value_name = "SHARE")]
    alert_threshold: Option<String>,
}

impl Toast {
    pub(super) async fn run(self) -> Result<Outcome, Error> {
        let mut request = self.options.request(Some(Superpower::Toast))?;
        if let Some(share) = &self.alert_threshold {
            let usage = |mend| Error::Usage(format!("--alert-threshold: {mend}"));
            request.set_threshold("toast_share_max", share).map_err(usage)?;
        }
        report(&self.options, &request).await
    }
}

async fn report(options: &Options, request: &Request) -> Result<Outcome, Error> {
    let target = options.target()?;
    let workload = options.workload(&target).await?;
    let analysis = analyse(&target, &Request { workload, ..request.clone() }).await?;
    print(&render::analysis(&analysis, options.output.format))?;
    Ok(outcome(&analysis, &options.output))
}

/// Analyse once, with a sign of life on a terminal.
pub(super) async fn analyse(target: &Target, request: &Request) -> Result<Analysis, Error> {
    let bar = ProgressBar::new_spinner().with_message(format!("analysing {}", target.name()));
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    let analysis = analysis::analyse(target, request).await;
    bar.finish_and_clear();
    analysis.map_err(Error::Analysis)
}

fn outcome(analysis: &Analysis, output: &Output) -> Outcome {
    let bad = analysis.findings.iter().any(|finding| finding.severity >= output.fail_on);
    if bad { Outcome::Found } else { Outcome::Clean }
}
