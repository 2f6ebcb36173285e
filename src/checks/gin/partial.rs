//! A predicate for a partial index: a condition without a value that all searches of a column have beside them.

use std::collections::BTreeSet;

use super::ledger::Sought;
use crate::model::observation::{Layout, Predicate, QueryBlock, StatementProfile};
use crate::model::quote_identifier;

/// The share of the rows up to which an index of these alone is worth its dependence on the condition.
const ROWS_SHARE_MAX: f64 = 0.5;

/// A condition that every search has.
pub(super) struct SharedCondition {
    /// As an index has it for its predicate.
    pub(super) predicate: String,
    /// The share of the rows that satisfy it, as last analyzed; absent where statistics do not say.
    pub(super) rows_share: Option<f64>,
}

/// The condition that all searches of a column have in common, if it leaves out enough rows. `calls` are all calls that search
/// it: where the statements that are known make fewer, others may have no such condition.
pub(super) fn shared_condition(
    sought: &Sought<'_>,
    uses: &dyn Fn(&Predicate) -> bool,
    layout: &Layout,
    calls: u64,
) -> Option<SharedCondition> {
    let statements: Vec<&StatementProfile> = sought
        .statements()
        .filter(|statement| statement.shape.blocks.iter().any(|block| searches(block, uses)))
        .collect();
    let known: u64 = statements.iter().map(|statement| statement.calls).sum();
    if known < calls {
        return None;
    }
    let blocks = statements.iter().flat_map(|statement| &statement.shape.blocks);
    let mut shared: Option<BTreeSet<(&str, &str)>> = None;
    for block in blocks.filter(|block| searches(block, uses)) {
        let own = conditions(sought, block);
        shared = Some(match shared {
            Some(so_far) => so_far.intersection(&own).copied().collect(),
            None => own,
        });
    }
    let found = shared?.into_iter().filter_map(|condition| of(condition, layout));
    let few = found.filter(|one| one.rows_share.is_none_or(|share| share <= ROWS_SHARE_MAX));
    few.min_by(|one, other| {
        let share = |condition: &SharedCondition| condition.rows_share.unwrap_or(1.0);
        share(one).total_cmp(&share(other))
    })
}

fn searches(block: &QueryBlock, uses: &dyn Fn(&Predicate) -> bool) -> bool {
    block.predicates.iter().any(uses)
}

/// Conditions on columns that need no value.
fn conditions<'b>(sought: &Sought<'_>, block: &'b QueryBlock) -> BTreeSet<(&'b str, &'b str)> {
    let valueless = block
        .predicates
        .iter()
        .filter(|one| matches!(one.operator.as_str(), "is null" | "is not null" | "true"));
    valueless.filter_map(|one| Some((sought.column(one)?, &*one.operator))).collect()
}

fn of((name, operator): (&str, &str), layout: &Layout) -> Option<SharedCondition> {
    let column = layout.column(name)?;
    let quoted = quote_identifier(name);
    let (predicate, rows_share) = match operator {
        "is null" => (format!("{quoted} IS NULL"), column.null_share),
        "is not null" => {
            (format!("{quoted} IS NOT NULL"), column.null_share.map(|share| 1.0 - share))
        }
        // Statistics of a truth value would be values of the column, which are not read.
        "true" if column.type_name == "bool" => (quoted.into_owned(), None),
        _ => return None,
    };
    Some(SharedCondition { predicate, rows_share })
}
