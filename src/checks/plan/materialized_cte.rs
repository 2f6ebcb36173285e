//! `plan/materialized-cte`, explained in the page beside this file.

use std::collections::BTreeMap;

use super::tree::{
    TIME_MS_MIN, TIME_SHARE_MIN, Tree, clipped, figure, for_each_executed, removed, rows,
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
    thresholds: &[&CTE_REMOVED_SHARE_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("materialized_cte.md"),
    judge,
};

const ID: &str = "plan/materialized-cte";

static CTE_REMOVED_SHARE_MIN: Threshold = Threshold {
    name: "cte_removed_share_min",
    default: 0.9,
    unit: Unit::Ratio,
    reason: "where a tenth of the rows is wanted or more, computing all of them costs little more",
};

/// Nodes beneath which a predicate of the outer query means something else.
const BARRIERS: [&str; 7] =
    ["Limit", "Recursive Union", "ModifyTable", "WindowAgg", "SetOp", "LockRows", "Aggregate"];

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed(case, |tree, judgement| {
        let scans = tree.nodes().iter().filter(|node| node.node_type == "CTE Scan");
        let mut found: BTreeMap<&str, (f64, Finding)> = BTreeMap::new();
        for scan in scans {
            let Some((name, finding)) = scan.cte.as_deref().zip(find(tree, scan, case)) else {
                continue;
            };
            // Each scan of a CTE is kept from the same one: the one that removes most stands for all.
            let unwanted = removed(scan, "filter");
            if found.get(name).is_none_or(|(most, _)| *most < unwanted) {
                found.insert(name, (unwanted, finding));
            }
        }
        judgement.findings.extend(found.into_values().map(|(_, finding)| finding));
    })
}

/// Whether a CTE is found to keep a condition out: what it takes to keep its rows is no finding of its own.
pub(super) fn keeps_out(tree: &Tree<'_>, name: &str, case: &Case<'_>) -> bool {
    let scans = tree.nodes().iter().filter(|node| node.node_type == "CTE Scan");
    let mut of_name = scans.filter(|node| node.cte.as_deref() == Some(name));
    of_name.any(|scan| find(tree, scan, case).is_some())
}

fn find(tree: &Tree<'_>, scan: &Node, case: &Case<'_>) -> Option<Finding> {
    let name = scan.cte.as_deref()?;
    let label = format!("CTE {name}");
    let body = tree.nodes().iter().find(|node| node.subplan_name.as_deref() == Some(&label))?;
    let scans = tree.nodes().iter().filter(|node| node.cte.as_deref() == Some(name));
    let used = scans.filter(|node| node.node_type == "CTE Scan").count();
    let (wanted, unwanted) = (rows(scan), removed(scan, "filter"));
    let stake = tree.stake_beside(scan.id, body.id);
    if unwanted < case.policy.get(&CTE_REMOVED_SHARE_MIN) * (wanted + unwanted).max(1.0)
        || scan.condition("filter").is_none_or(|filter| filter.contains("SubPlan"))
        || !lets_predicates_in(tree, body)
        || !stake.matters(case)
    {
        return None;
    }
    let why = if used > 1 {
        format!(
            "it is used {used} times, so it is computed as a whole; NOT MATERIALIZED lets the condition in"
        )
    } else {
        "it is computed as a whole; without MATERIALIZED the condition reaches its tables"
            .to_owned()
    };
    let message = format!(
        "CTE `{}` returns {} rows and its filter removes {}: {why} ({:.0} % of the time)",
        clipped(name),
        grouped(wanted + unwanted),
        grouped(unwanted),
        stake.share * 100.0
    );
    let finding = tree.finding(ID, stake.at(scan.id), message);
    // The body may call a volatile function, which keeps it from being inlined, and is not to be seen.
    Some(
        finding
            .confidence(if used > 1 { Confidence::Low } else { Confidence::Medium })
            .evidence(figure("cte_rows", whole(wanted + unwanted), Unit::Rows))
            .evidence(figure("removed_rows", whole(unwanted), Unit::Rows)),
    )
}

/// Whether a predicate on the result can be applied to what the body reads.
fn lets_predicates_in(tree: &Tree<'_>, body: &Node) -> bool {
    let mut node = body;
    loop {
        let ordered = node.condition("order_by").is_some();
        if BARRIERS.contains(&node.node_type.as_str()) || ordered {
            return false;
        }
        // Down to the first scan or join.
        match node.children.as_slice() {
            [only] => node = tree.node(*only),
            _ => return true,
        }
    }
}
