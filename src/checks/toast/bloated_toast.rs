//! `toast/bloated-toast`, explained in the page beside this file.

use super::size::{COLUMN_BYTES_MIN, TABLE_BYTES_MIN, TABLE_ROWS_MIN};
use super::table::{Node, Table, float, sample_gaps, tables, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::Context;
use crate::model::{
    Action, Confidence, Finding, Gap, Judgement, Policy, Severity, Snapshot, Superpower, Threshold,
    ToastAutovacuum, Topic, Unit,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    needs: &[Topic::Context, Topic::Relations, Topic::ToastTables, Topic::StoredValues],
    requires: &[Requirement::Counters],
    thresholds: &[
        &TOAST_DEAD_SHARE_MAX,
        &TOAST_FREE_SHARE_MAX,
        &AUTOVACUUM_OVERDUE,
        &COLUMN_BYTES_MIN,
        &TABLE_BYTES_MIN,
        &TABLE_ROWS_MIN,
    ],
    page: include_str!("bloated_toast.md"),
    judge,
};

const ID: &str = "toast/bloated-toast";

static TOAST_DEAD_SHARE_MAX: Threshold = Threshold {
    name: "toast_dead_share_max",
    default: 0.2,
    unit: Unit::Ratio,
    reason: "autovacuum's own default comes at 20 % dead; more means that it does not come",
};

static TOAST_FREE_SHARE_MAX: Threshold = Threshold {
    name: "toast_free_share_max",
    default: 0.7,
    unit: Unit::Ratio,
    reason: "free space is used again, so only a TOAST table over three times its contents is worth a rewrite",
};

static AUTOVACUUM_OVERDUE: Threshold = Threshold {
    name: "autovacuum_overdue",
    default: 2.0,
    unit: Unit::Ratio,
    reason: "with twice as many dead chunks as autovacuum waits for, it is late or kept from cleaning",
};

/// `autovacuum_vacuum_scale_factor` where that of the TOAST table is too lazy: the specification's for hot tables.
const SCALE_FACTOR: &str = "0.02";
/// A chunk's tuple header, key and line pointer, and its share of the page header.
const CHUNK_OVERHEAD_BYTES: f64 = 48.0;

fn judge(seen: &Snapshot, policy: &Policy) -> Result<Judgement, Gap> {
    let context = seen.context.get().map_err(Clone::clone)?;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(seen, policy)? {
        let affected: Vec<(&Node<'_>, Bloat)> =
            table.leaves().filter_map(|node| Some((node, bloat(node, context, policy)?))).collect();
        if !affected.is_empty() {
            judgement.findings.push(finding(&table, &affected, context));
        }
    }
    Ok(judgement)
}

/// What is wrong with one TOAST table.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bloat {
    dead_share: f64,
    /// Bytes a vacuum frees for reuse.
    dead_bytes: f64,
    /// Share of the file that holds nothing alive: dead and free together.
    unused_share: f64,
    /// Whether only writing the table anew would make the file fit its contents.
    full: bool,
    /// Whether autovacuum, as it is set, would not have come.
    unattended: bool,
}

fn bloat(node: &Node<'_>, context: &Context, policy: &Policy) -> Option<Bloat> {
    let bytes = float(node.toast_bytes());
    let (live, dead) = (float(node.toast.chunks_live), float(node.toast.chunks_dead));
    if bytes <= 0.0 || live + dead < 1.0 {
        return None;
    }
    let dead_share = dead / (live + dead);
    let dead_bytes = dead * chunk_bytes(node);
    let unused_share = (1.0 - live * chunk_bytes(node) / bytes).clamp(0.0, 1.0);
    let full = unused_share > policy.get(&TOAST_FREE_SHARE_MAX)
        && unused_share * bytes >= policy.get(&TABLE_BYTES_MIN);
    let trigger = trigger(node, context);
    let unattended = trigger.is_none_or(|trigger| dead <= trigger);
    let overdue = trigger.is_some_and(|trigger| dead > policy.get(&AUTOVACUUM_OVERDUE) * trigger);
    let many_dead = dead_share > policy.get(&TOAST_DEAD_SHARE_MAX)
        && dead_bytes >= policy.get(&COLUMN_BYTES_MIN)
        && (unattended || overdue);
    (many_dead || full).then_some(Bloat {
        dead_share,
        dead_bytes,
        unused_share,
        full,
        unattended: many_dead && unattended,
    })
}

/// Bytes of a chunk with what it costs in the page, from the sample where there is one.
fn chunk_bytes(node: &Node<'_>) -> f64 {
    let columns = node.sample.map_or(&[][..], |sample| &sample.columns);
    let chunks: u64 = columns.iter().map(|column| column.out_of_line_chunks).sum();
    let bytes: u64 = columns.iter().map(|column| column.out_of_line_bytes).sum();
    let mean = if chunks == 0 { 1996.0 } else { float(bytes) / float(chunks) };
    mean + CHUNK_OVERHEAD_BYTES
}

/// Dead chunks at which autovacuum comes; none where it never does.
fn trigger(node: &Node<'_>, context: &Context) -> Option<f64> {
    let off = |value: &str| matches!(value, "off" | "false" | "no" | "0");
    if off(context.setting("autovacuum")) || option(node, "autovacuum_enabled").is_some_and(off) {
        return None;
    }
    let number = |name: &str| {
        option(node, name).and_then(|value| value.parse().ok()).or_else(|| context.number(name))
    };
    let threshold: f64 = number("autovacuum_vacuum_threshold")?;
    let scale: f64 = number("autovacuum_vacuum_scale_factor")?;
    Some(threshold + scale * float(node.toast.chunks_live))
}

/// An autovacuum option of the TOAST table. One that has none set at all follows its table's.
fn option<'a>(node: &Node<'a>, name: &str) -> Option<&'a str> {
    let own = node.toast.toast_options.iter().any(|option| option.starts_with("autovacuum_"));
    if own { node.toast.toast_option(name) } else { node.toast.option(name) }
}

