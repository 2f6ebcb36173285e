//! `vector/missing-index`, explained in the page beside this file.

use super::build::{M, bytes, hnsw, ivfflat_bytes, lists, with_estimate};
use super::change::{ProposedIndex, dimensions_max, existing_index};
use super::column::{AnnIndex, IndexMethod, VectorField, columns, workload};
use super::distance::DistanceMetric;
use super::operand::VectorOperand;
use super::search::Search;
use super::selectivity::{exact_rows, is_exact};
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::observation::VectorKind;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, GapReason, Judgement, Severity, Superpower,
    Threshold, Topic, Unit, counted, grouped, rounded,
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
        Topic::SETTINGS,
        Topic::VECTOR,
        Topic::VECTOR_SEARCH,
        Topic::TABLE_ACTIVITY,
        Topic::STATEMENTS,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&SEARCHES_MIN, &EXACT_ROWS_MAX, &TABLE_BYTES_MIN],
    page: include_str!("missing_index.md"),
    judge,
};

const ID: &str = "vector/missing-index";

static SEARCHES_MIN: Threshold = Threshold {
    name: "searches_min",
    default: 20.0,
    unit: Unit::Count,
    reason: "an index is built once and written with every row: a search made now and then may scan",
};

/// Rows that are compared one by one rather than by an index.
pub(super) static EXACT_ROWS_MAX: Threshold = Threshold {
    name: "exact_rows_max",
    default: 10_000.0,
    unit: Unit::Rows,
    reason: "10,000 distances of 1,536 elements take some milliseconds and miss no neighbour",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let mut judgement = Judgement::default();
    let large = |column: &&VectorField<'_>| column.table_bytes >= case.policy.get(&TABLE_BYTES_MIN);
    for column in columns.iter().filter(large) {
        // One on another expression over the column serves other searches.
        let has_index = column
            .indexes
            .iter()
            .any(|index| !is_broken(index) && index.operand != VectorOperand::Other);
        if has_index {
            continue;
        }
        if column.has_unread_index {
            let detail = format!("an index of `{}` was not read", column.table().to_sql());
            let gap = Gap::new("index_details", GapReason::BudgetSpent, detail);
            judgement.gaps.push(gap.lifted_by("narrow the analysis with `schema` or `table`"));
            continue;
        }
        workload(case)?;
        let verdict = of_column(case, column);
        if matches!(verdict, SearchVerdict::Missing(_) | SearchVerdict::Declined(_)) {
            // Which rows the index would not have, and how many elements they have, is not known.
            judgement.gaps.extend(column.values_unread.cloned());
        }
        match verdict {
            SearchVerdict::Missing(finding) => judgement.findings.push(*finding),
            SearchVerdict::Declined(declined) => judgement.declined.push(declined),
            SearchVerdict::Unsearched(gap) => judgement.gaps.push(gap),
            SearchVerdict::Nothing => {}
        }
    }
    Ok(judgement)
}

/// An index that a build left behind.
fn is_broken(index: &AnnIndex<'_>) -> bool {
    !index.index.is_valid && !index.building
}

enum SearchVerdict {
    Missing(Box<Finding>),
    Declined(Declined),
    Unsearched(Gap),
    Nothing,
}

fn of_column(case: &Case<'_>, column: &VectorField<'_>) -> SearchVerdict {
    if column.searches.is_empty() {
        return unsearched(column);
    }
    let exact_max = case.policy.get(&EXACT_ROWS_MAX);
    let has_other = column.indexes.iter().any(|index| index.operand == VectorOperand::Other);
    let needs_index = |search: &&Search<'_>| {
        search.is_indexable() && !(has_other && search.operand == VectorOperand::Other)
    };
    let is_exact = |search: &&Search<'_>| is_exact(case, column, search);
    let (exact, scanning): (Vec<&Search<'_>>, Vec<&Search<'_>>) =
        column.searches.iter().filter(needs_index).partition(is_exact);
    let calls: f64 = scanning.iter().map(|search| search.calls()).sum();
    let Some(most) = scanning.iter().max_by(|a, b| a.calls().total_cmp(&b.calls())) else {
        return exact.first().map_or(SearchVerdict::Nothing, |search| {
            let rows = exact_rows(case, column, search).unwrap_or_default();
            SearchVerdict::Declined(Declined::new(
                ID,
                column.object(),
                "an exact search over few rows misses no neighbour",
                format!(
                    "a B-tree index leaves about {} rows of {} to compare; up to {} an index on the vector is no faster",
                    rounded(rows),
                    grouped(column.rows),
                    grouped(exact_max)
                ),
            ))
        });
    };
    if calls < case.policy.get(&SEARCHES_MIN) {
        return SearchVerdict::Nothing;
    }
    missing(case, column, most, calls)
}

