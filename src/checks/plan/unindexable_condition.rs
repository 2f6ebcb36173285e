//! `plan/unindexable-condition`, explained in the page beside this file.

use super::tree::condition::{Wrapper, clauses, wrapped};
use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, figure, for_each_executed, removed, rows,
};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::Node;
use crate::model::{Case, Confidence, Finding, Gap, Judgement, Superpower, Threshold, Topic, Unit};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    needs: &[Topic::PLANS],
    requires: &[],
    thresholds: &[&UNINDEXED_ROWS_MIN, &UNINDEXED_SHARE_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("unindexable_condition.md"),
    judge,
};

const ID: &str = "plan/unindexable-condition";

static UNINDEXED_ROWS_MIN: Threshold = Threshold {
    name: "unindexed_rows_min",
    default: 10_000.0,
    unit: Unit::Rows,
    reason: "ten thousand rows are read within a few milliseconds",
};

static UNINDEXED_SHARE_MIN: Threshold = Threshold {
    name: "unindexed_share_min",
    default: 0.9,
    unit: Unit::Ratio,
    reason: "where more than a tenth of the rows is wanted, an index is rarely used anyway",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let scans = tree.nodes().iter().filter(|node| node.node_type == "Seq Scan");
        judgement.findings.extend(scans.filter_map(|node| find(tree, node, case)));
    })
}

fn find(tree: &Tree<'_>, node: &Node, case: &Case<'_>) -> Option<Finding> {
    let hidden = clauses(node.condition("filter")?).into_iter().find_map(wrapped)?;
    let unwanted = removed(node, "filter");
    let read = rows(node) + unwanted;
    let stake = tree.stake([node.id]);
    if read < case.policy.get(&UNINDEXED_ROWS_MIN)
        || unwanted < case.policy.get(&UNINDEXED_SHARE_MIN) * read
        || !stake.matters(case)
    {
        return None;
    }
    let column = clipped(&hidden.column);
    let how = match &hidden.wrapper {
        // A domain, or a type whose cast keeps the bytes, is served: the column's type is not in the plan.
        Wrapper::Cast(kind) => format!(
            "casts `{column}` to {}, which an index on `{column}` serves only if the cast changes no bytes",
            clipped(kind)
        ),
        Wrapper::Function(name) => {
            format!(
                "compares `{}({column})`, which no index on `{column}` alone serves",
                clipped(name)
            )
        }
    };
    let message = format!(
        "{} {how}: {} of {} rows are read for nothing, {:.0} % of the time",
        tree.title(node.id),
        whole(unwanted),
        whole(read),
        stake.share * 100.0
    );
    Some(
        tree.finding(ID, (node.id, stake), message)
            // Whether there is an index on the column is not in the plan.
            .confidence(Confidence::Medium)
            .evidence(figure("read_rows", whole(read), Unit::Rows))
            .evidence(figure("removed_rows", whole(unwanted), Unit::Rows)),
    )
}
