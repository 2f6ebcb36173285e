//! `vector/limit-above-ef-search`, explained in the page beside this file.

use super::column::{AnnIndex, IndexMethod, VectorField, columns, workload};
use super::few_probes;
use super::in_force::{InForce, in_force, is_set_by_statements};
use super::missing_index::EXACT_ROWS_MAX;
use super::reads::{LimitedSearch, SearchPlan, reads};
use super::search::Search;
use super::selectivity::is_exact;
use crate::checks::Check;
use crate::checks::number::{float, whole};
use crate::model::observation::Limit;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Gap, GapReason, Judgement, Object, SettingChange,
    Severity, Superpower, Topic, Unit, grouped,
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
    page: include_str!("limit_above_ef_search.md"),
    judge,
};

pub(super) const ID: &str = "vector/limit-above-ef-search";
const NAME: &str = "hnsw.ef_search";
pub(super) const ITERATIVE: &str = "hnsw.iterative_scan";
/// The most that the setting takes.
const EF_SEARCH_MAX: f64 = 1000.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let indexes = columns.iter().flat_map(|column| &column.indexes);
    let mut usable = indexes.filter(|index| index.is_usable());
    if usable.next().is_none() {
        return Ok(Judgement::default());
    }
    workload(case)?;
    case.snapshot.common.role_settings.get()?;
    let mut judgement = Judgement::default();
    judgement.gaps.extend(case.snapshot.vector.settings.get().err().cloned());
    few_probes::judge(&mut judgement, case, &columns);
    let settings = GraphSettings::of(case);
    let Some(widest) = widest(&mut judgement, case, &columns, &settings) else {
        let unknown = unknown_limit(case, &columns, settings.rows_max());
        judgement.gaps.extend(unknown.filter(|_| settings.may_cut_off()));
        return Ok(judgement);
    };
    match why_not(case, &settings, widest.wanted) {
        Some((reason, detail)) => {
            judgement.declined.push(Declined::new(ID, object(), reason, detail));
        }
        None => {
            judgement.findings.push(finding(case, &settings, widest));
        }
    }
    Ok(judgement)
}

/// What decides how many rows an HNSW index returns.
struct GraphSettings {
    ef_search: InForce,
    iterative: InForce,
}

impl GraphSettings {
    fn of(case: &Case<'_>) -> Self {
        Self { ef_search: in_force(case, NAME, "40"), iterative: in_force(case, ITERATIVE, "off") }
    }

    /// Rows of one scan of the index.
    fn rows_max(&self) -> f64 {
        self.ef_search.number().unwrap_or(40.0)
    }

    /// Whether a search gets no more than the rows of one scan.
    fn may_cut_off(&self) -> bool {
        self.iterative.value == "off"
    }
}

fn object() -> Object {
    Object::Setting { name: NAME.to_owned() }
}

/// The search that takes most rows from an HNSW index, where these are more than the index returns. Where the planner does not
/// read one for any, that is declined; where it is not known whether it does, it is a gap.
fn widest<'c, 'a>(
    judgement: &mut Judgement,
    case: &'c Case<'_>,
    columns: &'c [VectorField<'a>],
    settings: &GraphSettings,
) -> Option<LimitedSearch<'c, 'a>> {
    let mut wide: Vec<LimitedSearch<'_, '_>> = served(case, columns)
        .filter_map(|(column, search)| {
            Some(LimitedSearch { column, search, wanted: search.rows_wanted()? })
        })
        .filter(|limited| limited.wanted > settings.rows_max())
        .collect();
    wide.sort_by(|a, b| b.wanted.total_cmp(&a.wanted));
    let (mut sorted, mut gap) = (None, None);
    for limited in wide {
        let LimitedSearch { column, search, wanted } = limited;
        let graphs: Vec<&AnnIndex<'_>> = graphs(column, search).collect();
        match reads(case, limited, &graphs) {
            SearchPlan::Index => return Some(limited),
            SearchPlan::Sort(limits) => {
                let detail = format!(
                    "{limits}; a search of `{}` asks for {}",
                    column.object(),
                    rows(wanted)
                );
                sorted = sorted.or(Some(detail));
            }
            SearchPlan::Unknown(unknown) => gap = gap.or(Some(unknown)),
        }
    }
    judgement.gaps.extend(gap.filter(|_| settings.may_cut_off()));
    judgement.declined.extend(sorted.map(|detail| {
        Declined::new(ID, object(), "the planner sorts the rows for such a LIMIT", detail)
    }));
    None
}

/// The HNSW indexes that serve a search.
fn graphs<'c, 'a>(
    column: &'c VectorField<'a>,
    search: &'c Search<'a>,
) -> impl Iterator<Item = &'c AnnIndex<'a>> {
    let graphs = column.indexes.iter().filter(|index| index.method == IndexMethod::Hnsw);
    graphs.filter(|index| index.is_usable() && index.serves(search))
}