/// A column of which no statement says how it is searched.
fn unsearched(column: &VectorField<'_>) -> SearchVerdict {
    let object = column.object();
    // Bit strings have other uses.
    if matches!(column.definition.kind, VectorKind::Bit | VectorKind::Varbit) {
        return SearchVerdict::Nothing;
    }
    let detail = format!("no statement of the workload orders `{object}` by a distance");
    SearchVerdict::Unsearched(
        Gap::new("vector_searches", GapReason::NotEnoughEvidence, detail).lifted_by(
            "install pg_stat_statements, or send a log or a list of statements: --workload FILE",
        ),
    )
}

fn missing(
    case: &Case<'_>,
    column: &VectorField<'_>,
    search: &Search<'_>,
    calls: f64,
) -> SearchVerdict {
    let object = column.object();
    let message = format!(
        "`{object}` has no index for `{}`: each of {} searches compares {} rows",
        search.metric.operator(),
        grouped(calls),
        grouped(column.rows)
    );
    let slow = search.mean_ms().is_some_and(|ms| ms >= 100.0);
    let severity = if slow { Severity::High } else { Severity::Medium };
    let mut finding = Finding::new(ID, object.clone(), severity, message)
        .statistic("workload.searches", whole(calls), Unit::Count)
        .statistic("relations.rows", whole(column.rows), Unit::Rows);
    if let Some(ms) = search.mean_ms() {
        finding = finding.statistic("workload.mean_ms", ms, Unit::Ms);
    }
    let (kind, dimensions) = column.shape_of(&search.operand);
    if let Some(dimensions) = dimensions {
        finding = finding.statistic("vector_columns.dimensions", dimensions, Unit::Count);
    }
    finding = with_estimate(finding, case, column, &search.operand);
    let broken = column.indexes.iter().find(|index| {
        is_broken(index) && index.metric == Some(search.metric) && index.operand == search.operand
    });
    let rebuilt = broken.and_then(|index| existing_index(case, column, index, &object));
    let mut actions: Vec<Action> = rebuilt.map(Action::RebuildIndex).into_iter().collect();
    if actions.is_empty() {
        let proposed = proposals(case, column, search);
        let index = |proposal: ProposedIndex<'_>| proposal.index(case, column, object.clone());
        actions.extend(proposed.into_iter().filter_map(index).map(Action::BuildIndex));
    }
    if actions.is_empty() {
        let detail =
            match (dimensions, column.values.map(|v| (v.least_dimensions, v.most_dimensions))) {
                (Some(n), _) => format!("pgvector indexes no {} of {n} elements", kind.as_str()),
                (None, Some((Some(least), Some(most)))) if least < most => {
                    format!("values of `{object}` have {least} to {most} elements")
                }
                (None, _) => format!("the type `{}` says no number of elements", kind.as_str()),
            };
        return SearchVerdict::Declined(Declined::new(
            ID,
            object,
            "no index can be built on it as it is",
            format!(
                "{detail}; state it in the type, or search a cast: `{}::{}(n)`",
                column.definition.name,
                if kind == VectorKind::Varbit { "bit" } else { kind.as_str() }
            ),
        ));
    }
    let confidence = if search.is_filtered() { Confidence::Medium } else { Confidence::High };
    finding = finding.confidence(confidence);
    SearchVerdict::Missing(Box::new(actions.into_iter().fold(finding, Finding::action)))
}

