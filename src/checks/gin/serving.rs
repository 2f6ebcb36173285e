//! Which searches an index can serve, by its class and by its predicate.

use super::ledger::Sought;
use crate::model::observation::{IndexDetail, OperatorClass, Predicate, QueryBlock};

/// Operators that a class serves; absent of classes that are not known here: then any may be.
pub(super) fn operators(class: &OperatorClass) -> Option<&'static [&'static str]> {
    Some(match class.name.as_str() {
        "jsonb_ops" => &["@>", "?", "?|", "?&", "@?", "@@"],
        "jsonb_path_ops" => &["@>", "@?", "@@"],
        "array_ops" => &["@>", "&&", "<@", "="],
        "tsvector_ops" => &["@@", "@@@"],
        "gin_trgm_ops" => &["~~", "~~*", "~", "~*", "%", "<%", "%>", "<<%", "%>>", "="],
        _ => return None,
    })
}

/// Whether one of the searches that `uses` holds for may imply the predicate of an index: it has a condition on a column that
/// the predicate names. So may those of `calls` that no known statement makes.
pub(super) fn may_serve(
    detail: &IndexDetail,
    sought: &Sought<'_>,
    uses: &dyn Fn(&Predicate) -> bool,
    calls: u64,
) -> bool {
    let Some(predicate) = &detail.predicate else { return true };
    let searches = |block: &&QueryBlock| block.predicates.iter().any(uses);
    let (mut known, mut implied) = (0_u64, false);
    for statement in sought.statements() {
        let mut blocks = statement.shape.blocks.iter().filter(searches).peekable();
        if blocks.peek().is_some() {
            known = known.saturating_add(statement.calls);
            implied |= blocks.any(|block| sought.columns(block).any(|name| names(predicate, name)));
        }
    }
    implied || known < calls
}

/// Whether a predicate names a column, as the server prints it.
fn names(predicate: &str, column: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    if column.chars().all(is_part) {
        predicate.split(|c: char| !is_part(c)).any(|word| word == column)
    } else {
        predicate.contains(&column.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_predicate_names_whole_columns() {
        assert!(names("(deleted_at IS NULL)", "deleted_at"));
        assert!(!names("(deleted_at IS NULL)", "d"));
        assert!(names("(\"Odd \"\"name\" > 3)", "Odd \"name"));
        assert!(names("((payload ->> 'k'::text) = 'x'::text)", "payload"));
    }
}
