//! Settings as flags of the command line, generated from the list of settings.

use std::path::PathBuf;

/// What was given on the command line; `#[command(flatten)]` it into a clap command.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`, or `DBOPT_CONFIG`.
    pub config: Option<PathBuf>,
    /// Settings by name, as text.
    pub settings: Vec<(&'static str, String)>,
    /// `--target NAME=DSN`, as written.
    pub targets: Vec<String>,
}
