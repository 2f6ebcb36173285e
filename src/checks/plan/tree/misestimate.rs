//! Wrong estimates that the plan rests on: the deepest node of each, and what the planner decided by it.

use std::collections::{BTreeMap, BTreeSet};

use super::nested_loop::{another_join_is_better, has_another_join};
use super::{RowEstimate, Stake, Tree, condition, count, removed, rows};
use crate::explain::Node;
use crate::model::{Case, Threshold, Unit};

pub(in crate::checks::plan) static ESTIMATE_ERROR_MAX: Threshold = Threshold {
    name: "estimate_error_max",
    default: 0.10,
    unit: Unit::Ratio,
    reason: "an estimate within 10 % of the rows is good; what matters beyond depends on `estimate_factor_min`",
};

pub(in crate::checks::plan) static ESTIMATE_FACTOR_MIN: Threshold = Threshold {
    name: "estimate_factor_min",
    default: 10.0,
    unit: Unit::Ratio,
    reason: "estimates that are wrong by less than ten times rarely lead to another plan",
};

/// A wrong estimate.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::checks::plan) struct Misestimate {
    /// The deepest node that has it.
    pub(in crate::checks::plan) node: usize,
    /// The larger of estimate and rows over the smaller.
    pub(in crate::checks::plan) factor: f64,
    /// Whether too few rows were expected.
    pub(in crate::checks::plan) under: bool,
    /// What the planner chose because of it; absent where nothing depends on it.
    pub(in crate::checks::plan) decision: Option<PlannerDecision>,
    /// The node of a worse estimate that led to the same choice, whose time is counted there.
    pub(in crate::checks::plan) counted_with: Option<usize>,
}

/// What the planner decided by an estimate.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::checks::plan) struct PlannerDecision {
    /// The node that it chose; of several, the one that takes most.
    pub(in crate::checks::plan) node: usize,
    /// All nodes that it chose by that: an estimate is handed on to all nodes above.
    pub(in crate::checks::plan) nodes: Vec<usize>,
    /// What depends on the choice of all of them.
    pub(in crate::checks::plan) stake: Stake,
}

/// Why a node's estimate is what it is, as far as its conditions show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checks::plan) enum EstimateBasis {
    /// A condition on JSON, of which the planner has no statistics.
    Json,
    /// The plan is for any value of its parameters.
    Parameter,
    /// How many rows of two inputs match: no statistics are kept of that.
    Join,
    /// None of these.
    Other,
}

/// The wrong estimates of a plan, each blamed on its deepest node.
pub(in crate::checks::plan) fn misestimates(tree: &Tree<'_>, case: &Case<'_>) -> Vec<Misestimate> {
    let factor_min = factor_min(case);
    let is_wrong =
        |id: usize| tree.estimate(id).is_some_and(|estimate| estimate.factor >= factor_min);
    // Whether a node that hands it rows has a wrong estimate itself. Subplans deliver values, not rows.
    let mut rests_on_wrong = vec![false; tree.nodes().len()];
    for node in tree.nodes().iter().rev() {
        if let Some(parent) = node.parent.filter(|_| !is_subplan(node)) {
            rests_on_wrong[parent] |= rests_on_wrong[node.id] || is_wrong(node.id);
        }
    }
    let wrong = tree.nodes().iter().filter(|node| is_wrong(node.id) && !rests_on_wrong[node.id]);
    let wrong = wrong
        .filter_map(|node| {
            let RowEstimate { factor, under } = tree.estimate(node.id)?;
            Some(Misestimate {
                node: node.id,
                factor,
                under,
                decision: decision(tree, node.id, under, case),
                counted_with: None,
            })
        })
        .collect();
    counted_once(wrong)
}

/// Of several wrong estimates that led to the same choice, the worst counts its time.
fn counted_once(mut wrong: Vec<Misestimate>) -> Vec<Misestimate> {
    let mut worst: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
    let chosen = |wrong: &Misestimate| wrong.decision.as_ref().map(|decision| decision.node);
    for one in &wrong {
        let Some(node) = chosen(one) else { continue };
        let found = worst.entry(node).or_insert((one.factor, one.node));
        if one.factor > found.0 {
            *found = (one.factor, one.node);
        }
    }
    for one in &mut wrong {
        let of_choice = chosen(one).and_then(|node| worst.get(&node));
        one.counted_with = of_choice.map(|(_, node)| *node).filter(|node| *node != one.node);
    }
    wrong
}

