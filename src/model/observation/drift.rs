//! How documents keep the contract of their column, counted over the sample. No value of any is in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a document breaks its contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// A key that must be there is not.
    MissingKey,
    /// A key that may not be there is.
    UnknownKey,
    /// A value is of another type.
    WrongType,
    /// A value is none of those that are allowed.
    NotAllowed,
    /// A number, a length or a count is out of its range.
    OutOfRange,
    /// A text does not match its pattern, or is not of its format.
    Malformed,
    /// Anything else that the contract says.
    Other,
}

impl DriftKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::MissingKey,
        Self::UnknownKey,
        Self::WrongType,
        Self::NotAllowed,
        Self::OutOfRange,
        Self::Malformed,
        Self::Other,
    ];

    /// The name in evidence and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingKey => "missing_key",
            Self::UnknownKey => "unknown_key",
            Self::WrongType => "wrong_type",
            Self::NotAllowed => "not_allowed",
            Self::OutOfRange => "out_of_range",
            Self::Malformed => "malformed",
            Self::Other => "other",
        }
    }
}

/// What breaks the contract at one path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftAt {
    /// The path: `a.b`, `a[]` for the elements of an array, `*` for keys that are data; empty for the document itself.
    pub path: String,
    /// Documents that break it there.
    pub documents: u64,
    /// These by how; one may break it in several ways.
    pub kinds: BTreeMap<DriftKind, u64>,
}

/// What a contract says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRule {
    /// It names it.
    Named,
    /// It says what keys lead to whatever they are called.
    Data,
    /// It says nothing of it.
    Open,
    /// It allows no such key.
    Forbidden,
}

/// How often a key occurs in a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPresence {
    /// Documents that have it.
    pub documents: u64,
    /// Groups of documents that were read one after the other in which one has it.
    pub groups: u64,
    /// What the contract says of it. The store's rows have it under its first name.
    #[serde(rename = "stance")]
    pub rule: KeyRule,
}

/// The keys of a sample that are names, and when it was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySample {
    /// When it was taken.
    pub observed_at: Timestamp,
    /// Documents that were read.
    pub documents: u64,
    /// Groups of documents that were read one after the other.
    pub groups: u64,
    /// Whether every row was read.
    pub complete: bool,
    /// Whether there were more keys than are counted separately.
    pub keys_left_out: bool,
    /// Each by its path.
    pub keys: BTreeMap<String, KeyPresence>,
}

/// How the documents of a sample keep the contract.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Documents that were judged.
    pub judged: u64,
    /// Documents of which it would have taken too long to know.
    pub unjudged: u64,
    /// Documents that break it.
    pub broken: u64,
    /// These by how; one may break it in several ways.
    pub kinds: BTreeMap<DriftKind, u64>,
    /// Where, the most frequent first.
    pub paths: Vec<DriftAt>,
    /// What was found at paths beyond those distinguished.
    pub paths_left_out: u64,
    /// The keys of the sample.
    pub keys: Option<KeySample>,
}

/// A contract that was registered, and what its column looked like before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnContract {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The earlier sample that new and vanished keys are found against, where there is one.
    pub before: Option<KeySample>,
}
