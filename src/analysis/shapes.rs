//! What statements do with a key, each statement taken as a whole: a call that filters by a key and puts it out is one
//! call.

use std::collections::BTreeMap;

use crate::model::QualifiedName;
use crate::model::observation::{KeyFilter, KeyFind, KeyShape};
use crate::sql::{Access, Clause, JsonStep, KeyUse, Operand, path_to_string};
use crate::workload::{Ledger, RowLookup};

/// A key of the documents of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ColumnKey<'a> {
    table: &'a QualifiedName,
    column: &'a str,
    path: &'a [JsonStep],
}

/// Calls by key and shape.
pub(super) struct KeyShapes<'a> {
    calls: BTreeMap<ColumnKey<'a>, BTreeMap<KeyShape, u64>>,
}

impl<'a> KeyShapes<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        let mut calls: BTreeMap<ColumnKey<'a>, BTreeMap<KeyShape, u64>> = BTreeMap::new();
        for statement in ledger.statements_by_time() {
            let mut keys: BTreeMap<ColumnKey<'a>, Vec<&KeyUse>> = BTreeMap::new();
            for used in &statement.uses {
                let (table, column, path) = (&used.table, &*used.column, &*used.path);
                keys.entry(ColumnKey { table, column, path }).or_default().push(used);
            }
            for (key, uses) in &keys {
                let whole = keys.get(&ColumnKey { path: &[], ..*key }).is_some_and(|uses| {
                    uses.iter().any(|one| one.access == Access::Whole && is_output(one.place))
                });
                let finds = finds(*key, uses, &statement.finds);
                if let Some(shape) = shape(uses, finds, whole) {
                    *calls.entry(*key).or_default().entry(shape).or_default() +=
                        statement.stats.calls;
                }
            }
        }
        Self { calls }
    }

    /// The shapes of a key, that with most calls first.
    pub(super) fn get(
        &self,
        table: &QualifiedName,
        column: &str,
        path: &[JsonStep],
    ) -> Vec<KeyShape> {
        let of_key = self.calls.get(&ColumnKey { table, column, path }).into_iter().flatten();
        let mut shapes: Vec<KeyShape> =
            of_key.map(|(shape, calls)| KeyShape { calls: *calls, ..shape.clone() }).collect();
        shapes.sort_by_key(|shape| std::cmp::Reverse(shape.calls));
        shapes
    }
}

fn is_output(place: Clause) -> bool {
    matches!(place, Clause::Select | Clause::Returning)
}

