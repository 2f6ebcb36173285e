//! How long a pending list is, and how many keys an index holds. The list is read off the index where pgstattuple is, else off the planner's cost of a search.
//!
//! A search reads the whole list, and the planner charges for that. With no cost but that of a page, the cost of a search for
//! n keys is the list's pages, plus n times the pages of a descent, plus one page of the posting lists, as long as these are
//! few for each key; else they are charged by the key, and the last page is none: a page stays in doubt then. Two searches, for 4
//! keys and for 8, distinguish the three: pages = 2 × cost of 4 − cost of 8 − 1. The
//! operand is a parameter to the planner, so that it counts one key for each operator whatever the class. Compared with
//! pgstatginindex on 14 to 19, for classes of jsonb, arrays, text search and trigrams: the same to the page.
//!
//! A search that every entry answers is charged with the descent for each key of the index: that counts its keys. Compared with
//! the distinct elements of arrays and lexemes of the same table: 20,001 and 1,064, both exact.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::{ChosenIndex, unreadable};
use crate::model::observation::{GinIndex, Index, KeyCount, Pending, PendingReader};
use crate::model::{Gap, GapReason, Observation, grant, quote_identifier};
use crate::observe::batch::{Batch, Receipt};
use crate::observe::catalog::CatalogForest;
use crate::observe::foreign_code::refusal;
use crate::observe::gaps;
use crate::observe::source::as_json;
use crate::pg::{QueryParameters, Question};

/// The name in gaps and metrics.
const SOURCE: &str = "gin_pending";
/// Leaves the planner nothing but the index, and no cost but that of its pages.
const SETTINGS: &str = "set local enable_seqscan = off;
set local enable_indexscan = off;
set local enable_bitmapscan = on;
set local random_page_cost = 1;
set local cpu_operator_cost = 0;
set local cpu_index_tuple_cost = 0;
set local cpu_tuple_cost = 0;";
/// Keys of the shorter of both searches; the longer is for twice as many.
const KEYS: usize = 4;
/// With more keys than that for each page of an index, most have no page of a posting list of their own.
const KEYS_A_PAGE_MIN: f64 = 4.0;

/// What is read of one index.
pub(super) struct PendingListRead {
    list: ListReading,
    plan: Option<PlanLines>,
}

/// What its list is read off.
enum ListReading {
    /// Why it is not read.
    Gap(Gap),
    /// The index itself.
    Index(Arc<Mutex<Option<PendingRow>>>, Receipt, String),
    /// The plan.
    Plan,
}

/// A plan as its lines come.
pub(super) struct PlanLines {
    oid: i64,
    costs: Arc<Mutex<Vec<Option<f64>>>>,
    receipt: Receipt,
    page_cost: f64,
    /// Pages of the index, as last counted.
    index_pages: f64,
    index: String,
    table: String,
}

/// What `pgstatginindex` returns.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PendingRow {
    pages: i64,
    tuples: i64,
}

/// How lists and keys are read.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    /// Where `pgstatginindex` is, if our role may call it.
    pub(super) schema: Option<&'a str>,
    /// Whether keys are of interest.
    pub(super) keys: bool,
}

/// Add the questions about one index: its list, and its keys where these are of interest.
pub(super) fn read(
    batch: &mut Batch<'_>,
    How { schema, keys }: How<'_>,
    chosen: ChosenIndex<'_>,
    catalog: &CatalogForest<'_>,
) -> PendingListRead {
    let ChosenIndex { index, gin } = chosen;
    if let Some(gap) = unreadable(index, gin) {
        return PendingListRead { list: ListReading::Gap(gap), plan: None };
    }
    let planned = (keys || schema.is_none()).then(|| off_the_plan(batch, index, gin, catalog));
    let list = match (schema, &planned) {
        (Some(schema), _) => off_the_index(batch, schema, index),
        (None, Some(Err(gap))) => ListReading::Gap(gap.clone()),
        (None, _) => ListReading::Plan,
    };
    PendingListRead { list, plan: planned.and_then(Result::ok) }
}

fn off_the_index(batch: &mut Batch<'_>, schema: &str, index: &Index) -> ListReading {
    let sql = as_json::<PendingRow>(&format!(
        "select p.pending_pages::int8 as pages, p.pending_tuples::int8 as tuples
from {}.pgstatginindex($1::int8::oid::regclass) as p",
        quote_identifier(schema)
    ));
    let row = Arc::default();
    let kept: Arc<Mutex<Option<PendingRow>>> = Arc::clone(&row);
    let parameters: QueryParameters = vec![(Box::new(index.oid), Type::INT8)];
    let question = Question { parameters, ..Question::new(SOURCE, sql) };
    let receipt = batch.stream(question, move |json| {
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = serde_json::from_str(json).ok();
    });
    ListReading::Index(row, receipt, index.qualified_name().to_sql())
}

