//! The command line: the same engine and the same JSON as over HTTP, no server needed.

mod analyse;
mod baseline;
mod checks;
mod contracts;
mod demo;
mod error;
mod health;
mod keys;
mod logging;
mod options;
mod plan;
mod pool_plan;
mod project;
mod render;
mod review;
mod serve;
mod snapshot;
mod store;
mod superpower;

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::{self, Config, Flags};
use crate::http;

pub use error::Error;

/// Advice for PostgreSQL that can be trusted because it is proved.
#[derive(Debug, Parser)]
#[command(name = "dbopt", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 nothing found at or above --fail-on, 1 something, 2 could not run,\n\
                        or could not see what it was asked for.\n\
                        Try it on sample data: dbopt demo"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the HTTP API.
    Serve(serve::Serve),
    /// Start a PostgreSQL with a flawed sample warehouse, and serve its analyses.
    Demo(demo::DemoArgs),
    /// Analyse a database: all superpowers in one visit.
    #[command(visible_alias = "analyze")]
    Analyse(analyse::Analyse),
    /// One superpower.
    #[command(flatten)]
    One(superpower::One),
    /// Judge a snapshot that `dbopt analyse --snapshot` wrote; needs no server.
    Judge(snapshot::JudgeArgs),
    /// Review migrations before they run; needs no server.
    Review(review::ReviewArgs),
    /// List what can be found.
    Checks(checks::ChecksArgs),
    /// Explain a check: its page, with examples that are run as tests.
    Explain(checks::Explain),
    /// Make, list and revoke API keys.
    Keys(keys::KeysArgs),
    /// Bring the schema of the service's own database up to date.
    Migrate(store::Migrate),
    /// Print the OpenAPI document.
    Openapi,
    /// Print a completion script for a shell: `source <(dbopt completions bash)`.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Whether the service that is configured here is ready; for health checks of containers.
    Health(health::Health),
}

/// What became of a command that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandOutcome {
    /// Nothing to act on.
    Clean,
    /// Something at or above what was asked for.
    Found,
    /// Nothing to act on, but not everything that was asked for could be seen.
    Unseen,
}

/// Run the command line of this process.
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    // The service writes them to its log, in the form of that.
    if !matches!(command, Command::Serve(_)) {
        for warning in unknown_variables() {
            warn(&warning);
        }
    }
    match command.run() {
        Ok(CommandOutcome::Clean) => ExitCode::SUCCESS,
        Ok(CommandOutcome::Found) => ExitCode::from(1),
        Err(Error::Output { source }) if source.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        // The log says why.
        Ok(CommandOutcome::Unseen) | Err(Error::Logged) => ExitCode::from(2),
        Err(error) => {
            // Where standard error is closed there is no one to read it.
            let _ = writeln!(anstream::stderr(), "dbopt: {error}");
            ExitCode::from(2)
        }
    }
}

impl Command {
    fn run(self) -> Result<CommandOutcome, Error> {
        match self {
            Self::Serve(serve) => wait(serve.run()),
            Self::Demo(demo) => wait(demo.run()),
            Self::Analyse(analyse) => wait(analyse.run()),
            Self::One(one) => wait(one.run()),
            Self::Judge(judge) => judge.run(),
            Self::Review(review) => wait(review.run()),
            Self::Checks(list) => list.run(),
            Self::Explain(explain) => explain.run(),
            Self::Keys(keys) => wait(keys.run()),
            Self::Migrate(migrate) => wait(migrate.run()),
            Self::Openapi => print(&format!("{}\n", http::document())),
            Self::Completions { shell } => print(&completions(shell)),
            Self::Health(health) => wait(health.run()),
        }
    }
}

fn wait(
    work: impl Future<Output = Result<CommandOutcome, Error>>,
) -> Result<CommandOutcome, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Error::Runtime { source })?;
    let outcome = runtime.block_on(work);
    // Work on other threads whose result no one waits for must not keep the process from ending.
    runtime.shutdown_background();
    outcome
}

/// The script with which that shell completes our commands and flags.
fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dbopt", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Warnings of environment variables that begin like ours and are none.
fn unknown_variables() -> Vec<String> {
    config::unknown_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

/// The configuration of this process. What shows a password is used all the same, and warned of.
fn configured(flags: &Flags) -> Result<Config, Error> {
    for warning in flags.exposed() {
        warn(&warning);
    }
    config::load(flags).map_err(Error::Config)
}

/// The answer, on standard output; colours only on a terminal.
fn print(text: &str) -> Result<CommandOutcome, Error> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map(|()| CommandOutcome::Clean).map_err(|source| Error::Output { source })
}

/// A warning, on standard error.
fn warn(text: &str) {
    say(&format!("dbopt: warning: {text}"));
}

/// A line for a person who watches, on standard error.
fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
