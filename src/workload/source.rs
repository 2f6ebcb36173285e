//! Where evidence comes from, and how much of it could be attributed.

use serde::{Deserialize, Serialize};

use super::stats::{CallStats, Share};

/// Where statements come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementSource {
    /// A server's log, uploaded or read where it lies: each execution was seen.
    Log,
    /// A list of statements that someone uploaded: its calls are what that person says.
    List,
    /// `pg_stat_activity`, sampled.
    Activity,
    /// `pg_stat_statements`: without keys that the server made parameters.
    StatStatements,
    /// Examples of `pg_qualstats`.
    Qualstats,
    /// Definitions of indexes, views, functions and columns: mentions without calls.
    Catalog,
}

/// How much of a source could be attributed to keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Everything in it.
    pub all: CallStats,
    /// That which was read, and whose every column was followed to its table.
    #[serde(default)]
    pub columns: CallStats,
    /// That which does something with documents.
    pub documents: CallStats,
    /// Of these, that whose every JSON operator was followed to its column.
    pub traced: CallStats,
    /// Of these, that whose keys are parameters in the application's text, and known from the log or not.
    pub bound: CallStats,
    /// Of these, that of which some key is not known.
    pub unknown_key: CallStats,
    /// Of documents, that which is traced and whose keys are all known.
    pub attributed: CallStats,
    /// Statements that were not understood; whether they use documents is not known.
    pub not_understood: CallStats,
}

impl Coverage {
    pub(super) fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.columns.add(&other.columns);
        self.documents.add(&other.documents);
        self.traced.add(&other.traced);
        self.bound.add(&other.bound);
        self.unknown_key.add(&other.unknown_key);
        self.attributed.add(&other.attributed);
        self.not_understood.add(&other.not_understood);
    }

    /// Of which share every column is known.
    pub fn columns_share(&self) -> Share {
        self.columns.share_of(&self.all)
    }

    /// Which share of what uses documents, or may, was attributed.
    pub fn attributed_share(&self) -> Share {
        self.attributed.share_of(&self.relevant())
    }

    /// Which share of what uses documents, or may, cannot be attributed.
    pub fn unattributed_share(&self) -> Share {
        let share = self.attributed_share();
        let rest = |share: Option<f64>| share.map(|share| 1.0 - share);
        Share { calls: rest(share.calls), time: rest(share.time) }
    }

    fn relevant(&self) -> CallStats {
        let mut relevant = self.documents;
        relevant.add(&self.not_understood);
        relevant
    }
}

impl StatementSource {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::List => "list",
            Self::Activity => "activity",
            Self::StatStatements => "stat_statements",
            Self::Qualstats => "qualstats",
            Self::Catalog => "catalog",
        }
    }

    /// Whether each of its entries is an execution that was seen.
    pub fn is_seen_one_by_one(self) -> bool {
        matches!(self, Self::Log | Self::Activity | Self::Qualstats)
    }
}
