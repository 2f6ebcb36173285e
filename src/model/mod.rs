//! The values that flow from observing to advising. Pure: no I/O, no clock, no driver.

mod action;
mod analysis;
mod capability;
mod documents;
mod error;
mod evidence;
mod finding;
mod gap;
mod identity;
mod key_column;
mod key_expression;
mod name;
mod object;
pub mod observation;
mod policy;
mod recommendation;
mod scope;
mod snapshot;
mod statement;
mod superpower;

pub use action::{
    Action, AdoptedKey, Compression, IndexedKey, Member, MemberKind, Partition, Promotion,
    Renaming, Rewrite, RewriteOf, Storage, ToastAutovacuum,
};
pub use analysis::{Analysis, CacheInfo, CacheStatus, Cost, ReportedFinding, Review, Server};
pub use capability::{Capabilities, CheckReadiness, ExtensionInfo, Privileges};
pub use documents::{DocumentKey, DocumentReport, DocumentSample, DocumentTotals, Extrapolated};
pub use error::UnknownName;
pub use evidence::{Evidence, Grade, Number, Unit};
pub use finding::{Confidence, Declined, Finding, Judgement, Severity};
pub use gap::{Gap, GapReason};
pub use identity::{finding_id, recommendation_id};
pub use key_column::{key_assignment, key_text};
pub use key_expression::{KeyExpression, Reached, text_of};
pub use name::{NAME_BYTES_MAX, QualifiedName, quote_identifier, quote_literal};
pub use object::Object;
pub use policy::{Policy, Threshold};
pub use recommendation::{
    Expected, Measurement, Proof, ProofMethod, ProofSample, Recommendation, RecommendationState,
    Tried, Verdict,
};
pub use scope::{ProveMode, Scope};
pub use snapshot::{Observation, Snapshot, Topic};
pub use statement::{Lock, Statement};
pub use superpower::Superpower;