fn finding(table: &Table<'_>, affected: &[(&Node<'_>, Bloat)], context: &Context) -> Finding {
    let nodes: Vec<&Node<'_>> = affected.iter().map(|(node, _)| *node).collect();
    let worst = affected.iter().map(|(_, bloat)| *bloat).reduce(worse);
    let Some(worst) = worst else { unreachable!("called with at least one") };
    let object = table.object_of(&nodes);
    let message = format!(
        "the TOAST table of `{object}` holds {:.0} % that is dead or free",
        worst.unused_share.max(worst.dead_share) * 100.0
    );
    let severity = if worst.unattended { Severity::High } else { Severity::Medium };
    let dead_bytes: f64 = affected.iter().map(|(_, bloat)| bloat.dead_bytes).sum();
    let members = nodes.iter().map(|node| node.member(set(node))).collect();
    Finding::new(ID, object.clone(), severity, message)
        .confidence(Confidence::Medium)
        .statistic("toast_tables.dead_share", worst.dead_share, Unit::Ratio)
        .statistic("toast_tables.dead_bytes", whole(dead_bytes), Unit::Bytes)
        .statistic("relation_sizes.unused_share", worst.unused_share, Unit::Ratio)
        .statistic("relation_sizes.toast_bytes", table.toast_bytes(), Unit::Bytes)
        .action(Action::VacuumToast {
            object,
            full: worst.full,
            members,
            autovacuum: worst.unattended.then(|| options(&nodes, context)).flatten(),
        })
}

fn worse(one: Bloat, other: Bloat) -> Bloat {
    Bloat {
        dead_share: one.dead_share.max(other.dead_share),
        dead_bytes: one.dead_bytes + other.dead_bytes,
        unused_share: one.unused_share.max(other.unused_share),
        full: one.full || other.full,
        unattended: one.unattended || other.unattended,
    }
}

/// What is set on the TOAST table, exactly.
fn set(node: &Node<'_>) -> ToastAutovacuum {
    let own = |name| node.toast.toast_option(name).map(str::to_owned);
    ToastAutovacuum {
        enabled: own("autovacuum_enabled"),
        scale_factor: own("autovacuum_vacuum_scale_factor"),
    }
}

/// What to set so that autovacuum comes. Switched off for the whole cluster, no option of a table helps.
fn options(nodes: &[&Node<'_>], context: &Context) -> Option<ToastAutovacuum> {
    if context.setting("autovacuum") == "off" {
        return None;
    }
    let disabled = nodes.iter().any(|node| trigger(node, context).is_none());
    Some(ToastAutovacuum {
        enabled: disabled.then(|| "true".to_owned()),
        scale_factor: Some(SCALE_FACTOR.to_owned()),
    })
}