fn is_subplan(node: &Node) -> bool {
    matches!(node.parent_relationship.as_deref(), Some("InitPlan" | "SubPlan"))
}

/// The nodes above that would have been others with the right estimate, and cost time.
fn decision(tree: &Tree<'_>, id: usize, under: bool, case: &Case<'_>) -> Option<PlannerDecision> {
    let mut from = tree.node(id);
    let mut found: Option<(PlannerDecision, Stake)> = None;
    for above in tree.above(id) {
        if is_subplan(from) {
            break;
        }
        let stake =
            if under { too_small(tree, above, from, case) } else { too_large(tree, above, from) };
        if let Some(stake) = stake {
            // All of the inner side is at stake in a nested loop, with what was chosen there.
            let is_inner = above.node_type == "Nested Loop"
                && tree.child(above.id, "Inner").is_some_and(|inner| inner.id == from.id);
            found = Some(match found {
                None => {
                    let (node, nodes) = (above.id, vec![above.id]);
                    (PlannerDecision { node, nodes, stake }, stake)
                }
                Some((mut decision, most)) => {
                    let is_most = stake.share > most.share;
                    decision.nodes.push(above.id);
                    decision.node = if is_most { above.id } else { decision.node };
                    decision.stake = if is_inner { stake } else { decision.stake.and(stake) };
                    (decision, if is_most { stake } else { most })
                }
            });
        }
        from = above;
    }
    found.map(|(decision, _)| decision)
}

/// What too few expected rows cost in the node above them: an inner side that is executed for each row, or a hash table
/// that does not hold them. A sort of many rows is the same sort.
fn too_small(tree: &Tree<'_>, above: &Node, from: &Node, case: &Case<'_>) -> Option<Stake> {
    match above.node_type.as_str() {
        "Nested Loop" => {
            let inner = tree.child(above.id, "Inner")?;
            let otherwise = from.id == inner.id && has_another_join(tree, above.id)
                || another_join_is_better(tree, above.id, case);
            otherwise.then(|| tree.stake_beside(above.id, inner.id))
        }
        "Hash" => {
            let spilled =
                above.hash.as_ref().is_some_and(|hash| hash.batches > hash.original_batches);
            let join = tree.node(above.parent.filter(|_| spilled)?);
            is_larger_side(tree, join, from).then(|| tree.stake([above.id, join.id]))
        }
        _ => None,
    }
}

/// Whether the hashed rows take more than those of the other side of the join, which would have been hashed with the right
/// estimate. Otherwise the table is what it has to be, and lacks memory alone.
fn is_larger_side(tree: &Tree<'_>, join: &Node, hashed: &Node) -> bool {
    let can_swap = ["Inner", "Left", "Right", "Full"];
    let bytes = |node: &Node| rows(node) * count(node.plan_width).max(1.0);
    tree.child(join.id, "Outer").is_some_and(|outer| bytes(outer) < bytes(hashed))
        && join.join_type.as_deref().is_none_or(|kind| can_swap.contains(&kind))
}

/// What too many expected rows cost in the join above them: the other side is read as a whole for the sake of a few.
fn too_large(tree: &Tree<'_>, above: &Node, from: &Node) -> Option<Stake> {
    if !matches!(above.node_type.as_str(), "Hash Join" | "Merge Join") {
        return None;
    }
    let other =
        if from.parent_relationship.as_deref() == Some("Outer") { "Inner" } else { "Outer" };
    let other = tree.child(above.id, other)?;
    let scans = std::iter::once(other).chain(tree.below(other.id));
    let whole = scans.filter(|node| reads_all(node));
    let many = whole.map(rows).sum::<f64>() > 100.0 * rows(from).max(1.0);
    many.then(|| tree.stake_with_inputs(other.id))
}

/// Whether a scan reads its table or its index from end to end.
fn reads_all(node: &Node) -> bool {
    match node.node_type.as_str() {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" => node.condition("index_cond").is_none(),
        _ => false,
    }
}

/// Whether a table is read as a whole because any value of a parameter was expected to find many of its rows, and this one
/// finds few: with the value, the server may find them by an index.
pub(in crate::checks::plan) fn is_read_for_any_value(
    tree: &Tree<'_>,
    id: usize,
    case: &Case<'_>,
) -> bool {
    let node = tree.node(id);
    let is_over = |estimate: RowEstimate| !estimate.under && estimate.factor >= factor_min(case);
    let filter = node.condition("filter").unwrap_or_default();
    node.node_type == "Seq Scan"
        && tree.estimate(id).is_some_and(is_over)
        && condition::clauses(filter)
            .into_iter()
            .any(|clause| compares_with_parameter(tree, clause))
}

