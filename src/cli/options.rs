//! Options that every analysis shares.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};

use super::baseline::Baseline;
use super::project::ProjectSettings;
use super::{CommandOutcome, Error, say, warn};
use crate::analysis::{self, Ledger, LinePrefix, NO_FORMAT, Request, WorkloadIntake};
use crate::config;
use crate::model::observation::Workload;
use crate::model::{ProveMode, ReportedFinding, Severity, Superpower};
use crate::pg::{self, Target};

/// Bytes of a file that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What to analyse, and how to show it.
#[derive(Debug, Args)]
pub(super) struct AnalysisArgs {
    /// Database to analyse, as a URL or a keyword string; what it leaves out is taken from the PG*
    /// variables, the password from PGPASSWORD or ~/.pgpass.
    #[arg(long, value_name = "DSN", env = "DBOPT_DSN", hide_env_values = true)]
    dsn: Option<SecretString>,
    /// Database where experiments run: then nothing is written to the target. It must be reachable.
    #[arg(long, value_name = "DSN")]
    lab: Option<SecretString>,
    /// Plan and read tables although that runs functions of the database's own, with the rights of this role.
    #[arg(long)]
    trust_code: bool,
    /// How far to go in proving: none, cheap (no writes), or full (in temporary tables; waits).
    #[arg(long, default_value = "cheap", value_name = "MODE")]
    prove: ProveMode,
    /// What the application runs: a server log, or a list of statements as CSV or JSON, with their calls; repeatable.
    #[arg(long, value_name = "FILE")]
    workload: Vec<PathBuf>,
    /// The server's `log_line_prefix`, where --workload is a log as plain text whose lines do not show by themselves which
    /// number is the process: `psql -Atc 'show log_line_prefix'`.
    #[arg(long, value_name = "PREFIX", value_parser = LinePrefix::parse)]
    log_line_prefix: Option<LinePrefix>,
    #[command(flatten)]
    pub(super) selection: Selection,
}

/// What to judge, and how to show it.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Only this schema; repeatable.
    #[arg(long)]
    schema: Vec<String>,
    /// Only this table, NAME or SCHEMA.NAME; repeatable.
    #[arg(long)]
    table: Vec<String>,
    /// Only this check, or all checks of this superpower; repeatable. `dbopt checks` lists them.
    #[arg(long)]
    check: Vec<String>,
    /// Not this check, or none of this superpower's; repeatable.
    #[arg(long, value_name = "CHECK")]
    ignore: Vec<String>,
    /// The least severity to print: info, low, medium, high or critical.
    #[arg(long, value_name = "SEVERITY")]
    pub(super) severity_min: Option<Severity>,
    /// Another value for a threshold; repeatable. `dbopt checks` lists them.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    pub(super) output: Output,
}

/// How to show an analysis, and what to fail on.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// How to print the answer; a table, where .dbopt.toml says nothing else.
    #[arg(long, visible_alias = "output", value_enum)]
    format: Option<OutputFormat>,
    /// Exit with 1 where something of this severity or worse is found, whatever --severity-min hides; high, where
    /// .dbopt.toml says nothing else.
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
    /// Exit as if everything asked for had been seen, also where it was not.
    #[arg(long)]
    pub(super) allow_gaps: bool,
    /// Leave out the findings of this file, as long as they are not more severe than there.
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    baseline: Option<PathBuf>,
    /// Write the findings of now to this file, as a --baseline for later runs.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Show every object, every variant that is not advised, and its numbers.
    #[arg(long, short)]
    pub(super) verbose: bool,
}

/// The severity from which on a command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    Info,
    Low,
    Medium,
    High,
    Critical,
    /// Not because of a finding.
    Never,
}

impl FailOn {
    /// Whether a finding of that severity makes the command fail.
    fn covers(self, severity: Severity) -> bool {
        let least = match self {
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
            Self::Never => return false,
        };
        severity >= least
    }
}

impl Output {
    /// How to print the answer.
    pub(super) fn format(&self, project: &ProjectSettings) -> OutputFormat {
        self.format.or(project.format).unwrap_or(OutputFormat::Table)
    }

    /// What the repository says beside these options. A file that cannot be read is known before anything is looked at.
    pub(super) fn project(&self) -> Result<ProjectSettings, Error> {
        let mut project = ProjectSettings::here()?;
        if self.write_baseline.is_none() {
            project.read_baseline(self.baseline.as_deref())?;
        }
        Ok(project)
    }

    /// The findings to leave out; those of now, where they are to be written.
    pub(super) fn baseline(
        &self,
        project: &ProjectSettings,
        now: &[ReportedFinding],
    ) -> Result<Baseline, Error> {
        if let Some(path) = &self.write_baseline {
            let baseline = Baseline::of(now);
            baseline.write(path)?;
            let count = now.len();
            say(&format!("dbopt: wrote {count} findings to {}", path.display()));
            return Ok(baseline);
        }
        Ok(project.baseline.clone())
    }

    /// What becomes of a command that found these severities, and whether it saw what it was asked for. What was found is
    /// true either way, so it comes first.
    pub(super) fn outcome(
        &self,
        project: &ProjectSettings,
        mut found: impl Iterator<Item = Severity>,
        is_complete: bool,
    ) -> CommandOutcome {
        let fail_on = self.fail_on.or(project.fail_on).unwrap_or(FailOn::High);
        if found.any(|severity| fail_on.covers(severity)) {
            CommandOutcome::Found
        } else if is_complete || self.allow_gaps {
            CommandOutcome::Clean
        } else {
            CommandOutcome::Unseen
        }
    }
}

