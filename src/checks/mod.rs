//! The rules. A check is a value, judged by a pure function of what it was shown.

mod advisories;
mod existing;
mod horizon;
pub(crate) mod migrations;
pub mod number;
pub mod row;
mod setting;
pub mod staging;

use std::collections::BTreeMap;

use crate::model::observation::{Context, Workload};
use crate::model::{
    Case, Gap, GapReason, Judgement, Severity, Superpower, Threshold, Topic, UnknownName,
    alter_system, grant,
};

/// Declares the checks of a superpower in the order of listings: a module each.
macro_rules! checks {
    ($($visibility:vis $module:ident,)*) => {
        $($visibility mod $module;)*

        /// Every check, in the order of listings.
        pub(super) static CHECKS: &[&super::Check] = &[$(&$module::CHECK),*];
    };
}

macro_rules! declare_checks {
    ($(#[doc = $summary:literal] $variant:ident, $folder:ident = $name:literal, $title:literal;)*) => {
        $(pub(crate) mod $folder;)*

        /// The checks of each superpower.
        const BY_SUPERPOWER: &[&[&Check]] = &[$($folder::CHECKS),*];
    };
}

superpowers!(declare_checks);

/// The check that judges documents by their contracts.
pub const SCHEMA_DRIFT: &str = hybrid_schema::SCHEMA_DRIFT;

/// Something a server or a role may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// LZ4 compression of TOAST.
    Lz4,
    /// Cumulative statistics (`track_counts`).
    Counters,
    /// Those of rows that are written, vacuumed and analyzed, which a standby does not count.
    WriteCounters,
    /// The planner's statistics on all columns (`pg_stats`).
    ColumnStatistics,
}

/// A rule: what it needs to see, how it is explained, and how it judges.
pub struct Check {
    /// `superpower/name-of-the-problem`.
    pub id: &'static str,
    /// What it belongs to.
    pub superpower: Superpower,
    /// The most severe that it reports.
    pub worst: Severity,
    /// The fields of the snapshot that it cannot judge without.
    pub needs: &'static [Topic],
    /// The fields that it reads where they were seen, to say more.
    pub uses: &'static [Topic],
    /// What the server must offer beside these.
    pub requires: &'static [Requirement],
    /// The numbers it compares with.
    pub thresholds: &'static [&'static Threshold],
    /// Its page, in Markdown.
    pub page: &'static str,
    /// How it judges.
    pub(crate) judge: fn(&Case<'_>) -> Result<Judgement, Gap>,
}

impl Check {
    /// Judge, or say why that cannot be done.
    ///
    /// # Errors
    /// What was not seen, and without which there is nothing to judge.
    pub fn run(&self, case: &Case<'_>) -> Result<Judgement, Gap> {
        // What is judged from a plan asks nothing of a server, where there is one.
        if !self.requires.is_empty() || self.needs.contains(&Topic::CONTEXT) {
            let context = case.snapshot.context.get()?;
            if let Some(gap) = self
                .requires
                .iter()
                .find_map(|required| required.bars(context, case.snapshot.server.in_recovery))
            {
                return Err(gap);
            }
        }
        let judgement = (self.judge)(case)?;
        let of_this = judgement.findings.iter().filter(|finding| finding.check == self.id);
        debug_assert!(of_this.map(|one| one.severity).max() <= Some(self.worst), "{}", self.id);
        Ok(judgement)
    }

    /// Whether it judges documents by the contracts that are registered for their columns.
    pub fn judges_contracts(&self) -> bool {
        self.id == SCHEMA_DRIFT
    }

    /// The fields of the snapshot that a visit for this check asks for.
    pub fn topics(&self) -> impl Iterator<Item = Topic> {
        self.needs.iter().chain(self.uses).copied()
    }

