//! What a check is given.

use super::{Policy, Snapshot};

/// Everything a check may know: pure, and made of values that can be kept.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What this visit saw, the workload and contracts beside it.
    pub snapshot: &'a Snapshot,
    /// What earlier visits saw, the newest first. Empty where none is kept.
    pub earlier: &'a [Snapshot],
    /// Thresholds in force.
    pub policy: &'a Policy,
}
