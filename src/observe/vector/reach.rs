//! Up to which LIMIT the planner reads an index for the nearest rows; beyond it sorts them all. Its costs decide, and these
//! depend on the size of the vectors, on where they are stored, on settings and on parallel plans: so it is asked.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use crate::model::observation::{SearchReach, VectorColumn, VectorReach};
use crate::model::{Gap, GapReason, Observation, QualifiedName, grant};
use crate::observe::batch::{Batch, Receipt};
use crate::observe::catalog::CatalogForest;
use crate::observe::foreign_code::refusal;
use crate::observe::gaps;
use crate::pg::Question;

/// The name in gaps.
const SOURCE: &str = "vector_reach";
/// Indexes about which the planner is asked at most.
const INDEXES_MAX: usize = 40;
/// The limits that it is asked about: what applications write, and steps of a quarter between.
const LIMITS: [i64; 23] = [
    10, 20, 30, 40, 50, 64, 80, 100, 125, 160, 200, 250, 320, 400, 500, 640, 800, 1000, 2000, 5000,
    10_000, 20_000, 50_000,
];
/// Conditions of which the planner knows nothing, and the share of the rows that it takes to pass them: the smallest first.
const CONDITIONS: [(f64, &str); 3] = [
    (
        0.005,
        "t.tableoid operator(pg_catalog.>) (select null::pg_catalog.oid) and t.tableoid operator(pg_catalog.<) (select null::pg_catalog.oid)",
    ),
    (1.0 / 3.0, "t.tableoid operator(pg_catalog.<) (select null::pg_catalog.oid)"),
    (1.0, "true"),
];
/// Planning as the application's sessions do it.
const SETTINGS: &str = "set local jit to default;
set local max_parallel_workers_per_gather to default;";

/// An index as the source shows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReachIndex {
    oid: i64,
    table_oid: i64,
    key: String,
    predicate: Option<String>,
    operator: String,
    operand: String,
    readable: bool,
}

/// What is asked about one index.
pub(super) struct ReachQuery {
    index_oid: i64,
    plan: Result<PlanQuery, Gap>,
}

struct PlanQuery {
    sorts: Arc<Mutex<Vec<bool>>>,
    receipt: Receipt,
    table: QualifiedName,
}

/// Ask about the indexes of these columns' tables.
pub(super) fn read(
    batch: &mut Batch<'_>,
    catalog: &CatalogForest<'_>,
    indexes: &[ReachIndex],
    columns: &[VectorColumn],
) -> Vec<ReachQuery> {
    let is_of_interest =
        |index: &&ReachIndex| columns.iter().any(|column| column.table_oid == index.table_oid);
    let chosen = indexes.iter().filter(is_of_interest).take(INDEXES_MAX);
    let tables = chosen.filter_map(|index| {
        Some((index, catalog.families.relation(index.table_oid)?.qualified_name()))
    });
    tables
        .map(|(index, table)| {
            let refused = refusal(&catalog.foreign_code, index.table_oid, &table, SOURCE);
            let denied = (!index.readable).then(|| denied(&table));
            let plan = match refused.or(denied) {
                Some(gap) => Err(gap),
                None => Ok(query(batch, index, table)),
            };
            ReachQuery { index_oid: index.oid, plan }
        })
        .collect()
}

fn query(batch: &mut Batch<'_>, index: &ReachIndex, table: QualifiedName) -> PlanQuery {
    let ReachIndex { key, predicate, operator, operand, .. } = index;
    let predicate = predicate.as_ref().map(|predicate| format!("({predicate}) and "));
    let predicate = predicate.unwrap_or_default();
    let of = table.to_sql();
    let search = |condition: &str, limit: i64| {
        format!(
            "(select 1 from {of} as t where {predicate}{condition} order by {key} {operator} (select null::{operand}) limit {limit})"
        )
    };
    let of_share = |(_, condition): &(f64, &str)| LIMITS.map(|limit| search(condition, limit));
    let searches: Vec<String> = CONDITIONS.iter().flat_map(of_share).collect();
    let sql = format!("explain (costs off) {}", searches.join(" union all "));
    let sorts: Arc<Mutex<Vec<bool>>> = Arc::default();
    let kept = Arc::clone(&sorts);
    let question = Question { settings: SETTINGS, ..Question::new(SOURCE, sql) };
    let receipt = batch.stream(question, move |line| {
        let mut branches = kept.lock().unwrap_or_else(PoisonError::into_inner);
        match node(line) {
            "Limit" => branches.push(false),
            "Sort" => branches.last_mut().into_iter().for_each(|sorts| *sorts = true),
            _ => {}
        }
    });
    PlanQuery { sorts, receipt, table }
}

