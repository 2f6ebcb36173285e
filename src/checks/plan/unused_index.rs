//! `plan/unused-index`, explained in the page beside this file.

use super::table::{IndexedTable, for_each_table};
use crate::checks::existing::{existing, needed_by};
use crate::checks::number::float;
use crate::checks::{Check, Requirement};
use crate::model::observation::{Index, ReplicationSlot};
use crate::model::rate::{UNUSED_WINDOW_S_MIN, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, GapReason, Judgement, Severity, Superpower,
    Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::Low,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::INDEXES, Topic::INDEX_DETAILS],
    uses: &[Topic::WAL_HORIZON],
    requires: &[Requirement::Counters],
    thresholds: &[&UNUSED_WINDOW_S_MIN, &TABLE_BYTES_MIN],
    page: include_str!("unused_index.md"),
    judge,
};

const ID: &str = "plan/unused-index";

/// Access methods whose own superpower judges unused indexes.
const OTHERS: &[&str] = &["gin", "hnsw", "ivfflat"];

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let context = case.snapshot.context.get()?;
    let mut judgement = Judgement::default();
    let mut too_early = None;
    for_each_table(case, |table| {
        if table.bytes < case.policy.get(&TABLE_BYTES_MIN) {
            return;
        }
        let is_unused = |index: &&&Index| {
            index.is_valid && table.scans(index) == 0 && !OTHERS.contains(&index.method.as_str())
        };
        for index in table.indexes.iter().filter(is_unused) {
            let window = Window::of_index(context, table.counting_since(index));
            match window.and_then(|window| {
                window.at_least("index_counters", &UNUSED_WINDOW_S_MIN, case.policy)
            }) {
                Ok(window) => UnusedIndex { table, index, window }.judge(&mut judgement, case),
                Err(gap) => too_early = Some(gap),
            }
        }
    })?;
    judgement.gaps.extend(too_early);
    Ok(judgement)
}

/// An index without a scan in a window.
struct UnusedIndex<'t, 'a> {
    table: &'t IndexedTable<'a>,
    index: &'t Index,
    window: Window,
}

impl UnusedIndex<'_, '_> {
    fn judge(&self, judgement: &mut Judgement, case: &Case<'_>) {
        let Self { table, index, window } = *self;
        let object = table.object(index);
        let Some(detail) = table.detail(index) else {
            let gap = format!("the definition of `{object}` was not read, so it is not judged");
            judgement.gaps.push(Gap::new("index_details", GapReason::BudgetSpent, gap));
            return;
        };
        let declined =
            |reason: &str, detail: String| Declined::new(ID, object.clone(), reason, detail);
        if let Some(reason) = needed_by(index, detail) {
            judgement.declined.push(declined(reason, format!("no scan in {window}")));
            return;
        }
        if detail.finds_referring_rows {
            let detail = format!(
                "no scan in {window}: no row that it refers to was deleted or got another key"
            );
            judgement
                .declined
                .push(declined("a foreign key of its table looks for rows by it", detail));
            return;
        }
        if case.snapshot.server.in_recovery {
            let detail = format!("no scan here in {window}; the primary counts its own scans");
            judgement.declined.push(declined("this server is a standby", detail));
            return;
        }
        let name = table.relation.qualified_name();
        let Some(mut old) = existing(index, &name, &object, case.snapshot) else {
            judgement
                .declined
                .push(declined("its parts were not read", format!("no scan in {window}")));
            return;
        };
        old.caveats.extend(caveats(index));
        let bytes = table.index_bytes(index);
        let message =
            format!("`{object}` had no scan in {window} and takes {:.0} MB", float(bytes) / 1e6);
        judgement.findings.push(
            Finding::new(ID, object, Severity::Low, message)
                .confidence(if may_have_standbys(case) {
                    Confidence::Low
                } else {
                    Confidence::Medium
                })
                .statistic("indexes.scans", 0, Unit::Count)
                .statistic("indexes.window_s", window.seconds(), Unit::S)
                .statistic("index_sizes.index_bytes", bytes, Unit::Bytes)
                .action(Action::DropIndex(old)),
        );
    }
}

/// Whether queries may use it where this server counts none. Standbys that were not seen may be there.
fn may_have_standbys(case: &Case<'_>) -> bool {
    let wal = &case.snapshot.wal;
    let is_standby_s = |slot: &ReplicationSlot| slot.kind == "physical" && slot.active;
    wal.senders.get().map_or(true, |all| all.iter().any(|one| one.is_standby))
        || wal.slots.get().map_or(true, |slots| slots.iter().any(is_standby_s))
}

/// What the counters do not show.
fn caveats(index: &Index) -> Vec<String> {
    let mut caveats = vec![
        "each standby counts its own scans: look at pg_stat_user_indexes there before you drop it"
            .to_owned(),
        "the server does not show when an index was made: one that is younger was without a scan for less"
            .to_owned(),
    ];
    if index.has_expressions {
        let lost =
            "the statistics of its expression go with it, which the planner uses for estimates";
        caveats.push(lost.to_owned());
    }
    caveats
}