/// The ways in which a statement finds rows by a key.
fn finds(key: ColumnKey<'_>, uses: &[&KeyUse], all: &[RowLookup]) -> Vec<KeyFind> {
    let ColumnKey { table, column, path } = key;
    let path = path_to_string(path);
    let is_reported = |of: &str, filter: KeyFilter| {
        let access = match filter {
            KeyFilter::Contains => Access::Contains,
            KeyFilter::Exists => Access::Exists,
            KeyFilter::JsonPath => Access::JsonPath,
            _ => return false,
        };
        let below = path
            .strip_prefix(of)
            .is_some_and(|rest| of.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']));
        below && uses.iter().any(|used| used.access == access && used.place == Clause::Where)
    };
    let is_of = |found: &&RowLookup| {
        found.keys.iter().any(|key| {
            let same = key.column.schema == table.schema
                && key.column.table == table.name
                && key.column.column == column;
            same && match found.find.filter {
                KeyFilter::Contains | KeyFilter::Exists | KeyFilter::JsonPath => {
                    is_reported(&key.path, found.find.filter)
                }
                _ => key.path == path,
            }
        })
    };
    all.iter().filter(is_of).map(|found| found.find.clone()).collect()
}

/// What these uses of a key come to in one statement; none where it neither finds rows by the key nor reads it.
fn shape(uses: &[&KeyUse], finds: Vec<KeyFind>, reads_document: bool) -> Option<KeyShape> {
    let conditions = |find: &&KeyFind| {
        !matches!(find.filter, KeyFilter::Join | KeyFilter::Order | KeyFilter::Extreme)
    };
    // The way that finds fewest rows leads; those beside it are tried on these.
    let several = finds.iter().filter(conditions).count() > 1;
    let reads_key = several || uses.iter().any(|used| reads(used, &finds));
    let is_shape = !finds.is_empty() || reads_key;
    is_shape.then_some(KeyShape { finds, reads_key, reads_document, calls: 0 })
}

/// Whether an index may find the rows of such a comparison.
fn filters(used: &KeyUse) -> bool {
    let Some(comparison) = &used.comparison else { return used.cast.as_deref() == Some("bool") };
    comparison.with != Operand::Expression
        && matches!(
            comparison.operator.as_str(),
            "=" | "in"
                | "= any"
                | "<"
                | "<="
                | ">"
                | ">="
                | "between"
                | "not between"
                | "is null"
                | "is not null"
                | "@>"
                | "?"
                | "?|"
                | "?&"
                | "@?"
                | "@@"
                | "~~"
                | "^@"
                | "~"
        )
}

/// Reading the key's value, other than to find rows by it.
fn reads(used: &KeyUse, finds: &[KeyFind]) -> bool {
    let finds_by = |wanted: &[KeyFilter]| finds.iter().any(|find| wanted.contains(&find.filter));
    let by_condition =
        || finds.iter().any(|find| !matches!(find.filter, KeyFilter::Order | KeyFilter::Extreme));
    let is_read = match used.place {
        Clause::Where | Clause::Join => {
            let by_function = finds.iter().any(|find| find.reached.is_none());
            !(by_condition() && (filters(used) || by_function || used.place == Clause::Join))
                && !finds_by(&[KeyFilter::Join])
        }
        Clause::OrderBy => !finds_by(&[KeyFilter::Order]),
        Clause::Select => !finds_by(&[KeyFilter::Extreme]),
        Clause::From | Clause::GroupBy | Clause::Having | Clause::Returning => true,
        Clause::Set | Clause::Index | Clause::Other => false,
    };
    is_read && used.access != Access::Change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeyOperators;
    use crate::model::observation::KeyOrder;
    use crate::sql::{Catalog, CatalogRelation, Column};
    use crate::workload::{Bookkeeper, Entry, StatementSource};

    fn shapes_of(sql: &str) -> Option<KeyShape> {
        let mut catalog = Catalog::new(vec!["ml".to_owned()]);
        let column = |name: &str, json| Column { name: name.to_owned(), json };
        let name = QualifiedName { schema: "ml".to_owned(), name: "t".to_owned() };
        catalog.insert(
            name.clone(),
            CatalogRelation::Table(vec![column("id", false), column("data", true)]),
        );
        let mut book = Bookkeeper::new(&catalog);
        book.add(StatementSource::List, &Entry::once(sql));
        let ledger = book.into_ledger();
        let shapes = KeyShapes::of(&ledger).get(&name, "data", &[JsonStep::Key("k".to_owned())]);
        shapes.into_iter().next().map(|shape| KeyShape { calls: 0, ..shape })
    }

    fn found(filter: KeyFilter, expression: &str, reached: Option<KeyOperators>) -> KeyFind {
        KeyFind { filter, expression: expression.to_owned(), reached, ..KeyFind::default() }
    }

    fn by(find: KeyFind) -> KeyShape {
        KeyShape { finds: vec![find], ..KeyShape::default() }
    }

    #[test]
    fn what_an_index_may_find_rows_by_is_told_from_what_needs_every_row() {
        let arrows = Some(KeyOperators::arrows(1));
        let cast = KeyFind {
            cast: Some("int4".to_owned()),
            ..found(KeyFilter::Equality, "(data ->> 'k')::int4", arrows.clone())
        };
        assert_eq!(shapes_of("select id from t where (data ->> 'k')::int = 7"), Some(by(cast)));
        let path = found(KeyFilter::Equality, "data #>> '{k}'", Some(KeyOperators::path(1)));
        assert_eq!(
            shapes_of("select id from t where data #>> '{k}' in ('a', 'b')"),
            Some(by(path.clone()))
        );
        assert_eq!(shapes_of("select id from t where data #>> array['k'] = 'a'"), Some(by(path)));
        let range = found(KeyFilter::Range, "data ->> 'k'", arrows.clone());
        for sql in [
            "select 1 from t where data ->> 'k' between 'a' and 'b'",
            "select 1 from t where (data ->> 'k')::varchar > 'b'",
            "select 1 from t where (data ->> 'k', id) > ('b', 1)",
        ] {
            assert_eq!(shapes_of(sql), Some(by(range.clone())), "{sql}");
        }
        let contains = found(KeyFilter::Contains, "data", None);
        assert_eq!(
            shapes_of(r#"select 1 from t where data @> '{"k": 1}'"#)
                .map(|shape| shape.finds[0].filter),
            Some(contains.filter)
        );

        let read = KeyShape { reads_key: true, ..KeyShape::default() };
        for sql in [
            "select data ->> 'k' from t where id = 1",
            "select 1 from t where data ->> 'k' <> 'x'",
            "select 1 from t where data ->> 'k' = 'x' or id = 1",
            "select count(*) from t group by data ->> 'k'",
            "select id from t order by data ->> 'k'",
            "select e.value from t, jsonb_each_text(t.data) as e where e.key = 'k'",
            "select (jsonb_populate_record(null::t, data)).k from t",
        ] {
            assert_eq!(shapes_of(sql), Some(read.clone()), "{sql}");
        }
        assert_eq!(shapes_of("update t set data = jsonb_set(data, '{k}', '1') where id = 1"), None);
    }

    #[test]
    fn an_order_with_a_limit_and_an_extreme_are_found_by_an_index() {
        let arrows = Some(KeyOperators::arrows(1));
        let order = KeyFind {
            order: Some(KeyOrder { descending: true, nulls_first: true }),
            ..found(KeyFilter::Order, "data ->> 'k'", arrows.clone())
        };
        let sql = "select id from t order by data ->> 'k' desc limit 10";
        assert_eq!(shapes_of(sql), Some(by(order)));
        let least = found(KeyFilter::Extreme, "data ->> 'k'", arrows);
        assert_eq!(shapes_of("select min(data ->> 'k') from t"), Some(by(least)));
        let counted = shapes_of("select min(data ->> 'k'), count(*) from t");
        assert_eq!(counted, Some(KeyShape { reads_key: true, ..KeyShape::default() }));
    }

    #[test]
    fn a_statement_that_filters_and_puts_out_is_one_shape() {
        let equals = found(KeyFilter::Equality, "data ->> 'k'", Some(KeyOperators::arrows(1)));
        let equals = KeyShape { finds: vec![equals], ..KeyShape::default() };
        let both = KeyShape { reads_key: true, ..equals.clone() };
        assert_eq!(shapes_of("select data ->> 'k' from t where data ->> 'k' = 'a'"), Some(both));
        let whole = KeyShape { reads_document: true, ..equals };
        assert_eq!(shapes_of("select data from t where data ->> 'k' = 'a'"), Some(whole.clone()));
        assert_eq!(shapes_of("select * from t where data ->> 'k' = 'a'"), Some(whole));
    }
}
