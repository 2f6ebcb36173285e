//! `wal/logged-staging-table`, explained in the page beside this file.

use super::load::size;
use super::staging::{Facts, PersistenceDecision, decide};
use super::tables::{LeafTable, forest, leaves, object};
use crate::checks::number::float;
use crate::checks::staging::names_staging;
use crate::checks::{Check, Requirement};
use crate::model::observation::{RelationKind, TableRoles};
use crate::model::rate::Window;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, Judgement, Persistence, PersistenceChange,
    Severity, Superpower, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Low,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TABLE_ACTIVITY, Topic::WAL_STAGING],
    uses: &[],
    requires: &[Requirement::WriteCounters],
    thresholds: &[&TABLE_BYTES_MIN],
    page: include_str!("logged_staging_table.md"),
    judge,
};

const ID: &str = "wal/logged-staging-table";

/// The share of the rows that were inserted which are gone: deleted, or emptied without a count.
const GONE_SHARE: f64 = 0.9;
/// Bytes of a row where its table is empty: a header, and a little more.
const ROW_BYTES: f64 = 64.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let roles = seen.wal.table_roles.get()?;
    let slots = seen.wal.slots.get()?;
    let senders = seen.wal.senders.get()?;
    let context = seen.context.get()?;
    let standby = senders.iter().any(|one| one.is_standby)
        || slots.iter().any(|slot| slot.kind == "physical");
    let window = Window::of_database(context)?;
    let mut judgement = Judgement::default();
    for family in forest(case)?.iter() {
        for leaf in leaves(case, family) {
            let Some(roles) = roles.iter().find(|roles| roles.oid == leaf.relation.oid) else {
                continue;
            };
            if roles.is_unlogged || leaf.relation.kind != RelationKind::Table {
                continue;
            }
            let written = written_bytes(&leaf);
            let facts = Facts {
                standby,
                written_a_lot: written >= policy.get(&TABLE_BYTES_MIN),
                ..facts(&leaf, *roles)
            };
            let object = object(family, &[leaf.relation]);
            match decide(facts) {
                PersistenceDecision::Silent => {}
                PersistenceDecision::Logged(reason) => {
                    let (reason, detail) = reason.explained();
                    judgement.declined.push(Declined::new(ID, object, reason, detail));
                }
                PersistenceDecision::Unlogged => {
                    judgement.findings.push(finding(&leaf, object, written, window));
                }
            }
        }
    }
    Ok(judgement)
}

fn facts(leaf: &LeafTable<'_>, roles: TableRoles) -> Facts {
    let activity = leaf.activity;
    let inserted = float(activity.inserted_rows);
    let relation = leaf.relation;
    Facts {
        named: names_staging(&relation.schema) || names_staging(&relation.name),
        emptied: inserted > 0.0 && float(activity.live_rows) <= (1.0 - GONE_SHARE) * inserted,
        published: roles.published,
        subscribed: roles.subscribed,
        referenced: roles.referenced_by_logged,
        in_hierarchy: roles.is_partition || roles.inheritance,
        standby: false,
        written_a_lot: false,
    }
}

/// Bytes inserted since the counters were reset: by the width of the rows that are there, or by the least a row takes.
fn written_bytes(leaf: &LeafTable<'_>) -> f64 {
    let rows = leaf.relation.rows.unwrap_or(0.0);
    let row_bytes = if rows >= 1.0 {
        (float(leaf.relation.pages * BLOCK_BYTES) / rows).clamp(ROW_BYTES, float(BLOCK_BYTES))
    } else {
        ROW_BYTES
    };
    float(leaf.activity.inserted_rows) * row_bytes
}

fn finding(
    leaf: &LeafTable<'_>,
    object: crate::model::Object,
    written: f64,
    window: Window,
) -> Finding {
    let activity = leaf.activity;
    let message = format!(
        "`{object}` is filled and emptied, and logs about {} of WAL for it over {window}",
        size(written)
    );
    let change = PersistenceChange {
        object: object.clone(),
        table: leaf.relation.qualified_name(),
        to: Persistence::Unlogged,
        bytes: leaf.relation.bytes_at_least(),
    };
    Finding::new(ID, object, Severity::Low, message)
        .confidence(Confidence::Medium)
        .statistic("table_activity.inserted_rows", activity.inserted_rows, Unit::Rows)
        .statistic("table_activity.live_rows", activity.live_rows, Unit::Rows)
        .statistic("table_activity.written_bytes", written, Unit::Bytes)
        .action(Action::SetPersistence(change))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, edit, short, snapshot, table};
    use super::*;
    use crate::model::{Policy, Snapshot};

    fn staging(name: &str) -> Snapshot {
        let mut seen = snapshot();
        let (_, activity) = table(&mut seen, 1, name, (100, 0));
        activity.inserted_rows = 1_000_000;
        edit(&mut seen.wal.table_roles).push(TableRoles {
            oid: 1,
            is_unlogged: false,
            is_partition: false,
            references_logged: false,
            referenced_by_logged: false,
            subscribed: false,
            published: false,
            inheritance: false,
        });
        seen
    }

    fn run(snapshot: &Snapshot) -> Judgement {
        CHECK.run(&case(snapshot, &Policy::default())).unwrap_or_else(|gap| unreachable!("{gap:?}"))
    }

    #[test]
    fn a_staging_table_that_is_filled_and_emptied_is_found() {
        let judgement = run(&staging("events_stg"));
        assert_eq!(short(&judgement.findings[0].actions[0]), "UNLOGGED");
    }

    #[test]
    fn what_speaks_against_it_is_declined_with_its_reason() {
        let mut seen = staging("events_stg");
        edit(&mut seen.wal.table_roles)[0].published = true;
        let judgement = run(&seen);
        assert!(judgement.findings.is_empty());
        assert_eq!(judgement.declined[0].reason, "a publication sends it");
        let unnamed = run(&staging("sessions"));
        assert!(unnamed.findings.is_empty() && unnamed.declined.len() == 1);
    }

    #[test]
    fn an_ordinary_table_and_one_that_is_unlogged_already_are_silent() {
        let mut seen = staging("sessions");
        edit(&mut seen.common.table_activity)[0].live_rows = 1_000_000;
        assert_eq!(run(&seen), Judgement::default());
        let mut seen = staging("events_stg");
        edit(&mut seen.wal.table_roles)[0].is_unlogged = true;
        assert_eq!(run(&seen), Judgement::default());
    }
}