fn off_the_plan(
    batch: &mut Batch<'_>,
    index: &Index,
    gin: &GinIndex,
    catalog: &CatalogForest<'_>,
) -> Result<PlanLines, Gap> {
    let name = index.qualified_name().to_sql();
    let table = catalog.families.relation(gin.table_oid);
    let (Some(table), Some(sql)) =
        (table, table.and_then(|t| sql(&t.qualified_name().to_sql(), gin)))
    else {
        let detail = format!("no operator is known that `{name}` serves");
        return Err(Gap::new(SOURCE, GapReason::NotVisibleInSql, detail)
            .lifted_by("CREATE EXTENSION pgstattuple;"));
    };
    let table_name = table.qualified_name();
    if let Some(gap) = refusal(&catalog.foreign_code, table.oid, &table_name, SOURCE) {
        return Err(gap);
    }
    let table = table_name.to_sql();
    if !gin.readable {
        return Err(denied(&name, &table));
    }
    let costs: Arc<Mutex<Vec<Option<f64>>>> = Arc::default();
    let kept = Arc::clone(&costs);
    let wanted = quote_identifier(&index.name).into_owned();
    let question = Question { settings: SETTINGS, ..Question::new(SOURCE, sql) };
    let receipt = batch.stream(question, move |line| {
        if let Some(cost) = cost(line, &wanted) {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(cost);
        }
    });
    let page_cost = gin.random_page_cost.unwrap_or(1.0);
    #[expect(clippy::cast_precision_loss, reason = "pages of an index")]
    let index_pages = index.pages as f64;
    Ok(PlanLines { oid: index.oid, costs, receipt, page_cost, index_pages, index: name, table })
}

fn denied(index: &str, table: &str) -> Gap {
    Gap::new(
        SOURCE,
        GapReason::MissingPrivilege,
        format!("our role may not plan a search of `{index}`"),
    )
    .lifted_by(grant(format_args!("SELECT ON {table}")))
}

/// Two searches that only this index serves, and one for all its keys.
fn sql(table: &str, gin: &GinIndex) -> Option<String> {
    let (operator, operand) = (gin.operator.as_deref()?, gin.operand.as_deref()?);
    let key = gin.key.as_deref()?;
    let search = |condition: String, times: usize| {
        let predicate = gin.predicate.iter().map(|predicate| format!("({predicate})"));
        let all: Vec<String> = std::iter::repeat_n(condition, times).chain(predicate).collect();
        format!("select 1 from only {table} where {}", all.join(" and "))
    };
    let one = || format!("{key} {operator} (select null::{operand})");
    let mut searches = vec![search(one(), KEYS), search(one(), 2 * KEYS)];
    searches.extend(gin.match_all.as_ref().map(|all| search(format!("{key} {all}"), 1)));
    Some(format!("explain {}", searches.join(" union all ")))
}

/// The cost of a line of a plan that scans an index; nothing inside where it is another index.
#[expect(clippy::option_option, reason = "a line that is none, and one of another index")]
fn cost(line: &str, wanted: &str) -> Option<Option<f64>> {
    let (_, scan) = line.split_once("Bitmap Index Scan on ")?;
    let cost = scan
        .strip_prefix(wanted)
        .and_then(|rest| rest.trim_start().strip_prefix("(cost="))
        .and_then(|rest| rest.split_once(".."))
        .and_then(|(_, rest)| rest.split_once(' '))
        .and_then(|(cost, _)| cost.parse().ok());
    Some(cost)
}

/// Costs of searches for 4 keys, for 8, and for all where that is known; in pages.
#[derive(Clone, Copy)]
struct Costs {
    short: f64,
    long: f64,
    all: Option<f64>,
}

impl Costs {
    fn per_key(self) -> f64 {
        (self.long - self.short) / 4.0
    }

    /// Pages of the list, in an index of so many pages.
    fn pending(self, index_pages: f64) -> Option<Pending> {
        let per_key = self.per_key();
        let pages = 2.0 * self.short - self.long - 1.0;
        if !(per_key.is_finite() && per_key >= 0.0 && pages > -1.5) {
            return None;
        }
        // With more pages of posting lists than keys these are charged by the key, and the last page is none. That cannot be
        // where a key is charged with one page, or where there are far more keys than pages.
        let keys = self.all.map(|all| (all - pages) / per_key);
        let has_last_page = (per_key - 1.0).abs() < 1e-6
            || keys.is_some_and(|keys| keys > KEYS_A_PAGE_MIN * index_pages.max(1.0));
        let is_whole = |number: f64| number.fract().abs() < 1e-6;
        let is_exact = has_last_page && is_whole(per_key) && is_whole(pages);
        #[expect(clippy::cast_possible_truncation, reason = "pages of an index")]
        let pages = pages.round().max(0.0) as i64;
        Some(Pending {
            pages,
            margin_pages: i64::from(!is_exact),
            tuples: None,
            read_by: PendingReader::Explain,
        })
    }
}

