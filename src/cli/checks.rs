//! `dbopt checks` and `dbopt explain`.

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};

use super::{CommandOutcome, Error, print};
use crate::analysis::{REVIEW_RULES, ReviewRule};
use crate::checks;
use crate::model::UnknownName;

/// `dbopt checks`.
#[derive(Debug, Args)]
pub(super) struct ChecksArgs {
    /// How to print the list.
    #[arg(long, visible_alias = "output", value_enum, default_value_t = ListingFormat::Table)]
    format: ListingFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListingFormat {
    /// For people.
    Table,
    /// For machines: the id, title and thresholds of each check.
    Json,
}

impl ChecksArgs {
    pub(super) fn run(self) -> Result<CommandOutcome, Error> {
        match self.format {
            ListingFormat::Table => print(&format!("{}\n", table())),
            ListingFormat::Json => print(&format!("{:#}\n", json())),
        }
    }
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["check", "up to", "finds", "thresholds"]);
    for check in checks::all() {
        let thresholds: Vec<String> =
            check.thresholds.iter().map(|t| format!("{}={}", t.name, t.default)).collect();
        let finds = format!("{}. {}", check.title(), check.summary());
        table.add_row([check.id, check.worst.as_str(), &finds, &thresholds.join("\n")]);
    }
    for rule in REVIEW_RULES {
        let finds = format!("{}. {}", rule.title, rule.why);
        table.add_row([rule.id, rule.worst.as_str(), &finds, ""]);
    }
    table
}

fn json() -> serde_json::Value {
    let threshold = |threshold: &&crate::model::Threshold| {
        serde_json::json!({
            "name": threshold.name, "default": threshold.default, "unit": threshold.unit,
            "reason": threshold.reason,
        })
    };
    let check = |check: &checks::Check| {
        serde_json::json!({
            "id": check.id, "superpower": check.superpower, "title": check.title(),
            "severity_max": check.worst, "summary": check.summary(),
            "thresholds": check.thresholds.iter().map(threshold).collect::<Vec<_>>(),
        })
    };
    let rule = |rule: &ReviewRule| {
        serde_json::json!({
            "id": rule.id, "title": rule.title, "severity_max": rule.worst, "summary": rule.why,
            "thresholds": [],
        })
    };
    checks::all().map(check).chain(REVIEW_RULES.iter().map(rule)).collect()
}

/// `dbopt explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The check, such as toast/large-toast-share or migration/table-rewrite.
    check: String,
}

impl Explain {
    pub(super) fn run(self) -> Result<CommandOutcome, Error> {
        if let Ok(check) = checks::find(&self.check) {
            return print(check.page);
        }
        if let Some(rule) = REVIEW_RULES.iter().find(|rule| rule.id == self.check) {
            return print(&page(rule));
        }
        let ids = checks::all().map(|check| check.id).chain(REVIEW_RULES.iter().map(|r| r.id));
        Err(Error::Usage(UnknownName::new("check", &self.check, ids).to_string()))
    }
}

/// A rule of reviews as a page.
fn page(rule: &ReviewRule) -> String {
    let ReviewRule { id, worst, title, why, instead } = rule;
    format!(
        "# {title}\n\n{why}\n\n## What to do\n\n{instead}\n\n\
         Severity: {worst}; less on a table that is small, where `--dsn` shows its size. To accept one place, put \
         `-- dbopt-ignore {id} - REASON` before the statement.\n"
    )
}
