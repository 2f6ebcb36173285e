//! `toast/bloated-toast`, explained in the page beside this file.

use super::reads::too_early;
use super::size::{COLUMN_BYTES_MIN, HISTORY_S_MIN, TABLE_BYTES_MIN};
use super::table::{RelationNode, ToastedTable, float, sample_gaps, tables, whole};
use crate::checks::{Check, Requirement};
use crate::model::observation::Context;
use crate::model::toast::CHUNK_DATA_BYTES;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, Judgement, Policy, Severity, Superpower,
    Threshold, ToastAutovacuum, ToastVacuum, Topic, Unit, counted,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Toast,
    worst: Severity::High,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::TOAST_TABLES, Topic::STORED_VALUES],
    uses: &[],
    requires: &[Requirement::WriteCounters],
    thresholds: &[
        &TOAST_DEAD_SHARE_MAX,
        &TOAST_FREE_SHARE_MAX,
        &AUTOVACUUM_OVERDUE,
        &COLUMN_BYTES_MIN,
        &HISTORY_S_MIN,
        &TABLE_BYTES_MIN,
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
    reason: "at twice the number of dead chunks that autovacuum waits for, it is late or cannot clean",
};

/// `autovacuum_vacuum_scale_factor` where that of the TOAST table is too lazy: a value for hot tables.
const SCALE_FACTOR: f64 = 0.02;
/// `autovacuum_vacuum_threshold` where so many are waited for that the factor changes nothing: the server's default.
const THRESHOLD: &str = "50";
/// With naps longer than an hour between its looks, autovacuum is no answer to what is dead now.
const NAPTIME_S_MAX: f64 = 3600.0;
/// A chunk's tuple header, key and line pointer, and its share of the page header.
const CHUNK_OVERHEAD_BYTES: f64 = 48.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let Case { snapshot: seen, policy, .. } = *case;
    let context = seen.context.get()?;
    let mut judgement = Judgement { gaps: sample_gaps(seen)?, ..Judgement::default() };
    for table in tables(case)? {
        let (due, affected): (Vec<_>, Vec<_>) = table
            .leaves()
            .filter_map(|node| Some((node, bloat(node, context, policy)?)))
            .partition(|(_, bloat)| bloat.is_due);
        if !affected.is_empty() {
            judgement.findings.push(finding(&table, &affected, context));
        } else if !due.is_empty() {
            judgement.declined.push(left_to_autovacuum(&table, &due));
        } else if float(table.toast_bytes()) >= policy.get(&TABLE_BYTES_MIN) {
            // Counters that were just reset know of no dead chunk.
            judgement.gaps.extend(too_early(context, policy));
        }
    }
    Ok(judgement)
}

/// What is wrong with one TOAST table.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ToastBloat {
    dead_share: f64,
    /// Bytes a vacuum frees for reuse.
    dead_bytes: f64,
    /// Share of the file that holds nothing alive: dead and free together.
    unused_share: f64,
    /// Whether only rewriting the table would make the file fit its contents.
    full: bool,
    /// Whether autovacuum, as it is set, would not have come.
    unattended: bool,
    /// Whether nothing is wrong but that autovacuum has not come yet.
    is_due: bool,
}