/// Indexes that would serve the search, the best first.
fn proposals<'p>(
    case: &Case<'_>,
    column: &VectorField<'_>,
    search: &Search<'_>,
) -> Vec<ProposedIndex<'p>> {
    let (kind, dimensions) = column.shape_of(&search.operand);
    let as_it_is = ProposedIndex::hnsw(search.operand.clone(), search.metric, "graph");
    if as_it_is.dimensions(column).is_some() {
        let mut all =
            vec![left_out(column, search).into_iter().fold(as_it_is, ProposedIndex::caveat)];
        all.extend(lists_instead(case, column, search));
        return all;
    }
    if dimensions.is_none() {
        return of_one_size(column, search).into_iter().collect();
    }
    let (name, operator) = (&column.definition.name, search.metric.operator());
    if let Some(n) = dimensions.filter(|_| kind == VectorKind::Varbit) {
        let fixed = VectorOperand::Cast(VectorKind::Bit, Some(n));
        let rewrite = format!(
            "serves only statements that order by `{name}::bit({n}) {operator} $1::bit({n})`: change them to that, or state bit({n}) as the type of the column"
        );
        return vec![
            ProposedIndex::hnsw(fixed, search.metric, "cast to its bits")
                .caveat(rewrite)
                .caveat("the cast fills shorter values with zeros at their end"),
        ];
    }
    let Some(n) = dimensions.filter(|_| kind == VectorKind::Vector) else { return Vec::new() };
    let half = VectorOperand::Cast(VectorKind::Halfvec, Some(n));
    let bits = VectorOperand::Bits(Some(n));
    let mut all = Vec::new();
    if n <= dimensions_max(VectorKind::Halfvec) {
        let rewrite = format!(
            "serves only statements that order by `{name}::halfvec({n}) {operator} $1::halfvec({n})`: change them to that"
        );
        all.push(ProposedIndex::hnsw(half, search.metric, "half precision").caveat(rewrite));
    }
    let rerank = format!(
        "serves only `binary_quantize({name})::bit({n}) <~> binary_quantize($1)`: take some 20 times the rows by it in a subquery, and order those by `{name} {operator} $1`"
    );
    all.push(ProposedIndex::hnsw(bits, DistanceMetric::Hamming, "signs as bits").caveat(rerank));
    all
}

/// An index on a cast, where the type says no number of elements and every value that was read has the same.
fn of_one_size<'p>(column: &VectorField<'_>, search: &Search<'_>) -> Option<ProposedIndex<'p>> {
    let (kind, _) = column.shape_of(&search.operand);
    let values = column.values.filter(|_| search.operand == VectorOperand::Column)?;
    let n = values.dimensions()?;
    let (name, operator, kind_name) =
        (&column.definition.name, search.metric.operator(), kind.as_str());
    let proposal =
        ProposedIndex::hnsw(VectorOperand::Cast(kind, Some(n)), search.metric, "cast to its elements")
            .caveat(format!(
                "serves only statements that order by `{name}::{kind_name}({n}) {operator} $1`: change them to that, or state {kind_name}({n}) as the type of the column"
            ))
            .caveat(format!(
                "{} read, and all have {n} elements: with any other the build fails, and later its INSERT",
                counted(values.rows - values.nulls, "value was", "values were")
            ));
    Some(left_out(column, search).into_iter().fold(proposal, ProposedIndex::caveat))
}

/// Rows that the index would not have.
fn left_out(column: &VectorField<'_>, search: &Search<'_>) -> Option<String> {
    let values = column.values?;
    let zeros = if search.metric == DistanceMetric::Cosine { values.zeros } else { 0 };
    let count =
        |count: i64, what: &str| (count > 0).then(|| format!("{} {what}", grouped(float(count))));
    let found: Vec<String> =
        [count(values.nulls, "without a value"), count(zeros, "with a vector of length zero")]
            .into_iter()
            .flatten()
            .collect();
    (!found.is_empty()).then(|| {
        format!(
            "of {} read, {}: the index does not have these, and a search by it never returns them",
            counted(values.rows, "row that was", "rows that were"),
            found.join(" and ")
        )
    })
}

/// IVFFlat takes less memory and its centres are fixed: for data that is loaded, memory being short.
fn lists_instead<'p>(
    case: &Case<'_>,
    column: &VectorField<'_>,
    search: &Search<'_>,
) -> Option<ProposedIndex<'p>> {
    let (kind, dimensions) = column.shape_of(&search.operand);
    let dimensions = dimensions?;
    let shared = case.snapshot.common.setting("shared_buffers")?.bytes()?;
    let graph = hnsw(column.rows, kind, dimensions, M).bytes;
    let flat = ivfflat_bytes(column.rows, kind, dimensions);
    let is_static = column.leaves.iter().all(|leaf| {
        case.snapshot.common.activity(*leaf).is_some_and(|a| a.updated_rows + a.deleted_rows == 0)
    });
    let has_class = matches!(search.metric.word(), "l2" | "ip" | "cosine" | "hamming")
        && kind != VectorKind::Sparsevec;
    (is_static && has_class && graph > shared / 2.0 && flat < graph).then(|| ProposedIndex {
        method: IndexMethod::IvfFlat,
        options: vec![("lists".to_owned(), format!("{:.0}", lists(column.rows)))],
        ..ProposedIndex::hnsw(search.operand.clone(), search.metric, "lists")
    })
    .map(|proposal| {
        proposal.caveat(format!(
            "about {} instead of {}; rebuild it when the data has changed, and set ivfflat.probes to about the root of the lists",
            bytes(flat),
            bytes(graph)
        ))
    })
}
