//! `vector/filtered-search`, explained in the page beside this file.

use super::change::{ProposedIndex, free_suffix};
use super::column::{AnnIndex, IndexMethod, VectorField, columns, workload};
use super::in_force::{InForce, in_force, is_set_by_statements};
use super::limit_above_ef_search::{ITERATIVE, has_iterative_scans};
use super::missing_index::EXACT_ROWS_MAX;
use super::search::Search;
use super::selectivity::{is_exact, plain_column, pruning, share};
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Finding, Gap, GapReason, IndexKey, Judgement, KeyPart, NewIndex,
    SettingChange, Severity, Superpower, Topic, Unit, grant, grouped, quote_identifier,
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
        Topic::STATEMENTS,
    ],
    uses: &[],
    requires: &[],
    thresholds: &[&EXACT_ROWS_MAX, &TABLE_BYTES_MIN],
    page: include_str!("filtered_search.md"),
    judge,
};

const ID: &str = "vector/filtered-search";
/// Rows that a search with an unknown limit is taken to ask for.
const ROWS_USUAL: f64 = 10.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let mut judgement = Judgement::default();
    for column in &columns(case)? {
        if !column.indexes.iter().any(AnnIndex::is_usable) {
            continue;
        }
        workload(case)?;
        case.snapshot.common.role_settings.get()?;
        let filtered = column.searches.iter().filter(|search| search.is_filtered());
        let mut worst: Option<FilteredSearch<'_, '_>> = None;
        for search in filtered {
            match of_search(case, column, search) {
                Ok(Some(found))
                    if worst.as_ref().is_none_or(|worst| found.kept() < worst.kept()) =>
                {
                    worst = Some(found);
                }
                Ok(_) => {}
                Err(gap) if judgement.gaps.contains(&gap) => {}
                Err(gap) => judgement.gaps.push(gap),
            }
        }
        judgement.findings.extend(worst.map(|worst| worst.finding(case)));
    }
    Ok(judgement)
}

/// What a scan of an index does with conditions.
pub(super) struct FilteredScan {
    method: IndexMethod,
    /// Rows that it returns before the conditions.
    pub(super) rows: f64,
    iterative: InForce,
}

/// What a scan of an index of pgvector returns, as the settings are.
pub(super) fn scan(
    case: &Case<'_>,
    column: &VectorField<'_>,
    index: &AnnIndex<'_>,
) -> Option<FilteredScan> {
    let (rows, iterative) = match index.method {
        IndexMethod::Hnsw => (in_force(case, "hnsw.ef_search", "40").number()?, ITERATIVE),
        IndexMethod::IvfFlat => {
            let lists: f64 = index.index.option("lists").unwrap_or("100").parse().ok()?;
            let probes = in_force(case, "ivfflat.probes", "1").number()?;
            (column.rows * (probes / lists).min(1.0), "ivfflat.iterative_scan")
        }
        // How other extensions scan is not known to us, nor which settings they have.
        IndexMethod::Foreign => return None,
    };
    Some(FilteredScan { method: index.method, rows, iterative: in_force(case, iterative, "off") })
}

/// A search that may find fewer rows than it asks for.
struct FilteredSearch<'s, 'a> {
    column: &'s VectorField<'a>,
    search: &'s Search<'a>,
    scan: FilteredScan,
    /// The share of the rows that pass the conditions.
    passing: f64,
}

fn of_search<'s, 'a>(
    case: &Case<'_>,
    column: &'s VectorField<'a>,
    search: &'s Search<'a>,
) -> Result<Option<FilteredSearch<'s, 'a>>, Gap> {
    let mut serving =
        column.indexes.iter().filter(|index| index.is_usable() && index.serves(search));
    // Of a partial index no one here knows whether the conditions imply its predicate: it may be the remedy.
    let Some(index) = serving.next().filter(|index| !index.index.is_partial) else {
        return Ok(None);
    };
    if serving.any(|index| index.index.is_partial) {
        return Ok(None);
    }
    let Some(scan) = scan(case, column, index) else { return Ok(None) };
    let is_exact = is_exact(case, column, search);
    let is_iterative = scan.iterative.value != "off"
        || scan.iterative.role_where(|value| value != "off").is_some()
        || is_set_by_statements(case, "iterative_scan");
    if is_exact || is_iterative || column.rows <= scan.rows {
        return Ok(None);
    }
    let Some(passing) = share(case, column, search) else { return Err(unknown(column, search)) };
    let passing = (passing * pruning(case, column, search)).min(1.0);
    let found = FilteredSearch { column, search, scan, passing };
    let has_enough = found.kept() >= found.rows_wanted() || passing >= 1.0;
    Ok((!has_enough).then_some(found))
}

