//! Whether the planner reads an index for a search, or sorts all rows: as it says itself.

use super::column::{AnnIndex, VectorField};
use super::search::Search;
use super::selectivity::share;
use crate::checks::number::float;
use crate::model::observation::{Limit, VectorReach};
use crate::model::{Case, Gap, GapReason, Observation, grouped};

/// The limit that stands for one of which it is known only that it is greater than any that is distinguished.
const LARGE: f64 = 5000.0;

/// Shares are products of statistics: by so much one may miss another.
const SHARE_MARGIN: f64 = 1e-9;

/// What the planner does with a search.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SearchPlan {
    /// It reads an index.
    Index,
    /// It sorts the rows, or may, with the limits in words.
    Sort(String),
    /// It is not known.
    Unknown(Gap),
}

/// A search with the rows that it asks for.
#[derive(Clone, Copy)]
pub(super) struct LimitedSearch<'c, 'a> {
    pub(super) column: &'c VectorField<'a>,
    pub(super) search: &'c Search<'a>,
    pub(super) wanted: f64,
}

/// What the planner does with a search that takes so many rows and that one of these indexes serves.
pub(super) fn reads(
    case: &Case<'_>,
    limited: LimitedSearch<'_, '_>,
    serving: &[&AnnIndex<'_>],
) -> SearchPlan {
    let LimitedSearch { column, search, wanted } = limited;
    let reaches = serving.iter().filter_map(|index| case.snapshot.vector.reach(index.index.oid));
    let (mut all, mut gap) = (Vec::new(), None);
    for reach in reaches {
        match reach {
            Observation::Seen(reaches) => all.push(reaches.as_slice()),
            Observation::Unseen(unseen) => gap = Some(unseen.clone()),
        }
    }
    if all.is_empty() {
        let detail =
            format!("the planner was not asked about the indexes of `{}`", column.object());
        return SearchPlan::Unknown(gap.unwrap_or_else(|| {
            Gap::new("vector_reach", GapReason::BudgetSpent, detail)
                .lifted_by("narrow the analysis with `schema` or `table`")
        }));
    }
    // With conditions the rows that pass are a part of those that the index returns. What a partial index holds passes.
    let passing = if !search.is_filtered() || serving.iter().all(|index| index.index.is_partial) {
        Some(1.0)
    } else {
        share(case, column, search)
    };
    let Some(passing) = passing.filter(|share| *share > 0.0) else {
        return SearchPlan::Unknown(unknown_share(column, wanted));
    };
    let mut sorts = String::new();
    for reaches in all {
        match judged(reaches, wanted, passing) {
            Ok(()) => return SearchPlan::Index,
            Err(limits) => sorts = limits,
        }
    }
    SearchPlan::Sort(sorts)
}

/// With fewer rows that pass, more of the index is read for as many, and fewer are sorted: the rows to be read up to which the
/// index is read are fewer for a smaller share. So what holds for the next smaller share that was asked about holds.
fn judged(reaches: &[VectorReach], wanted: f64, passing: f64) -> Result<(), String> {
    let limit = if wanted > f64::from(Limit::KEPT_MAX) { wanted.max(LARGE) } else { wanted };
    let known = reaches.iter().rfind(|reach| reach.rows_share <= passing + SHARE_MARGIN);
    let known = known.map_or((0.0, 1.0), |reach| (float(reach.indexed_limit), reach.rows_share));
    if limit / passing <= known.0 / known.1 {
        return Ok(());
    }
    let plain = reaches.last().map(|reach| (reach.indexed_limit, reach.sorted_limit));
    let (indexed, from) = plain.unwrap_or_default();
    Err(format!(
        "of a search without conditions it reads the index up to LIMIT {}, and sorts all rows from {} on",
        grouped(float(indexed)),
        grouped(from.map_or(LARGE, float))
    ))
}

fn unknown_share(column: &VectorField<'_>, wanted: f64) -> Gap {
    let detail = format!(
        "how many rows pass the conditions beside a search of `{}` for {} rows is not known, and so not whether the planner reads the index for it",
        column.object(),
        grouped(wanted)
    );
    Gap::new("vector_neighbours", GapReason::NotEnoughEvidence, detail)
        .lifted_by("dbopt plan --query-file FILE, with the statement as the application sends it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(rows_share: f64, indexed_limit: i64, sorted_limit: Option<i64>) -> VectorReach {
        VectorReach { rows_share, indexed_limit, sorted_limit }
    }

    #[test]
    fn a_search_reads_the_index_up_to_the_limit_at_which_the_planner_does_so() {
        let plain = reach(1.0, 200, Some(250));
        let reaches = [reach(0.005, 0, Some(10)), reach(1.0 / 3.0, 50, Some(64)), plain];
        let of = |wanted: f64, passing: f64| judged(&reaches, wanted, passing).is_ok();
        assert!(of(200.0, 1.0) && !of(201.0, 1.0) && !of(250.0, 1.0));
        // Of two rows one passes: 150 are read for 75, as for 50 where one in three passes.
        assert!(of(75.0, 0.5) && !of(76.0, 0.5));
        assert!(of(50.0, 1.0 / 3.0) && !of(10.0, 0.1));
    }

    #[test]
    fn a_limit_of_which_only_a_bound_is_known_is_found_where_every_one_is_read() {
        assert!(judged(&[reach(1.0, 50_000, None)], 1001.0, 1.0).is_ok());
        assert!(judged(&[reach(1.0, 5000, Some(10_000))], 1001.0, 1.0).is_ok());
        assert!(judged(&[reach(1.0, 2000, Some(5000))], 1001.0, 1.0).is_err());
    }
}