impl PendingListRead {
    /// The list or why it was not read, and the keys.
    pub(super) fn seen(self) -> (Observation<Pending>, Option<KeyCount>) {
        let keys = self.plan.as_ref().and_then(PlanLines::keys);
        let list = match (self.list, self.plan) {
            (ListReading::Gap(gap), _) => Observation::Unseen(gap),
            (ListReading::Index(row, receipt, name), _) => {
                let row = *row.lock().unwrap_or_else(PoisonError::into_inner);
                match (row, receipt.failure()) {
                    (Some(row), None) => Observation::Seen(Pending {
                        pages: row.pages,
                        margin_pages: 0,
                        tuples: Some(row.tuples),
                        read_by: PendingReader::Pgstatginindex,
                    }),
                    (_, failure) => failed(&name, failure.map(|failure| failure.reason)),
                }
            }
            (ListReading::Plan, Some(plan)) => plan.pending(),
            (ListReading::Plan, None) => Observation::Unseen(gaps::unasked(SOURCE)),
        };
        (list, keys)
    }
}

impl PlanLines {
    /// What the plan charges.
    fn costs(&self) -> Option<Costs> {
        let costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        let in_pages = |cost: Option<f64>| cost.map(|cost| cost / self.page_cost);
        let [short, long, ref all @ ..] = *costs.as_slice() else { return None };
        let all = all.first().copied().flatten();
        Some(Costs { short: in_pages(short)?, long: in_pages(long)?, all: in_pages(all) })
    }

    /// What the planner charges for each key and for all.
    fn keys(&self) -> Option<KeyCount> {
        let costs = self.costs()?;
        let (pending, pages_per_key) = (costs.pending(self.index_pages)?, costs.per_key());
        #[expect(clippy::cast_precision_loss, reason = "pages of an index")]
        let all_pages = costs.all? - (pending.pages + pending.margin_pages) as f64;
        let is_whole = pages_per_key.fract().abs() < 1e-6;
        (is_whole && pages_per_key >= 1.0).then_some(KeyCount {
            oid: self.oid,
            pending_pages: pending.pages,
            all_pages,
            pages_per_key,
        })
    }

    /// The list, or why it was not read.
    fn pending(&self) -> Observation<Pending> {
        let failure = self.receipt.failure().map(|failure| failure.reason);
        // What the role lacks beside the grant, which was looked at before.
        if failure == Some(GapReason::MissingPrivilege) {
            return Observation::Unseen(gaps::hidden_by_row_security(SOURCE, &self.table));
        }
        let read = self.costs().and_then(|costs| costs.pending(self.index_pages));
        match (read, failure) {
            (Some(pending), None) => Observation::Seen(pending),
            (None, None) => Observation::Unseen(
                Gap::new(
                    SOURCE,
                    GapReason::NotVisibleInSql,
                    format!("the planner does not use `{}` for a search of its key", self.index),
                )
                .lifted_by("CREATE EXTENSION pgstattuple;"),
            ),
            (_, failure) => failed(&self.index, failure),
        }
    }
}

fn failed(index: &str, reason: Option<GapReason>) -> Observation<Pending> {
    let reason = reason.unwrap_or(GapReason::NotVisibleInSql);
    let detail = match reason {
        GapReason::Locked => format!("`{index}` or its table was locked"),
        _ => format!("the pending list of `{index}` could not be read"),
    };
    Observation::Unseen(Gap::new(SOURCE, reason, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_costs_tell_the_pages_of_the_list() {
        // Costs of PostgreSQL 14 to 19 alike; 22, 5 and 2 pages by pgstatginindex.
        for (short, long, all, pending) in [
            (31.0, 39.0, Some(48_000.0), 22),
            (14.0, 22.0, Some(40_015.0), 5),
            (7.0, 11.0, None, 2),
        ] {
            let read = Costs { short, long, all }.pending(200.0);
            let read = read.unwrap_or_else(|| unreachable!("readable"));
            assert_eq!((read.pages, read.margin_pages), (pending, 0));
        }
        assert_eq!(Costs { short: 6.0, long: 5.0, all: None }.pending(9.0), None);
    }

    #[test]
    fn few_keys_with_long_posting_lists_leave_a_page_in_doubt() {
        // 7 keys with a page of postings each: 15 and 0 pages by pgstatginindex.
        for (short, long, pending) in [(23.0, 31.0, 15), (8.0, 16.0, 0)] {
            let read = Costs { short, long, all: Some(short + 6.0) }.pending(24.0);
            let read = read.unwrap_or_else(|| unreachable!("readable"));
            assert_eq!(read.margin_pages, 1);
            assert!((read.pages - pending).abs() <= 1, "{read:?}");
        }
    }

    #[test]
    fn a_line_of_a_plan_is_read_only_for_the_index_that_was_asked_about() {
        let line = "  ->  Bitmap Index Scan on \"Odd name\"  (cost=0.00..31.00 rows=1 width=0)";
        assert_eq!(cost(line, "\"Odd name\""), Some(Some(31.0)));
        assert_eq!(cost(line, "odd"), Some(None));
        assert_eq!(cost("Append  (cost=0.00..31.00 rows=1 width=0)", "odd"), None);
    }
}