    /// What keeps the check from being judged on such a server by such a role.
    pub fn gaps(&self, context: &Context, in_recovery: bool) -> Vec<Gap> {
        let lacks = |requirement: &Requirement| requirement.gap(context, in_recovery);
        let mut gaps: Vec<Gap> = self.requires.iter().filter_map(lacks).collect();
        let sampled = [Topic::STORED_VALUES, Topic::DOCUMENTS];
        let sampled = sampled.into_iter().find(|topic| self.needs.contains(topic));
        if let Some(topic) = sampled.filter(|_| !context.privileges.reads_all_data) {
            gaps.push(
                Gap::new(
                    topic.as_str(),
                    GapReason::MissingPrivilege,
                    "tables our role was not granted SELECT on cannot be sampled",
                )
                .lifted_by(grant("pg_read_all_data")),
            );
        }
        if self.needs.contains(&Topic::SESSIONS) && !context.privileges.sees_sessions() {
            gaps.push(
                Gap::new(
                    Topic::SESSIONS.as_str(),
                    GapReason::MissingPrivilege,
                    "sessions of other roles show neither state nor application to our role",
                )
                .lifted_by(grant("pg_monitor")),
            );
        }
        gaps
    }

    /// The page's heading: the problem in a few words.
    pub fn title(&self) -> &'static str {
        self.page.lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// What stands below it: the problem in a sentence or two, on one line.
    pub fn summary(&self) -> String {
        let below = self.page.lines().skip(1).skip_while(|line| line.is_empty());
        let lines: Vec<&str> = below.take_while(|line| !line.is_empty()).collect();
        lines.join(" ")
    }
}

impl Requirement {
    /// The gap where nothing can be judged without it. Zeros that were never counted are no evidence; the other
    /// requirements limit what a check sees or advises, and the check says so itself.
    fn bars(self, context: &Context, in_recovery: bool) -> Option<Gap> {
        match self {
            Self::Counters | Self::WriteCounters => self.gap(context, in_recovery),
            Self::Lz4 | Self::ColumnStatistics => None,
        }
    }

    /// The gap where the server does not offer it.
    pub fn gap(self, context: &Context, in_recovery: bool) -> Option<Gap> {
        match self {
            Self::WriteCounters if in_recovery => Some(
                Gap::new(
                    "counters",
                    GapReason::InRecovery,
                    "a standby does not count rows that are written, and does not vacuum or analyze",
                )
                .lifted_by("analyse the primary"),
            ),
            Self::Lz4 if context.toast_compressions.iter().any(|method| method == "lz4") => None,
            Self::Lz4 => Some(
                Gap::new("lz4", GapReason::NotBuiltIn, "this server was built without lz4")
                    .lifted_by("use a server that was built --with-lz4"),
            ),
            Self::ColumnStatistics if context.privileges.reads_all_data => None,
            Self::ColumnStatistics => Some(
                Gap::new(
                    "pg_stats",
                    GapReason::MissingPrivilege,
                    "statistics are shown of columns our role was granted SELECT on",
                )
                .lifted_by(grant("pg_read_all_data")),
            ),
            Self::Counters | Self::WriteCounters if context.setting("track_counts") == "on" => None,
            Self::Counters | Self::WriteCounters => Some(
                Gap::new(
                    "counters",
                    GapReason::NotVisibleInSql,
                    "`track_counts` is off, so reads and writes are not counted",
                )
                .lifted_by(alter_system("track_counts", "on")),
            ),
        }
    }
}

/// What was found in plans that logs hold, as far as these checks are asked for.
pub fn in_logs(workload: &Workload, checks: impl Iterator<Item = &'static Check>) -> Judgement {
    plan::in_logs(workload, &checks.collect::<Vec<_>>())
}

/// Every check, in the order of listings.
pub fn all() -> impl Iterator<Item = &'static Check> {
    BY_SUPERPOWER.iter().copied().flatten().copied()
}

/// The check of that id.
///
/// # Errors
/// The ids there are, where none is that one.
pub fn find(id: &str) -> Result<&'static Check, UnknownName> {
    all().find(|check| check.id == id).ok_or_else(|| {
        // A superpower stands for all of its checks wherever several may be named.
        let superpowers = Superpower::ALL.iter().map(|superpower| superpower.as_str());
        let superpowers = superpowers.filter(|_| !id.contains('/'));
        UnknownName::new("check", id, all().map(|check| check.id).chain(superpowers))
    })
}

/// The thresholds of all checks, each once, by name.
pub fn thresholds() -> BTreeMap<&'static str, &'static Threshold> {
    all().flat_map(|check| check.thresholds).map(|threshold| (threshold.name, *threshold)).collect()
}
