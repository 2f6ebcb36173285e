//! What a sequential scan reads and does not return. In a plan that was not executed it is expected: by the size of its table,
//! and by the rows that a call returns where the server counts them, or by an estimate that rests on statistics.

use super::misestimate::is_read_for_any_value;
use super::{Tree, clipped, condition, removed, rows_read};
use crate::explain::Node;
use crate::model::observation::{Index, IndexDetail, Relation, WorkloadStatement};
use crate::model::{Case, Declined, Judgement, PlanSource};

/// Rows that a server reads in a millisecond at most, several workers together: a call that took less did not read them.
const ROWS_PER_MS_MAX: f64 = 100_000.0;

/// Nodes that return all the rows that they read.
const PASS_ON: [&str; 6] =
    ["Gather", "Gather Merge", "Sort", "Incremental Sort", "Append", "Merge Append"];

/// What a scan reads, and does not return; expected where the plan was not executed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::checks::plan) struct Scanned {
    /// Rows that it reads.
    pub(in crate::checks::plan) read: f64,
    /// Those that its filter removes.
    pub(in crate::checks::plan) unwanted: f64,
}

/// Why nothing is said of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::checks::plan) enum Unsaid {
    /// Nothing shows how many rows it returns, or its table has.
    Unknown,
    /// With values, another plan may be chosen: this index may serve.
    MayBeServed(String),
    /// Any value of a parameter was expected to find many rows: with its value, the server may find them by an index.
    ForAnyValue,
    /// Calls take less time than the scan would.
    TooFast,
}

impl Unsaid {
    /// Says so, in the place for it.
    pub(in crate::checks::plan) fn judgement(
        self,
        tree: &Tree<'_>,
        check: &str,
        node: usize,
    ) -> Judgement {
        let title = tree.title(node);
        let (reason, detail) = match self {
            Self::Unknown => return tree.not_executed().into(),
            Self::MayBeServed(index) => (
                "generic plan",
                format!(
                    "{title}: the plan is for any value of its parameters; with values, `{}` may serve",
                    clipped(&index)
                ),
            ),
            Self::ForAnyValue => (
                "generic plan",
                format!(
                    "{title}: the plan is for any value of its parameters; explain the statement with the value before an \
                     index is made for it"
                ),
            ),
            Self::TooFast => (
                "calls are faster",
                format!(
                    "{title}: calls take less time on average than the scan would, so they use another plan or end early"
                ),
            ),
        };
        let declined = Declined::new(check, tree.object(node), reason, detail);
        Judgement { declined: vec![declined], ..Judgement::default() }
    }
}

/// What sequential scans that one node reads together read.
pub(in crate::checks::plan) fn scanned(
    tree: &Tree<'_>,
    scans: &[&Node],
    case: &Case<'_>,
) -> Result<Scanned, Unsaid> {
    if !tree.is_executed() {
        return expected(tree, scans, case);
    }
    if scans.iter().any(|scan| is_read_for_any_value(tree, scan.id, case)) {
        return Err(Unsaid::ForAnyValue);
    }
    Ok(Scanned {
        read: scans.iter().map(|node| rows_read(node)).sum(),
        unwanted: scans.iter().map(|node| removed(node, "filter")).sum(),
    })
}

/// What they are expected to read.
fn expected(tree: &Tree<'_>, scans: &[&Node], case: &Case<'_>) -> Result<Scanned, Unsaid> {
    let first = scans.first().ok_or(Unsaid::Unknown)?;
    let relations = case.snapshot.relations.get().map_err(|_| Unsaid::Unknown)?;
    let mut tables = Vec::new();
    for scan in scans {
        let table = table(scan, relations).filter(|table| table.rows.is_some());
        tables.push(table.ok_or(Unsaid::Unknown)?);
    }
    let read: f64 = tables.iter().map(|table| table.rows_now(None)).sum();
    let wanted = returned(tree, first).or_else(|| estimated(tree, scans)).ok_or(Unsaid::Unknown)?;
    if tree.source == PlanSource::Generic {
        for (scan, table) in scans.iter().zip(&tables) {
            if let Some(index) = serving(scan, table, case)? {
                return Err(Unsaid::MayBeServed(index));
            }
        }
    }
    if tree
        .statement
        .and_then(WorkloadStatement::mean_ms)
        .is_none_or(|ms| ms < read / ROWS_PER_MS_MAX)
    {
        return Err(Unsaid::TooFast);
    }
    Ok(Scanned { read, unwanted: (read - wanted).max(0.0) })
}

fn table<'r>(scan: &Node, relations: &'r [Relation]) -> Option<&'r Relation> {
    let (schema, name) = (scan.schema.as_ref()?, scan.relation.as_ref()?);
    relations.iter().find(|relation| relation.schema == *schema && relation.name == *name)
}

/// Rows that a call returns on average, where those of the scan reach the client.
fn returned(tree: &Tree<'_>, scan: &Node) -> Option<f64> {
    let rows = tree.statement?.rows_per_call?;
    let passed = tree.above(scan.id).all(|node| PASS_ON.contains(&node.node_type.as_str()));
    passed.then_some(rows)
}

/// Rows that the planner expects of scans whose conditions are all on columns that have statistics.
fn estimated(tree: &Tree<'_>, scans: &[&Node]) -> Option<f64> {
    let mut rows = 0.0;
    for scan in scans {
        let total = scan.total_cost?;
        // Above it something stops early: the scan is not read to its end.
        let stops = |node: &Node| node.total_cost.is_none_or(|cost| cost < total);
        if tree.above(scan.id).any(stops) {
            return None;
        }
        let clauses = condition::clauses(scan.condition("filter")?);
        let rests_on_statistics = |clause: &str| match condition::comparison(clause) {
            Some(operator) => operator == " = " || tree.source != PlanSource::Generic,
            None => false,
        };
        if !clauses.into_iter().all(rests_on_statistics) {
            return None;
        }
        rows += scan.plan_rows? * tree.parallel_divisor(scan.id);
    }
    Some(rows)
}

/// An index that may serve the scan where values are known.
fn serving(scan: &Node, table: &Relation, case: &Case<'_>) -> Result<Option<String>, Unsaid> {
    let filter = scan.condition("filter").unwrap_or_default();
    let common = &case.snapshot.common;
    let indexes = common.indexes.get().map_err(|_| Unsaid::Unknown)?;
    let mut of_table = indexes.iter().filter(|index| index.table_oid == table.oid);
    let found = of_table.find(|index| may_serve(index, common.index_detail(index.oid), filter));
    Ok(found.map(|index| index.name.clone()))
}

/// Whether the index may find rows by the filter, of whatever kind it is. One whose definition was not read may.
fn may_serve(index: &Index, detail: Option<&IndexDetail>, filter: &str) -> bool {
    let Some(detail) = detail else { return true };
    if index.is_partial {
        // The predicate follows from the filter only where that says something of a column of it.
        let predicate = detail.predicate.as_ref();
        return predicate.is_none_or(|predicate| condition::may_name(filter, predicate));
    }
    detail.parts.iter().take(index.key_count).any(|part| match &part.column {
        Some(column) => condition::names(filter, column),
        None => condition::may_name(filter, &part.sql),
    })
}
