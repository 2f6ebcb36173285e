//! The contract of a column's documents: as a sample shows it, a JSON Schema or models of Pydantic; and as someone
//! registered it, what documents are judged by. Pure.

mod identifier;
mod judge;
mod pydantic;
mod schema;
mod shape;

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{DocumentReport, UnknownName};
use shape::PathShape;

pub use judge::{
    Contract, DEPTH_MAX, PATTERNS_MAX, Registered, SCHEMA_BYTES_MAX, SCHEMAS_MAX, SchemaFault,
    Verdicts, names,
};

/// How a contract is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContractFormat {
    /// JSON Schema, draft 2020-12.
    JsonSchema,
    /// A Python module with models of Pydantic 2.
    Pydantic,
}

impl ContractFormat {
    /// Every format.
    pub const ALL: &[Self] = &[Self::JsonSchema, Self::Pydantic];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JsonSchema => "json-schema",
            Self::Pydantic => "pydantic",
        }
    }
}

impl std::str::FromStr for ContractFormat {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.iter().map(|format| format.as_str());
        let found = Self::ALL.iter().copied().find(|format| format.as_str() == name);
        found.ok_or_else(|| UnknownName::new("format", name, known))
    }
}

/// The contract of the documents that were reported.
pub fn contract(report: &DocumentReport, format: ContractFormat) -> String {
    let shape = PathShape::of(report);
    match format {
        ContractFormat::JsonSchema => schema::write(&shape, report),
        ContractFormat::Pydantic => pydantic::write(&shape, report),
    }
}

/// What is said on top of every contract.
fn preamble(report: &DocumentReport) -> String {
    let sample = &report.sample;
    let what = if sample.complete { "all" } else { "a sample" };
    format!(
        "Documents of {}, as {what} of its rows show them: {} of {:.0} were read.",
        report.object, sample.rows, sample.of_rows
    )
}