/// What a line of a plan names, where it is one of a node.
fn node(line: &str) -> &str {
    let line = line.trim_start();
    line.strip_prefix("->").unwrap_or(line).trim()
}

fn denied(table: &QualifiedName) -> Gap {
    let table = table.to_sql();
    let detail = format!("our role may not plan a search of `{table}`");
    Gap::new(SOURCE, GapReason::MissingPrivilege, detail)
        .lifted_by(grant(format_args!("SELECT ON {table}")))
}

impl ReachQuery {
    pub(super) fn seen(self) -> SearchReach {
        let reach = match self.plan {
            Ok(plan) => plan.seen(),
            Err(gap) => Observation::Unseen(gap),
        };
        SearchReach { index_oid: self.index_oid, reach }
    }
}

impl PlanQuery {
    fn seen(self) -> Observation<Vec<VectorReach>> {
        let sorts = self.sorts.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = self.receipt.failure().map(|failure| failure.reason);
        match (reaches(&sorts), failure) {
            (Some(reaches), None) => Observation::Seen(reaches),
            // What the role lacks beside the grant, which was looked at before.
            (_, Some(GapReason::MissingPrivilege)) => {
                Observation::Unseen(gaps::hidden_by_row_security(SOURCE, &self.table.to_sql()))
            }
            (_, failure) => {
                let detail = format!(
                    "the planner was not asked up to which LIMIT it reads an index of `{}`",
                    self.table.to_sql()
                );
                let reason = failure.unwrap_or(GapReason::NotVisibleInSql);
                Observation::Unseen(Gap::new(SOURCE, reason, detail).lifted_by("analyse again"))
            }
        }
    }
}

/// The limits below and above the one from which on rows are sorted, of each condition; absent where the plan is of another
/// form.
fn reaches(sorts: &[bool]) -> Option<Vec<VectorReach>> {
    if sorts.len() != LIMITS.len() * CONDITIONS.len() {
        return None;
    }
    let of_one = |((rows_share, _), sorts): (&(f64, &str), &[bool])| {
        let indexed = sorts.iter().position(|sorts| *sorts).unwrap_or(LIMITS.len());
        VectorReach {
            rows_share: *rows_share,
            indexed_limit: indexed.checked_sub(1).map_or(0, |last| LIMITS[last]),
            sorted_limit: LIMITS.get(indexed).copied(),
        }
    };
    Some(CONDITIONS.iter().zip(sorts.chunks(LIMITS.len())).map(of_one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_from_the_first_limit_on_whose_plan_has_a_sort() {
        let mut sorts = vec![false; 3 * LIMITS.len()];
        sorts[..LIMITS.len()].fill(true);
        sorts[LIMITS.len() + 7..2 * LIMITS.len()].fill(true);
        let seen = reaches(&sorts).unwrap_or_default();
        let seen: Vec<_> = seen.iter().map(|one| (one.indexed_limit, one.sorted_limit)).collect();
        assert_eq!(seen, [(0, Some(10)), (80, Some(100)), (50_000, None)]);
        assert!(reaches(&sorts[1..]).is_none());
    }

    #[test]
    fn a_node_is_told_from_what_is_printed_beneath_it() {
        assert_eq!(node("        ->  Sort"), "Sort");
        assert_eq!(node("Limit"), "Limit");
        assert_ne!(node("              Sort Key: ((t.e <-> $0))"), "Sort");
    }
}
