//! An analysis as text: for people, for machines, for pull requests, for code scanning.

mod markdown;
mod plan;
mod pool_plan;
mod report;
mod review;
mod sarif;
mod table;
mod visible;
mod words;

use crate::cli::options::OutputFormat;
use crate::model::Analysis;

pub(super) use plan::plans;
pub(super) use pool_plan::planned;
pub(super) use review::{Sources, review};
pub(super) use table::worst;

/// The analysis in that format, a line feed at the end; `verbose` shows every object and every number to people.
pub(super) fn analysis(analysis: &Analysis, format: OutputFormat, verbose: bool) -> String {
    match format {
        OutputFormat::Table => visible::harmless(table::analysis(analysis, verbose)),
        OutputFormat::Json => json(analysis),
        OutputFormat::Markdown => visible::harmless(markdown::analysis(analysis, verbose)),
        OutputFormat::Sarif => sarif::analysis(analysis),
    }
}

fn json(analysis: &Analysis) -> String {
    let json = serde_json::to_string_pretty(analysis);
    json.unwrap_or_else(|_| unreachable!("an analysis is JSON")) + "\n"
}
