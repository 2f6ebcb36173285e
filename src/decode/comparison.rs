//! What differs between two plans of a statement, aligned by the relations that they read and not by position.

use std::collections::BTreeMap;

use crate::explain::derive::{Derived, derive};
use crate::explain::{Node, ParsedPlan};
use crate::model::{PlanChange, PlanComparison, counted, grouped};

/// Scans of a plan that is compared: what each join reads is a set of them.
const SCANS_MAX: usize = 500;
/// Nodes of a plan that is compared.
const NODES_MAX: usize = 20_000;
/// Rows and estimates that differ by less are the same.
const SAME_FACTOR: f64 = 2.0;

/// A scan or a join under the name that both plans share.
struct PlanPart<'a> {
    node: &'a Node,
    what: String,
    ms: Option<f64>,
    factor: Option<f64>,
}

/// The parts of a plan.
struct Parts<'a> {
    scans: BTreeMap<String, PlanPart<'a>>,
    joins: BTreeMap<String, PlanPart<'a>>,
    order: Vec<String>,
}

/// Why two plans are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCompared {
    /// One of them has more nodes or scans than are compared.
    #[error("The plans are too large to be compared")]
    TooLarge,
    /// They read nothing under the same name.
    #[error("The plans share no name of what they read: they seem to be of different statements")]
    NothingShared,
}

/// What changed from one plan to the other.
///
/// # Errors
/// Why they are not compared.
pub fn compare(before: &ParsedPlan, after: &ParsedPlan) -> Result<PlanComparison, NotCompared> {
    if before.nodes.len().max(after.nodes.len()) > NODES_MAX {
        return Err(NotCompared::TooLarge);
    }
    let (before_figures, after_figures) = (derive(before), derive(after));
    let parts = |plan, figures| parts(plan, figures).ok_or(NotCompared::TooLarge);
    let (old, new) = (parts(before, &before_figures)?, parts(after, &after_figures)?);
    // Where one of them reads nothing, a condition that is never true may have taken its scans away.
    let reads = !old.scans.is_empty() && !new.scans.is_empty();
    if reads && !old.scans.keys().any(|name| new.scans.contains_key(name)) {
        return Err(NotCompared::NothingShared);
    }
    let mut changes = Vec::new();
    differences(&old.scans, &new.scans, "scan", &mut changes);
    differences(&old.joins, &new.joins, "join", &mut changes);
    let moved = |change: &PlanChange| {
        (change.before_ms.unwrap_or_default() - change.after_ms.unwrap_or_default()).abs()
    };
    changes.sort_by(|a, b| moved(b).total_cmp(&moved(a)).then_with(|| a.about.cmp(&b.about)));
    // A relation that one of them alone reads is named among the changes.
    let is_same_order = shared(&old.order, &new.order) == shared(&new.order, &old.order);
    let order = |order: Vec<String>| if is_same_order { Vec::new() } else { order };
    Ok(PlanComparison {
        before_ms: before.execution_ms,
        after_ms: after.execution_ms,
        join_order_before: order(old.order),
        join_order_after: order(new.order),
        changes,
    })
}

/// What of one order is in the other, too.
fn shared<'o>(order: &'o [String], other: &[String]) -> Vec<&'o String> {
    order.iter().filter(|name| other.contains(name)).collect()
}

