//! The rules. A check is a value, judged by a pure function of what it was shown.

pub mod toast;

use std::collections::BTreeMap;

use crate::model::{Gap, Judgement, Policy, Snapshot, Superpower, Threshold, Topic, UnknownName};

/// A rule: what it needs to see, how it is explained, and how it judges.
pub struct Check {
    /// `superpower/name-of-the-problem`.
    pub id: &'static str,
    /// What it belongs to.
    pub superpower: Superpower,
    /// The fields of the snapshot it reads.
    pub needs: &'static [Topic],
    /// The numbers it compares with.
    pub thresholds: &'static [&'static Threshold],
    /// Its page, in Markdown.
    pub page: &'static str,
    /// How it judges.
    pub judge: fn(&Snapshot, &Policy) -> Result<Judgement, Gap>,
}

impl Check {
    /// The page's heading: the problem in a few words.
    pub fn title(&self) -> &'static str {
        self.page.lines().next().unwrap_or_default().trim_start_matches("# ")
    }
}

/// Every check, in the order of listings.
pub fn all() -> impl Iterator<Item = &'static Check> {
    toast::CHECKS.iter().copied()
}

/// The check of that id.
///
/// # Errors
/// The ids there are, where none is that one.
pub fn find(id: &str) -> Result<&'static Check, UnknownName> {
    all()
        .find(|check| check.id == id)
        .ok_or_else(|| UnknownName::new("check", id, all().map(|check| check.id)))
}

/// The thresholds of all checks, each once, by name.
pub fn thresholds() -> BTreeMap<&'static str, &'static Threshold> {
    all().flat_map(|check| check.thresholds).map(|threshold| (threshold.name, *threshold)).collect()
}
