//! `dbopt judge`: a snapshot that was kept, judged without a server.

use std::path::{Path, PathBuf};

use clap::Args;

use super::options::Selection;
use super::{CommandOutcome, Error, analyse};
use crate::analysis;
use crate::model::{SNAPSHOT_FORMAT, Snapshot, Superpower};

/// `dbopt judge`.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// What `dbopt analyse --snapshot` wrote.
    file: PathBuf,
    /// Only this superpower.
    #[arg(long)]
    superpower: Option<Superpower>,
    #[command(flatten)]
    selection: Selection,
}

impl JudgeArgs {
    pub(super) fn run(self) -> Result<CommandOutcome, Error> {
        let project = self.selection.output.project()?;
        let request = self.selection.request(self.superpower, &project)?;
        let snapshot = read(&self.file)?;
        let name =
            self.file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into());
        let analysis = analysis::judge_snapshot(&name, &request, &snapshot);
        analyse::report(analysis, None, &self.selection, &project)
    }
}

/// Write a snapshot.
pub(super) fn write(path: &Path, snapshot: &Snapshot) -> Result<(), Error> {
    let text =
        serde_json::to_vec_pretty(snapshot).map_err(|error| usage("--snapshot", path, error))?;
    std::fs::write(path, text).map_err(|error| usage("--snapshot", path, error))
}

fn read(path: &Path) -> Result<Snapshot, Error> {
    let text = std::fs::read(path).map_err(|error| usage("judge", path, error))?;
    let value: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| usage("judge", path, format!("not JSON: {error}")))?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(SNAPSHOT_FORMAT) => {}
        Some(format) if format < u64::from(SNAPSHOT_FORMAT) => {
            let problem = format!(
                "format {format} is older than this dbopt reads, which is {SNAPSHOT_FORMAT}: take the snapshot again"
            );
            return Err(usage("judge", path, problem));
        }
        Some(format) => {
            let problem = format!(
                "format {format} is newer than this dbopt reads, which is {SNAPSHOT_FORMAT}"
            );
            return Err(usage("judge", path, problem));
        }
        None => return Err(usage("judge", path, "not a snapshot of `dbopt analyse --snapshot`")),
    }
    serde_json::from_value(value).map_err(|error| usage("judge", path, error))
}

fn usage(what: &str, path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::Usage(format!("{what}: {}: {problem}", path.display()))
}
