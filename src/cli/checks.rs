//! `dbopt checks` and `dbopt explain`.

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};

use super::{CommandOutcome, Error, print};
use crate::checks;

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
    table.set_header(["check", "finds", "thresholds"]);
    for check in checks::all() {
        let thresholds: Vec<String> =
            check.thresholds.iter().map(|t| format!("{}={}", t.name, t.default)).collect();
        table.add_row([check.id, check.title(), &thresholds.join("\n")]);
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
            "thresholds": check.thresholds.iter().map(threshold).collect::<Vec<_>>(),
        })
    };
    checks::all().map(check).collect()
}

/// `dbopt explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The check, such as toast/large-toast-share.
    check: String,
}

impl Explain {
    pub(super) fn run(self) -> Result<CommandOutcome, Error> {
        let check = checks::find(&self.check).map_err(|error| Error::Usage(error.to_string()))?;
        print(check.page)
    }
}
