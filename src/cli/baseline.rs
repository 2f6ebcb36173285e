//! A baseline: the findings that a repository had when it began to use dbopt. What stands there is no news, and makes no command fail.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::model::{ReportedFinding, Severity};

/// The file, by the id of each finding: an id is the same on every run.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    findings: BTreeMap<String, BaselineEntry>,
}

/// A finding, for those who read the file in a review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineEntry {
    check: String,
    object: String,
    severity: Severity,
}

impl Baseline {
    /// What stands in that file.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let problem = |problem: &dyn std::fmt::Display| {
            Error::Usage(format!("--baseline: {}: {problem}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| problem(&error))?;
        serde_json::from_str(&text).map_err(|error| problem(&error))
    }

    /// These findings.
    pub(super) fn of(findings: &[ReportedFinding]) -> Self {
        let entry = findings.iter().map(|finding| {
            let entry = BaselineEntry {
                check: finding.check.clone(),
                object: finding.object.to_string(),
                severity: finding.severity,
            };
            (finding.id.clone(), entry)
        });
        Self { findings: entry.collect() }
    }

    /// Replace the file.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self);
        let text = text.unwrap_or_else(|_| unreachable!("a baseline is JSON")) + "\n";
        let written = std::fs::write(path, text);
        written
            .map_err(|error| Error::Usage(format!("--write-baseline: {}: {error}", path.display())))
    }

    /// Whether the finding stands there, no less severe than it is now.
    pub(super) fn covers(&self, finding: &ReportedFinding) -> bool {
        self.findings.get(&finding.id).is_some_and(|entry| finding.severity <= entry.severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Finding, Object};

    fn finding(id: &str, severity: Severity) -> ReportedFinding {
        let object = Object::Table { schema: "app".to_owned(), table: "orders".to_owned() };
        let finding = Finding::new("toast/bloated-toast", object, severity, "a message");
        ReportedFinding::new(id.to_owned(), finding, Vec::new())
    }

    #[test]
    fn what_stands_in_the_file_is_no_news_until_it_gets_worse() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baseline.json");
        Baseline::of(&[finding("f_1", Severity::Medium)]).write(&path).unwrap();
        let baseline = Baseline::read(&path).unwrap();
        assert!(baseline.covers(&finding("f_1", Severity::Medium)));
        assert!(baseline.covers(&finding("f_1", Severity::Low)));
        assert!(!baseline.covers(&finding("f_1", Severity::High)));
        assert!(!baseline.covers(&finding("f_2", Severity::Low)));
        std::fs::write(&path, "{\"finding\": {}}").unwrap();
        let error = Baseline::read(&path).unwrap_err().to_string();
        assert!(error.contains("--baseline") && error.contains("baseline.json"), "{error}");
    }
}
