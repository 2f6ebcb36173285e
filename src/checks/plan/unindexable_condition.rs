//! `plan/unindexable-condition`, explained in the page beside this file.

use super::tree::condition::{Wrapped, Wrapper, clauses, wrapped};
use super::tree::scanned::{Scanned, Unsaid, scanned};
use super::tree::{
    Stake, TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, for_each_executed_or_counted,
};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::explain::Node;
use crate::model::{
    Case, Confidence, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic, Unit,
    grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::High,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&UNINDEXED_ROWS_MIN, &UNINDEXED_SHARE_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("unindexable_condition.md"),
    judge,
};

const ID: &str = "plan/unindexable-condition";

pub(super) static UNINDEXED_ROWS_MIN: Threshold = Threshold {
    name: "unindexed_rows_min",
    default: 10_000.0,
    unit: Unit::Rows,
    reason: "ten thousand rows are read within a few milliseconds",
};

pub(super) static UNINDEXED_SHARE_MIN: Threshold = Threshold {
    name: "unindexed_share_min",
    default: 0.9,
    unit: Unit::Ratio,
    reason: "where more than a tenth of the rows is wanted, an index is rarely used anyway",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed_or_counted(case, |tree, judgement| {
        for node in tree.nodes().iter().filter(|node| node.node_type == "Seq Scan") {
            match find(tree, node, case) {
                Ok(found) => judgement.findings.extend(found),
                Err(unsaid) => judgement.merge(unsaid.judgement(tree, ID, node.id)),
            }
        }
    })
}

pub(super) fn find(
    tree: &Tree<'_>,
    node: &Node,
    case: &Case<'_>,
) -> Result<Option<Finding>, Unsaid> {
    let filter = node.condition("filter").unwrap_or_default();
    let stake = tree.stake([node.id]);
    let hidden = clauses(filter).into_iter().find_map(wrapped);
    let Some(hidden) = hidden.filter(|_| stake.matters(case)) else { return Ok(None) };
    let figures = scanned(tree, &[node], case)?;
    let Scanned { read, unwanted } = figures;
    if read < case.policy.get(&UNINDEXED_ROWS_MIN)
        || unwanted < case.policy.get(&UNINDEXED_SHARE_MIN) * read
    {
        return Ok(None);
    }
    let scan = UnservedScan { node: node.id, hidden, figures, stake };
    Ok(Some(scan.finding(tree)))
}

/// A scan whose condition hides a column from indexes.
struct UnservedScan {
    node: usize,
    hidden: Wrapped,
    figures: Scanned,
    stake: Stake,
}

impl UnservedScan {
    fn finding(&self, tree: &Tree<'_>) -> Finding {
        let Self { node, hidden, figures: Scanned { read, unwanted }, stake } = self;
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
            Wrapper::Operator(name) => {
                format!(
                    "compares `{column}` behind `{name}`, which no index on `{column}` alone serves"
                )
            }
        };
        let message = format!(
            "{} {how}: {} of {} rows are read for nothing, {:.0} % of the {}",
            tree.title(*node),
            grouped(*unwanted),
            grouped(*read),
            stake.share * 100.0,
            if tree.is_executed() { "time" } else { "cost" }
        );
        tree.finding(ID, stake.at(*node), message)
            // Whether there is an index on the column is not in the plan.
            .confidence(Confidence::Medium)
            .evidence(tree.figure("read_rows", whole(*read), Unit::Rows))
            .evidence(tree.figure("removed_rows", whole(*unwanted), Unit::Rows))
    }
}
