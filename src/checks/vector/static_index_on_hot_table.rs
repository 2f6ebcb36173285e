//! `vector/static-index-on-hot-table`, explained in the page beside this file.

use super::change::ProposedIndex;
use super::column::{AnnIndex, IndexMethod, VectorField, columns};
use crate::checks::number::{float, whole};
use crate::checks::{Check, Requirement};
use crate::model::rate::{DAY_WINDOW_S_MIN, Rate, Window};
use crate::model::size::TABLE_BYTES_MIN;
use crate::model::{
    Action, Case, Finding, Gap, Judgement, Severity, Superpower, Threshold, Topic, Unit,
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
        Topic::TABLE_ACTIVITY,
        Topic::VECTOR,
    ],
    uses: &[],
    requires: &[Requirement::WriteCounters],
    thresholds: &[&CHURN_PER_DAY_MAX, &DAY_WINDOW_S_MIN, &TABLE_BYTES_MIN],
    page: include_str!("static_index_on_hot_table.md"),
    judge,
};

const ID: &str = "vector/static-index-on-hot-table";

static CHURN_PER_DAY_MAX: Threshold = Threshold {
    name: "churn_per_day_max",
    default: 0.05,
    unit: Unit::Ratio,
    reason: "a twentieth a day: in three weeks the centres are those of rows that are gone",
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let all = columns.iter().flat_map(|column| column.indexes.iter().map(move |i| (column, i)));
    let lists: Vec<_> = all
        .filter(|(column, index)| {
            index.is_usable()
                && index.method == IndexMethod::IvfFlat
                && index.whole
                && column.table_bytes >= case.policy.get(&TABLE_BYTES_MIN)
        })
        .collect();
    if lists.is_empty() {
        return Ok(Judgement::default());
    }
    case.snapshot.common.table_activity.get()?;
    let context = case.snapshot.context.get()?;
    let window = Window::of_database(context)?;
    let window = window.at_least("vector_churn", &DAY_WINDOW_S_MIN, case.policy)?;
    let found = lists.into_iter().filter_map(|(column, i)| of_index(case, column, i, window));
    Ok(Judgement { findings: found.collect(), ..Judgement::default() })
}

/// Rows that took the place of others. Inserts alone may be a load before the index was built: they are not counted.
fn churn(case: &Case<'_>, column: &VectorField<'_>, window: Window) -> Rate {
    let activity = column.leaves.iter().filter_map(|leaf| case.snapshot.common.activity(*leaf));
    let replaced = |a: &crate::model::observation::TableActivity| {
        a.updated_rows - a.hot_updated_rows + a.deleted_rows.min(a.inserted_rows)
    };
    window.rate(activity.map(replaced).sum())
}

fn of_index(
    case: &Case<'_>,
    column: &VectorField<'_>,
    index: &AnnIndex<'_>,
    window: Window,
) -> Option<Finding> {
    let rate = churn(case, column, window);
    let share = rate.per_day() / column.rows.max(1.0);
    if share <= case.policy.get(&CHURN_PER_DAY_MAX) {
        return None;
    }
    let object = column.index_object(index);
    let message = format!(
        "`{object}` has fixed lists, and {} of the rows are replaced a day (counted over {}): its recall falls",
        crate::model::percent(share),
        rate.window
    );
    let detail = case.snapshot.common.index_detail(index.index.oid)?;
    let graph = ProposedIndex {
        predicate: detail.predicate.clone(),
        ..ProposedIndex::hnsw(index.operand.clone(), index.metric?, "HNSW index")
    }
    .caveat("takes longer to build and to write than IVFFlat; its searches are limited by hnsw.ef_search");
    let finding = Finding::new(ID, object, Severity::Medium, message)
        .statistic("table_activity.replaced_rows_per_day", whole(rate.per_day()), Unit::Rows)
        .statistic("relations.rows", whole(column.rows), Unit::Rows)
        .statistic("index_sizes.index_bytes", float(index.bytes), Unit::Bytes);
    let action = graph.replacing(case, column, index).map(Action::ReplaceIndex);
    Some(action.into_iter().fold(finding, Finding::action))
}
