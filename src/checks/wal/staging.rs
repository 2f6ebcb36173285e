//! When a table may be unlogged: the decision, as a function of what was observed. `docs/unlogged-tables.md` prints it.

/// What was observed of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each of which decides by itself")]
pub(super) struct Facts {
    /// Its name, or its schema's, says that its rows are on their way elsewhere.
    pub(super) named: bool,
    /// Its counters say that it is filled and emptied.
    pub(super) emptied: bool,
    /// A publication sends it.
    pub(super) published: bool,
    /// A subscription fills it.
    pub(super) subscribed: bool,
    /// A foreign key of a logged table refers to it.
    pub(super) referenced: bool,
    /// It is a partition, inherits, or is inherited from.
    pub(super) in_hierarchy: bool,
    /// The server has standbys.
    pub(super) standby: bool,
    /// So much is written to it that its WAL matters.
    pub(super) written_a_lot: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PersistenceDecision {
    /// It is no staging table, or one that hardly writes: nothing to say.
    Silent,
    /// It may be unlogged.
    Unlogged,
    /// It must be logged, for this reason.
    Logged(StagingReason),
}

/// Why a table must be logged, or is not known to be dispensable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StagingReason {
    /// Logical replication does not send unlogged tables.
    Published,
    /// What a crash empties is not sent again.
    Subscribed,
    /// PostgreSQL refuses it.
    Referenced,
    /// New partitions do not take it over.
    InHierarchy,
    /// It is empty on standbys.
    Standby,
    /// Nothing shows that its rows are transient.
    NeverEmptied,
    /// It is emptied, and nothing says that its rows can be loaded again.
    NotNamed,
}

impl StagingReason {
    /// Why, in a few words, and in a sentence.
    pub(super) fn explained(self) -> (&'static str, &'static str) {
        match self {
            Self::Published => {
                ("a publication sends it", "changes of an unlogged table are not replicated")
            }
            Self::Subscribed => (
                "a subscription fills it",
                "a crash would empty it, and the publisher does not send again what was applied",
            ),
            Self::Referenced => (
                "a logged table refers to it",
                "PostgreSQL refuses foreign keys from logged to unlogged tables",
            ),
            Self::InHierarchy => (
                "it is part of a hierarchy",
                "new partitions and children are logged whatever their parent is: set each by itself",
            ),
            Self::Standby => (
                "the server has standbys",
                "an unlogged table is empty on a standby, and after a failover: check that no query reads it there, and \
                 that its pipeline runs again",
            ),
            Self::NeverEmptied => (
                "it was never emptied",
                "its name says staging table, but its rows stay: a crash would empty it",
            ),
            Self::NotNamed => (
                "it may hold what cannot be loaded again",
                "it is filled and emptied, but nothing says that its rows can be loaded again after a crash",
            ),
        }
    }
}

/// What follows from the facts. What forbids it comes before what speaks against it.
pub(super) fn decide(facts: Facts) -> PersistenceDecision {
    if !facts.written_a_lot || !facts.named && !facts.emptied {
        return PersistenceDecision::Silent;
    }
    let reasons = [
        (facts.published, StagingReason::Published),
        (facts.subscribed, StagingReason::Subscribed),
        (facts.referenced, StagingReason::Referenced),
        (facts.in_hierarchy, StagingReason::InHierarchy),
        (!facts.emptied, StagingReason::NeverEmptied),
        (!facts.named, StagingReason::NotNamed),
        (facts.standby, StagingReason::Standby),
    ];
    let reason = reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason);
    reason.map_or(PersistenceDecision::Unlogged, PersistenceDecision::Logged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSIENT: Facts = Facts {
        named: true,
        emptied: true,
        published: false,
        subscribed: false,
        referenced: false,
        in_hierarchy: false,
        standby: false,
        written_a_lot: true,
    };

    #[test]
    fn a_named_table_that_is_emptied_may_be_unlogged() {
        assert_eq!(decide(TRANSIENT), PersistenceDecision::Unlogged);
    }

    #[test]
    fn each_fact_alone_forbids_it_with_its_own_reason() {
        for (facts, reason) in [
            (Facts { published: true, ..TRANSIENT }, StagingReason::Published),
            (Facts { subscribed: true, ..TRANSIENT }, StagingReason::Subscribed),
            (Facts { referenced: true, ..TRANSIENT }, StagingReason::Referenced),
            (Facts { in_hierarchy: true, ..TRANSIENT }, StagingReason::InHierarchy),
            (Facts { emptied: false, ..TRANSIENT }, StagingReason::NeverEmptied),
            (Facts { named: false, ..TRANSIENT }, StagingReason::NotNamed),
            (Facts { standby: true, ..TRANSIENT }, StagingReason::Standby),
        ] {
            assert_eq!(decide(facts), PersistenceDecision::Logged(reason));
        }
    }

    #[test]
    fn every_cell_is_decided_and_only_one_of_them_is_unlogged() {
        let mut unlogged = 0;
        for bits in 0..=u8::MAX {
            let bit = |place: u8| bits & (1 << place) != 0;
            let facts = Facts {
                named: bit(0),
                emptied: bit(1),
                published: bit(2),
                referenced: bit(3),
                in_hierarchy: bit(4),
                standby: bit(5),
                written_a_lot: bit(6),
                subscribed: bit(7),
            };
            match decide(facts) {
                PersistenceDecision::Unlogged => unlogged += 1,
                PersistenceDecision::Silent => {
                    assert!(!facts.written_a_lot || !facts.named && !facts.emptied);
                }
                PersistenceDecision::Logged(reason) => {
                    assert!(facts.written_a_lot && (facts.named || facts.emptied), "{reason:?}");
                }
            }
        }
        assert_eq!(unlogged, 1);
    }
}
