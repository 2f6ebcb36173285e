//! Searches of IVFFlat indexes that ask for more rows than the lists hold that are probed: the part of
//! `vector/limit-above-ef-search` that is about lists.

use super::column::{AnnIndex, IndexMethod, VectorField};
use super::filtered_search::scan;
use super::in_force::{in_force, is_set_by_statements};
use super::limit_above_ef_search::{ID, has_iterative_scans};
use super::reads::{LimitedSearch, SearchPlan, reads};
use super::search::Search;
use super::selectivity::is_exact;
use crate::checks::number::whole;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Confidence, Declined, Finding, Judgement, Object, Severity, Unit, grouped,
};

const PROBES: &str = "ivfflat.probes";
const ITERATIVE: &str = "ivfflat.iterative_scan";
/// Lists are uneven: twice those of average size that hold the rows.
const MARGIN: f64 = 2.0;

/// A search that gets too few rows.
struct FewRows<'c, 'a> {
    limited: LimitedSearch<'c, 'a>,
    /// Rows of the lists that are probed, on average.
    rows: f64,
    lists: f64,
}

pub(super) fn judge(judgement: &mut Judgement, case: &Case<'_>, columns: &[VectorField<'_>]) {
    let all = columns.iter().flat_map(|column| column.searches.iter().map(move |s| (column, s)));
    let few = all.filter_map(|(column, search)| few_rows(case, column, search));
    let Some(worst) = few.min_by(|a, b| a.share().total_cmp(&b.share())) else {
        return;
    };
    match why_not(case, &worst) {
        Some((reason, detail)) => judgement.declined.push(Declined::new(
            ID,
            Object::Setting { name: PROBES.to_owned() },
            reason,
            detail,
        )),
        None => judgement.findings.push(finding(case, &worst)),
    }
}

fn few_rows<'c, 'a>(
    case: &Case<'_>,
    column: &'c VectorField<'a>,
    search: &'c Search<'a>,
) -> Option<FewRows<'c, 'a>> {
    let wanted = search.rows_wanted()?;
    let mut serving = column.indexes.iter().filter(|i| i.is_usable() && i.serves(search));
    let index = serving.next().filter(|index| is_on_lists(index))?;
    if serving.any(|other| !is_on_lists(other)) {
        return None;
    }
    if is_exact(case, column, search) {
        return None;
    }
    let rows = scan(case, column, index)?.rows;
    let lists = index.index.option("lists").unwrap_or("100").parse().ok()?;
    let limited = LimitedSearch { column, search, wanted };
    let is_read = || reads(case, limited, &[index]) == SearchPlan::Index;
    (rows < wanted && is_read()).then_some(FewRows { limited, rows, lists })
}

/// Of a partial index the rows are not known.
fn is_on_lists(index: &AnnIndex<'_>) -> bool {
    index.method == IndexMethod::IvfFlat && !index.index.is_partial
}

impl FewRows<'_, '_> {
    /// The share of the rows it asks for that it gets.
    fn share(&self) -> f64 {
        self.rows / self.limited.wanted
    }

    /// Lists of average size that hold the rows it asks for.
    fn lists_wanted(&self) -> f64 {
        self.limited.wanted * self.lists / self.limited.column.rows
    }

    fn probes_wanted(&self) -> f64 {
        (MARGIN * self.lists_wanted()).ceil().clamp(1.0, self.lists)
    }
}

/// What raises the number of rows, or may.
fn why_not(case: &Case<'_>, few: &FewRows<'_, '_>) -> Option<(&'static str, String)> {
    let (probes, iterative) = (in_force(case, PROBES, "1"), in_force(case, ITERATIVE, "off"));
    if iterative.value != "off" {
        let detail = format!("{ITERATIVE} is {}", iterative.value);
        return Some(("iterative scans return the number of rows of LIMIT", detail));
    }
    let average = few.lists_wanted();
    let enough = |value: &str| value.trim().parse::<f64>().is_ok_and(|value| value >= average);
    let of_role =
        [(PROBES, probes.role_where(enough)), (ITERATIVE, iterative.role_where(|v| v != "off"))];
    if let Some((name, Some((role, value)))) = of_role.into_iter().find(|(_, of)| of.is_some()) {
        let detail = format!("role {role} has {name} = {value}");
        return Some(("the workload does not say which role searches", detail));
    }
    let set = is_set_by_statements(case, PROBES) || is_set_by_statements(case, ITERATIVE);
    set.then(|| {
        let detail = format!("the workload has statements that name {PROBES} or {ITERATIVE}");
        ("the application sets it itself", detail)
    })
}

fn finding(case: &Case<'_>, few: &FewRows<'_, '_>) -> Finding {
    let FewRows { limited: LimitedSearch { column, search, wanted }, rows, lists } = few;
    let (probes, iterative) = (in_force(case, PROBES, "1"), in_force(case, ITERATIVE, "off"));
    let message = format!(
        "The setting {PROBES} is {}: a search of `{}` that asks for {} rows gets about {} from an IVFFlat index of {} lists ({} calls)",
        probes.value,
        column.object(),
        grouped(*wanted),
        grouped(*rows),
        grouped(*lists),
        grouped(search.calls())
    );
    let severity = column.severity(Severity::High, case.policy.get(&TABLE_BYTES_MIN));
    let object = Object::Setting { name: PROBES.to_owned() };
    let finding = Finding::new(ID, object, severity, message)
        .confidence(Confidence::Medium)
        .statistic("settings.rows_of_index", whole(*rows), Unit::Rows)
        .statistic("workload.rows_wanted", whole(*wanted), Unit::Rows)
        .statistic("workload.calls", whole(search.calls()), Unit::Count);
    let value = format!("{:.0}", few.probes_wanted());
    let effect = "each search reads that many lists and takes longer";
    let finding = finding.action(Action::SetSetting(probes.change(column, &value, effect)));
    if !has_iterative_scans(column.extension.code_version()) {
        return finding;
    }
    let effect = "a search goes on until it has its rows or has read ivfflat.max_probes lists";
    finding.action(Action::SetSetting(iterative.change(column, "relaxed_order", effect)))
}
