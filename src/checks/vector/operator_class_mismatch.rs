//! `vector/operator-class-mismatch`, explained in the page beside this file.

use std::collections::BTreeMap;

use super::build::with_estimate;
use super::change::ProposedIndex;
use super::column::{AnnIndex, VectorField, columns, workload};
use super::distance::DistanceMetric;
use super::missing_index::EXACT_ROWS_MAX;
use super::search::Search;
use super::selectivity::is_exact;
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::observation::DistanceForm;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Finding, Gap, Judgement, Object, Severity, Superpower, Topic, Unit,
    grouped,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    superpower: Superpower::Vector,
    worst: Severity::High,
    needs: &[
        Topic::CONTEXT,
        Topic::RELATIONS,
        Topic::INDEXES,
        Topic::INDEX_DETAILS,
        Topic::VECTOR,
        Topic::STATEMENTS,
    ],
    uses: &[Topic::SETTINGS, Topic::VECTOR_SEARCH],
    requires: &[],
    thresholds: &[&EXACT_ROWS_MAX, &TABLE_BYTES_MIN],
    page: include_str!("operator_class_mismatch.md"),
    judge,
};

const ID: &str = "vector/operator-class-mismatch";

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    for column in columns(case)?.iter().filter(|column| !column.has_unread_index) {
        let usable = |index: &&AnnIndex<'_>| index.is_usable() && index.metric.is_some();
        let indexes: Vec<&AnnIndex<'_>> = column.indexes.iter().filter(usable).collect();
        // An index that is being built, or is another extension's, may be the one.
        if indexes.is_empty() || column.indexes.iter().any(|index| !usable(&index)) {
            continue;
        }
        workload(case)?;
        // Several statements may have the same fault: one finding for each object.
        let mut found: BTreeMap<Object, Finding> = BTreeMap::new();
        for search in &column.searches {
            if let Some(finding) = of_search(case, column, &indexes, search) {
                found.entry(finding.object.clone()).or_insert(finding);
            }
        }
        judgement.findings.extend(found.into_values());
    }
    Ok(judgement)
}

fn of_search(
    case: &Case<'_>,
    column: &VectorField<'_>,
    indexes: &[&AnnIndex<'_>],
    search: &Search<'_>,
) -> Option<Finding> {
    // Without LIMIT every row is returned, and no index is meant to serve it; of few rows neither.
    search.block.limit?;
    if is_exact(case, column, search) {
        return None;
    }
    if search.is_indexable() {
        let served = column.indexes.iter().any(|index| index.serves(search));
        return if served { None } else { other_class(case, column, indexes, search) };
    }
    rewritten(case, column, search)
}

/// The order is one that an index could serve, and none does.
fn other_class(
    case: &Case<'_>,
    column: &VectorField<'_>,
    indexes: &[&AnnIndex<'_>],
    search: &Search<'_>,
) -> Option<Finding> {
    let of_metric = |index: &&&AnnIndex<'_>| index.metric == Some(search.metric);
    if let Some(index) = indexes.iter().find(of_metric) {
        // A partial index of the right class is no mistake.
        return (index.operand != search.operand)
            .then(|| other_operand(case, column, index, search))
            .flatten();
    }
    let index = indexes.iter().find(|index| index.operand == search.operand)?;
    let (object, operator) = (column.object(), search.metric.operator());
    let has = index.metric.map_or("", DistanceMetric::operator);
    let message = format!(
        "`{object}` is searched by `{operator}`, its index `{}` serves `{has}`: {} calls scan the table",
        index.index.qualified_name().to_sql(),
        grouped(search.calls())
    );
    let finding = Finding::new(ID, object.clone(), severity(case, column), message);
    let finding =
        measured(finding, column, search).statistic("index_details.operator", has, Unit::Name);
    let finding = with_estimate(finding, case, column, &search.operand);
    let proposal =
        || ProposedIndex::hnsw(search.operand.clone(), search.metric, "operator's class");
    let unused = !column.searches.iter().any(|other| index.serves(other)) && index.scans == 0;
    let replace = ProposedIndex { purpose: "index of the operator's class", ..proposal() }
        .caveat("the old index has no scan since the counters were reset; other nodes may use it");
    let replaced = unused
        .then(|| replace.replacing(case, column, index))
        .flatten()
        .map(|replacement| Action::ReplaceIndex(replacement.about(object.clone())));
    let added = proposal().index(case, column, object).map(Action::BuildIndex);
    Some(added.into_iter().chain(replaced).fold(finding, Finding::action))
}

/// The index is on another expression over the column.
fn other_operand(
    case: &Case<'_>,
    column: &VectorField<'_>,
    index: &AnnIndex<'_>,
    search: &Search<'_>,
) -> Option<Finding> {
    let operand = index.operand.to_sql(&column.definition.name, &column.extension.schema)?;
    let message = format!(
        "`{}` is on `{operand}`, and a search of {} calls orders by another expression over `{}`: it scans the table",
        index.index.qualified_name().to_sql(),
        grouped(search.calls()),
        column.object()
    );
    let object = statement(search).unwrap_or_else(|| column.index_object(index));
    let operator = search.metric.operator();
    let rewrite = format!("order by `{operand} {operator} $1`, the value cast to the same type");
    let finding = Finding::new(ID, object, severity(case, column), message);
    Some(measured(finding, column, search).statistic("rewrite.order_by", &*rewrite, Unit::Name))
}

/// The order is in a form that no index serves.
fn rewritten(case: &Case<'_>, column: &VectorField<'_>, search: &Search<'_>) -> Option<Finding> {
    let operator = search.metric.operator();
    let operand = search.operand.to_sql(&column.definition.name, &column.extension.schema)?;
    let (what, confidence) = match (search.form, search.descending) {
        (DistanceForm::Within, _) => {
            (format!("an expression around `{operator}`"), Confidence::Medium)
        }
        (DistanceForm::Function, _) => {
            (format!("the function `{}`", search.spelled), Confidence::High)
        }
        (DistanceForm::Operator, true) => {
            (format!("`{operator}` descending: the farthest first"), Confidence::Low)
        }
        (DistanceForm::Operator, false) if search.nulls_first => {
            (format!("`{operator}` with NULLS FIRST"), Confidence::High)
        }
        (DistanceForm::Operator, false) => return None,
    };
    let object = statement(search).unwrap_or_else(|| column.object());
    let message = format!(
        "`{}` is ordered by {what}: no index serves that, {} calls scan the table",
        column.object(),
        grouped(search.calls())
    );
    let rewrite = format!(
        "order by `{operand} {operator} $1`, ascending and NULLS LAST, and compute from it what is returned"
    );
    let finding = Finding::new(ID, object, severity(case, column), message).confidence(confidence);
    let finding = measured(finding, column, search);
    Some(finding.statistic("rewrite.order_by", &*rewrite, Unit::Name))
}

fn statement(search: &Search<'_>) -> Option<Object> {
    search.statement.query_id.map(|id| Object::Statement { query_id: id.to_string() })
}

fn severity(case: &Case<'_>, column: &VectorField<'_>) -> Severity {
    column.severity(Severity::High, case.policy.get(&TABLE_BYTES_MIN))
}

/// The finding with how often the table is scanned, and how many rows are.
fn measured(finding: Finding, column: &VectorField<'_>, search: &Search<'_>) -> Finding {
    finding.statistic("workload.calls", whole(search.calls()), Unit::Count).statistic(
        "relations.rows",
        whole(column.rows),
        Unit::Rows,
    )
}
