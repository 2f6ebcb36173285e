//! `wal/rows-in-default-partition`, explained in the page beside this file.

use super::bound::End;
use super::ranges::Divided;
use super::tables::{by_size, partition};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::observation::Relation;
use crate::model::rate::{WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Declined, DefaultDrain, Finding, Gap, GapReason, Judgement, Object, RangeStep,
    Severity, Superpower, Topic, Unit, counted, grant_in, grouped, quote_identifier, quote_literal,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Wal,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::WAL_PARTITIONS],
    uses: &[],
    requires: &[],
    thresholds: &[&TABLE_BYTES_MIN, &WINDOW_S_MIN],
    page: include_str!("rows_in_default_partition.md"),
    judge,
};

const ID: &str = "wal/rows-in-default-partition";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let families = case.families()?;
    let mut judgement = Judgement::default();
    for divided in Divided::all(case, families)? {
        let Some(default) = divided.key.default_partition else { continue };
        let Some(family) = families.family(divided.root.oid) else { continue };
        let Some(one) = family.members.iter().find(|member| member.oid == default) else {
            continue;
        };
        let rows = one.rows_now(None).max(0.0);
        if rows < 1.0 {
            judgement.gaps.extend(uncounted(case, one));
            continue;
        }
        let object = partition(family.root, one);
        // A range takes no NULL: these rows have no other partition to go to.
        let movable = rows * (1.0 - divided.key.default_null_share.unwrap_or(0.0));
        // A share is rounded.
        if movable < 0.5 {
            judgement.declined.push(Declined::new(
                ID,
                object,
                "its rows have no key",
                format!("{} rows whose key is NULL have no other partition", grouped(rows)),
            ));
            continue;
        }
        let message = format!(
            "`{object}` is a default partition and holds {}: new partitions scan it under a lock, or fail",
            counted(whole(rows), "row", "rows")
        );
        let severity = by_size(family, case.policy, Severity::Medium);
        let finding = Finding::new(ID, object.clone(), severity, message).statistic(
            "relations.rows",
            whole(rows),
            Unit::Rows,
        );
        judgement.gaps.extend(nulls_hidden(&divided, one));
        let filled =
            FilledDefault { divided: &divided, default: one, object: object.clone(), rows };
        match filled.drain(case) {
            Ok(drain) => judgement.findings.push(finding.action(Action::DrainDefault(drain))),
            Err(detail) => {
                judgement.findings.push(finding);
                judgement.declined.push(Declined::new(
                    ID,
                    object,
                    "rows have to be moved, range by range",
                    detail,
                ));
            }
        }
    }
    Ok(judgement)
}

/// Where no ANALYZE has counted its rows, and the counters, which a standby has none of, begin after they may have come.
fn uncounted(case: &Case<'_>, default: &Relation) -> Option<Gap> {
    if default.rows.is_some() {
        return None;
    }
    if !case.snapshot.server.in_recovery {
        let window = Window::of_database(case.snapshot.context.get().ok()?).ok()?;
        return window.at_least("default_partition_rows", &WINDOW_S_MIN, case.policy).err();
    }
    let name = default.qualified_name().to_sql();
    let detail = format!(
        "whether `{name}` has rows is not known: it was never analyzed, and a standby counts none"
    );
    let gap = Gap::new("table_activity", GapReason::InRecovery, detail);
    Some(gap.lifted_by(format!("ANALYZE {name};")))
}

/// A default partition that holds rows.
struct FilledDefault<'d, 'a> {
    divided: &'d Divided<'a>,
    default: &'d Relation,
    object: Object,
    rows: f64,
}

impl FilledDefault<'_, '_> {
    /// How to move them, or what to do by hand where the ranges of the table follow no rule, or another tool makes its partitions.
    fn drain(self, case: &Case<'_>) -> Result<DefaultDrain, String> {
        let Self { divided, default, object, rows } = self;
        let root = divided.root;
        if let Err(gap) = case.snapshot.wal.partman_sets.get() {
            return Err(format!(
                "whether pg_partman makes its partitions is not known: {}",
                gap.detail
            ));
        }
        if divided.partman(case).is_some() {
            let extensions = case.snapshot.wal.extensions.get().ok();
            let extension =
                extensions.and_then(|all| all.iter().find(|one| one.name == "pg_partman"));
            let schema = extension.map_or("partman", |found| &found.schema);
            return Err(format!(
                "CALL {}.partition_data_proc({}); moves them in batches",
                quote_identifier(schema),
                quote_literal(&format!("{}.{}", root.schema, root.name))
            ));
        }
        if let Some(why) = divided.key.default_stays.as_deref() {
            return Err(stays(why, default));
        }
        if let Some(gap) = nulls_hidden(divided, default) {
            return Err(format!("rows without a key would stay, and {}", gap.detail));
        }
        let by_hand = || {
            format!(
                "for each range: create a table like `{}`, move its rows from the default in batches, add a CHECK of the range, \
             then attach it",
                root.name
            )
        };
        let type_name = divided.key.first_type.as_deref().unwrap_or_default();
        let step = divided.step().filter(|step| fits(type_name, *step)).ok_or_else(by_hand)?;
        let (from, until) = divided.open_ends();
        Ok(DefaultDrain {
            object,
            table: root.qualified_name(),
            default: default.qualified_name(),
            column: divided.key.first_column.clone().ok_or_else(by_hand)?,
            type_name: type_name.to_owned(),
            step,
            from: from.and_then(End::text),
            until: until.and_then(End::text),
            rows: whole(rows),
        })
    }
}

