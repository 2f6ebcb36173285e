//! `gin/known-defect`, explained in the page beside this file.

use super::index::trees;
use crate::checks::Check;
use crate::checks::advisories::{Advisory, Component};
use crate::checks::number::{float, whole};
use crate::model::observation::ImpossibleRows;
use crate::model::{
    Action, Case, Confidence, Finding, Gap, Judgement, Maintenance, MaintenanceVerb, Object,
    Severity, Superpower, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Gin,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::INDEXES, Topic::GIN],
    uses: &[],
    requires: &[],
    thresholds: &[],
    page: include_str!("known_defect.md"),
    judge,
};

const ID: &str = "gin/known-defect";

/// The worst first.
static ADVISORIES: &[(Severity, Advisory)] = &[
    (
        Severity::High,
        Advisory {
            component: Component::Server(&[(14, 3)]),
            effect: "may miss rows in an index that was built or rebuilt with CONCURRENTLY, when they were updated meanwhile",
            cure: "install the newest minor release, then rebuild the indexes that were built with CONCURRENTLY",
            source: "release notes of PostgreSQL 14.4",
        },
    ),
    (
        Severity::Medium,
        Advisory {
            component: Component::Server(&[(18, 5)]),
            effect: "may store a wrong row count (reltuples) after a parallel GIN build: the table is then never vacuumed or analyzed",
            cure: "update to 18.6, then ANALYZE tables whose GIN index was built on 18; until then build with max_parallel_maintenance_workers = 0",
            source: "release notes of PostgreSQL 18.6",
        },
    ),
    (
        Severity::Medium,
        Advisory {
            component: Component::Server(&[(14, 10), (15, 5), (16, 1)]),
            effect: "may corrupt a GIN index when rows are updated at the same time",
            cure: "install the newest minor release, then REINDEX INDEX CONCURRENTLY the GIN indexes that may be damaged",
            source: "release notes of PostgreSQL 14.11, 15.6 and 16.2",
        },
    ),
    (
        Severity::Low,
        Advisory {
            component: Component::Server(&[(14, 25), (15, 20), (16, 16), (17, 12), (18, 6)]),
            effect: "may miss rows in a GIN scan after an interrupted page split, and leave entries of dead rows in the index",
            cure: "install the next minor release, then REINDEX INDEX CONCURRENTLY the GIN indexes: it does not repair those that are damaged",
            source: "PostgreSQL commits f20c427834, 8637383f5f and a13cdbd3d8 of August 2026",
        },
    ),
];

/// What to know of a GIN index before it is built.
pub(super) fn caveats(case: &Case<'_>) -> Vec<String> {
    let Ok(context) = case.snapshot.context.get() else { return Vec::new() };
    let caveat = |(_, advisory): &(Severity, Advisory)| {
        let version = advisory.applies(&case.snapshot.server, context)?;
        Some(format!("{version} {}: {}", advisory.effect, advisory.cure))
    };
    ADVISORIES.iter().filter_map(caveat).collect()
}

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let seen = case.snapshot;
    let context = seen.context.get()?;
    let indexes = trees(case)?.len();
    let mut judgement = Judgement::default();
    if indexes > 0 {
        let applies = |(severity, advisory): &(Severity, Advisory)| {
            let version = advisory.applies(&seen.server, context)?;
            Some(advised(*severity, advisory, &version, indexes))
        };
        judgement.findings.extend(worst(ADVISORIES.iter().filter_map(applies)));
    }
    let impossible = seen.gin.impossible_rows.get()?;
    judgement.findings.extend(impossible.iter().map(corrupt));
    Ok(judgement)
}

/// All are about the server, and the object distinguishes one finding from another: one of them carries the others' facts.
fn worst(found: impl Iterator<Item = Finding>) -> Option<Finding> {
    found.reduce(|mut one, other| {
        one.evidence.extend(other.evidence);
        one.severity = one.severity.max(other.severity);
        one
    })
}

fn advised(severity: Severity, advisory: &Advisory, version: &str, indexes: usize) -> Finding {
    let count = float(indexes);
    Finding::new(ID, Object::Cluster, severity, format!("{version} {}", advisory.effect))
        .confidence(Confidence::Medium)
        .statistic("server.version", version, Unit::Name)
        .statistic("server.cure", advisory.cure, Unit::Name)
        .statistic("server.source", advisory.source, Unit::Name)
        .statistic("gin_indexes.indexes", whole(count), Unit::Count)
}

fn corrupt(table: &ImpossibleRows) -> Finding {
    let object = Object::Table { schema: table.schema.clone(), table: table.name.clone() };
    let message = format!(
        "`{object}` has {} pages and a row count (reltuples) of {} in the catalog: autovacuum does not come and plans are wrong",
        table.pages, table.rows
    );
    Finding::new(ID, object.clone(), Severity::High, message)
        .statistic("impossible_rows.pages", table.pages, Unit::Count)
        .statistic("impossible_rows.reltuples", table.rows.as_str(), Unit::Name)
        .action(Action::Maintain(Maintenance {
            object,
            verb: MaintenanceVerb::Analyze,
            tables: vec![table.qualified_name()],
            preconditions: Vec::new(),
            caveats: vec!["before 18.6 a parallel GIN build can do it again".to_owned()],
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_defect_ends_with_the_release_that_mends_it() {
        let sources = |version: &str| -> Vec<&str> {
            let applies = |(_, advisory): &&(Severity, Advisory)| {
                advisory.component.of_server(version).is_some()
            };
            ADVISORIES.iter().filter(applies).map(|(_, advisory)| advisory.source).collect()
        };
        assert_eq!(sources("14.3").len(), 3);
        assert_eq!(sources("14.4").len(), 2);
        assert_eq!(sources("16.1")[0], "release notes of PostgreSQL 14.11, 15.6 and 16.2");
        assert_eq!(sources("16.2").len(), 1);
        assert_eq!(sources("18.5")[0], "release notes of PostgreSQL 18.6");
        assert_eq!(sources("18.6").len(), 1);
        assert_eq!(sources("18.7"), [] as [&str; 0]);
        assert_eq!(sources("19rc1"), [] as [&str; 0]);
    }
}