/// How to print an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    Table,
    /// As over HTTP.
    Json,
    /// For pull requests.
    Markdown,
    /// For code scanning.
    Sarif,
}

impl AnalysisArgs {
    /// The request these options make.
    pub(super) fn request(
        &self,
        superpower: Option<Superpower>,
        project: &ProjectSettings,
    ) -> Result<Request, Error> {
        Ok(Request { prove: self.prove, ..self.selection.request(superpower, project)? })
    }

    /// What the files say that the application runs; none where there are no files.
    pub(super) async fn workload(&self, target: &Target) -> Result<Option<Workload>, Error> {
        let mut total: Option<Ledger> = None;
        for path in &self.workload {
            let ledger = read(path, target, self.log_line_prefix.clone()).await?;
            match &mut total {
                None => total = Some(ledger),
                Some(total) => total.merge(ledger),
            }
        }
        Ok(total.as_ref().map(analysis::workload))
    }

    /// Refuses to go on where the lab cannot be reached, whether or not an experiment comes to it.
    pub(super) async fn reach_lab(&self, target: &Target) -> Result<(), Error> {
        let Some(lab) = target.lab() else { return Ok(()) };
        let reached = lab.session().await;
        reached.map_err(|error| Error::Analysis(analysis::Error::Target(error)))?.finish();
        if self.prove != ProveMode::Full {
            warn("--lab is used by --prove full only");
        }
        Ok(())
    }

    /// The database to analyse.
    pub(super) fn target(&self) -> Result<Target, Error> {
        self.warn_of_passwords();
        let target = target_of(self.dsn.as_ref(), self.lab.as_ref())?;
        Ok(target.trusting_code(self.trust_code))
    }
}

impl Selection {
    /// The request these options make, with nothing proved.
    pub(super) fn request(
        &self,
        superpower: Option<Superpower>,
        project: &ProjectSettings,
    ) -> Result<Request, Error> {
        let mut request = Request::new(superpower);
        request.scope.schemas.clone_from(&self.schema);
        request.scope.tables.clone_from(&self.table);
        let usage = |option: &str, problem: String| Error::Usage(format!("--{option}: {problem}"));
        for check in &self.check {
            request.add_checks(check).map_err(|problem| usage("check", problem))?;
        }
        for check in &self.ignore {
            request.drop_checks(check).map_err(|problem| usage("ignore", problem))?;
        }
        project.set_thresholds(&mut request)?;
        for text in &self.set {
            let (name, value) = text
                .split_once('=')
                .ok_or_else(|| usage("set", format!("write `{text}` as NAME=VALUE")))?;
            request.set_threshold(name, value).map_err(|problem| usage("set", problem))?;
        }
        Ok(request)
    }
}

impl AnalysisArgs {
    /// A DSN of the environment is no flag, and shows to no one.
    fn warn_of_passwords(&self) {
        let env = std::env::var("DBOPT_DSN").ok();
        let instead = "DBOPT_DSN, PGPASSWORD or ~/.pgpass";
        for (flag, dsn, instead) in
            [("dsn", &self.dsn, instead), ("lab", &self.lab, "PGPASSWORD or ~/.pgpass")]
        {
            let text = dsn.as_ref().map(ExposeSecret::expose_secret);
            let given = text.filter(|text| Some(*text) != env.as_deref() || flag == "lab");
            if given.is_some_and(config::holds_password) {
                warn(&config::exposed(flag, instead));
            }
        }
    }
}

/// The database of that DSN. It is called after itself, so that ids are the same on every run.
pub(super) fn target_of(
    dsn: Option<&SecretString>,
    lab: Option<&SecretString>,
) -> Result<Target, Error> {
    let env = |name: &str| std::env::var(name).ok();
    let complete = |dsn: Option<&SecretString>| {
        pg::completed(dsn.map(ExposeSecret::expose_secret), &env).map_err(Error::Usage)
    };
    let dsn = complete(dsn)?;
    let lab = lab.map(|lab| complete(Some(lab))).transpose()?;
    let parsed = pg::Dsn::parse(dsn.expose_secret())
        .map_err(|problem| Error::Usage(format!("the DSN is malformed: {problem}")))?;
    let config = parsed.config();
    let name = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    Target::open(name, &dsn, lab.as_ref())
        .map_err(|error| Error::Analysis(crate::analysis::Error::Target(error)))
}

/// Read a source of statements, however long it is.
async fn read(path: &Path, target: &Target, prefix: Option<LinePrefix>) -> Result<Ledger, Error> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        Error::Usage(format!("--workload: {shown} cannot be read: {error}"))
    };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let intake = WorkloadIntake::open(target, None, prefix).await.map_err(Error::Analysis)?;
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let length = file.read(&mut chunk).map_err(failed)?;
        if length == 0 {
            break;
        }
        chunk.truncate(length);
        intake.push(chunk.into()).await;
    }
    let (ledger, read) = intake.close().await;
    if read.format.is_some() {
        return Ok(ledger);
    }
    let why = read.refused.unwrap_or(NO_FORMAT);
    Err(Error::Usage(format!("--workload: {shown} is {why}")))
}
