//! `dbopt review`.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::options::{Output, target_of};
use super::render::Sources;
use super::{CommandOutcome, Error, print, render, warn};
use crate::analysis::{self, Runner, SqlFile};
use crate::model::{Gap, GapReason};

/// `dbopt review`.
#[derive(Debug, Args)]
pub(super) struct ReviewArgs {
    /// Files of SQL, or folders of them; `-` for standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Database the migrations will run on: findings then say how long its tables are blocked, and nothing is said of rows that
    /// its constraints prove already.
    #[arg(long, value_name = "DSN", env = "DBOPT_DSN", hide_env_values = true)]
    dsn: Option<SecretString>,
    /// What runs the migrations: some send a file in one transaction, where some statements fail. One of psql,
    /// psql-single-transaction, sqitch, golang-migrate, prisma, flyway, liquibase, alembic, django, rails, dbmate, goose,
    /// sql-migrate, node-pg-migrate, sqlx, diesel, refinery, drizzle, atlas, tern, supabase.
    /// psql, where .dbopt.toml says nothing else.
    #[arg(long, value_name = "RUNNER", env = "DBOPT_RUNNER")]
    runner: Option<Runner>,
    #[command(flatten)]
    output: Output,
}

impl ReviewArgs {
    pub(super) async fn run(self) -> Result<CommandOutcome, Error> {
        let project = self.output.project()?;
        let runner = self.runner.or(project.runner).unwrap_or_default();
        let mut read = Files::default();
        for path in &self.paths {
            let before = read.count();
            read.add(path)?;
            if read.count() == before {
                read.found_nothing(path);
            }
        }
        let target = self.dsn.as_ref().map(|dsn| target_of(Some(dsn), None)).transpose()?;
        let of_file = |file: &SqlFile| (file.path.clone(), file.sql.clone());
        let sources: Sources = read.files.iter().map(of_file).collect();
        let reviewed = analysis::review(target.as_ref(), read.files, runner).await;
        let mut reviewed = reviewed.map_err(Error::Analysis)?;
        reviewed.gaps.extend(read.gaps);
        project.ignore_in_review(&mut reviewed);
        let baseline = self.output.baseline(&project, &reviewed.findings)?;
        reviewed.findings.retain(|finding| !baseline.covers(finding));
        print(&render::review(&reviewed, &sources, self.output.format(&project)))?;
        let found = reviewed.findings.iter().map(|found| found.severity);
        let outcome = self.output.outcome(&project, found, reviewed.gaps.is_empty());
        if outcome == CommandOutcome::Unseen {
            warn("not everything could be reviewed (see the gaps); --allow-gaps accepts that");
        }
        Ok(outcome)
    }
}

/// What was read, in order.
#[derive(Default)]
struct Files {
    files: Vec<SqlFile>,
    gaps: Vec<Gap>,
}

impl Files {
    /// A file, or those of a folder in the order of their versions, as runners do.
    fn add(&mut self, path: &Path) -> Result<(), Error> {
        if path == Path::new("-") {
            let mut sql = String::new();
            let read = std::io::stdin().read_to_string(&mut sql);
            read.map_err(|error| Error::Usage(format!("standard input cannot be read: {error}")))?;
            self.files.push(SqlFile { path: "-".to_owned(), sql });
            return Ok(());
        }
        let failed = |error| Error::Usage(format!("{} cannot be read: {error}", path.display()));
        if !std::fs::metadata(path).map_err(failed)?.is_dir() {
            return self.add_file(path);
        }
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
            .map_err(failed)?;
        entries.sort_by_cached_key(|entry| run_order(entry));
        for entry in entries {
            // Links are not followed: they may lead in circles.
            let kind = entry.symlink_metadata().map_err(failed)?.file_type();
            if kind.is_dir() || kind.is_file() && has_extension(&entry, "sql") {
                self.add(&entry)?;
            }
        }
        Ok(())
    }

    /// How much is known to be reviewed, or not to be.
    fn count(&self) -> usize {
        self.files.len() + self.gaps.len()
    }

    /// A folder without SQL was not looked at: someone may have named another than was meant.
    fn found_nothing(&mut self, folder: &Path) {
        let detail = format!("{} was not reviewed: it holds no file of SQL", folder.display());
        let gap = Gap::new("source", GapReason::NotEnoughEvidence, detail);
        let remedy =
            "name a folder of .sql files; of Alembic, print its SQL: alembic upgrade HEAD --sql";
        self.gaps.push(gap.lifted_by(remedy));
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        if has_extension(path, "py") {
            let detail = format!("{} was not reviewed: only SQL is read so far", path.display());
            let gap = Gap::new("source", GapReason::NotEnoughEvidence, detail);
            self.gaps.push(gap.lifted_by("print its SQL: alembic upgrade HEAD --sql"));
            return Ok(());
        }
        let bytes = std::fs::read(path);
        let bytes = bytes
            .map_err(|error| Error::Usage(format!("{} cannot be read: {error}", path.display())))?;
        let sql = String::from_utf8_lossy(&bytes).into_owned();
        self.files.push(SqlFile { path: path.display().to_string(), sql });
        Ok(())
    }
}

/// What orders files and folders: the numbers of a version, `V1_10__name` or `0009_name`, and then the name. What has no version
/// comes last: Flyway runs what is repeatable after all versions.
fn run_order(path: &Path) -> (bool, Vec<u64>, OsString) {
    let name = path.file_name().unwrap_or_default().to_owned();
    let text = name.to_string_lossy();
    let version = text.strip_prefix(['V', 'v']).unwrap_or(&text);
    let parts = version.split("__").next().unwrap_or_default().split(['_', '.', '-']);
    let numbers: Vec<u64> = parts.map_while(|part| part.parse().ok()).collect();
    (numbers.is_empty(), numbers, name)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(names: &[&str]) -> Vec<String> {
        let mut paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        paths.sort_by_cached_key(|path| run_order(path));
        paths.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn versions_are_ordered_by_their_numbers_and_names_by_their_letters() {
        for in_order in [
            ["V1__first.sql", "V1_4__more.sql", "V1_10__most.sql", "V2__next.sql", "R__views.sql"],
            ["1_a.up.sql", "9_b.up.sql", "10_c.up.sql", "11_2fa.up.sql", "100_d.up.sql"],
            ["0001_a", "0002_b", "20240101120000_c", "20240101120001_b", "20240102120000_a"],
            ["a.sql", "b.sql", "b2.sql", "c.sql", "vault.sql"],
        ] {
            let mut shuffled = in_order;
            shuffled.reverse();
            assert_eq!(ordered(&shuffled), in_order);
        }
    }
}
