//! What nodes take of a statement's time.

use crate::model::{Case, Severity, Threshold, Unit};

pub(in crate::checks::plan) static TIME_SHARE_MIN: Threshold = Threshold {
    name: "time_share_min",
    default: 0.1,
    unit: Unit::Ratio,
    reason: "what takes less than a tenth of a statement's time is not worth changing before the rest",
};

pub(in crate::checks::plan) static TIME_MS_MIN: Threshold = Threshold {
    name: "time_ms_min",
    default: 1.0,
    unit: Unit::Ms,
    reason: "a node that takes less than a millisecond is not worth changing",
};

/// What some nodes take of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::checks::plan) struct Stake {
    /// Time; absent where the plan has no times.
    pub(in crate::checks::plan) ms: Option<f64>,
    /// Share of the whole.
    pub(in crate::checks::plan) share: f64,
}

/// What is at stake where a finding is about a node.
#[derive(Debug, Clone, Copy)]
pub(in crate::checks::plan) struct NodeStake {
    pub(super) node: usize,
    pub(super) stake: Stake,
}

impl Stake {
    /// What takes so many milliseconds of these.
    pub(in crate::checks::plan) fn of_part(ms: f64, of_ms: f64) -> Self {
        Self { ms: Some(ms), share: if of_ms > 0.0 { (ms / of_ms).clamp(0.0, 1.0) } else { 0.0 } }
    }

    /// Both together, of nodes that are not the same.
    pub(in crate::checks::plan) fn and(self, other: Self) -> Self {
        let ms = self.ms.zip(other.ms).map(|(one, other)| one + other);
        Self { ms, share: (self.share + other.share).min(1.0) }
    }

    /// Whether it is enough to be worth a finding.
    pub(in crate::checks::plan) fn matters(self, case: &Case<'_>) -> bool {
        self.share >= case.policy.get(&TIME_SHARE_MIN)
            && self.ms.is_none_or(|ms| ms >= case.policy.get(&TIME_MS_MIN))
    }

    /// The same, for a finding about a node.
    pub(in crate::checks::plan) fn at(self, node: usize) -> NodeStake {
        NodeStake { node, stake: self }
    }

    pub(super) fn severity(self) -> Severity {
        match self.ms {
            Some(ms) if ms >= 1000.0 && self.share >= 0.5 => Severity::High,
            Some(ms) if ms >= 100.0 && self.share >= 0.25 => Severity::Medium,
            None if self.share >= 0.5 => Severity::Medium,
            _ => Severity::Low,
        }
    }
}
