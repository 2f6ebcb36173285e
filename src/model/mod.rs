//! The values that flow from observing to advising. Pure: no I/O, no clock, no driver.

mod action;
mod analysis;
mod beginning;
mod capability;
mod case;
mod change;
mod count;
mod decoded_plan;
mod documents;
mod error;
mod evidence;
mod families;
mod finding;
mod gap;
mod identity;
mod key_column;
mod key_expression;
mod key_path;
mod name;
mod object;
pub mod observation;
mod percent;
mod policy;
pub mod pooler;
pub mod rate;
mod recommendation;
mod resolution;
mod scope;
pub mod size;
mod snapshot;
mod staging;
mod statement;
mod superpower;
pub mod toast;

pub use action::Action;
pub use analysis::{
    Analysis, CacheInfo, CacheStatus, Cost, MAJORS_SUPPORTED, ReportedFinding, Review, SCOPE,
    Server, SourceFix, TableCounts,
};
pub use beginning::beginning;
pub use capability::{Capabilities, CheckReadiness, ExtensionInfo, Privileges};
pub use case::Case;
pub use change::*;
pub use count::{counted, grouped, rounded};
pub use decoded_plan::{
    DecodedPlan, DecodedPlans, EstimateDirection, PlanChange, PlanComparison, PlanCondition,
    PlanNode, PlanSource, PlanSummary, PlanTrigger, RowsRemoved,
};
pub use documents::{DocumentKey, DocumentReport, DocumentSample, DocumentTotals, Extrapolated};
pub use error::UnknownName;
pub use evidence::{Evidence, Grade, Number, Unit};
pub use families::{Families, Family};
pub use finding::{Confidence, Declined, Finding, Judgement, Severity};
pub use gap::{Gap, GapReason, alter_role, alter_system, grant, grant_in};
pub use identity::{finding_id, recommendation_id};
pub use key_column::{catalog_key_text, key_text};
pub use key_expression::{Hop, KeyExpression, KeyOperators, text_of};
pub use key_path::{path_keys, print_key};
pub use name::{NAME_BYTES_MAX, QualifiedName, quote_identifier, quote_literal};
pub use object::{AffectedObject, Object};
pub use percent::percent;
#[cfg(test)]
pub(crate) use policy::READ as THRESHOLDS_READ;
pub use policy::{Policy, Threshold};
pub use recommendation::{
    Expected, Measurement, Proof, ProofKey, ProofMethod, ProofSample, Proposal, Recommendation,
    RecommendationState, Tried, Verdict,
};
pub use resolution::{
    PINNED, Pinned, catalog_operator, catalog_spelling, catalog_type, pinned_expression,
    pinned_index, text_literal, text_search_spelling,
};
pub use scope::{ProveMode, Scope};
pub use snapshot::{Observation, SNAPSHOT_FORMAT, Snapshot, Topic};
pub use staging::{Rebuild, StagingReport};
pub use statement::{Lock, Statement};
pub use superpower::Superpower;
