//! What is known of connection poolers, by product and release, each fact with where it is from.

use serde::Serialize;
use utoipa::ToSchema;

use super::observation::SessionNeed;
use super::{Threshold, Unit};

/// Connections that one service may open in all, and that a group of sessions may have.
pub static CONNECTIONS_MAX: Threshold = Threshold {
    name: "connections_max",
    default: 50.0,
    unit: Unit::Count,
    reason: "twice the cores of a large server: more sessions wait for each other, not for work",
};

/// Pods from which on a pooler stands in front.
pub static PODS_MAX: Threshold = Threshold {
    name: "pods",
    default: 50.0,
    unit: Unit::Count,
    reason: "with 50 pods one connection each is all that `connections_max` leaves, and each deployment reconnects all",
};

/// Which pooler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// `PgBouncer`.
    PgBouncer,
    /// `PgDog`.
    PgDog,
    /// Any other.
    Other,
}

/// A release of `PgBouncer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PoolerVersion(pub u32, pub u32, pub u32);

/// Whether what a statement keeps in its session is there in the next transaction, in transaction mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// It is.
    Kept,
    /// It is where the pooler is configured so.
    KeptWhenConfigured(&'static str),
    /// It is not.
    Lost,
    /// Nothing is known of it.
    Unknown,
}

/// What a pooler does in transaction mode.
struct PoolerBehaviour {
    pooler: Pooler,
    need: SessionNeed,
    /// Settings that it holds for alone; all where there are none.
    settings: &'static [&'static str],
    /// The first release that it holds for.
    since: Option<PoolerVersion>,
    survival: Survival,
    /// Where it is from.
    source: &'static str,
}

const FEATURES: &str = "https://www.pgbouncer.org/features.html";
const PGDOG: &str = "https://docs.pgdog.dev/features/transaction-mode";

/// The first that applies decides.
static FACTS: &[PoolerBehaviour] = &[
    PoolerBehaviour {
        pooler: Pooler::PgBouncer,
        need: SessionNeed::Set,
        settings: &[
            "client_encoding",
            "datestyle",
            "timezone",
            "standard_conforming_strings",
            "application_name",
        ],
        since: None,
        survival: Survival::Kept,
        source: FEATURES,
    },
    PoolerBehaviour {
        pooler: Pooler::PgBouncer,
        need: SessionNeed::Set,
        settings: &["intervalstyle"],
        since: Some(PoolerVersion(1, 20, 0)),
        survival: Survival::Kept,
        source: FEATURES,
    },
    lost(SessionNeed::Set),
    lost(SessionNeed::AdvisoryLock),
    lost(SessionNeed::Listen),
    lost(SessionNeed::TemporaryTable),
    lost(SessionNeed::Prepare),
    lost(SessionNeed::HoldCursor),
    lost(SessionNeed::Load),
    PoolerBehaviour {
        pooler: Pooler::PgDog,
        need: SessionNeed::Set,
        settings: &[],
        since: None,
        survival: Survival::Kept,
        source: PGDOG,
    },
    PoolerBehaviour {
        pooler: Pooler::PgDog,
        need: SessionNeed::AdvisoryLock,
        settings: &[],
        since: None,
        survival: Survival::KeptWhenConfigured("query_parser = \"session_control_and_locks\""),
        source: PGDOG,
    },
    PoolerBehaviour {
        pooler: Pooler::PgDog,
        need: SessionNeed::Listen,
        settings: &[],
        since: None,
        survival: Survival::KeptWhenConfigured("pub_sub_channel_size"),
        source: "https://docs.pgdog.dev/features/connection-pooler/pub_sub",
    },
];

const fn lost(need: SessionNeed) -> PoolerBehaviour {
    PoolerBehaviour {
        pooler: Pooler::PgBouncer,
        need,
        settings: &[],
        since: None,
        survival: Survival::Lost,
        source: FEATURES,
    }
}

/// A fault of `PgBouncer` that a later release repairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PoolerDefect {
    #[serde(skip)]
    since: PoolerVersion,
    #[serde(skip)]
    fixed: PoolerVersion,
    /// The release that repairs it.
    #[schema(example = "1.26.1")]
    pub fixed_in: &'static str,
    /// What it is.
    pub fault: &'static str,
    /// Where it is described.
    pub source: &'static str,
}

static DEFECTS: &[PoolerDefect] = &[
    PoolerDefect {
        since: PoolerVersion(1, 6, 0),
        fixed: PoolerVersion(1, 24, 1),
        fixed_in: "1.24.1",
        fault: "the default auth_query accepts passwords after VALID UNTIL (CVE-2025-2291)",
        source: "https://www.pgbouncer.org/changelog.html#pgbouncer-124x",
    },
    PoolerDefect {
        since: PoolerVersion(1, 20, 0),
        fixed: PoolerVersion(1, 25, 1),
        fixed_in: "1.25.1",
        fault: "runs SQL before login where search_path is tracked and auth_query names no schema",
        source: "https://www.pgbouncer.org/changelog.html#pgbouncer-125x",
    },
    PoolerDefect {
        since: PoolerVersion(0, 0, 0),
        fixed: PoolerVersion(1, 25, 2),
        fixed_in: "1.25.2",
        fault: "can be crashed without a login",
        source: "https://www.pgbouncer.org/changelog.html#pgbouncer-125x",
    },
    PoolerDefect {
        since: PoolerVersion(1, 17, 0),
        fixed: PoolerVersion(1, 26, 1),
        fixed_in: "1.26.1",
        fault: "a user of SCRAM can log in as another one (CVE-2026-107350)",
        source: "https://www.pgbouncer.org/changelog.html#pgbouncer-126x",
    },
];

