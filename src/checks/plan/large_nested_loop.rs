//! `plan/large-nested-loop`, explained in the page beside this file.

use super::tree::misestimate::{
    ESTIMATE_ERROR_MAX, ESTIMATE_FACTOR_MIN, Misestimate, misestimates,
};
use super::tree::{TIME_MS_MIN, TIME_SHARE_MIN, Tree, count, figure, for_each_executed};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::{Case, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic, Unit};

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

static NESTED_LOOPS_MIN: Threshold = Threshold {
    name: "nested_loops_min",
    default: 1000.0,
    unit: Unit::Count,
    reason: "below a thousand executions of the inner side, a hash join saves little",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let wrong = misestimates(tree, case);
        let loops = tree.nodes().iter().filter(|node| node.node_type == "Nested Loop");
        judgement.findings.extend(loops.filter_map(|node| find(tree, node.id, &wrong, case)));
    })
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
        whole(executions),
        whole(expected),
        stake.share * 100.0
    );
    let finding = tree
        .finding(ID, (id, stake), message)
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

/// The scan of the inner side, beneath what keeps or caches its rows.
fn scanned(tree: &Tree<'_>, inner: usize) -> usize {
    let keeps = |id: &usize| {
        matches!(tree.node(*id).node_type.as_str(), "Memoize" | "Materialize" | "Hash" | "Sort")
    };
    let next = |id: &usize| keeps(id).then(|| tree.node(*id).children.first().copied()).flatten();
    std::iter::successors(Some(inner), next).last().unwrap_or(inner)
}
