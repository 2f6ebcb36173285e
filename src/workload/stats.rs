//! How often and how long.

use serde::{Deserialize, Serialize};

/// How often and how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CallStats {
    /// Entries of sources: executions that were seen one by one, lines of lists, definitions.
    pub entries: u64,
    /// Calls.
    pub calls: u64,
    /// Those of which the time is known.
    pub timed_calls: u64,
    /// What these took, in milliseconds.
    pub total_ms: f64,
}

impl CallStats {
    /// Of one entry.
    pub(super) fn of(calls: u64, total_ms: Option<f64>) -> Self {
        let timed_calls = if total_ms.is_some() { calls } else { 0 };
        Self { entries: 1, calls, timed_calls, total_ms: total_ms.unwrap_or(0.0) }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.entries = self.entries.saturating_add(other.entries);
        self.calls = self.calls.saturating_add(other.calls);
        self.timed_calls = self.timed_calls.saturating_add(other.timed_calls);
        self.total_ms += other.total_ms;
    }

    /// Its share of a whole.
    pub fn share_of(&self, whole: &Self) -> Share {
        #[expect(clippy::cast_precision_loss, reason = "a share has no such precision")]
        let calls = (whole.calls > 0).then(|| self.calls as f64 / whole.calls as f64);
        let time = (whole.total_ms > 0.0).then(|| self.total_ms / whole.total_ms);
        Share { calls, time }
    }
}

/// A share by calls and by time, each from 0 to 1; none where the whole is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// By calls.
    pub calls: Option<f64>,
    /// By time, among calls of which it is known.
    pub time: Option<f64>,
}