fn parts<'a>(plan: &'a ParsedPlan, figures: &Derived) -> Option<Parts<'a>> {
    let mut scans: BTreeMap<String, PlanPart<'a>> = BTreeMap::new();
    let mut read: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: Vec<(Option<usize>, String)> = Vec::new();
    for node in &plan.nodes {
        let Some(name) = scanned(node) else { continue };
        // The same relation may be read several times under one name, as in subqueries.
        let time = times.entry(name.clone()).or_default();
        *time += 1;
        let unique = if *time == 1 { name.clone() } else { format!("{name} ({time})") };
        let (mut above, mut is_joined, mut append) = (node.parent, false, None);
        while let Some(id) = above {
            let parent = &plan.nodes[id];
            if is_join(parent) {
                is_joined = true;
                read.entry(id).or_default().push(unique.clone());
            } else if !is_joined && parent.node_type.ends_with("Append") {
                append = Some(id);
            }
            above = parent.parent;
        }
        if is_joined {
            order.push((append, name));
        }
        scans.insert(unique, part(node, figures));
        if scans.len() > SCANS_MAX {
            return None;
        }
    }
    // Parts of an Append are not joined with each other, and stand in the order of their costs.
    for together in order.chunk_by_mut(|one, other| one.0.is_some() && one.0 == other.0) {
        together.sort();
    }
    let joins = read.into_iter().map(|(id, mut names)| {
        names.sort();
        (names.join(", "), part(&plan.nodes[id], figures))
    });
    let joins = joins.collect();
    Some(Parts { scans, joins, order: order.into_iter().map(|(_, name)| name).collect() })
}

fn part<'a>(node: &'a Node, figures: &Derived) -> PlanPart<'a> {
    let what = match &node.index {
        Some(index) => format!("{} using {index}", node.node_type),
        None => node.node_type.to_string(),
    };
    let derived = &figures.nodes[node.id];
    PlanPart { node, what, ms: derived.exclusive_ms, factor: derived.estimate_factor }
}

/// What a scan reads: the name that the statement gives it. A Bitmap Index Scan belongs to the heap scan above it.
fn scanned(node: &Node) -> Option<String> {
    let scans = node.node_type.ends_with("Scan") && node.node_type != "Bitmap Index Scan";
    let name = node.alias.as_ref().or(node.relation.as_ref()).or(node.cte.as_ref());
    name.filter(|_| scans).map(ToString::to_string)
}

fn is_join(node: &Node) -> bool {
    matches!(node.node_type.as_str(), "Nested Loop" | "Hash Join" | "Merge Join")
}

fn differences(
    old: &BTreeMap<String, PlanPart<'_>>,
    new: &BTreeMap<String, PlanPart<'_>>,
    kind: &str,
    changes: &mut Vec<PlanChange>,
) {
    let change = |about: &str,
                  kind: &str,
                  before: Option<&PlanPart<'_>>,
                  after: Option<&PlanPart<'_>>| PlanChange {
        about: about.to_owned(),
        kind: kind.to_owned(),
        before: before.map(|part| part.what.clone()),
        after: after.map(|part| part.what.clone()),
        before_ms: before.and_then(|part| part.ms),
        after_ms: after.and_then(|part| part.ms),
    };
    for (about, before) in old {
        match new.get(about) {
            None => changes.push(change(about, "removed", Some(before), None)),
            Some(after) => {
                if before.what != after.what {
                    changes.push(change(about, kind, Some(before), Some(after)));
                }
                let (was, is) = (expected(before), expected(after));
                if differs(before.factor, after.factor) {
                    changes.push(PlanChange {
                        before: Some(was),
                        after: Some(is),
                        ..change(about, "estimate", Some(before), Some(after))
                    });
                } else if rows_differ(before.node, after.node) {
                    changes.push(PlanChange {
                        before: Some(was),
                        after: Some(is),
                        ..change(about, "rows", Some(before), Some(after))
                    });
                }
            }
        }
    }
    for (about, after) in new.iter().filter(|(about, _)| !old.contains_key(*about)) {
        changes.push(change(about, "added", None, Some(after)));
    }
}

fn differs(before: Option<f64>, after: Option<f64>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            let (before, after) = (before.max(1.0), after.max(1.0));
            before.max(after) >= SAME_FACTOR * before.min(after)
        }
        _ => false,
    }
}

/// Whether other rows came in all, however many loops and workers they came in.
fn rows_differ(before: &Node, after: &Node) -> bool {
    let (Some(before), Some(after)) = (rows_of_loops(before), rows_of_loops(after)) else {
        return false;
    };
    let less =
        |one: (f64, f64), other: (f64, f64)| SAME_FACTOR * one.1.max(1.0) <= other.0.max(1.0);
    less(before, after) || less(after, before)
}

