//! `wal/wraparound`, explained in the page beside this file.

use super::tables::{LeafTable, forest, leaves, object};
use crate::checks::Check;
use crate::checks::horizon::{PINNED_S_MIN, holder_of, report};
use crate::checks::number::float;
use crate::model::observation::{DatabaseAge, Setting};
use crate::model::{
    Action, Case, Declined, Family, Finding, Gap, Judgement, Maintenance, MaintenanceVerb, Object,
    Severity, Superpower, Threshold, Topic, Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Critical,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::SETTINGS,
        Topic::TABLE_ACTIVITY,
        Topic::WAL_HORIZON,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&AGE_MAX, &PINNED_S_MIN],
    page: include_str!("wraparound.md"),
    judge,
};

const ID: &str = "wal/wraparound";

static AGE_MAX: Threshold = Threshold {
    name: "age_max",
    default: 1_000_000_000.0,
    unit: Unit::Count,
    reason: "half of the ids there are: autovacuum should have come at 200 million",
};

/// `vacuum_failsafe_age` where it is not seen: from there on vacuum does nothing but freeze.
const FAILSAFE_AGE: f64 = 1_600_000_000.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let databases = case.snapshot.wal.databases.get()?;
    let mut judgement = Judgement::default();
    // Nothing is frozen that is younger than what someone may still see.
    let holder = holder_of(case, max(case));
    for family in forest(case)?.iter() {
        let old: Vec<LeafTable<'_>> =
            leaves(case, family).into_iter().filter(|leaf| age(leaf) > max(case)).collect();
        let Some(finding) = of_tables(case, family, &old) else { continue };
        report(&mut judgement, finding, holder.as_ref(), |finding| frozen(finding, &old));
    }
    for database in databases {
        let Some(finding) = of_database(case, database) else { continue };
        let detail = match (database.is_current, database.allows_connections) {
            (true, _) => {
                "VACUUM (FREEZE) its oldest tables, those of the catalog included".to_owned()
            }
            (false, true) => "connect to it, and VACUUM (FREEZE) its oldest tables".to_owned(),
            (false, false) => {
                "it allows no connections: ALTER DATABASE … ALLOW_CONNECTIONS true, then vacuum it"
                    .to_owned()
            }
        };
        judgement.declined.push(Declined::new(
            ID,
            finding.object.clone(),
            "its tables are vacuumed, not the database",
            detail,
        ));
        judgement.findings.push(finding);
    }
    Ok(judgement)
}

/// With the vacuum that clears it.
fn frozen(finding: Finding, old: &[LeafTable<'_>]) -> Finding {
    let freeze = Maintenance {
        object: finding.object.clone(),
        verb: MaintenanceVerb::VacuumFreeze,
        tables: old.iter().map(|leaf| leaf.relation.qualified_name()).collect(),
        preconditions: vec![
            "no transaction, slot or standby holds the horizon back: see wal/pinned-horizon"
                .to_owned(),
        ],
        caveats: Vec::new(),
    };
    finding.action(Action::Maintain(freeze))
}

fn max(case: &Case<'_>) -> f64 {
    case.policy.get(&AGE_MAX)
}

/// The older of both kinds of ids.
fn age(leaf: &LeafTable<'_>) -> f64 {
    let activity = leaf.activity;
    float(activity.xid_age.max(activity.multixact_age).unwrap_or_default())
}

fn severity(case: &Case<'_>, age: f64) -> Severity {
    let failsafe = case.snapshot.common.setting("vacuum_failsafe_age").and_then(Setting::number);
    let failsafe = failsafe.filter(|age| *age > 0.0).unwrap_or(FAILSAFE_AGE);
    if age >= failsafe { Severity::Critical } else { Severity::High }
}

fn of_tables(case: &Case<'_>, family: &Family<'_>, old: &[LeafTable<'_>]) -> Option<Finding> {
    let oldest = old.iter().map(age).reduce(f64::max)?;
    let relations: Vec<_> = old.iter().map(|leaf| leaf.relation).collect();
    let object = object(family, &relations);
    let ages = |of: fn(&LeafTable<'_>) -> Option<i64>| old.iter().filter_map(of).max().unwrap_or(0);
    let (xid_age, multixact_age) =
        (ages(|leaf| leaf.activity.xid_age), ages(|leaf| leaf.activity.multixact_age));
    let message = format!(
        "`{object}` was last frozen {} {} ago, {} of those there are",
        grouped(oldest),
        if multixact_age > xid_age { "multixacts" } else { "transactions" },
        crate::model::percent(oldest / 2_147_483_648.0)
    );
    Some(
        Finding::new(ID, object, severity(case, oldest), message)
            .statistic("table_activity.xid_age", xid_age, Unit::Count)
            .statistic("table_activity.multixact_age", multixact_age, Unit::Count),
    )
}

fn of_database(case: &Case<'_>, database: &DatabaseAge) -> Option<Finding> {
    let age = float(database.xid_age.max(database.multixact_age));
    if age <= max(case) {
        return None;
    }
    let object = Object::Database { database: database.name.clone() };
    let message = format!(
        "Database `{object}` holds ids of {} {} ago, {} of those there are",
        grouped(age),
        if database.multixact_age > database.xid_age { "multixacts" } else { "transactions" },
        crate::model::percent(age / 2_147_483_648.0)
    );
    Some(
        Finding::new(ID, object, severity(case, age), message)
            .statistic("databases.xid_age", database.xid_age, Unit::Count)
            .statistic("databases.multixact_age", database.multixact_age, Unit::Count),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, snapshot, table, transaction};
    use super::*;
    use crate::model::Policy;

    #[test]
    fn tables_and_databases_are_found_by_either_kind_of_id_and_past_the_failsafe_it_is_critical() {
        let mut seen = snapshot();
        let policy = Policy::default();
        table(&mut seen, 1, "old", (10, 0)).1.xid_age = Some(1_000_000_000);
        assert_eq!(CHECK.run(&case(&seen, &policy)), Ok(Judgement::default()));
        edit(&mut seen.common.table_activity)[0].multixact_age = Some(1_000_000_001);
        edit(&mut seen.wal.databases)[0].xid_age = 1_600_000_000;
        let judgement = CHECK.run(&case(&seen, &policy)).unwrap_or_default();
        let severities: Vec<Severity> = judgement.findings.iter().map(|f| f.severity).collect();
        assert_eq!(severities, [Severity::High, Severity::Critical]);
        assert_eq!(judgement.declined.len(), 1);
        assert_eq!(judgement.findings[0].actions.len(), 1);
        // One that is younger than what is to be frozen stands in no way.
        edit(&mut seen.wal.transactions).push(transaction(99.0, 1_000_000_000));
        let judgement = CHECK.run(&case(&seen, &policy)).unwrap_or_default();
        assert_eq!(judgement.findings[0].actions.len(), 1);
        edit(&mut seen.wal.transactions)[0].xmin_age = Some(1_000_000_001);
        let judgement = CHECK.run(&case(&seen, &policy)).unwrap_or_default();
        assert!(judgement.findings[0].actions.is_empty());
        assert!(judgement.declined[0].reason.starts_with("Process 7"), "{judgement:?}");
    }
}
