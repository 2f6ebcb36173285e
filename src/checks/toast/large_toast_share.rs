//! `toast/large-toast-share`, explained in the page beside this file.

use super::reads::{Reads, too_early};
use super::remedy::{inline_wholly, no_column_alone, only_column};
use super::size::{HISTORY_S_MIN, READ_BACK_MIN, READ_BACK_PER_DAY_MIN, TABLE_BYTES_MIN};
use super::table::{ToastedTable, float, sample_gaps, tables};
use crate::checks::{Check, Requirement};
use crate::model::observation::Context;
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Case, Confidence, Declined, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic,
    Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[Requirement::Counters],
    thresholds: &[
        &TOAST_SHARE_MAX,
        &READ_BACK_MIN,
        &READ_BACK_PER_DAY_MIN,
        &HISTORY_S_MIN,
        &TABLE_BYTES_MIN,
    ],
    page: include_str!("large_toast_share.md"),
    judge,
};

const ID: &str = "toast/large-toast-share";

static TOAST_SHARE_MAX: Threshold = Threshold {
    name: "toast_share_max",
    default: 0.10,
    unit: Unit::Ratio,
    reason: "an alert from 10 % of the main table on; never alone, see the page",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(case)? {
        let share = float(table.toast_bytes()) / float(table.heap_bytes()).max(float(BLOCK_BYTES));
        if share <= policy.get(&TOAST_SHARE_MAX) {
            continue;
        }
        match table.reads(seen) {
            Some(reads) if reads.are_many(context, policy) || reads.are_wanted(policy) => {
                let (finding, declined) = find(&table, share, reads);
                judgement.findings.push(finding);
                judgement.declined.extend(declined);
            }
            // Without a sample no one can say, and the sample's gap does.
            None => {}
            Some(reads) => match too_early(context, policy) {
                Some(gap) => judgement.gaps.push(gap),
                None => judgement.declined.push(unread(&table, share, reads, context)),
            },
        }
    }
    Ok(judgement)
}

fn find(table: &ToastedTable<'_>, share: f64, reads: Reads) -> (Finding, Option<Declined>) {
    let object = table.object();
    let message = format!(
        "`{object}` keeps {:.1} times its heap in TOAST, and queries read that back",
        (share * 10.0).round() / 10.0
    );
    let inserted = table.total(|toast| toast.chunks_inserted);
    let deleted = table.total(|toast| toast.chunks_deleted);
    let finding =
        Finding::new(ID, object, Severity::Medium, message).confidence(Confidence::Medium);
    let finding = reads
        .on(finding)
        .statistic("relation_sizes.toast_share", share, Unit::Ratio)
        .statistic("relation_sizes.toast_bytes", table.toast_bytes(), Unit::Bytes)
        .statistic("relation_sizes.heap_bytes", table.heap_bytes(), Unit::Bytes)
        .statistic(
            "toast_tables.toast_blocks_read",
            table.total(|t| t.toast_blocks_read),
            Unit::Count,
        )
        .statistic(
            "toast_tables.toast_blocks_hit",
            table.total(|t| t.toast_blocks_hit),
            Unit::Count,
        )
        .statistic("toast_tables.chunks_grown", inserted - deleted, Unit::Count)
        .statistic("toast_tables.chunks_dead", table.total(|t| t.chunks_dead), Unit::Count);
    let several = || no_column_alone(ID, table);
    let actions = |column| inline_wholly(ID, table, column);
    match only_column(table).ok_or_else(several).and_then(actions) {
        Ok(actions) => (actions.into_iter().fold(finding, Finding::action), None),
        // The share is real, and no change of the storage would lower it.
        Err(declined) => (Finding { severity: Severity::Low, ..finding }, Some(declined)),
    }
}

fn unread(table: &ToastedTable<'_>, share: f64, reads: Reads, context: &Context) -> Declined {
    Declined::new(
        ID,
        table.object(),
        "the values are hardly read back",
        format!(
            "TOAST holds {share:.1} times the heap, and on this server each value was read back {:.2} times in \
             the {:.1} days that the counters count: a large TOAST table is the right place for them",
            reads.times,
            context.counting_days().unwrap_or(f64::NAN)
        ),
    )
}