/// The searches that an HNSW index serves.
fn served<'c, 'a>(
    case: &'c Case<'_>,
    columns: &'c [VectorField<'a>],
) -> impl Iterator<Item = (&'c VectorField<'a>, &'c Search<'a>)> {
    let all = columns.iter().flat_map(|column| column.searches.iter().map(move |s| (column, s)));
    all.filter(|(column, search)| {
        graphs(column, search).next().is_some() && !is_exact(case, column, search)
    })
}

/// A search whose LIMIT no statement shows, and whose calls each return `ef_search` rows: its LIMIT may be larger.
fn unknown_limit(case: &Case<'_>, columns: &[VectorField<'_>], ef_search: f64) -> Option<Gap> {
    let cut_off = |(column, search): (&VectorField<'_>, &Search<'_>)| {
        let counters = search.statement.counters.filter(|_| search.rows_wanted().is_none())?;
        let rows = float(counters.rows) / search.calls().max(1.0);
        (rows >= ef_search).then(|| {
            format!(
                "{} calls of a search of `{}` get {} rows each, and an HNSW index returns {}: their LIMIT is a parameter and may be higher",
                grouped(search.calls()),
                column.object(),
                grouped(rows),
                grouped(ef_search)
            )
        })
    };
    let detail = served(case, columns).find_map(cut_off)?;
    let gap = Gap::new("workload.statements", GapReason::NotEnoughEvidence, detail);
    Some(gap.lifted_by("send a log or a list of statements: --workload FILE"))
}

/// What raises the limit for the statements, or may.
fn why_not(
    case: &Case<'_>,
    settings: &GraphSettings,
    wanted: f64,
) -> Option<(&'static str, String)> {
    let GraphSettings { ef_search, iterative } = settings;
    if iterative.value != "off" {
        return Some((
            "iterative scans return the number of rows of LIMIT",
            format!("{ITERATIVE} is {}, LIMIT is {wanted:.0}", iterative.value),
        ));
    }
    if let Some((role, value)) = iterative.role_where(|value| value != "off") {
        let detail = format!("role {role} has {ITERATIVE} = {value}");
        return Some(("the workload does not say which role searches", detail));
    }
    let enough = |value: &str| value.trim().parse::<f64>().is_ok_and(|value| value >= wanted);
    if let Some((role, value)) = ef_search.role_where(enough) {
        let detail = format!("role {role} has {NAME} = {value}, LIMIT is {wanted:.0}");
        return Some(("the workload does not say which role searches", detail));
    }
    let set = is_set_by_statements(case, NAME) || is_set_by_statements(case, ITERATIVE);
    set.then(|| {
        let detail = format!("the workload has statements that name {NAME} or {ITERATIVE}");
        ("the application sets it itself", detail)
    })
}

fn finding(case: &Case<'_>, settings: &GraphSettings, limited: LimitedSearch<'_, '_>) -> Finding {
    let GraphSettings { ef_search, iterative } = settings;
    let LimitedSearch { column, search, wanted } = limited;
    let rows = rows(wanted);
    let message = format!(
        "The setting {NAME} is {0}: a search of `{1}` that asks for {rows} gets {0} at most from an HNSW index ({2} calls)",
        ef_search.value,
        column.object(),
        grouped(search.calls())
    );
    let severity = column.severity(Severity::High, case.policy.get(&TABLE_BYTES_MIN));
    let finding = Finding::new(ID, object(), severity, message)
        .confidence(if search.is_filtered() { Confidence::Medium } else { Confidence::High })
        .statistic("settings.ef_search", whole(settings.rows_max()), Unit::Count)
        .statistic("workload.rows_wanted", whole(wanted), Unit::Rows)
        .statistic("workload.calls", whole(search.calls()), Unit::Count);
    let mut changes = Vec::new();
    if wanted <= EF_SEARCH_MAX {
        let effect = "each search visits more of the graph and takes longer";
        let of_database = ef_search.change(column, &format!("{wanted:.0}"), effect);
        let of_roles = ef_search.of_roles.iter().map(|(scope, before)| SettingChange {
            scope: scope.clone(),
            before: Some(before.clone()),
            ..of_database.clone()
        });
        changes.extend(of_roles);
        changes.insert(0, of_database);
    }
    if has_iterative_scans(column.extension.code_version()) {
        let effect = "a search goes on until it has its rows or has visited hnsw.max_scan_tuples";
        changes.push(iterative.change(column, "strict_order", effect));
    }
    changes.into_iter().map(Action::SetSetting).fold(finding, Finding::action)
}

fn rows(wanted: f64) -> String {
    if wanted > f64::from(Limit::KEPT_MAX) {
        format!("more than {} rows", grouped(f64::from(Limit::KEPT_MAX)))
    } else {
        format!("{} rows", grouped(wanted))
    }
}

/// From 0.8.0 on.
pub(super) fn has_iterative_scans(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(0), Some(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterative_scans_are_there_from_0_8_on() {
        let there = ["0.7.4", "0.8.0", "0.10.1", "1.0"].map(has_iterative_scans);
        assert_eq!(there, [false, true, true, true]);
    }
}
