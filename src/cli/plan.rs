//! What `dbopt plan` can do beside an analysis: decode a plan from a file.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::options::Output;
use super::{Error, Outcome, print, render};
use crate::analysis::{self, DecodeError, FINDINGS_MAX, PlanText, Request};

/// Options of `dbopt plan` alone.
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// Decode this output of EXPLAIN, text, JSON, YAML or XML; `-` for standard input. Needs no server.
    #[arg(long, value_name = "FILE")]
    plan_file: Option<PathBuf>,
    /// Output of an earlier EXPLAIN of the same statement, to compare with.
    #[arg(long, value_name = "FILE", requires = "plan_file")]
    before: Option<PathBuf>,
    /// Show a plan that is cut off as far as it can be read.
    #[arg(long, requires = "plan_file")]
    partial: bool,
    /// Findings of each plan at most, those with the most time at stake.
    #[arg(long, value_name = "NUMBER", default_value_t = FINDINGS_MAX)]
    findings_max: usize,
}

impl Decode {
    /// Whether a plan is to be decoded rather than a database analysed.
    pub(super) fn is_asked(&self) -> bool {
        self.plan_file.is_some()
    }

    pub(super) async fn run(self, request: Request, output: &Output) -> Result<Outcome, Error> {
        let Some(file) = &self.plan_file else {
            return Err(Error::Usage("--plan-file: a file is needed".to_owned()));
        };
        let text = PlanText {
            plan: read(file, "plan-file")?,
            before: self.before.as_deref().map(|file| read(file, "before")).transpose()?,
            partial: self.partial,
            findings_max: self.findings_max.max(1),
        };
        let decoded = analysis::decode(request, text).await.map_err(|error| self.usage(&error))?;
        print(&render::plans(&decoded, output.format))?;
        let mut findings = decoded.plans().iter().flat_map(|plan| &plan.findings);
        let bad = findings.any(|finding| finding.severity >= output.fail_on);
        Ok(if bad { Outcome::Found } else { Outcome::Clean })
    }

    fn usage(&self, error: &DecodeError) -> Error {
        let lift = match error {
            DecodeError::Unreadable { .. } if !self.partial => {
                "; --partial shows what can be read before that"
            }
            _ => "",
        };
        let option = if error.field() == Some("before") { "before" } else { "plan-file" };
        Error::Usage(format!("--{option}: {error}{lift}"))
    }
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