fn bloat(node: &RelationNode<'_>, context: &Context, policy: &Policy) -> Option<ToastBloat> {
    let bytes = float(node.toast_bytes().unwrap_or(0));
    let live = node.chunks_live();
    if bytes <= 0.0 || live < 1.0 && node.toast.chunks_dead == 0 {
        return None;
    }
    // Counters that were reset know nothing of what was there before: another count must stand beside them.
    if node.sample.is_none() && node.toast.chunks_counted.is_none() {
        return None;
    }
    let unused_share = (1.0 - live * chunk_bytes(node) / bytes).clamp(0.0, 1.0);
    // `VACUUM (FULL)` leaves the counters as they were: no more is dead than the file has room for.
    let room = (unused_share * bytes / chunk_bytes(node)).floor();
    let dead = float(node.toast.chunks_dead).min(room);
    let dead_share = dead / (live + dead).max(1.0);
    let dead_bytes = dead * chunk_bytes(node);
    let full = unused_share > policy.get(&TOAST_FREE_SHARE_MAX)
        && unused_share * bytes >= policy.get(&TABLE_BYTES_MIN)
        && !is_filled_again(node, unused_share * bytes, context);
    let many_dead = dead_share > policy.get(&TOAST_DEAD_SHARE_MAX)
        && dead_bytes >= policy.get(&COLUMN_BYTES_MIN);
    let trigger = trigger(node, context);
    let unattended = many_dead && trigger.is_none_or(|trigger| dead <= trigger);
    let overdue = many_dead
        && trigger.is_some_and(|trigger| dead > policy.get(&AUTOVACUUM_OVERDUE) * trigger);
    // One look cannot distinguish dead chunks of a minute ago from those of last week. Where autovacuum looks every
    // few minutes, they are its business; where it looks once a day, they are not.
    let comes_soon = context.number("autovacuum_naptime").is_some_and(|s| s <= NAPTIME_S_MAX);
    let is_due = many_dead && !unattended && comes_soon && !full;
    (unattended || full || is_due || overdue).then_some(ToastBloat {
        dead_share,
        dead_bytes,
        unused_share,
        full,
        unattended,
        is_due,
    })
}

/// Whether what is unused will be used within the week, at the rate at which chunks come. A day at least must
/// have been counted, or the rate is that of the first load.
fn is_filled_again(node: &RelationNode<'_>, unused_bytes: f64, context: &Context) -> bool {
    let days = context.counting_days().unwrap_or(0.0);
    let inserted_bytes = float(node.toast.chunks_inserted) * chunk_bytes(node);
    days >= 1.0 && inserted_bytes / days * 7.0 >= unused_bytes
}

fn left_to_autovacuum(
    table: &ToastedTable<'_>,
    due: &[(&RelationNode<'_>, ToastBloat)],
) -> Declined {
    let nodes: Vec<&RelationNode<'_>> = due.iter().map(|(node, _)| *node).collect();
    let dead: i64 = nodes.iter().map(|node| node.toast.chunks_dead).sum();
    Declined::new(
        ID,
        table.object_of(&nodes),
        "autovacuum is due and comes by itself",
        format!(
            "{} dead, more than autovacuum waits for; if they stay, something holds the xmin horizon back, and no \
             vacuum of ours would get further",
            counted(dead, "chunk is", "chunks are")
        ),
    )
}

/// Bytes of a chunk with what it costs in the page, from the sample where there is one.
fn chunk_bytes(node: &RelationNode<'_>) -> f64 {
    let columns = node.sample.map_or(&[][..], |sample| &sample.columns);
    let chunks: u64 = columns.iter().map(|column| column.out_of_line_chunks).sum();
    let bytes: u64 = columns.iter().map(|column| column.out_of_line_bytes).sum();
    let mean = if chunks == 0 { f64::from(CHUNK_DATA_BYTES) } else { float(bytes) / float(chunks) };
    mean + CHUNK_OVERHEAD_BYTES
}

/// Dead chunks at which autovacuum comes; none where it never does.
fn trigger(node: &RelationNode<'_>, context: &Context) -> Option<f64> {
    if off(context.setting("autovacuum")) || option(node, "autovacuum_enabled").is_some_and(off) {
        return None;
    }
    let number = |name: &str| {
        option(node, name).and_then(|value| value.parse().ok()).or_else(|| context.number(name))
    };
    let threshold: f64 = number("autovacuum_vacuum_threshold")?;
    let scale: f64 = number("autovacuum_vacuum_scale_factor")?;
    // PostgreSQL 18 caps it; a negative cap is none.
    let most = number("autovacuum_vacuum_max_threshold").filter(|most| *most >= 0.0);
    Some((threshold + scale * node.chunks_live()).min(most.unwrap_or(f64::INFINITY)))
}

/// Whether a boolean option is off, in any of the spellings that the server takes and keeps as they are.
fn off(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    begins("off", 2) || begins("false", 1) || begins("no", 1) || value == "0"
}

/// An autovacuum option of the TOAST table. One that has no option at all set follows its table's.
fn option<'a>(node: &RelationNode<'a>, name: &str) -> Option<&'a str> {
    let own = !node.toast.toast_options.is_empty();
    if own { node.toast.toast_option(name) } else { node.toast.option(name) }
}

