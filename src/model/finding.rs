//! What a check found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, AffectedObject, Evidence, Gap, Grade, Number, Object, Unit, UnknownName};

/// Harm if the finding is true, the least first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth doing when the object is touched anyway.
    Low,
    /// Worth planning.
    Medium,
    /// Worth doing soon.
    High,
    /// Worth interrupting someone.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: &[Self] = &[Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Severity {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.iter().map(|severity| severity.as_str());
        Self::ALL
            .iter()
            .copied()
            .find(|severity| severity.as_str() == name)
            .ok_or_else(|| UnknownName::new("severity", name, known))
    }
}

/// How likely the finding is true before anything was proved, the least first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A guess worth a look.
    Low,
    /// Probable.
    Medium,
    /// As good as certain.
    High,
}

/// One problem with one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// Harm if true.
    pub severity: Severity,
    /// How likely true.
    pub confidence: Confidence,
    /// What it is about.
    pub object: Object,
    /// One line, the object first, without a full stop.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// Alternatives that would each clear it, the best first.
    pub actions: Vec<Action>,
}

/// With a capital letter at the beginning, as every message has; a name keeps its spelling behind its backtick.
fn sentence(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

impl Finding {
    /// A finding of `check` about `object`, to be completed by the builders below.
    pub fn new(
        check: &'static str,
        object: Object,
        severity: Severity,
        message: impl Into<String>,
    ) -> Self {
        Self {
            check,
            severity,
            confidence: Confidence::High,
            object,
            message: sentence(message.into()),
            evidence: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// How likely the finding is true, where that is not `high`.
    #[must_use]
    pub fn confidence(self, confidence: Confidence) -> Self {
        Self { confidence, ..self }
    }

    /// Add a number read from the catalogs or counters; `name` is `source.name`.
    #[must_use]
    pub fn statistic(self, name: &str, value: impl Into<Number>, unit: Unit) -> Self {
        let (source, name) = name.split_once('.').unwrap_or(("relations", name));
        self.evidence(Evidence {
            name: name.to_owned(),
            value: value.into(),
            unit,
            source: source.to_owned(),
            grade: Grade::Statistics,
        })
    }

    /// The same where it is known: a zero that nothing counted is no evidence.
    #[must_use]
    pub fn known_statistic(self, name: &str, value: Option<impl Into<Number>>, unit: Unit) -> Self {
        match value {
            Some(value) => self.statistic(name, value, unit),
            None => self,
        }
    }

    /// Add a number measured on a sample of the object's own data.
    #[must_use]
    pub fn measured(self, name: &str, value: impl Into<Number>, unit: Unit) -> Self {
        self.evidence(Evidence {
            name: name.to_owned(),
            value: value.into(),
            unit,
            source: "sample".to_owned(),
            grade: Grade::Measured,
        })
    }

    /// Add a fact.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Add an alternative that would clear the finding.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }
}

/// What a reader would expect to see advised, and why it is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Declined {
    /// The check that would have advised it.
    pub check: String,
    /// What it would have been about.
    #[schema(value_type = AffectedObject)]
    pub object: Object,
    /// Why not, in a few words.
    #[schema(example = "values do not fit a page")]
    pub reason: String,
    /// Why not, with the numbers.
    pub detail: String,
}

impl Declined {
    /// What a check would have advised of an object, and why it does not, in a few words and with the numbers.
    pub fn new(
        check: &str,
        object: Object,
        reason: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        let (reason, detail) = (reason.into(), detail.into());
        Self { check: check.to_owned(), object, reason, detail }
    }
}

/// What a check has to say about a snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgement {
    /// Problems.
    pub findings: Vec<Finding>,
    /// What is deliberately not advised.
    pub declined: Vec<Declined>,
    /// What could not be judged.
    pub gaps: Vec<Gap>,
}

impl Judgement {
    /// Add what another judgement has.
    pub fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.declined.extend(other.declined);
        self.gaps.extend(other.gaps);
    }
}

/// What could not be judged at all.
impl From<Gap> for Judgement {
    fn from(gap: Gap) -> Self {
        Self { gaps: vec![gap], ..Self::default() }
    }
}

/// A check whose every candidate is either found or declined.
impl Extend<Result<Finding, Declined>> for Judgement {
    fn extend<T: IntoIterator<Item = Result<Finding, Declined>>>(&mut self, judged: T) {
        for judged in judged {
            match judged {
                Ok(finding) => self.findings.push(finding),
                Err(declined) => self.declined.push(declined),
            }
        }
    }
}
