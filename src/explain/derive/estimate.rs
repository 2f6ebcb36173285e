//! How wrong estimates of rows were, and where actual rows do not say so.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::super::{Node, ParsedPlan};
use super::{DerivedNode, Direction, Unjudged};

/// Children of a node whose expressions are searched for each of its subplans.
const SUBPLANS_MAX: usize = 100;

/// Readers of one common table expression, and ancestors of each, that are looked at: neither is to multiply with the
/// number of nodes.
const READERS_MAX: usize = 16;
const ANCESTORS_MAX: usize = 200;

/// What stops a node before its last row.
#[derive(Debug, Clone, Copy)]
struct EarlyStop {
    why: Unjudged,
    /// Whether it may return a row more than once, so that more rows than estimated say nothing either.
    again: bool,
}

impl EarlyStop {
    fn early(why: Unjudged) -> EarlyStop {
        EarlyStop { why, again: false }
    }

    fn never(why: Unjudged) -> EarlyStop {
        EarlyStop { why, again: true }
    }
}

/// Sets how far the estimate of each node is off.
pub(super) fn factors(plan: &ParsedPlan, derived: &mut [DerivedNode]) {
    let mut readers: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for node in plan.nodes.iter().filter(|node| node.node_type == "CTE Scan") {
        readers.entry(node.cte.as_deref().unwrap_or_default()).or_default().push(node);
    }
    let mut stops = Stops { plan, readers, of: vec![None; plan.nodes.len()] };
    // Parents come before their children.
    for node in &plan.nodes {
        stops.of[node.id] = node.parent.and_then(|parent| stops.through_parent(parent, node));
        if node.actual_loops.is_some() {
            judge(node, own(node).or(stops.of[node.id]), &mut derived[node.id]);
        }
    }
}

/// What stops nodes.
struct Stops<'p> {
    plan: &'p ParsedPlan,
    /// Nodes that read common table expressions, by name.
    readers: BTreeMap<&'p str, Vec<&'p Node>>,
    of: Vec<Option<EarlyStop>>,
}

fn judge(node: &Node, stop: Option<EarlyStop>, derived: &mut DerivedNode) {
    let (Some(estimate), Some(actual)) = (node.plan_rows, node.actual_rows) else {
        derived.estimate_unjudged = stop.map(|stop| stop.why);
        return;
    };
    let (estimate, actual) = (estimate.max(1.0), actual.max(1.0));
    // More rows than estimated are an error wherever reading stopped.
    if let Some(stop) = stop.filter(|stop| stop.again || actual <= estimate) {
        derived.estimate_unjudged = Some(stop.why);
        return;
    }
    derived.estimate_factor = Some((estimate / actual).max(actual / estimate));
    derived.estimate_direction = match estimate.total_cmp(&actual) {
        Ordering::Greater => Some(Direction::Over),
        Ordering::Less => Some(Direction::Under),
        Ordering::Equal => None,
    };
}

/// Why a node's own rows say nothing.
fn own(node: &Node) -> Option<EarlyStop> {
    match node.node_type.as_str() {
        _ if node.never_executed => Some(EarlyStop::never(Unjudged::NeverExecuted)),
        "BitmapAnd" | "BitmapOr" => Some(EarlyStop::never(Unjudged::NoRows)),
        "ModifyTable" if node.plan_rows == Some(0.0) || node.actual_rows == Some(0.0) => {
            Some(EarlyStop::never(Unjudged::NoRows))
        }
        _ => None,
    }
}

impl Stops<'_> {
    /// What stops a node: its parent, or something above that.
    fn through_parent(&self, parent: usize, node: &Node) -> Option<EarlyStop> {
        let above = &self.plan.nodes[parent];
        let inner = node.parent_relationship.as_deref() == Some("Inner");
        match (node.parent_relationship.as_deref(), node.subplan_name.as_deref()) {
            // It is read only as far as its readers want.
            (Some("InitPlan"), Some(name)) if name.starts_with("CTE ") => {
                return if self.readers_are_limited(name) {
                    Some(EarlyStop::early(Unjudged::Limit))
                } else {
                    None
                };
            }
            // It runs to its end.
            (Some("InitPlan"), _) => return None,
            (Some("SubPlan"), Some(name)) if is_hashed(above, name) => return None,
            // An EXISTS reads one row; whether it is one, the plan does not say.
            (Some("SubPlan"), _) => return Some(EarlyStop::early(Unjudged::Limit)),
            _ => (),
        }
        match above.node_type.as_str() {
            "Limit" => Some(EarlyStop::early(Unjudged::Limit)),
            "Merge Join" if inner => Some(EarlyStop::never(Unjudged::MergeJoin)),
            "Merge Join" => Some(EarlyStop::early(Unjudged::MergeJoin)),
            "Nested Loop" if inner && first_match(above) => {
                Some(EarlyStop::early(Unjudged::FirstMatch))
            }
            "Hash Join" if !inner && hash_is_empty(self.plan, above) => {
                Some(EarlyStop::early(Unjudged::Limit))
            }
            // These read all of their input before they return a row.
            "Sort" | "Hash" => None,
            "Aggregate" if above.strategy.as_deref() != Some("Sorted") => None,
            _ => self.of[parent],
        }
    }

    /// Whether a LIMIT stops a node that reads a common table expression.
    fn readers_are_limited(&self, name: &str) -> bool {
        let readers = self.readers.get(name.strip_prefix("CTE ").unwrap_or_default());
        let mut readers = readers.into_iter().flatten().take(READERS_MAX);
        readers.any(|reader| is_limited(self.plan, reader))
    }
}

fn first_match(join: &Node) -> bool {
    join.inner_unique == Some(true) || matches!(join.join_type.as_deref(), Some("Semi" | "Anti"))
}

/// A hash join that finds its hash table empty reads no further.
fn hash_is_empty(plan: &ParsedPlan, join: &Node) -> bool {
    let mut hashes = join.children.iter().map(|child| &plan.nodes[*child]);
    hashes.any(|child| child.node_type == "Hash" && child.actual_rows == Some(0.0))
}

/// Whether an expression of a node reads a subplan by a hash table, for which it is executed to its end.
fn is_hashed(node: &Node, subplan: &str) -> bool {
    if node.children.len() > SUBPLANS_MAX {
        return false;
    }
    let name = format!("hashed {subplan}");
    node.conditions.iter().any(|condition| condition.text.contains(&name))
        || node.output.iter().any(|text| text.contains(&name))
}

/// Whether a LIMIT is above a node, and nothing between that reads all of its input.
fn is_limited(plan: &ParsedPlan, node: &Node) -> bool {
    let above = std::iter::successors(Some(node), |node| Some(&plan.nodes[node.parent?]));
    for node in above.skip(1).take(ANCESTORS_MAX) {
        match node.node_type.as_str() {
            "Limit" => return true,
            "Sort" | "Hash" | "Aggregate" => return false,
            _ => (),
        }
    }
    false
}
