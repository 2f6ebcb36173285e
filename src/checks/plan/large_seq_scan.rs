//! `plan/large-seq-scan`, explained in the page beside this file.

use std::collections::BTreeMap;

use super::tree::condition::{clauses, says, wrapped};
use super::tree::scanned::{Scanned, Unsaid, scanned};
use super::tree::{
    Stake, TIME_MS_MIN, TIME_SHARE_MIN, Tree, for_each_executed_or_counted, rows_read,
};
use super::unpruned_partitions::are_partitions;
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::explain::Node;
use crate::model::{
    Case, Declined, Finding, Gap, Judgement, PlanSource, Severity, Superpower, Threshold, Topic,
    Unit, grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Plan,
    worst: Severity::Critical,
    needs: &[Topic::PLANS],
    uses: &[],
    requires: &[],
    thresholds: &[&SEQ_SCAN_ROWS_MAX, &REMOVED_SHARE_MIN, &TIME_SHARE_MIN, &TIME_MS_MIN],
    page: include_str!("large_seq_scan.md"),
    judge,
};

const ID: &str = "plan/large-seq-scan";

static SEQ_SCAN_ROWS_MAX: Threshold = Threshold {
    name: "seq_scan_rows_max",
    default: 1_000_000.0,
    unit: Unit::Rows,
    reason: "reading a million rows takes a good part of a second, whatever the hardware",
};

static REMOVED_SHARE_MIN: Threshold = Threshold {
    name: "removed_share_min",
    default: 0.9,
    unit: Unit::Ratio,
    reason: "where more than a tenth of the rows is wanted, an index scan is rarely faster",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    for_each_executed_or_counted(case, |tree, judgement| {
        for scan in scans(tree, |node| node.node_type == "Seq Scan") {
            match find(tree, &scan, case) {
                Ok(Some(finding)) => {
                    judgement.declined.push(no_index(tree, &finding));
                    judgement.findings.push(finding);
                }
                Ok(None) => {}
                Err(unsaid) => judgement.merge(unsaid.judgement(tree, ID, scan[0].id)),
            }
        }
    })
}

/// Scans of a kind that one node reads together: those of partitions, or one alone.
pub(super) fn scans<'a>(tree: &Tree<'a>, is_of_kind: impl Fn(&Node) -> bool) -> Vec<Vec<&'a Node>> {
    let mut together: BTreeMap<(bool, usize), Vec<&Node>> = BTreeMap::new();
    for node in tree.nodes().iter().filter(|node| is_of_kind(node)) {
        let parent = node.parent.map(|parent| tree.node(parent));
        let append = parent.filter(|parent| parent.node_type.ends_with("Append"));
        // The arms of a UNION ALL are tables of their own.
        let append = append.filter(|append| {
            let parts: Vec<&Node> = append.children.iter().map(|id| tree.node(*id)).collect();
            are_partitions(&parts)
        });
        let key = append.map_or((false, node.id), |append| (true, append.id));
        together.entry(key).or_default().push(node);
    }
    together.into_values().collect()
}

/// The finding about scans that one node reads together.
pub(super) fn find(
    tree: &Tree<'_>,
    scan: &[&Node],
    case: &Case<'_>,
) -> Result<Option<Finding>, Unsaid> {
    let stake = tree.stake(scan.iter().map(|node| node.id));
    let filters = || scan.iter().filter_map(|node| node.condition("filter"));
    if !stake.matters(case) || !filters().any(an_index_could_serve) {
        return Ok(None);
    }
    let figures = scanned(tree, scan, case)?;
    let Scanned { read, unwanted } = figures;
    if read <= case.policy.get(&SEQ_SCAN_ROWS_MAX)
        || unwanted < case.policy.get(&REMOVED_SHARE_MIN) * read
    {
        return Ok(None);
    }
    Ok(found(tree, scan, figures, stake))
}

fn found(tree: &Tree<'_>, scan: &[&Node], figures: Scanned, stake: Stake) -> Option<Finding> {
    let Scanned { read, unwanted } = figures;
    let first = *scan.iter().max_by(|a, b| rows_read(a).total_cmp(&rows_read(b)))?;
    let loops = first.actual_loops.unwrap_or(1);
    let times = if loops > 1 && !first.parallel_aware {
        format!(" in {} scans", grouped(float(loops)))
    } else {
        String::new()
    };
    let of = match scan.len() {
        1 => tree.title(first.id),
        2 => format!("{} and 1 more partition", tree.title(first.id)),
        several => format!("{} and {} more partitions", tree.title(first.id), several - 1),
    };
    let message = format!(
        "{of} reads {} rows{times} and its filter removes {:.1} % of them: {:.0} % of the {}",
        grouped(read),
        share_shown(unwanted / read),
        stake.share * 100.0,
        if tree.is_executed() { "time" } else { "cost" }
    );
    let mut finding = tree.finding(ID, stake.at(first.id), message);
    // Without times, the mean of the calls was spread over the nodes by their costs.
    if finding.severity == Severity::High && tree.is_executed() {
        finding.severity = Severity::Critical;
    }
    Some(finding.evidence(tree.figure("read_rows", whole(read), Unit::Rows)).evidence(tree.figure(
        "removed_rows",
        whole(unwanted),
        Unit::Rows,
    )))
}

/// In percent, and never all where a row was returned.
pub(super) fn share_shown(share: f64) -> f64 {
    if share < 1.0 { (share * 100.0).min(99.9) } else { 100.0 }
}

/// Whether an index on what the filter compares could find the rows. What is hidden in a cast or a function has a check of
/// its own.
pub(super) fn an_index_could_serve(filter: &str) -> bool {
    let clauses = clauses(filter);
    let served = |clause: &&str| !says(clause, &["<>", "!~", "NOT ", "SubPlan", " IS NOT NULL"]);
    let mut plain = clauses.into_iter().filter(served).filter(|clause| wrapped(clause).is_none());
    plain.next().is_some()
}

/// Why no index is advised.
pub(super) fn no_index(tree: &Tree<'_>, finding: &Finding) -> Declined {
    let (reason, detail) = match tree.source {
        PlanSource::Generic => (
            "generic plan",
            "The plan is for any value of its parameters; test an index with values",
        ),
        _ => (
            "not tested",
            "No index was tested for this filter; a plan alone does not show what an index costs and saves",
        ),
    };
    Declined::new("plan/missing-index", finding.object.clone(), reason, detail)
}