/// Conditions whose share of the rows the planner's statistics do not say.
fn unknown(column: &VectorField<'_>, search: &Search<'_>) -> Gap {
    let names: Vec<&str> =
        search.filters.iter().filter_map(|filter| plain_column(filter)).collect();
    let what = if names.is_empty() { "its conditions".to_owned() } else { names.join(", ") };
    let detail = format!(
        "which share of `{}` passes {what} beside a search of `{}` is not known without values",
        column.table().to_sql(),
        column.definition.name
    );
    let table = column.table().to_sql();
    Gap::new("vector_filters", GapReason::NotEnoughEvidence, detail)
        .lifted_by(format!("ANALYZE {table}; {}", grant(format_args!("SELECT ON {table}"))))
}

impl FilteredSearch<'_, '_> {
    /// Rows of the index that pass the conditions.
    fn kept(&self) -> f64 {
        self.scan.rows * self.passing
    }

    fn rows_wanted(&self) -> f64 {
        self.search.rows_wanted().unwrap_or(ROWS_USUAL)
    }

    fn finding(&self, case: &Case<'_>) -> Finding {
        let Self { column, search, scan, passing } = self;
        let kept = self.kept();
        let limit = match search.rows_wanted() {
            Some(wanted) => format!("{wanted:.0} are requested"),
            None => "the LIMIT is a parameter".to_owned(),
        };
        let message = format!(
            "`{}` is searched with conditions that {:.2} % of the rows pass: of {} rows of the index about {kept:.1} are left, {limit}",
            column.object(),
            passing * 100.0,
            grouped(scan.rows)
        );
        // The share near the query decides, and no query vector is known.
        let certain = kept * 4.0 < self.rows_wanted();
        let confidence = if certain { Confidence::Medium } else { Confidence::Low };
        let severity = column.severity(Severity::High, case.policy.get(&TABLE_BYTES_MIN));
        let finding = Finding::new(ID, column.object(), severity, message)
            .confidence(confidence)
            .statistic("vector_neighbours.passing_share", *passing, Unit::Ratio)
            .statistic("settings.rows_of_index", whole(scan.rows), Unit::Rows)
            .statistic("workload.calls", whole(search.calls()), Unit::Count);
        self.remedies(case).into_iter().fold(finding, Finding::action)
    }

    /// The best first: few rows are compared one by one, more are found by going on until there are enough.
    fn remedies(&self, case: &Case<'_>) -> Vec<Action> {
        let Self { column, search, scan, passing } = self;
        let few = passing * column.rows <= case.policy.get(&EXACT_ROWS_MAX);
        let mut all = Vec::new();
        if few {
            all.extend(b_tree(case, column, search));
        }
        if has_iterative_scans(column.extension.code_version()) {
            all.push(iterative(column, scan));
        }
        all.extend(partial(case, column, search));
        all
    }
}

fn b_tree(case: &Case<'_>, column: &VectorField<'_>, search: &Search<'_>) -> Option<Action> {
    let equal = search.filters.iter().filter(|filter| filter.operator == "=");
    let name = equal.into_iter().find_map(|filter| plain_column(filter))?;
    Some(Action::BuildIndex(NewIndex {
        object: column.object(),
        table: column.table(),
        partitions: column.partitions.clone(),
        suffix: free_suffix(case, column, name),
        method: "btree".to_owned(),
        keys: vec![IndexKey {
            on: KeyPart::Column(name.to_owned()),
            class: None,
            ordering: String::new(),
        }],
        include: Vec::new(),
        unique: false,
        options: Vec::new(),
        predicate: None,
        purpose: "exact search over the rows that pass".to_owned(),
        instead_of: None,
        caveats: vec![
            "values far more frequent than the average still go through the index on the vector"
                .to_owned(),
        ],
    }))
}

fn iterative(column: &VectorField<'_>, scan: &FilteredScan) -> Action {
    let value = match scan.method {
        IndexMethod::IvfFlat => "relaxed_order",
        IndexMethod::Hnsw | IndexMethod::Foreign => "strict_order",
    };
    let effect = "a search goes on until it has its rows or has visited hnsw.max_scan_tuples (lists: ivfflat.max_probes)";
    Action::SetSetting(SettingChange {
        object: column.object(),
        caveats: vec![effect.to_owned()],
        ..scan.iterative.change(column, value, effect)
    })
}

/// Conditions without values, which an index can have as its predicate.
fn partial(case: &Case<'_>, column: &VectorField<'_>, search: &Search<'_>) -> Option<Action> {
    let conditions: Vec<String> = search
        .filters
        .iter()
        .map(|filter| {
            let name = quote_identifier(plain_column(filter)?);
            match &*filter.operator {
                "is null" => Some(format!("{name} IS NULL")),
                "is not null" => Some(format!("{name} IS NOT NULL")),
                _ => None,
            }
        })
        .collect::<Option<_>>()?;
    let proposal = ProposedIndex {
        predicate: Some(conditions.join(" AND ")),
        ..ProposedIndex::hnsw(search.operand.clone(), search.metric, "partial")
    };
    proposal.index(case, column, column.object()).map(Action::BuildIndex)
}
