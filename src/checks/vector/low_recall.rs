//! `vector/low-recall`, explained in the page beside this file.

use super::column::columns;
use crate::checks::Check;
use crate::model::{Case, Gap, GapReason, Judgement, Severity, Superpower, Topic, counted};

pub(super) static CHECK: Check = Check {
    id: "vector/low-recall",
    superpower: Superpower::Vector,
    worst: Severity::Medium,
    needs: &[Topic::CONTEXT, Topic::RELATIONS, Topic::INDEXES, Topic::INDEX_DETAILS, Topic::VECTOR],
    uses: &[],
    requires: &[],
    thresholds: &[],
    page: include_str!("low_recall.md"),
    judge,
};

fn judge(case: &Case<'_>) -> Result<Judgement, Gap> {
    let columns = columns(case)?;
    let indexes = columns.iter().flat_map(|column| &column.indexes);
    let count = indexes.filter(|index| index.is_usable()).count();
    let mut judgement = Judgement::default();
    if count > 0 {
        let indexes = counted(count, "index", "indexes");
        let detail = format!(
            "the recall of {indexes} is unknown: it takes searches of the table, with and without the index, and this release makes none"
        );
        judgement.gaps.push(
            Gap::new("vector_recall", GapReason::NotEnoughEvidence, detail).lifted_by(
                "compare your own query vectors with and without the index (SET LOCAL enable_indexscan = off); a later release runs this as an experiment",
            ),
        );
    }
    Ok(judgement)
}