/// From what factor on an estimate is wrong.
fn factor_min(case: &Case<'_>) -> f64 {
    case.policy.get(&ESTIMATE_FACTOR_MIN).max(1.0 + case.policy.get(&ESTIMATE_ERROR_MAX))
}

/// The nodes whose time findings about estimates count: another finding would count it twice.
pub(in crate::checks::plan) fn counted_nodes(
    tree: &Tree<'_>,
    wrong: &[Misestimate],
    case: &Case<'_>,
) -> BTreeSet<usize> {
    wrong
        .iter()
        .filter_map(|wrong| wrong.blamed(tree, case))
        .flat_map(|d| d.nodes.clone())
        .collect()
}

/// Nodes that join.
const JOINS: [&str; 3] = ["Nested Loop", "Hash Join", "Merge Join"];

impl Misestimate {
    /// What it decided, where that is a finding about the estimate.
    pub(in crate::checks::plan) fn blamed(
        &self,
        tree: &Tree<'_>,
        case: &Case<'_>,
    ) -> Option<&PlannerDecision> {
        let decision = self.decision.as_ref().filter(|decision| decision.stake.matters(case))?;
        // Of the rows of a join there are no statistics to improve: the loop itself is blamed.
        let is_loop = tree.node(decision.node).node_type == "Nested Loop";
        let is_of_loop = is_loop && self.cause(tree) == EstimateBasis::Join;
        (self.counted_with.is_none() && !is_of_loop).then_some(decision)
    }

    /// What its conditions show of the reason.
    pub(in crate::checks::plan) fn cause(&self, tree: &Tree<'_>) -> EstimateBasis {
        let node = tree.node(self.node);
        let clauses = || node.conditions.iter().flat_map(|c| condition::clauses(&c.text));
        if clauses().any(|clause| compares_with_parameter(tree, clause)) {
            EstimateBasis::Parameter
        } else if default_selectivity(tree, self.node).is_some() {
            EstimateBasis::Json
        } else if JOINS.contains(&node.node_type.as_str()) {
            EstimateBasis::Join
        } else {
            EstimateBasis::Other
        }
    }
}

/// Whether a clause compares with a parameter of the statement. Before 17, results of subplans are printed the same way, and
/// their labels say by which numbers: `InitPlan 1 (returns $0)`.
fn compares_with_parameter(tree: &Tree<'_>, clause: &str) -> bool {
    let numbers = condition::numbers(clause);
    let labels = || tree.nodes().iter().filter_map(|node| node.subplan_name.as_deref());
    let is_returned = |number: u32| {
        let returns = labels().filter_map(|label| Some(label.split_once("(returns ")?.1));
        returns.flat_map(condition::numbers).any(|returned| returned == number)
    };
    numbers.into_iter().any(|number| number > 0 && !is_returned(number))
}

/// Selectivities that the planner assumes of one condition where it has no statistics.
const DEFAULTS: [(f64, &str); 3] = [(0.005, "0.5 %"), (1.0 / 3.0, "33 %"), (0.01, "1 %")];

/// Two figures are the same within this share: `reltuples` is an estimate.
const SAME: f64 = 0.1;

/// The default by which a scan estimated the rows that its conditions on JSON leave.
pub(in crate::checks::plan) fn default_selectivity(
    tree: &Tree<'_>,
    id: usize,
) -> Option<&'static str> {
    let node = tree.node(id);
    let clauses = condition::clauses(node.condition("filter")?);
    if node.node_type != "Seq Scan" || !clauses.iter().all(|clause| condition::is_json(clause)) {
        return None;
    }
    let read = rows(node) + removed(node, "filter");
    let per_loop = node.plan_rows?;
    let loops = if node.parallel_aware { 1.0 } else { count(node.actual_loops) };
    let expected = per_loop * tree.parallel_divisor(id) * loops;
    // The planner never expects less than a row, which says nothing.
    if per_loop < 2.0 {
        return None;
    }
    let others = i32::try_from(clauses.len()).ok()? - 1;
    // Of several conditions, all but one are most often equalities.
    let found = DEFAULTS.iter().find(|(share, _)| {
        let assumed = share * DEFAULTS[0].0.powi(others);
        (expected / read / assumed - 1.0).abs() <= SAME
    })?;
    Some(found.1)
}
