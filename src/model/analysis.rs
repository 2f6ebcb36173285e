//! What one run returns.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::size::TABLE_BYTES_MIN;
use super::{
    AffectedObject, Confidence, Declined, Evidence, Families, Finding, Gap, GapReason, Object,
    Policy, Recommendation, Scope, Severity, Snapshot, Unit,
};

/// The major versions that we are tested on and that PostgreSQL maintains.
pub const MAJORS_SUPPORTED: RangeInclusive<u32> = 15..=19;

/// The server that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Server {
    /// Its version as it prints it.
    #[schema(example = "18.6")]
    pub version: String,
    /// Its major version.
    #[schema(example = 18)]
    pub major: u32,
    /// Whether it is a hot standby.
    pub in_recovery: bool,
}

impl Server {
    /// The note of a server that is newer than all we know.
    pub fn too_new(&self) -> Option<Gap> {
        let (major, newest) = (self.major, *MAJORS_SUPPORTED.end());
        (major > newest).then(|| {
            let detail = format!(
                "PostgreSQL {major} is newer than {newest}, the newest we are tested on: what it changed is not taken into account"
            );
            Gap::new("server", GapReason::ServerTooNew, detail).lifted_by("upgrade dbopt")
        })
    }
}

/// What the analysis cost the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// Queries that read something; transaction control and settings are not counted.
    pub queries: u32,
    /// Times we waited for the target after connecting.
    pub round_trips: u32,
    /// Time between the first byte sent and the last received, in milliseconds.
    pub target_ms: f64,
    /// Rows received.
    pub rows_read: u64,
    /// Bytes of these rows, as received.
    pub bytes_read: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.queries += other.queries;
        self.round_trips += other.round_trips;
        self.target_ms += other.target_ms;
        self.rows_read += other.rows_read;
        self.bytes_read += other.bytes_read;
    }
}

/// Where the answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheStatus {
    /// From the cache, fresh.
    Hit,
    /// Computed now.
    Miss,
    /// From the cache, past its time; a fresh one is being computed.
    Stale,
    /// The cache was not asked.
    Bypass,
}

impl CacheStatus {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Hit, Self::Miss, Self::Stale, Self::Bypass];

    /// As bodies and `X-Cache` name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Bypass => "bypass",
        }
    }
}

/// How the answer was cached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CacheInfo {
    /// Where this answer came from, as `X-Cache` says: a body out of the cache says `hit`.
    pub status: CacheStatus,
    /// The versioned key.
    #[schema(example = "dbopt:1:v7:demo:toast:5c1f0b7a9d3e2c46")]
    pub key: String,
    /// The target's model version, part of every key.
    pub model_version: String,
    /// For how long the answer counts as fresh.
    pub ttl_seconds: u64,
}

/// A finding as the contract shows it: its recommendations by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportedFinding {
    /// Stable identity.
    #[schema(example = "f_9d0c3b6a1e5f7742")]
    pub id: String,
    /// The check that found it.
    #[schema(example = "toast/pglz-on-wide-values")]
    pub check: String,
    /// Harm if true.
    pub severity: Severity,
    /// How likely true before proof.
    pub confidence: Confidence,
    /// What it is about.
    #[schema(value_type = AffectedObject)]
    pub object: Object,
    /// One line.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// Ids of the recommendations that would each clear it, the best first.
    pub recommendations: Vec<String>,
    /// The statement without the problem, where a review can write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<SourceFix>,
}

/// A statement of a file as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceFix {
    /// What is changed, in a few words.
    #[schema(example = "Add `concurrently`")]
    pub title: String,
    /// The changed statement.
    #[schema(example = "create index concurrently features_user on ml.features (user_id);")]
    pub sql: String,
}

impl ReportedFinding {
    /// `finding` under its identity, with the ids of its recommendations.
    pub fn new(id: String, finding: Finding, recommendations: Vec<String>) -> Self {
        let Finding { check, severity, confidence, object, message, evidence, actions: _ } =
            finding;
        Self {
            id,
            check: check.to_owned(),
            severity,
            confidence,
            object,
            message,
            evidence,
            recommendations,
            fix: None,
        }
    }
}

/// How many tables an analysis judged, those of a partitioned table as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableCounts {
    /// Tables and materialized views that are as large as the limit, or larger.
    #[schema(example = 42)]
    pub looked_into: u64,
    /// Those under the limit, in which only mistakes are looked for: nothing there is worth a change of storage or an index.
    #[schema(example = 310)]
    pub under_limit: u64,
    /// The limit, `table_bytes_min`: bytes with TOAST and indexes.
    #[schema(example = 10_485_760)]
    pub limit_bytes: u64,
}

