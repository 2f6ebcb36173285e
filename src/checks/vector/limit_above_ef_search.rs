//! `vector/limit-above-ef-search`, explained in the page beside this file.

use super::column::{IndexMethod, VectorField, columns, workload};
use super::in_force::{InForce, in_force, is_set_by_statements};
use super::search::Search;
use crate::checks::Check;
use crate::checks::number::whole;
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Declined, Finding, Gap, Judgement, Object, QualifiedName, SettingChange,
    SettingScope, Severity, Superpower, Topic, Unit,
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
    thresholds: &[&TABLE_BYTES_MIN],
    page: include_str!("limit_above_ef_search.md"),
    judge,
};

const ID: &str = "vector/limit-above-ef-search";
const NAME: &str = "hnsw.ef_search";
pub(super) const ITERATIVE: &str = "hnsw.iterative_scan";
/// The most that the setting takes.
const EF_SEARCH_MAX: f64 = 1000.0;

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let graphs = columns.iter().flat_map(|column| &column.indexes);
    if !graphs.into_iter().any(|index| index.is_usable() && index.method == IndexMethod::Hnsw) {
        return Ok(Judgement::default());
    }
    workload(case)?;
    case.snapshot.common.role_settings.get().map_err(Clone::clone)?;
    let mut judgement = Judgement::default();
    judgement.gaps.extend(case.snapshot.vector.settings.get().err().cloned());
    let ef_search = in_force(case, NAME, "40");
    let iterative = in_force(case, ITERATIVE, "off");
    let in_force = ef_search.number().unwrap_or(40.0);
    let Some((column, search, wanted)) = widest(&columns, in_force) else { return Ok(judgement) };
    match why_not(case, &ef_search, &iterative, wanted) {
        Some((reason, detail)) => judgement.declined.push(Declined {
            check: ID.to_owned(),
            object: object(),
            reason: reason.to_owned(),
            detail,
        }),
        None => {
            judgement.findings.push(finding(
                case,
                &ef_search,
                &iterative,
                (column, search, wanted),
            ));
        }
    }
    Ok(judgement)
}

fn object() -> Object {
    Object::Setting { name: NAME.to_owned() }
}

/// The search that an HNSW index serves and that takes most rows, where these are more than the index returns.
fn widest<'c, 'a>(
    columns: &'c [VectorField<'a>],
    ef_search: f64,
) -> Option<(&'c VectorField<'a>, &'c Search<'a>, f64)> {
    let all = columns.iter().flat_map(|column| column.searches.iter().map(move |s| (column, s)));
    let served = all.filter(|(column, search)| {
        let mut graphs = column.indexes.iter().filter(|index| index.method == IndexMethod::Hnsw);
        graphs.any(|index| index.is_usable() && index.serves(search))
    });
    served
        .filter_map(|(column, search)| Some((column, search, search.rows_wanted()?)))
        .filter(|(column, _, wanted)| *wanted > ef_search && column.rows > ef_search)
        .max_by(|(.., a), (.., b)| a.total_cmp(b))
}

/// What raises the limit for the statements, or may.
fn why_not(
    case: &Case<'_>,
    ef_search: &InForce,
    iterative: &InForce,
    wanted: f64,
) -> Option<(&'static str, String)> {
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

fn finding(
    case: &Case<'_>,
    ef_search: &InForce,
    iterative: &InForce,
    (column, search, wanted): (&VectorField<'_>, &Search<'_>, f64),
) -> Finding {
    let message = format!(
        "{NAME} is {}, so a search of `{}` with LIMIT {wanted:.0} returns {} rows at most ({:.0} calls)",
        ef_search.value,
        column.object(),
        ef_search.value,
        search.calls()
    );
    let severity = column.severity(Severity::High, case.policy.get(&TABLE_BYTES_MIN));
    let finding = Finding::new(ID, object(), severity, message)
        .statistic("settings.ef_search", whole(ef_search.number().unwrap_or(40.0)), Unit::Count)
        .statistic("workload.rows_wanted", whole(wanted), Unit::Rows)
        .statistic("workload.calls", whole(search.calls()), Unit::Count);
    let (database, library) = (&column.extension.database, column.extension.type_name());
    let mut actions = Vec::new();
    if wanted <= EF_SEARCH_MAX {
        let value = format!("{wanted:.0}");
        let scope = SettingScope::Database(database.clone());
        actions.push(set(&library, (NAME, &value), scope, ef_search.of_database.clone()));
        actions.extend(ef_search.of_roles.iter().map(|(scope, before)| {
            set(&library, (NAME, &value), scope.clone(), Some(before.clone()))
        }));
    }
    if has_iterative_scans(column.extension.code_version()) {
        let scope = SettingScope::Database(database.clone());
        actions.push(set(
            &library,
            (ITERATIVE, "strict_order"),
            scope,
            iterative.of_database.clone(),
        ));
    }
    actions.into_iter().fold(finding, Finding::action)
}

fn set(
    library: &QualifiedName,
    (name, value): (&str, &str),
    scope: SettingScope,
    before: Option<String>,
) -> Action {
    let what = if name == NAME {
        "each search visits more of the graph and takes longer"
    } else {
        "a search goes on until it has its rows or has visited hnsw.max_scan_tuples"
    };
    Action::SetSetting(SettingChange {
        object: Object::Setting { name: name.to_owned() },
        name: name.to_owned(),
        value: value.to_owned(),
        scope,
        before,
        known_by: Some(library.clone()),
        needs_restart: false,
        caveats: vec![
            what.to_owned(),
            "not by SET in a session: a pooler hands it to others; SET LOCAL in a transaction does not leak"
                .to_owned(),
        ],
    })
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
