//! An action chosen for a finding, with statements, undo and proof.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, AffectedObject, Grade, Object, Statement, Unit, recommendation_id};

/// How a recommendation was proved, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofMethod {
    /// Real values stored again under each option, in a temporary table.
    SampledCopy,
    /// Read off every row, where that is quick.
    FullScan,
    /// Read off the server after the fact; nothing to try out.
    Observation,
}

/// What an experiment said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Better than today by more than the spread.
    Confirmed,
    /// Not better than today.
    Refuted,
    /// The runs spread too widely to say.
    Inconclusive,
    /// No experiment was run; the reason is given.
    NotRun,
}

/// One metric, today and under the recommendation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measurement {
    /// What was measured.
    #[schema(example = "read_column_ms")]
    pub name: String,
    /// Median today.
    pub baseline: f64,
    /// Median under the recommendation.
    pub candidate: f64,
    /// The unit of both.
    pub unit: Unit,
    /// Runs of each, interleaved.
    pub runs: u32,
    /// Half the range of the runs over their median, the wider of the two.
    pub spread: f64,
}

/// The share of today's value by which one candidate must be less than another to be called better: less is not worth a
/// larger change.
const CLEARLY_LESS: f64 = 0.05;

impl Measurement {
    /// Whether the candidate is less than that of another measurement against the same baseline, by more than both spread
    /// and by a share of the baseline that is felt.
    pub fn is_clearly_less_than(&self, other: &Self) -> bool {
        let spread = self.spread * self.candidate + other.spread * other.candidate;
        let baseline = self.baseline.max(other.baseline);
        other.candidate - self.candidate > spread.max(CLEARLY_LESS * baseline)
    }

    /// What the measurement lets expect.
    pub fn expected(&self) -> Expected {
        Expected {
            metric: self.name.clone(),
            before: self.baseline,
            after: self.candidate,
            unit: self.unit,
            change_ratio: if self.baseline == 0.0 {
                0.0
            } else {
                (self.candidate - self.baseline) / self.baseline
            },
        }
    }
}

/// What part of the data an experiment looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProofSample {
    /// Rows copied.
    pub rows: i64,
    /// Bytes copied, as stored.
    pub bytes: i64,
    /// Rows of the whole relation, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_rows: Option<i64>,
}

/// What stands behind a recommendation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// How strong it is.
    pub grade: Grade,
    /// How it was come by.
    pub method: ProofMethod,
    /// What it says.
    pub verdict: Verdict,
    /// Why it was not run, or why it says what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The numbers.
    pub measurements: Vec<Measurement>,
    /// What it looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<ProofSample>,
}

impl Proof {
    /// How long a call takes, where that was measured.
    pub fn call(&self) -> Option<&Measurement> {
        self.measurements.iter().find(|measured| measured.name == "call_ms")
    }

    /// No experiment was run, because of `reason`; the advice rests on `grade`.
    pub fn not_run(method: ProofMethod, grade: Grade, reason: impl Into<String>) -> Self {
        Self {
            grade,
            method,
            verdict: Verdict::NotRun,
            reason: Some(reason.into()),
            measurements: Vec::new(),
            sample: None,
        }
    }
}

/// What a proof is of: a recommendation, as the answer to a check. Two checks may give one recommendation to different
/// ends, and an experiment that refutes it for one end says nothing of the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProofKey {
    /// The recommendation's id.
    pub recommendation: String,
    /// The check.
    pub check: &'static str,
}

/// An action that a check names, and what its proof is kept by.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// What its proof is kept by.
    pub key: ProofKey,
    /// The action.
    pub action: Action,
}

impl Proposal {
    /// An action that a check names for an object of this target.
    pub fn new(target: &str, check: &'static str, action: Action) -> Self {
        let recommendation = recommendation_id(target, &action);
        Self { key: ProofKey { recommendation, check }, action }
    }
}

/// An alternative that was measured beside an action and that no check names.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// What it was measured beside.
    pub beside: ProofKey,
    /// What it is.
    pub option: String,
    /// What the measurement says of it.
    pub proof: Proof,
}

/// What is expected to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Expected {
    /// The metric.
    #[schema(example = "read_column_ms")]
    pub metric: String,
    /// Today.
    pub before: f64,
    /// Afterwards.
    pub after: f64,
    /// The unit of both.
    pub unit: Unit,
    /// (after - before) / before.
    pub change_ratio: f64,
}

/// Where a recommendation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecommendationState {
    /// Found, and nothing done about it.
    Open,
}

/// A change we know how to make, chosen for one or more findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// Stable identity.
    #[schema(example = "r_51ab7d0c93e2f144")]
    pub id: String,
    /// The check whose finding it clears.
    pub check: String,
    /// What it changes.
    #[schema(value_type = AffectedObject)]
    pub object: Object,
    /// Ids of the findings that it clears.
    pub findings: Vec<String>,
    /// The kind of change.
    #[schema(example = "set_column_compression")]
    pub action: String,
    /// The change in one line.
    pub title: String,
    /// What to run, in order.
    pub statements: Vec<Statement>,
    /// What restores what was there before; empty where nothing can, with a caveat that says so.
    pub undo: Vec<Statement>,
    /// What must hold before it is run.
    pub preconditions: Vec<String>,
    /// What to know before it is run.
    pub caveats: Vec<String>,
    /// What is expected to change.
    pub expected: Vec<Expected>,
    /// What stands behind it.
    pub proof: Proof,
    /// Where it is in its life.
    pub state: RecommendationState,
    /// When it was last seen.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_candidate_is_less_than_another_only_where_it_is_felt_and_no_spread_hides_it() {
        let call = |candidate: f64, spread: f64| Measurement {
            name: "call_ms".to_owned(),
            baseline: 100.0,
            candidate,
            unit: Unit::Ms,
            runs: 5,
            spread,
        };
        assert!(call(1.0, 0.1).is_clearly_less_than(&call(50.0, 0.1)));
        assert!(!call(1.0, 0.1).is_clearly_less_than(&call(5.0, 0.1)), "4 % of today's");
        assert!(!call(40.0, 0.2).is_clearly_less_than(&call(50.0, 0.2)), "both spread by more");
        assert!(!call(50.0, 0.1).is_clearly_less_than(&call(1.0, 0.1)));
    }
}
