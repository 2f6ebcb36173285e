//! Observe, judge, prove, advise: the only place where the steps meet.

use crate::model::{Analysis, Capabilities, Policy, ProveMode, Scope, Superpower};
use crate::pg::{self, Target};

/// What to analyse, and how far to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The superpowers to run; all of them is `analysis`.
    pub superpowers: Vec<Superpower>,
    /// What to narrow it to.
    pub scope: Scope,
    /// How far to go in proving.
    pub prove: ProveMode,
    /// Thresholds that differ from the defaults.
    pub policy: Policy,
}

/// Why there is no analysis at all. What could not be seen of a target that answers is a gap instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The target could not be used.
    #[error(transparent)]
    Target(pg::Error),
}

/// Analyse a target once.
pub async fn analyse(target: &Target, request: &Request) -> Result<Analysis, Error> {
    let _ = (target, request);
    unimplemented!("being written")
}

/// What can be seen and done on a target.
pub async fn capabilities(target: &Target) -> Result<Capabilities, Error> {
    let _ = target;
    unimplemented!("being written")
}
