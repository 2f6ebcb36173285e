//! `toast/value-id-exhaustion`, explained in the page beside this file.

use super::size::TABLE_BYTES_MIN;
use super::table::{RelationNode, ToastedTable, float, sample_gaps, tables, whole};
use crate::checks::{Check, Requirement};
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Policy, Severity, Superpower, Threshold, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Critical,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[Requirement::Counters],
    thresholds: &[&VALUE_ID_SHARE_MAX, &TABLE_BYTES_MIN],
    page: include_str!("value_id_exhaustion.md"),
    judge,
};

const ID: &str = "toast/value-id-exhaustion";

/// Ids are OIDs: 32 bits for each TOAST table.
const VALUE_IDS: f64 = 4_294_967_296.0;

static VALUE_ID_SHARE_MAX: Threshold = Threshold {
    name: "value_id_share_max",
    default: 0.25,
    unit: Unit::Ratio,
    reason: "with a quarter taken, every fourth new id is tried in vain, and partitioning takes a while to plan",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(case)? {
        for node in table.leaves() {
            let Some(finding) = find(&table, node, policy) else { continue };
            judgement.declined.push(Declined::new(
                ID,
                finding.object.clone(),
                "no SQL statement fixes this",
                "each partition has a TOAST table, and so ids, of its own: partition the table",
            ));
            judgement.findings.push(finding);
        }
    }
    Ok(judgement)
}

/// Ids are per TOAST table, so each partition is judged alone.
fn find(table: &ToastedTable<'_>, node: &RelationNode<'_>, policy: &Policy) -> Option<Finding> {
    let columns = node.sample.map_or(&[][..], |sample| &sample.columns);
    let chunks: u64 = columns.iter().map(|column| column.out_of_line_chunks).sum();
    let values: u64 = columns.iter().map(|column| column.out_of_line_values).sum();
    if values == 0 {
        return None;
    }
    let ids = float(node.toast.chunks_live) * float(values) / float(chunks);
    let share = ids / VALUE_IDS;
    if share < policy.get(&VALUE_ID_SHARE_MAX) {
        return None;
    }
    let severity = if share >= 0.75 { Severity::Critical } else { Severity::High };
    let object = table.object_of(&[node]);
    let message =
        format!("`{object}` uses a large part of the 2^32 ids its TOAST table can give out");
    Some(
        Finding::new(ID, object, severity, message)
            .statistic("toast_tables.value_id_share", share, Unit::Ratio)
            .statistic("toast_tables.value_ids", whole(ids), Unit::Count),
    )
}
