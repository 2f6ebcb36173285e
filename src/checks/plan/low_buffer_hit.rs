//! `plan/low-buffer-hit`, explained in the page beside this file.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::large_seq_scan::scans;
use super::tree::scanned::Unsaid;
use super::tree::{
    TEXT_CHARS_MAX, TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed,
    or_counted, workload,
};
use super::{
    heap_fetches, large_seq_scan, lossy_bitmap, unindexable_condition, unselective_index_scan,
};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::explain::Node;
use crate::model::observation::{StatementCounters, StatementProfile};
use crate::model::rate::{WINDOW_S_MIN, Window};
use crate::model::toast::BLOCK_BYTES;
use crate::model::{
    Case, Confidence, Finding, Gap, GapReason, Judgement, Object, Severity, Superpower, Threshold,
    Topic, Unit, beginning, grouped, percent,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS, Topic::STATEMENTS],
    uses: &[Topic::CONTEXT],
    requires: &[],
    thresholds: &[
        &HIT_RATIO_MIN,
        &READ_BLOCKS_MIN,
        &TIME_SHARE_MIN,
        &TIME_MS_MIN,
        &READ_CALLS_MIN,
        &WORKLOAD_SHARE_MIN,
        &WINDOW_S_MIN,
    ],
    page: include_str!("low_buffer_hit.md"),
    judge,
};

const ID: &str = "plan/low-buffer-hit";

static HIT_RATIO_MIN: Threshold = Threshold {
    name: "hit_ratio_min",
    default: 0.99,
    unit: Unit::Ratio,
    reason: "a query whose rows are in use finds more than 99 % of its blocks in shared buffers",
};

static READ_BLOCKS_MIN: Threshold = Threshold {
    name: "read_blocks_min",
    default: 1000.0,
    unit: Unit::Count,
    reason: "8 MB are read within a few milliseconds",
};

static READ_CALLS_MIN: Threshold = Threshold {
    name: "read_calls_min",
    default: 10.0,
    unit: Unit::Count,
    reason: "a statement that runs once reads from disk by nature",
};

static WORKLOAD_SHARE_MIN: Threshold = Threshold {
    name: "workload_share_min",
    default: 0.05,
    unit: Unit::Ratio,
    reason: "reads that take less than a twentieth of all statements' time are not worth more memory",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    or_counted(case, by_plans(case), by_counters)
}

/// Statements that `pg_stat_statements` counts, each weighted by what its reads take of the time of all.
fn by_counters(case: &Case<'_>) -> Result<Judgement, Gap> {
    let now = case.snapshot.context.get()?.now;
    let statements = &workload(case)?.statements;
    let total_ms: f64 = statements.iter().map(|statement| statement.total_ms).sum();
    let mut judgement = Judgement::default();
    let mut untimed = 0_u32;
    for statement in statements {
        let Some(counters) = statement.counters.filter(|one| misses(one, statement, case)) else {
            continue;
        };
        let Some(read_ms) = counters.read_ms else {
            untimed += 1;
            continue;
        };
        let calls = count(Some(statement.calls));
        let policy = case.policy;
        if read_ms < policy.get(&TIME_SHARE_MIN) * statement.total_ms
            || read_ms < policy.get(&WORKLOAD_SHARE_MIN) * total_ms
            || read_ms / calls.max(1.0) < policy.get(&TIME_MS_MIN)
        {
            continue;
        }
        let window = Window::since_reset("statement_counters", counters.counting_since, now)
            .and_then(|window| window.at_least("statement_reads", &WINDOW_S_MIN, policy));
        match window {
            Ok(window) => {
                let reads = StatementReads { statement, counters, read_ms, total_ms };
                judgement.findings.extend(reads.finding(window));
            }
            Err(gap) => judgement.gaps.push(gap),
        }
    }
    judgement.gaps.dedup();
    judgement.gaps.extend((untimed > 0).then(|| not_timed(untimed)));
    Ok(judgement)
}

/// Whether a statement that runs often reads much from outside of shared buffers.
fn misses(counters: &StatementCounters, statement: &StatementProfile, case: &Case<'_>) -> bool {
    let read = count(Some(counters.shared_blks_read));
    read >= case.policy.get(&READ_BLOCKS_MIN)
        && hit_ratio(counters) < case.policy.get(&HIT_RATIO_MIN)
        && count(Some(statement.calls)) >= case.policy.get(&READ_CALLS_MIN)
}

fn hit_ratio(counters: &StatementCounters) -> f64 {
    let hit = count(Some(counters.shared_blks_hit));
    hit / (hit + count(Some(counters.shared_blks_read))).max(1.0)
}

/// What a statement read from outside of shared buffers.
struct StatementReads<'s> {
    statement: &'s StatementProfile,
    counters: StatementCounters,
    /// The time that the reads took.
    read_ms: f64,
    /// The time of all statements.
    total_ms: f64,
}

