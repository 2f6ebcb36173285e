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

/// What changed from one plan to the other; nothing where one of them is too large to compare.
pub fn compare(before: &ParsedPlan, after: &ParsedPlan) -> Option<PlanComparison> {
    if before.nodes.len().max(after.nodes.len()) > NODES_MAX {
        return None;
    }
    let (before_figures, after_figures) = (derive(before), derive(after));
    let (old, new) = (parts(before, &before_figures)?, parts(after, &after_figures)?);
    let mut changes = Vec::new();
    differences(&old.scans, &new.scans, "scan", &mut changes);
    differences(&old.joins, &new.joins, "join", &mut changes);
    let moved = |change: &PlanChange| {
        (change.before_ms.unwrap_or_default() - change.after_ms.unwrap_or_default()).abs()
    };
    changes.sort_by(|a, b| moved(b).total_cmp(&moved(a)).then_with(|| a.about.cmp(&b.about)));
    let is_same_order = old.order == new.order;
    let order = |order: Vec<String>| if is_same_order { Vec::new() } else { order };
    Some(PlanComparison {
        before_ms: before.execution_ms,
        after_ms: after.execution_ms,
        join_order_before: order(old.order),
        join_order_after: order(new.order),
        changes,
    })
}

fn parts<'a>(plan: &'a ParsedPlan, figures: &Derived) -> Option<Parts<'a>> {
    let mut parts = Parts { scans: BTreeMap::new(), joins: BTreeMap::new(), order: Vec::new() };
    let mut read: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for node in &plan.nodes {
        let Some(name) = scanned(node) else { continue };
        // The same relation may be read several times under one name, as in subqueries.
        let times = parts.order.iter().filter(|known| **known == name).count();
        let unique = if times == 0 { name.clone() } else { format!("{name} ({})", times + 1) };
        parts.order.push(name);
        if parts.order.len() > SCANS_MAX {
            return None;
        }
        let mut above = node.parent;
        while let Some(id) = above {
            if is_join(&plan.nodes[id]) {
                read.entry(id).or_default().push(unique.clone());
            }
            above = plan.nodes[id].parent;
        }
        parts.scans.insert(unique, part(node, figures));
    }
    for (id, mut names) in read {
        names.sort();
        parts.joins.insert(names.join(", "), part(&plan.nodes[id], figures));
    }
    Some(parts)
}

fn part<'a>(node: &'a Node, figures: &Derived) -> PlanPart<'a> {
    let what = match &node.index {
        Some(index) => format!("{} using {index}", node.node_type),
        None => node.node_type.clone(),
    };
    let derived = &figures.nodes[node.id];
    PlanPart { node, what, ms: derived.exclusive_ms, factor: derived.estimate_factor }
}

/// What a scan reads: the name that the statement gives it. A Bitmap Index Scan belongs to the heap scan above it.
fn scanned(node: &Node) -> Option<String> {
    let scans = node.node_type.ends_with("Scan") && node.node_type != "Bitmap Index Scan";
    let name = node.alias.as_ref().or(node.relation.as_ref()).or(node.cte.as_ref());
    name.filter(|_| scans).cloned()
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
                } else if differs(before.node.actual_rows, after.node.actual_rows) {
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

/// `20 rows expected, 2,000 came in each of 3 loops`.
fn expected(part: &PlanPart<'_>) -> String {
    let expected = part.node.plan_rows.map(|rows| format!("{} rows expected", grouped(rows)));
    let came = part.node.actual_rows.map(|rows| match part.node.actual_loops {
        Some(loops) if loops > 1 => {
            format!("{} came in each of {}", grouped(rows), counted(loops, "loop", "loops"))
        }
        _ => format!("{} came", grouped(rows)),
    });
    expected.into_iter().chain(came).collect::<Vec<String>>().join(", ")
}