/// The fewest and the most rows that all loops may have returned: the rows of a loop are a mean, which was rounded before
/// PostgreSQL 18.
#[expect(clippy::cast_precision_loss, reason = "a mean has no such precision")]
fn rows_of_loops(node: &Node) -> Option<(f64, f64)> {
    let rows = node.actual_rows?;
    let loops = node.actual_loops.unwrap_or(1) as f64;
    let rounding = if loops > 1.0 && rows.fract() == 0.0 { 0.5 } else { 0.0 };
    Some(((rows - rounding).max(0.0) * loops, (rows + rounding) * loops))
}

/// Rows of a loop: of few, a fraction says more than none.
fn rows_shown(rows: f64) -> String {
    if rows < 10.0 && rows.fract() != 0.0 { format!("{rows:.2}") } else { grouped(rows) }
}

/// `20 rows expected, 2,000 came in each of 3 loops`.
fn expected(part: &PlanPart<'_>) -> String {
    let expected = part.node.plan_rows.map(|rows| format!("{} rows expected", grouped(rows)));
    let came = part.node.actual_rows.map(|rows| match part.node.actual_loops {
        Some(loops) if loops > 1 => {
            format!("{} came in each of {}", rows_shown(rows), counted(loops, "loop", "loops"))
        }
        _ => format!("{} came", grouped(rows)),
    });
    expected.into_iter().chain(came).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::read;

    fn compared(before: &str, after: &str) -> PlanComparison {
        let plan = |text| read(text).unwrap().pop().unwrap();
        compare(&plan(before), &plan(after)).unwrap()
    }

    const ESTIMATE: &str = "(cost=0.00..9.00 rows=100 width=4)";

    #[test]
    fn partitions_are_in_no_join_order_and_one_more_is_a_change_of_its_own() {
        let arm = |name: &str| {
            format!("  ->  Seq Scan on {name} {ESTIMATE} (actual time=0.1..1.0 rows=9 loops=1)\n")
        };
        let append = |arms: &[&str]| {
            let arms: String = arms.iter().map(|name| arm(name)).collect();
            format!("Append {ESTIMATE} (actual time=0.1..3.0 rows=9 loops=1)\n{arms}")
        };
        let change = compared(&append(&["p_1", "p_2"]), &append(&["p_3", "p_2", "p_1"]));
        assert_eq!(change.join_order_after, Vec::<String>::new());
        let added: Vec<&str> = change.changes.iter().map(|change| change.about.as_str()).collect();
        assert_eq!((added, change.changes[0].kind.as_str()), (vec!["p_3"], "added"));
    }

    #[test]
    fn tables_that_are_joined_the_other_way_around_are_in_another_order() {
        let join = |outer: &str, inner: &str| {
            format!(
                "Nested Loop {ESTIMATE}\n  ->  Seq Scan on {outer} {ESTIMATE}\n  ->  Seq Scan on {inner} {ESTIMATE}"
            )
        };
        let change = compared(&join("a", "b"), &join("b", "a"));
        assert_eq!(change.join_order_before, ["a", "b"]);
        assert_eq!(change.join_order_after, ["b", "a"]);
    }

    #[test]
    fn as_many_rows_in_other_loops_are_no_change() {
        let scan = |rows: &str, loops: u32| {
            let expected = rows.parse::<f64>().unwrap().ceil().max(1.0);
            format!(
                "Seq Scan on t (cost=0.00..9.00 rows={expected} width=4) (actual time=0.1..1.0 rows={rows} loops={loops})"
            )
        };
        let kinds = |before: String, after: String| {
            let changes = compared(&before, &after).changes;
            changes.into_iter().map(|change| change.kind).collect::<Vec<String>>()
        };
        assert_eq!(kinds(scan("0", 99), scan("6", 3)), Vec::<String>::new(), "0 is rounded");
        assert_eq!(kinds(scan("0.15", 100), scan("5", 3)), Vec::<String>::new());
        assert_eq!(kinds(scan("1", 1), scan("1", 9)), ["rows"]);
    }
}