/// Rows without a key have no other partition: where their share is not shown, it is unknown whether any row can be moved.
fn nulls_hidden(divided: &Divided<'_>, default: &Relation) -> Option<Gap> {
    let key = divided.key;
    let column = key.first_column.as_ref().filter(|_| key.default_nulls_hidden)?;
    if key.default_null_share.is_some() {
        return None;
    }
    let name = default.qualified_name().to_sql();
    let detail = format!("how many rows of `{name}` have no `{column}` is not shown to our role");
    let privilege = format!("SELECT ({}) ON {name}", quote_identifier(column));
    let gap = Gap::new("default_null_share", GapReason::MissingPrivilege, detail);
    Some(gap.lifted_by(grant_in(&default.schema, privilege)))
}

/// Why no statement is recommended that moves the rows, and what to do first.
fn stays(why: &str, default: &Relation) -> String {
    let name = &default.name;
    match why {
        "partitioned" => format!("`{name}` is partitioned itself: move the rows of its partitions"),
        "referred_to" => {
            "foreign keys refer to the table: moving a row deletes it first, and what refers to it is deleted or refuses that"
                .to_owned()
        }
        "triggers" => format!("`{name}` has triggers, which would run for each row that is moved"),
        _ => format!(
            "a publication sends deletes of `{name}`, which has no replica identity, so DELETE fails: give it one first"
        ),
    }
}

fn fits(type_name: &str, step: RangeStep) -> bool {
    match (type_name, step) {
        ("date", RangeStep::Seconds { width, .. }) => width % 86_400 == 0,
        ("int2" | "int4" | "int8", RangeStep::Numbers { .. })
        | ("timestamp" | "timestamptz", RangeStep::Seconds { .. })
        | ("date" | "timestamp" | "timestamptz", RangeStep::Month | RangeStep::Year) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, divided, edit, snapshot};
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

    #[test]
    fn an_empty_default_partition_that_nothing_counted_is_unknown() {
        let mut seen = snapshot();
        let range = "FOR VALUES FROM (1) TO (1000)";
        divided(&mut seen, "events", &[("a", range, 10), ("rest", "DEFAULT", 0)]);
        let gaps = |seen: &crate::model::Snapshot| {
            let judgement = CHECK.run(&case(seen, &Policy::default())).unwrap_or_default();
            judgement.gaps.into_iter().map(|gap| gap.reason).collect::<Vec<_>>()
        };
        for relation in edit(&mut seen.relations) {
            relation.rows = relation.rows.filter(|rows| *rows > 0.0);
        }
        assert!(gaps(&seen).is_empty(), "its counters have counted for long");
        seen.server.in_recovery = true;
        assert_eq!(gaps(&seen), [GapReason::InRecovery]);
        seen.server.in_recovery = false;
        let context = edit(&mut seen.context);
        context.counting_since = Some(context.now);
        assert_eq!(gaps(&seen), [GapReason::NotEnoughHistory]);
    }

    #[test]
    fn rows_are_not_moved_where_it_is_not_shown_whether_they_have_a_key() {
        let mut seen = snapshot();
        let january = "FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')";
        divided(&mut seen, "events", &[("a", january, 10), ("rest", "DEFAULT", 10)]);
        for (hidden, share, actions) in [(false, None, 1), (true, None, 0), (true, Some(0.0), 1)] {
            let key = &mut edit(&mut seen.wal.partition_keys)[0];
            (key.default_nulls_hidden, key.default_null_share) = (hidden, share);
            let judgement = CHECK.run(&case(&seen, &Policy::default())).unwrap_or_default();
            assert_eq!(judgement.findings[0].actions.len(), actions);
            assert_eq!(
                (judgement.gaps.len(), judgement.declined.len()),
                (1 - actions, 1 - actions)
            );
            if let Some(gap) = judgement.gaps.first() {
                let lift = gap.lift.as_deref().unwrap_or_default();
                assert!(lift.contains("GRANT SELECT (at) ON ml.rest TO"), "{lift}");
            }
        }
    }
}