impl TableCounts {
    /// Those of a snapshot that are in scope; none where the tables were not seen.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes")]
    pub fn of(snapshot: &Snapshot, scope: &Scope, policy: &Policy) -> Option<Self> {
        let relations = snapshot.relations.get().ok()?;
        let limit_bytes = policy.get(&TABLE_BYTES_MIN).max(0.0) as u64;
        let mut counts = Self { looked_into: 0, under_limit: 0, limit_bytes };
        for family in Families::of(relations).iter() {
            if !family.is_in(scope) {
                continue;
            }
            let large = u64::try_from(family.total_bytes()).unwrap_or(0) >= limit_bytes;
            *if large { &mut counts.looked_into } else { &mut counts.under_limit } += 1;
        }
        Some(counts)
    }
}

/// What one run returns: what was found, what to do, what is not advised, and what was not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Analysis {
    /// The target's name.
    pub target: String,
    /// The superpower asked for, or `all`.
    #[schema(example = "toast")]
    pub superpower: String,
    /// When the target was looked at.
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Timestamp,
    /// The server that was looked at.
    pub server: Server,
    /// What it cost the target.
    pub cost: Cost,
    /// How it was cached; absent on the command line, which has no cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheInfo>,
    /// How many tables were looked into, and how many passed over because of their size; absent where they were not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<TableCounts>,
    /// Problems, the worst first.
    pub findings: Vec<ReportedFinding>,
    /// What would clear them.
    pub recommendations: Vec<Recommendation>,
    /// What a reader would expect to see advised, and why it is not.
    pub declined: Vec<Declined>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// Whether something was lost that another try may see: it is not kept as if it held for a while.
    #[serde(skip)]
    pub is_passing: bool,
}

/// The observation that is missing where a schema or table was asked for that does not exist.
pub const SCOPE: &str = "scope";

impl Analysis {
    /// Whether everything that was named was there to be looked at.
    pub fn saw_scope(&self) -> bool {
        self.gaps.iter().all(|gap| gap.observation != SCOPE)
    }

    /// What it says, without what differs between two analyses of unchanged data: times, cost, ages, the runs of an
    /// experiment. Other numbers count by their first digit, for counters go on.
    #[must_use]
    pub fn timeless(&self) -> Self {
        let mut said = self.clone();
        (said.observed_at, said.cost, said.cache) = (Timestamp::UNIX_EPOCH, Cost::default(), None);
        for finding in &mut said.findings {
            finding.message = without_digits(&finding.message);
            finding.evidence.retain(|evidence| !matches!(evidence.unit, Unit::S | Unit::Ms));
            finding
                .evidence
                .iter_mut()
                .for_each(|evidence| evidence.value = evidence.value.rough());
        }
        for recommendation in &mut said.recommendations {
            for caveat in &mut recommendation.caveats {
                *caveat = without_digits(caveat);
            }
            recommendation.last_seen = Timestamp::UNIX_EPOCH;
            recommendation.expected.clear();
            recommendation.proof.measurements.clear();
            recommendation.proof.reason = None;
        }
        said.declined.iter_mut().for_each(|declined| declined.detail.clear());
        said.gaps.iter_mut().for_each(|gap| gap.detail.clear());
        said
    }

    /// Leave out findings below `least`, and what is recommended for them alone.
    pub fn keep_from(&mut self, least: Severity) {
        self.keep(|finding| finding.severity >= least);
    }

    /// Leave out findings that are not wanted, and what is recommended for them alone.
    pub fn keep(&mut self, is_wanted: impl Fn(&ReportedFinding) -> bool) {
        self.findings.retain(is_wanted);
        let kept = &self.findings;
        for recommendation in &mut self.recommendations {
            recommendation.findings.retain(|id| kept.iter().any(|finding| finding.id == *id));
        }
        self.recommendations.retain(|recommendation| !recommendation.findings.is_empty());
    }
}

fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// What a review of files found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// Problems, file by file, in the order they stand there.
    pub findings: Vec<ReportedFinding>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_newer_than_those_we_are_tested_on_is_analysed_with_a_note() {
        let of = |major| Server { version: format!("{major}.0"), major, in_recovery: false };
        assert!((14..=19).all(|major| of(major).too_new().is_none()));
        let gap = of(20).too_new().unwrap();
        assert_eq!(gap.reason, GapReason::ServerTooNew);
        assert!(gap.detail.starts_with("PostgreSQL 20 is newer than 19"), "{gap:?}");
    }
}
