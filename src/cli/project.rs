//! What `.dbopt.toml` in the working directory says, and what that does to an answer.

use std::path::Path;
use std::str::FromStr;

use clap::ValueEnum;

use super::baseline::Baseline;
use super::options::{FailOn, OutputFormat};
use super::{Error, warn};
use crate::analysis::{Request, Runner};
use crate::checks;
use crate::config::{self, PROJECT_FILE};
use crate::model::{Analysis, Object, ReportedFinding, Review, Superpower};

/// What the project has decided, understood.
#[derive(Debug, Default)]
pub(super) struct ProjectSettings {
    read: config::Project,
    pub(super) format: Option<OutputFormat>,
    pub(super) fail_on: Option<FailOn>,
    pub(super) runner: Option<Runner>,
    /// The findings to leave out.
    pub(super) baseline: Baseline,
}

impl ProjectSettings {
    /// That of the working directory; nothing where there is no file.
    pub(super) fn here() -> Result<Self, Error> {
        match std::fs::read_to_string(PROJECT_FILE) {
            Ok(text) => Self::of(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Config(config::Error::ReadFile {
                path: Path::new(PROJECT_FILE).to_owned(),
                source,
            })),
        }
    }

    fn of(text: &str) -> Result<Self, Error> {
        let read = config::Project::parse(text).map_err(|error| usage(&error))?;
        for ignored in &read.ignored {
            let is_known = ignored.check.parse::<Superpower>().is_ok()
                || ignored.check.starts_with("migration");
            if !is_known {
                checks::find(&ignored.check).map_err(|error| usage(&error))?;
            }
        }
        // A threshold of any superpower may stand there, whatever is asked for now.
        let mut all = Request::new(None);
        for (name, value) in &read.thresholds {
            all.set_threshold(name, value).map_err(|problem| usage(&problem))?;
        }
        let format = read.format.as_deref().map(|name| variant("format", name)).transpose()?;
        let fail_on = read.fail_on.as_deref().map(|name| variant("fail_on", name)).transpose()?;
        let runner = read.runner.as_deref().map(Runner::from_str).transpose();
        let runner = runner.map_err(|problem| usage(&format!("`runner`: {problem}")))?;
        Ok(Self { read, format, fail_on, runner, baseline: Baseline::default() })
    }

    /// Gives the thresholds that concern the request their values.
    pub(super) fn set_thresholds(&self, request: &mut Request) -> Result<(), Error> {
        let own: Vec<&str> = request.thresholds().iter().map(|threshold| threshold.name).collect();
        for (name, value) in
            self.read.thresholds.iter().filter(|(name, _)| own.contains(&name.as_str()))
        {
            request.set_threshold(name, value).map_err(|problem| usage(&problem))?;
        }
        Ok(())
    }

    /// Reads the findings to leave out from this file, or from that of the project.
    pub(super) fn read_baseline(&mut self, given: Option<&Path>) -> Result<(), Error> {
        let path = given.or(self.read.baseline.as_deref().map(Path::new));
        self.baseline = path.map_or_else(|| Ok(Baseline::default()), Baseline::read)?;
        Ok(())
    }

    /// Leaves out of an analysis what is ignored, and says how much that is.
    pub(super) fn ignore_in_analysis(&self, analysis: &mut Analysis) {
        let before = analysis.findings.len();
        analysis.keep(|finding| !self.covers(finding));
        self.say(before - analysis.findings.len());
    }

    /// The same of a review.
    pub(super) fn ignore_in_review(&self, review: &mut Review) {
        let before = review.findings.len();
        review.findings.retain(|finding| !self.covers(finding));
        self.say(before - review.findings.len());
    }

    fn covers(&self, finding: &ReportedFinding) -> bool {
        let today = jiff::Zoned::now().date();
        let names = names(&finding.object);
        let mut ignored = self.read.ignored.iter().filter(|ignored| !ignored.is_over(today));
        ignored.any(|ignored| ignored.covers(&finding.check, &names))
    }

    fn say(&self, left_out: usize) {
        if left_out > 0 {
            let findings = if left_out == 1 { "finding is" } else { "findings are" };
            warn(&format!("{left_out} {findings} left out, as {PROJECT_FILE} says"));
        }
        let today = jiff::Zoned::now().date();
        for over in self.read.ignored.iter().filter(|ignored| ignored.is_over(today)) {
            let until = over.until.map(|day| day.to_string()).unwrap_or_default();
            warn(&format!(
                "{PROJECT_FILE}: `{}` was ignored until {until}: {}",
                over.check, over.reason
            ));
        }
    }
}

/// The name of an object, and that of its table.
fn names(object: &Object) -> Vec<String> {
    let mut names = vec![object.to_string()];
    let fields = serde_json::to_value(object).unwrap_or_default();
    if let (Some(schema), Some(table)) = (fields["schema"].as_str(), fields["table"].as_str()) {
        let (schema, table) = (schema.to_owned(), table.to_owned());
        names.push(Object::Table { schema, table }.to_string());
    }
    names
}

fn variant<T: ValueEnum>(key: &str, name: &str) -> Result<T, Error> {
    T::from_str(name, false).map_err(|_| {
        let known = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
        usage(&format!("`{key}` must be one of {}", known.join(", ")))
    })
}

fn usage(problem: &dyn std::fmt::Display) -> Error {
    Error::Usage(format!("{PROJECT_FILE}: {problem}"))
}
