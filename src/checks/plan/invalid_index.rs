//! `plan/invalid-index`, explained in the page beside this file.

use super::table::{IndexedTable, for_each_table};
use crate::checks::Check;
use crate::checks::existing::existing;
use crate::model::observation::Index;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Declined, Finding, Gap, GapReason, Judgement, Severity, Superpower, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::MAINTAINED_TABLES,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&TABLE_BYTES_MIN],
    page: include_str!("invalid_index.md"),
    judge,
};

const ID: &str = "plan/invalid-index";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let maintained = case.snapshot.plan.maintained_tables.get()?;
    let mut judgement = Judgement::default();
    for_each_table(case, |table| {
        // A partitioned index is invalid until each partition has its part: nothing is broken by that.
        let invalid = |index: &&&Index| !index.is_valid && !index.partitioned;
        let is_worked_on = maintained.iter().any(|one| one.oid == table.relation.oid);
        for index in table.indexes.iter().chain(&table.parts_of_others).filter(invalid) {
            if is_worked_on {
                judgement.declined.push(Declined::new(
                    ID,
                    table.object(index),
                    "it may be under construction",
                    "another session holds the lock that building an index takes",
                ));
            } else {
                find(&mut judgement, table, index, case);
            }
        }
    })?;
    Ok(judgement)
}

fn find(judgement: &mut Judgement, table: &IndexedTable<'_>, index: &Index, case: &Case<'_>) {
    let object = table.object(index);
    let name = table.relation.qualified_name();
    let Some(old) = existing(index, &name, &object, case.snapshot) else {
        let detail = format!("the definition of `{object}` was not read");
        judgement.gaps.push(Gap::new("index_details", GapReason::BudgetSpent, detail));
        return;
    };
    let cost =
        if index.is_ready { "every write maintains it" } else { "writes do not maintain it" };
    let message = format!("`{object}` is invalid: no query uses it, and {cost}");
    let severity = table.severity(case, Severity::Medium);
    let mut finding = Finding::new(ID, object, severity, message).statistic(
        "index_sizes.index_bytes",
        case.snapshot.common.index_bytes(index),
        Unit::Bytes,
    );
    let mut rebuilt = old.clone();
    if index.is_unique {
        rebuilt.caveats.push(
            "it fails again while two rows have the same key, if that made it invalid: remove one first"
                .to_owned(),
        );
    }
    // A part cannot be dropped alone, and its index stays invalid until it is attached once more.
    if let Some(parent) = index.parent {
        let parent = case.snapshot.common.index(parent).filter(|parent| !parent.is_valid);
        rebuilt.caveats.extend(parent.map(|parent| {
            let (parent, part) = (parent.qualified_name().to_sql(), index.qualified_name().to_sql());
            format!("`{parent}` becomes valid by ALTER INDEX {parent} ATTACH PARTITION {part}; once more")
        }));
        judgement.findings.push(finding.action(Action::RebuildIndex(rebuilt)));
        return;
    }
    // What REINDEX CONCURRENTLY left behind is a second copy of an index that is there.
    let is_leftover = index.name.contains("_ccnew") || index.name.contains("_ccold");
    if !is_leftover {
        finding = finding.action(Action::RebuildIndex(rebuilt));
    }
    judgement.findings.push(finding.action(Action::DropIndex(old)));
}