impl StatementReads<'_> {
    fn finding(&self, window: Window) -> Option<Finding> {
        let Self { statement, counters, read_ms, total_ms } = *self;
        let counters = &counters;
        let query_id = statement.query_id?.to_string();
        let share = read_ms / statement.total_ms.max(read_ms);
        let line = statement.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!(
            "Statement {query_id} finds {} of its blocks in shared buffers and waits {} of its time for the others, over {window}: {}",
            percent(hit_ratio(counters)),
            percent(share),
            beginning(&line, TEXT_CHARS_MAX)
        );
        let read_bytes = count(Some(counters.shared_blks_read)) * float(BLOCK_BYTES);
        Some(
            Finding::new(ID, Object::Statement { query_id }, Severity::Low, message)
                .statistic("stat_statements.hit_ratio", hit_ratio(counters), Unit::Ratio)
                .statistic("stat_statements.read_bytes", whole(read_bytes), Unit::Bytes)
                .statistic("stat_statements.read_ms", read_ms, Unit::Ms)
                .statistic(
                    "stat_statements.workload_share",
                    read_ms / total_ms.max(read_ms),
                    Unit::Ratio,
                )
                .statistic("stat_statements.calls", count(Some(statement.calls)), Unit::Count)
                .statistic("stat_statements.window_s", whole(window.seconds()), Unit::S),
        )
    }
}

fn not_timed(statements: u32) -> Gap {
    let detail = format!(
        "`track_io_timing` is off, so what the reads of {} take is not known",
        crate::model::counted(statements, "statement", "statements")
    );
    Gap::new("statement_reads", GapReason::NotVisibleInSql, detail)
        .lifted_by(crate::model::alter_system("track_io_timing", "on"))
}

fn by_plans(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        if tree.plan.root().is_some_and(|root| root.buffers.is_none()) {
            judgement.gaps.push(no_buffers());
        }
        let spared = LazyCell::new(|| spared(tree, case));
        let found = |node| find(tree, node, &spared, case);
        judgement.findings.extend(tree.nodes().iter().filter_map(found));
    })
}

fn find(
    tree: &Tree<'_>,
    node: &Node,
    spared: &LazyCell<BTreeSet<usize>, impl FnOnce() -> BTreeSet<usize>>,
    case: &Case<'_>,
) -> Option<Finding> {
    let buffers = tree.own_buffers(node.id)?;
    let (hit, read) = (count(Some(buffers.shared_hit)), count(Some(buffers.shared_read)));
    let ratio = hit / (hit + read).max(1.0);
    if read < case.policy.get(&READ_BLOCKS_MIN)
        || ratio >= case.policy.get(&HIT_RATIO_MIN)
        || spared.contains(&node.id)
        || heap_fetches::find(tree, node, case).is_some()
    {
        return None;
    }
    // With track_io_timing it is known what the reads take; otherwise it is less than the node takes, and what else takes its
    // time has been found.
    let (stake, confidence) = match tree.own_read_ms(node.id) {
        Some(ms) => (tree.stake_of_ms(ms), Confidence::High),
        None if lossy_bitmap::find(tree, node, case).is_some() => return None,
        None => (tree.stake([node.id]), Confidence::Low),
    };
    if !stake.matters(case) {
        return None;
    }
    let waits = if confidence == Confidence::High { "waits" } else { "at most waits" };
    let message = format!(
        "{} finds {:.1} % of its blocks in shared buffers and {waits} {:.0} % of the time for {} blocks from outside",
        tree.title(node.id),
        ratio * 100.0,
        stake.share * 100.0,
        grouped(read)
    );
    Some(
        tree.finding(ID, stake.at(node.id), message)
            .confidence(confidence)
            .evidence(figure("hit_ratio", ratio, Unit::Ratio))
            .evidence(figure("read_bytes", whole(read * float(BLOCK_BYTES)), Unit::Bytes)),
    )
}

/// Scans that another check blames for reading what they need not read, alone or with those of other partitions.
fn spared(tree: &Tree<'_>, case: &Case<'_>) -> BTreeSet<usize> {
    let is_seq_scan = |node: &Node| node.node_type == "Seq Scan";
    let read_for_nothing = |scan: &[&Node]| {
        large_seq_scan::find(tree, scan, case)
            .map_or_else(|unsaid| unsaid == Unsaid::ForAnyValue, |found| found.is_some())
    };
    let hides_its_column =
        |node: &&Node| matches!(unindexable_condition::find(tree, node, case), Ok(Some(_)));
    let is_unselective = |scan: &[&Node]| unselective_index_scan::find(tree, scan, case).is_some();
    let sequential = scans(tree, is_seq_scan);
    let hidden = sequential.iter().flatten().copied().filter(hides_its_column).map(|node| node.id);
    let mut spared: BTreeSet<usize> = hidden.collect();
    let by_index = scans(tree, unselective_index_scan::reads_by_index);
    let together = sequential
        .iter()
        .filter(|scan| read_for_nothing(scan))
        .chain(by_index.iter().filter(|scan| is_unselective(scan)));
    spared.extend(together.flatten().map(|node| node.id));
    spared
}

fn no_buffers() -> Gap {
    let detail =
        "The plan has no buffers: what was read from outside of shared buffers was not judged";
    Gap::new("plan.buffers", GapReason::NotEnoughEvidence, detail)
        .lifted_by("EXPLAIN (ANALYZE, BUFFERS)")
}
