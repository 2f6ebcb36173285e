//! Where the indexes are that serve searches of a column, or of an expression over it.

use super::ledger::Sought;
use super::missing_containment_index::FieldOfSearch;
use super::serving::may_serve;
use super::spelling::plain;
use crate::model::QualifiedName;
use crate::model::observation::{Index, IndexPart, Predicate, Relation};

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub(super) enum SearchKey<'k> {
    /// A column itself.
    Column(&'k str),
    /// An expression, as statements spell it.
    Expression(&'k str),
}

impl SearchKey<'_> {
    fn is_on(self, part: &IndexPart) -> bool {
        match self {
            Self::Column(column) => part.column.as_deref() == Some(column),
            Self::Expression(spelled) => part.column.is_none() && may_be(&part.sql, spelled),
        }
    }

    /// Whether a condition that every row of the result satisfies is on it.
    pub(super) fn is_of(self, sought: &Sought<'_>, one: &Predicate) -> bool {
        match self {
            Self::Column(column) => sought.column(one) == Some(column),
            Self::Expression(spelled) => {
                one.subject.expression == spelled && !one.under_or && !one.under_not
            }
        }
    }
}

/// Whether an index is on an expression as statements spell it. Where these leave out constants, it may be on any.
fn may_be(printed: &str, spelled: &str) -> bool {
    let (printed, spelled) = (plain(printed), plain(spelled));
    if !spelled.contains(LEFT_OUT) {
        return printed == spelled;
    }
    without_constants(&printed) == without_constants(&spelled)
}

/// What stands for a constant in the spelling of an expression.
pub(super) const LEFT_OUT: &str = "$1";

/// An expression with its strings left out. A quote within one makes two of it, in both spellings.
fn without_constants(plain: &str) -> String {
    let mut pieces = plain.split('\'');
    let mut bare = pieces.next().unwrap_or_default().to_owned();
    while let (Some(_), Some(behind)) = (pieces.next(), pieces.next()) {
        bare.push_str(LEFT_OUT);
        bare.push_str(behind);
    }
    bare
}

/// Where an index is that serves the searches.
#[derive(Debug, PartialEq)]
pub(super) enum Indexed {
    /// Nowhere.
    Nowhere,
    /// On every table that holds rows, by paths alone: not by keys.
    ByPaths,
    /// On some partitions; without one are these.
    Partly(Vec<QualifiedName>),
    /// On every table that holds rows.
    Everywhere,
}

/// How an index serves a column of one table.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Serves {
    Not,
    Paths,
    Fully,
}

/// Where an index of any kind that can serve containment is on the key, as any part: one that is invalid is for other checks.
pub(super) fn indexed(field: &FieldOfSearch<'_, '_>, key: SearchKey<'_>, calls: u64) -> Indexed {
    let FieldOfSearch { family, sought, case, .. } = *field;
    let common = &case.snapshot.common;
    let indexes = common.indexes.get().map(Vec::as_slice).unwrap_or_default();
    let uses = |one: &Predicate| key.is_of(sought, one);
    let serves = |index: &Index| {
        // What was not read may be on it.
        let Some(detail) = common.index_detail(index.oid) else { return Serves::Fully };
        let position = detail.parts.iter().position(|part| key.is_on(part));
        let Some(position) = position else { return Serves::Not };
        if !may_serve(detail, sought, &uses, calls) {
            return Serves::Not;
        }
        let class = index.classes.get(position).and_then(|oid| common.operator_class(*oid));
        let by_paths = class.is_some_and(|class| class.name == "jsonb_path_ops");
        if by_paths { Serves::Paths } else { Serves::Fully }
    };
    let of_table = |table: i64| {
        let others = indexes.iter().filter(|index| {
            index.table_oid == table && !matches!(index.method.as_str(), "btree" | "hash" | "brin")
        });
        others.map(serves).fold(Serves::Not, |one, other| if other > one { other } else { one })
    };
    let tables: Vec<(&Relation, Serves)> =
        family.leaves().map(|leaf| (leaf, of_table(leaf.oid))).collect();
    let all = |serves: Serves| tables.iter().all(|(_, served)| *served == serves);
    if all(Serves::Not) && !tables.is_empty() {
        return Indexed::Nowhere;
    }
    if all(Serves::Paths) && !tables.is_empty() {
        return Indexed::ByPaths;
    }
    let without = tables.iter().filter(|(_, served)| *served == Serves::Not);
    let without: Vec<QualifiedName> = without.map(|(table, _)| table.qualified_name()).collect();
    if without.is_empty() { Indexed::Everywhere } else { Indexed::Partly(without) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_may_be_on_what_statements_spell_without_its_constants() {
        let printed =
            "to_tsvector('english'::regconfig, ((COALESCE(title, ''::text) || ' '::text) || body))";
        assert!(may_be(printed, "to_tsvector($1, coalesce(title, $1) || $1 || body)"));
        assert!(may_be(printed, "to_tsvector('english', coalesce(title, '') || ' ' || body)"));
        assert!(!may_be(printed, "to_tsvector('german', coalesce(title, '') || ' ' || body)"));
        assert!(!may_be(printed, "to_tsvector($1, coalesce(title, $1) || body)"));
    }
}
