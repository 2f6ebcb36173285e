//! `plan/large-nested-loop`, explained in the page beside this file.

use std::collections::BTreeSet;

use super::tree::misestimate::{
    ESTIMATE_ERROR_MAX, ESTIMATE_FACTOR_MIN, Misestimate, counted_nodes, misestimates,
};
use super::tree::nested_loop::{NESTED_LOOPS_MIN, has_another_join, scanned};
use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed, removed, rows,
};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, Severity, Superpower, Topic, Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[
        &NESTED_LOOPS_MIN,
        &ESTIMATE_ERROR_MAX,
        &ESTIMATE_FACTOR_MIN,
        &TIME_SHARE_MIN,
        &TIME_MS_MIN,
    ],
    page: include_str!("large_nested_loop.md"),
    judge,
};

const ID: &str = "plan/large-nested-loop";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let wrong = misestimates(tree, case);
        let counted = counted_elsewhere(tree, &wrong, case);
        let loops = tree.nodes().iter().filter(|node| node.node_type == "Nested Loop");
        for node in loops {
            if !counted.contains(&node.id) {
                judgement.findings.extend(find(tree, node.id, &wrong, case));
            }
            judgement.declined.extend(decline(tree, node.id, case));
        }
    })
}

/// Loops whose time another finding counts: that of the estimate that led to them, or the most costly loop of several that one
/// estimate led to.
fn counted_elsewhere(tree: &Tree<'_>, wrong: &[Misestimate], case: &Case<'_>) -> BTreeSet<usize> {
    let mut counted = counted_nodes(tree, wrong, case);
    for decision in wrong.iter().filter_map(|wrong| wrong.decision.as_ref()) {
        counted.extend(decision.nodes.iter().filter(|node| **node != decision.node));
    }
    counted
}

/// Share of the pairs of rows that a join filter removes, from which on comparing them is what takes the time.
const PAIRS_REMOVED: f64 = 0.9;

/// Why nothing is advised where each row is compared with each: only what compares for equality can be hashed or merged.
fn decline(tree: &Tree<'_>, id: usize, case: &Case<'_>) -> Option<Declined> {
    let (node, inner) = (tree.node(id), tree.child(id, "Inner")?);
    let removed = removed(node, "join_filter");
    let pairs = removed + rows(node);
    let stake = tree.stake_beside(id, inner.id);
    if removed < PAIRS_REMOVED * pairs
        || pairs < case.policy.get(&NESTED_LOOPS_MIN)
        || has_another_join(tree, id)
        || !stake.matters(case)
    {
        return None;
    }
    Some(Declined::new(
        ID,
        tree.object(id),
        "no other join can replace it",
        format!(
            "Nested Loop compares {} pairs of rows and keeps {}: {:.0} % of the time; its join filter has no equality to hash or merge by: an index of the inner side has to serve it",
            grouped(pairs),
            grouped(rows(node)),
            stake.share * 100.0
        ),
    ))
}

fn find(tree: &Tree<'_>, id: usize, wrong: &[Misestimate], case: &Case<'_>) -> Option<Finding> {
    let (outer, inner) = (tree.child(id, "Outer")?, tree.child(id, "Inner")?);
    let estimate = tree.estimate(outer.id)?;
    let factor_min =
        case.policy.get(&ESTIMATE_FACTOR_MIN).max(1.0 + case.policy.get(&ESTIMATE_ERROR_MAX));
    let executions = count(inner.actual_loops);
    let stake = tree.stake_beside(id, inner.id);
    if !estimate.under
        || estimate.factor < factor_min
        || executions < case.policy.get(&NESTED_LOOPS_MIN)
        || !has_another_join(tree, id)
        || !stake.matters(case)
    {
        return None;
    }
    let expected = (executions / estimate.factor).max(1.0);
    let within = outer.id..=outer.id + tree.below(outer.id).len();
    let blamed = wrong.iter().find(|wrong| within.contains(&wrong.node));
    let why = match &blamed {
        Some(wrong) => {
            format!("; the estimate of node {} ({}) is wrong", wrong.node, tree.title(wrong.node))
        }
        None => String::new(),
    };
    let message = format!(
        "Nested Loop executes its inner side, {}, {} times instead of the expected {}: {:.0} % of the time{why}",
        tree.title(scanned(tree, inner.id)),
        grouped(executions),
        grouped(expected),
        stake.share * 100.0
    );
    let finding = tree
        .finding(ID, stake.at(id), message)
        .evidence(figure("inner_executions", whole(executions), Unit::Count))
        .evidence(figure("expected_executions", whole(expected), Unit::Count));
    Some(match blamed {
        Some(wrong) => {
            let node = i64::try_from(wrong.node).unwrap_or(i64::MAX);
            finding.evidence(figure("misestimated_node", node, Unit::Count))
        }
        None => finding,
    })
}