impl Pooler {
    /// By the name that [`super::observation::PoolerSign`] has.
    pub fn named(name: &str) -> Self {
        match name {
            "pgbouncer" => Self::PgBouncer,
            "pgdog" => Self::PgDog,
            _ => Self::Other,
        }
    }

    /// As prose names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PgBouncer => "PgBouncer",
            Self::PgDog => "PgDog",
            Self::Other => "a pooler",
        }
    }

    /// What becomes of something in transaction mode, and where that is described. A release that is not known has only
    /// what all have.
    pub fn survival(
        self,
        version: Option<PoolerVersion>,
        (need, setting): (SessionNeed, Option<&str>),
    ) -> (Survival, &'static str) {
        let of_release = |fact: &&PoolerBehaviour| match (fact.since, version) {
            (None, _) => true,
            (Some(since), Some(version)) => version >= since,
            (Some(_), None) => false,
        };
        let of_setting = |fact: &&PoolerBehaviour| {
            fact.settings.is_empty() || setting.is_some_and(|name| fact.settings.contains(&name))
        };
        let facts = FACTS.iter().filter(|fact| fact.pooler == self && fact.need == need);
        let fact = facts.filter(of_release).find(of_setting);
        fact.map_or((Survival::Unknown, ""), |fact| (fact.survival, fact.source))
    }
}

impl PoolerVersion {
    /// From what `pgbouncer --version` or `SHOW VERSION` prints.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.split_whitespace().find_map(|word| {
            let mut parts = word.split('.').map(str::parse::<u32>);
            let first_two = parts.next()?.ok().zip(parts.next()?.ok())?;
            Some((first_two, parts.next().and_then(Result::ok).unwrap_or(0)))
        });
        number.map(|((major, minor), patch)| Self(major, minor, patch))
    }

    /// Whether prepared statements of the protocol outlive a transaction (`max_prepared_statements`).
    pub fn tracks_prepared_statements(self) -> bool {
        self >= Self(1, 21, 0)
    }

    /// Faults that a later release repairs.
    pub fn known_defects(self) -> Vec<PoolerDefect> {
        DEFECTS.iter().filter(|one| self >= one.since && self < one.fixed).copied().collect()
    }
}

impl std::fmt::Display for PoolerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survival(pooler: Pooler, version: Option<PoolerVersion>, setting: &str) -> Survival {
        pooler.survival(version, (SessionNeed::Set, Some(setting))).0
    }

    #[test]
    fn pgbouncer_keeps_what_it_tracks_and_loses_other_settings() {
        use Pooler::PgBouncer;
        assert_eq!(survival(PgBouncer, None, "timezone"), Survival::Kept);
        assert_eq!(survival(PgBouncer, None, "statement_timeout"), Survival::Lost);
        assert_eq!(survival(PgBouncer, None, "intervalstyle"), Survival::Lost);
        let tracks = Some(PoolerVersion(1, 20, 1));
        assert_eq!(survival(PgBouncer, tracks, "intervalstyle"), Survival::Kept);
    }

    #[test]
    fn pgdog_keeps_settings_and_nothing_is_claimed_of_other_poolers() {
        assert_eq!(survival(Pooler::PgDog, None, "statement_timeout"), Survival::Kept);
        assert_eq!(survival(Pooler::Other, None, "statement_timeout"), Survival::Unknown);
        let (listen, source) = Pooler::PgDog.survival(None, (SessionNeed::Listen, None));
        assert_eq!(listen, Survival::KeptWhenConfigured("pub_sub_channel_size"));
        assert!(source.starts_with("https://docs.pgdog.dev/"));
    }

    #[test]
    fn every_fact_says_where_it_is_from() {
        assert!(FACTS.iter().all(|fact| fact.source.starts_with("https://")));
        assert!(DEFECTS.iter().all(|one| one.source.starts_with("https://")));
        assert!(DEFECTS.iter().all(|one| one.fixed.to_string() == one.fixed_in));
    }

    #[test]
    fn a_version_is_read_as_pgbouncer_prints_it() {
        let printed = "PgBouncer 1.18.0\nlibevent 2.1.12-stable\nadns: c-ares 1.18.1";
        assert_eq!(PoolerVersion::parse(printed), Some(PoolerVersion(1, 18, 0)));
        assert_eq!(PoolerVersion::parse("1.25"), Some(PoolerVersion(1, 25, 0)));
        assert_eq!(PoolerVersion::parse("unknown"), None);
    }

    #[test]
    fn releases_with_known_defects_are_named_until_repaired() {
        let fixed = |version: PoolerVersion| -> Vec<&str> {
            version.known_defects().iter().map(|one| one.fixed_in).collect()
        };
        assert_eq!(fixed(PoolerVersion(1, 18, 0)), ["1.24.1", "1.25.2", "1.26.1"]);
        assert_eq!(fixed(PoolerVersion(1, 25, 1)), ["1.25.2", "1.26.1"]);
        assert!(fixed(PoolerVersion(1, 26, 1)).is_empty());
    }
}
