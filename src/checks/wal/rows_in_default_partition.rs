//! `wal/rows-in-default-partition`, explained in the page beside this file.

use super::ranges::Divided;
use super::tables::{by_size, partition};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Case, Declined, Families, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::WAL_PARTITIONS],
    requires: &[],
    thresholds: &[&TABLE_BYTES_MIN],
    page: include_str!("rows_in_default_partition.md"),
    judge,
};

const ID: &str = "wal/rows-in-default-partition";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let relations = case.snapshot.relations.get().map_err(Clone::clone)?;
    let families = Families::of(relations);
    let mut judgement = Judgement::default();
    for divided in Divided::all(case, &families)? {
        let Some(default) = divided.key.default_partition else { continue };
        let Some(family) = families.family(divided.root.oid) else { continue };
        let Some(one) = family.members.iter().find(|member| member.oid == default) else {
            continue;
        };
        let rows = one.rows_now(None).max(0.0);
        if rows < 1.0 {
            continue;
        }
        let object = partition(divided.root, one);
        let message = format!(
            "`{object}` is a default partition and holds {rows:.0} rows: new partitions scan it under a lock, or fail"
        );
        let severity = by_size(family, case.policy, Severity::Medium);
        let recipe = match divided.partman(case) {
            Some(_) => format!(
                "partition_data_proc('{}.{}') moves them in batches",
                divided.root.schema, divided.root.name
            ),
            None => format!(
                "for each range: create a table like `{}`, move its rows from the default in batches, add a CHECK of the \
                 range, then attach it",
                divided.root.name
            ),
        };
        judgement.declined.push(Declined {
            check: ID.to_owned(),
            object: object.clone(),
            reason: "rows have to be moved, range by range".to_owned(),
            detail: recipe,
        });
        judgement.findings.push(Finding::new(ID, object, severity, message).statistic(
            "relations.rows",
            whole(rows),
            Unit::Rows,
        ));
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, divided, snapshot};
    use super::*;
    use crate::model::Policy;

    #[test]
    fn rows_of_a_range_s_default_partition_are_found_and_an_empty_one_is_not() {
        for (rows, expected) in
            [(0, None), (10, Some(Severity::Low)), (500_000, Some(Severity::Medium))]
        {
            let mut seen = snapshot();
            let range = "FOR VALUES FROM (1) TO (1000)";
            divided(&mut seen, "events", &[("a", range, 10), ("rest", "DEFAULT", rows)]);
            let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
            assert_eq!(judgement.findings.first().map(|f| f.severity), expected);
        }
    }
}
