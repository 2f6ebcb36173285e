//! `vector/stale-lists`, explained in the page beside this file.

use super::build::lists;
use super::change::ProposedIndex;
use super::column::{AnnIndex, IndexMethod, VectorField, columns};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic, Unit, grouped,
    rounded,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Vector,
    worst: Severity::Medium,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::SETTINGS,
        Topic::VECTOR,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&LISTS_FACTOR_MAX, &LISTED_ROWS_MIN, &TABLE_BYTES_MIN],
    page: include_str!("stale_lists.md"),
    judge,
};

const ID: &str = "vector/stale-lists";

static LISTS_FACTOR_MAX: Threshold = Threshold {
    name: "lists_factor_max",
    default: 4.0,
    unit: Unit::Ratio,
    reason: "the rule of thumb for lists is no more exact than that",
};

static LISTED_ROWS_MIN: Threshold = Threshold {
    name: "listed_rows_min",
    default: 1000.0,
    unit: Unit::Rows,
    reason: "with fewer rows any number of lists is a guess",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let all = columns.iter().flat_map(|column| column.indexes.iter().map(move |i| (column, i)));
    let lists = all.filter(|(_, i)| i.is_usable() && i.method == IndexMethod::IvfFlat && i.whole);
    let findings = lists.filter_map(|(column, index)| of_index(case, column, index)).collect();
    Ok(Judgement { findings, ..Judgement::default() })
}

fn of_index(case: &Case<'_>, column: &VectorField<'_>, index: &AnnIndex<'_>) -> Option<Finding> {
    let metric = index.metric?;
    let detail = case.snapshot.common.index_detail(index.index.oid)?;
    let has: f64 = index.index.option("lists").unwrap_or("100").parse().ok()?;
    // Of a partial index only the server knows how many rows it holds, as last counted.
    let rows = if index.index.is_partial { index.index.tuples? } else { column.rows };
    let wanted = lists(rows);
    let factor = (wanted / has).max(has / wanted);
    if rows < case.policy.get(&LISTED_ROWS_MIN) || factor < case.policy.get(&LISTS_FACTOR_MAX) {
        return None;
    }
    let object = column.index_object(index);
    let (effect, number) = if wanted > has {
        ("a probe reads too many rows", rows / has)
    } else {
        ("a probe finds too few", rows / has)
    };
    let message = format!(
        "`{object}` has {has:.0} lists for {} rows, {wanted:.0} would fit: {effect}, about {}",
        grouped(rows),
        rounded(number)
    );
    let severity = column.severity(Severity::Medium, case.policy.get(&TABLE_BYTES_MIN));
    let with_lists = ProposedIndex {
        method: IndexMethod::IvfFlat,
        options: vec![("lists".to_owned(), format!("{wanted:.0}"))],
        predicate: detail.predicate.clone(),
        ..ProposedIndex::hnsw(
            index.operand.clone(),
            metric,
            "IVFFlat index with lists for its rows",
        )
    }
    .caveat(format!(
        "set ivfflat.probes to about {:.0}, the root of the lists, for its role or database",
        wanted.sqrt()
    ));
    let graph = ProposedIndex {
        predicate: detail.predicate.clone(),
        ..ProposedIndex::hnsw(index.operand.clone(), metric, "HNSW index")
    }
    .caveat("its searches are limited by hnsw.ef_search, not by ivfflat.probes");
    let finding = Finding::new(ID, object, severity, message)
        .statistic("indexes.lists", whole(has), Unit::Count)
        .statistic("relations.rows", whole(rows), Unit::Rows)
        .statistic("indexes.lists_wanted", whole(wanted), Unit::Count);
    let replaced = [with_lists, graph]
        .into_iter()
        .filter_map(|proposal| proposal.replacing(case, column, index))
        .map(Action::ReplaceIndex);
    Some(replaced.fold(finding, Finding::action))
}