fn finding(
    table: &ToastedTable<'_>,
    affected: &[(&RelationNode<'_>, ToastBloat)],
    context: &Context,
) -> Finding {
    let nodes: Vec<&RelationNode<'_>> = affected.iter().map(|(node, _)| *node).collect();
    let worst = affected.iter().map(|(_, bloat)| *bloat).reduce(worse);
    let Some(worst) = worst else { unreachable!("called with at least one") };
    let object = table.object_of(&nodes);
    let message = format!(
        "the TOAST table of `{object}` holds {} that is dead or free",
        crate::model::percent(worst.unused_share.max(worst.dead_share))
    );
    let severity = if worst.unattended { Severity::High } else { Severity::Medium };
    let dead_bytes: f64 = affected.iter().map(|(_, bloat)| bloat.dead_bytes).sum();
    let members = nodes.iter().map(|node| node.member(node.toast.toast_options.clone())).collect();
    Finding::new(ID, object.clone(), severity, message)
        .confidence(Confidence::Medium)
        .statistic("toast_tables.dead_share", worst.dead_share, Unit::Ratio)
        .statistic("toast_tables.dead_bytes", whole(dead_bytes), Unit::Bytes)
        .statistic("relation_sizes.unused_share", worst.unused_share, Unit::Ratio)
        .statistic("relation_sizes.toast_bytes", table.toast_bytes(), Unit::Bytes)
        .action(Action::VacuumToast(ToastVacuum {
            object,
            full: worst.full,
            members,
            autovacuum: worst.unattended.then(|| options(&nodes, context)).flatten(),
        }))
}

fn worse(one: ToastBloat, other: ToastBloat) -> ToastBloat {
    ToastBloat {
        dead_share: one.dead_share.max(other.dead_share),
        dead_bytes: one.dead_bytes + other.dead_bytes,
        unused_share: one.unused_share.max(other.unused_share),
        full: one.full || other.full,
        unattended: one.unattended || other.unattended,
        is_due: one.is_due && other.is_due,
    }
}

/// What to set so that autovacuum comes. Switched off for the whole cluster, no option of a table helps.
fn options(nodes: &[&RelationNode<'_>], context: &Context) -> Option<ToastAutovacuum> {
    if context.setting("autovacuum") == "off" {
        return None;
    }
    let disabled = nodes.iter().any(|node| trigger(node, context).is_none());
    let number = |node: &RelationNode<'_>, name: &str| {
        node.toast.toast_option(name).and_then(|value| value.parse::<f64>().ok())
    };
    // One that is set for the TOAST table itself and is keen enough stays; with the first option of its own, the
    // TOAST table no longer follows its table's.
    let keen = |node: &&RelationNode<'_>| {
        number(node, "autovacuum_vacuum_scale_factor").is_some_and(|scale| scale <= SCALE_FACTOR)
    };
    let postponed = |node: &&RelationNode<'_>| {
        let name = "autovacuum_vacuum_threshold";
        let threshold = number(node, name).or_else(|| context.number(name)).unwrap_or(0.0);
        threshold + SCALE_FACTOR * node.chunks_live() >= float(node.toast.chunks_dead)
    };
    let set = ToastAutovacuum {
        enabled: disabled.then(|| "true".to_owned()),
        threshold: nodes.iter().any(postponed).then(|| THRESHOLD.to_owned()),
        scale_factor: (!nodes.iter().all(keen)).then(|| SCALE_FACTOR.to_string()),
    };
    (set != ToastAutovacuum::default()).then_some(set)
}
