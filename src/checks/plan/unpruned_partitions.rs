//! `plan/unpruned-partitions`, explained in the page beside this file.

use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, count, figure, for_each_executed, removed, rows,
};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::explain::Node;
use crate::model::{Case, Confidence, Finding, Gap, Judgement, Superpower, Threshold, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    needs: &[Topic::PLANS],
    requires: &[],
    thresholds: &[&PARTITIONS_MIN, &EMPTY_SHARE_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("unpruned_partitions.md"),
    judge,
};

const ID: &str = "plan/unpruned-partitions";

static PARTITIONS_MIN: Threshold = Threshold {
    name: "partitions_min",
    default: 4.0,
    unit: Unit::Count,
    reason: "with three partitions or fewer, pruning saves little",
};

static EMPTY_SHARE_MIN: Threshold = Threshold {
    name: "empty_share_min",
    default: 0.5,
    unit: Unit::Ratio,
    reason: "where most partitions hold rows that are wanted, the condition does not go by the partition key",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let appends = tree.nodes().iter().filter(|node| node.node_type.ends_with("Append"));
        judgement.findings.extend(appends.filter_map(|node| find(tree, node, case)));
    })
}

fn find(tree: &Tree<'_>, append: &Node, case: &Case<'_>) -> Option<Finding> {
    let partitions: Vec<&Node> = append
        .children
        .iter()
        .map(|id| tree.node(*id))
        .filter(|node| !node.never_executed)
        .collect();
    if float(i64::try_from(partitions.len()).ok()?) < case.policy.get(&PARTITIONS_MIN)
        || !are_partitions(&partitions)
    {
        return None;
    }
    // Before 18, rows are rounded for each loop: none in a hundred loops may be forty.
    let read_for_nothing = |node: &&&Node| {
        rows(node) == 0.0
            && count(node.actual_loops) <= 1.0
            && (removed(node, "filter") > 0.0 || node.condition("index_cond").is_some())
    };
    let empty: Vec<&&Node> = partitions.iter().filter(read_for_nothing).collect();
    let share =
        float(i64::try_from(empty.len()).ok()?) / float(i64::try_from(partitions.len()).ok()?);
    let stake = tree.stake(empty.iter().map(|node| node.id));
    if share < case.policy.get(&EMPTY_SHARE_MIN)
        || empty.len() == partitions.len()
        || !stake.matters(case)
    {
        return None;
    }
    let condition = empty.iter().map(|node| removed(node, "filter")).sum::<f64>();
    let message = format!(
        "{} reads {} partitions, and {} of them (as `{}`) hold no row that is wanted: {:.0} % of the time",
        tree.title(append.id),
        partitions.len(),
        empty.len(),
        clipped(empty.first()?.relation.as_deref()?),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, (append.id, stake), message)
            // Whether the condition goes by the partition key is not in the plan.
            .confidence(Confidence::Medium)
            .evidence(figure("partitions", i64::try_from(partitions.len()).ok()?, Unit::Count))
            .evidence(figure("empty_partitions", i64::try_from(empty.len()).ok()?, Unit::Count))
            .evidence(figure("removed_rows", whole(condition), Unit::Rows)),
    )
}

/// Whether they are parts of one table, and not of a UNION ALL: their aliases are one name with numbers.
pub(super) fn are_partitions(scans: &[&Node]) -> bool {
    let stem = |node: &Node| {
        let alias = node.alias.as_deref().filter(|_| node.relation.is_some())?;
        let (stem, number) = alias.rsplit_once('_')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| stem.to_owned())
    };
    let stems: Vec<Option<String>> = scans.iter().map(|node| stem(node)).collect();
    stems.first().is_some_and(Option::is_some) && stems.windows(2).all(|pair| pair[0] == pair[1])
}
