//! What statements do with a key, each statement taken as a whole: a call that filters by a key and puts it out is one
//! call.

use std::collections::BTreeMap;

use crate::model::observation::{KeyFilter, KeyShape};
use crate::model::{QualifiedName, Reached};
use crate::sql::{Access, KeyUse, Operand, Place, Step};
use crate::workload::Ledger;

/// A column's table, the column, and the path of a key of its documents.
type Key<'a> = (&'a QualifiedName, &'a str, &'a [Step]);

/// Calls by key and shape.
pub(super) struct Shapes<'a> {
    calls: BTreeMap<Key<'a>, BTreeMap<KeyShape, u64>>,
}

impl<'a> Shapes<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        let mut calls: BTreeMap<Key<'a>, BTreeMap<KeyShape, u64>> = BTreeMap::new();
        for statement in ledger.statements_by_time() {
            let mut keys: BTreeMap<Key<'a>, Vec<&KeyUse>> = BTreeMap::new();
            for used in &statement.uses {
                keys.entry((&used.table, &used.column, &used.path)).or_default().push(used);
            }
            for (key, uses) in &keys {
                let whole = keys.get(&(key.0, key.1, &[][..])).is_some_and(|uses| {
                    uses.iter().any(|one| one.access == Access::Whole && is_output(one.place))
                });
                if let Some(shape) = shape(uses, whole) {
                    *calls.entry(*key).or_default().entry(shape).or_default() +=
                        statement.tally.calls;
                }
            }
        }
        Self { calls }
    }

    /// The shapes of a key, that with most calls first.
    pub(super) fn get(&self, table: &QualifiedName, column: &str, path: &[Step]) -> Vec<KeyShape> {
        let of_key = self.calls.get(&(table, column, path)).into_iter().flatten();
        let mut shapes: Vec<KeyShape> =
            of_key.map(|(shape, calls)| KeyShape { calls: *calls, ..shape.clone() }).collect();
        shapes.sort_by_key(|shape| std::cmp::Reverse(shape.calls));
        shapes
    }
}

fn is_output(place: Place) -> bool {
    matches!(place, Place::Select | Place::Returning)
}

/// What these uses of a key come to in one statement; none where it neither filters by the key nor reads it.
fn shape(uses: &[&KeyUse], reads_document: bool) -> Option<KeyShape> {
    let mut filters: Vec<KeyShape> = uses.iter().filter_map(|used| filter(used)).collect();
    // The way that finds fewest rows leads; those beside it are tried on these.
    filters.sort();
    let first = filters.first().cloned();
    let reads_key = filters.len() > 1 || uses.iter().any(|used| reads(used));
    (first.is_some() || reads_key).then(|| KeyShape {
        reads_key,
        reads_document,
        ..first.unwrap_or_default()
    })
}

/// Finding rows by a value that does not depend on the row.
fn filter(used: &KeyUse) -> Option<KeyShape> {
    let comparison = used.comparison.as_ref().filter(|_| used.place == Place::Where)?;
    if comparison.with == Operand::Expression {
        return None;
    }
    let reached = match used.access {
        Access::Text => Some(Reached::Arrows),
        Access::PathText => Some(Reached::Path),
        _ => None,
    };
    let filter = match (comparison.operator.as_str(), used.access) {
        ("=" | "in" | "= any", _) if reached.is_some() => KeyFilter::Equality,
        ("<" | "<=" | ">" | ">=" | "between", _) if reached.is_some() => KeyFilter::Range,
        ("@>", Access::Contains) => KeyFilter::Contains,
        _ => return None,
    };
    Some(KeyShape { filter: Some(filter), reached, cast: used.cast.clone(), ..KeyShape::default() })
}

/// Reading the key's value, other than to find rows by it.
fn reads(used: &KeyUse) -> bool {
    let is_read = matches!(
        used.place,
        Place::Select
            | Place::From
            | Place::Where
            | Place::Join
            | Place::GroupBy
            | Place::Having
            | Place::OrderBy
            | Place::Returning
    );
    is_read && used.access != Access::Change && filter(used).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Catalog, Column, Relation, statement};

    fn shapes_of(sql: &str) -> Option<KeyShape> {
        let mut catalog = Catalog::new(vec!["ml".to_owned()]);
        let column = |name: &str, json| Column { name: name.to_owned(), json };
        let name = QualifiedName { schema: "ml".to_owned(), name: "t".to_owned() };
        catalog.insert(name, Relation::Table(vec![column("id", false), column("data", true)]));
        let understood = statement(sql, &catalog).unwrap();
        let uses: Vec<&KeyUse> = understood.iter().flat_map(|one| &one.uses).collect();
        let is_key = |used: &&KeyUse| used.path == [Step::Key("k".to_owned())];
        let of_key: Vec<&KeyUse> = uses.iter().copied().filter(is_key).collect();
        let whole = |used: &&KeyUse| used.path.is_empty() && is_output(used.place);
        shape(&of_key, uses.iter().copied().any(|used| whole(&used)))
    }

    fn filtered(filter: KeyFilter, reached: Option<Reached>, cast: Option<&str>) -> KeyShape {
        let cast = cast.map(str::to_owned);
        KeyShape { filter: Some(filter), reached, cast, ..KeyShape::default() }
    }

    #[test]
    fn what_an_index_may_find_rows_by_is_told_from_what_needs_every_row() {
        let arrows = Some(Reached::Arrows);
        let equals = filtered(KeyFilter::Equality, arrows, Some("int4"));
        assert_eq!(shapes_of("select id from t where (data ->> 'k')::int = 7"), Some(equals));
        let path = filtered(KeyFilter::Equality, Some(Reached::Path), None);
        assert_eq!(shapes_of("select id from t where data #>> '{k}' in ('a', 'b')"), Some(path));
        let range = filtered(KeyFilter::Range, arrows, None);
        assert_eq!(
            shapes_of("select 1 from t where data ->> 'k' between 'a' and 'b'"),
            Some(range)
        );
        let contains = filtered(KeyFilter::Contains, None, None);
        assert_eq!(shapes_of(r#"select 1 from t where data @> '{"k": 1}'"#), Some(contains));

        let read = KeyShape { reads_key: true, ..KeyShape::default() };
        for sql in [
            "select data ->> 'k' from t where id = 1",
            "select 1 from t where data ->> 'k' like '%x'",
            "select 1 from t where data ->> 'k' <> 'x'",
            "select count(*) from t group by data ->> 'k'",
            "select 1 from t as a join t as b on a.data ->> 'k' = b.id::text",
            "select 1 from t where data -> 'k' = '7'",
        ] {
            assert_eq!(shapes_of(sql), Some(read.clone()), "{sql}");
        }
        assert_eq!(shapes_of("update t set data = jsonb_set(data, '{k}', '1') where id = 1"), None);
    }

    #[test]
    fn a_statement_that_filters_and_puts_out_is_one_shape() {
        let equals = filtered(KeyFilter::Equality, Some(Reached::Arrows), None);
        let both = KeyShape { reads_key: true, ..equals.clone() };
        assert_eq!(shapes_of("select data ->> 'k' from t where data ->> 'k' = 'a'"), Some(both));
        let whole = KeyShape { reads_document: true, ..equals };
        assert_eq!(shapes_of("select data from t where data ->> 'k' = 'a'"), Some(whole.clone()));
        assert_eq!(shapes_of("select * from t where data ->> 'k' = 'a'"), Some(whole));
    }
}
