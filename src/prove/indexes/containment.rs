//! Searches of a column of documents by `@>`, with values that its rows have.

use std::collections::BTreeMap;

use super::{RowsWanted, STATEMENTS_MAX, only_block};
use crate::model::observation::{ColumnName, StatementProfile, UsePlace, Workload};
use crate::model::{NewIndex, path_keys, quote_identifier, text_literal};
use crate::prove::trial::{Call, POINTS};

/// A search by `@>` as the workload runs it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Containment {
    /// The document it searches for, over a row `t`, and what holds of rows that have its keys.
    document: Document,
    wanted: RowsWanted,
    calls: u64,
}

/// The searches of a column by `@>` that can be run on a copy: all of their conditions, and the keys, are known. None where
/// these are fewer than half of all.
pub(super) fn containments(new: &NewIndex, column: &str, workload: &Workload) -> Vec<Containment> {
    let of = ColumnName::of(&new.table, column);
    let statements = workload.statements_of(&of.schema, &of.table);
    let mut all: Vec<Containment> =
        statements.filter_map(|statement| containment(statement, &of)).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.calls));
    all.truncate(STATEMENTS_MAX);
    let known: u64 = all.iter().map(|one| one.calls).sum();
    let usage = workload.usage_of(&of.schema, &of.table, column);
    let searching = usage.map_or(0, |usage| {
        usage.calls_where(|one| {
            let filters = matches!(one.place, UsePlace::Where | UsePlace::Join);
            filters && one.expression.is_none() && one.operator.as_deref() == Some("@>")
        })
    });
    if known.saturating_mul(2) < searching { Vec::new() } else { all }
}

fn containment(statement: &StatementProfile, column: &ColumnName) -> Option<Containment> {
    let block = only_block(statement, column)?;
    let [search] = block.predicates.as_slice() else { return None };
    let plain = search.subject.plain && search.subject.columns.as_slice() == [column.clone()];
    let alone = search.place == UsePlace::Where && !search.under_or && !search.under_not;
    let searches = plain && alone && search.operator == "@>" && block.order_by.is_empty();
    if !searches {
        return None;
    }
    let document = Document::of(&column.column, &search.contains)?;
    let wanted = RowsWanted::of(statement, block)?;
    Some(Containment { document, wanted, calls: statement.calls })
}

impl Containment {
    pub(super) fn on(&self, table: &str, column: &str) -> Call {
        let column = quote_identifier(column);
        let limit = match self.wanted {
            RowsWanted::All => String::new(),
            RowsWanted::First(rows) => format!(" limit {rows}"),
        };
        Call {
            statement: format!(
                "select t.ctid from {table} as t where t.{column} @> $1::pg_catalog.jsonb{limit}"
            ),
            values: Some(self.document.values()),
            calls: self.calls,
            kind: "search_ms",
        }
    }
}

/// A document with these keys, and the values that a row has there.
#[derive(Debug, Clone, PartialEq)]
struct Document {
    /// The document, over a row `t`.
    sql: String,
    /// The values, each over a row `t`.
    leaves: Vec<String>,
}

impl Document {
    /// None where no key is known, or a path leads through elements of an array, whose number a path does not show; one element
    /// at its end is as good as another.
    fn of(column: &str, paths: &[String]) -> Option<Self> {
        if paths.is_empty() {
            return None;
        }
        let document = format!("t.{}", quote_identifier(column));
        let mut all = Vec::new();
        for path in paths {
            let (path, element) = match path.strip_suffix("[]") {
                Some(path) => (path, true),
                None => (path.as_str(), false),
            };
            all.push((path_keys(path)?, element));
        }
        let mut leaves = Vec::new();
        let paths: Vec<(&[String], bool)> =
            all.iter().map(|(keys, element)| (keys.as_slice(), *element)).collect();
        let sql = object(&document, &mut Vec::new(), &paths, &mut leaves)?;
        Some(Self { sql, leaves })
    }

    /// The query for such documents, spread over the rows that have the keys.
    fn values(&self) -> String {
        let scalar = |leaf: &String| {
            format!("pg_catalog.jsonb_typeof({leaf}) in ('string', 'number', 'boolean')")
        };
        let scalars: Vec<String> = self.leaves.iter().map(scalar).collect();
        format!(
            "select pg_catalog.json_build_array(v.document)::text
            from (
                select distinct u.document
                from (
                    select pg_catalog.percentile_disc('{POINTS}'::float8[]) within group (order by x.document) as found
                    from (
                        select ({})::pg_catalog.text collate \"C\" as document
                        from pg_temp.dbopt_base as t where {}
                    ) as x
                ) as p
                cross join lateral pg_catalog.unnest(p.found) as u (document)
                where u.document is not null
            ) as v",
            self.sql,
            scalars.join(" and ")
        )
    }
}

/// An object of the keys that follow these, or none where a path ends within another.
fn object(
    document: &str,
    above: &mut Vec<String>,
    paths: &[(&[String], bool)],
    leaves: &mut Vec<String>,
) -> Option<String> {
    let mut members: BTreeMap<&String, Vec<(&[String], bool)>> = BTreeMap::new();
    for (keys, element) in paths {
        let (first, rest) = keys.split_first()?;
        members.entry(first).or_default().push((rest, *element));
    }
    let mut written = Vec::new();
    for (key, rest) in members {
        above.push(key.clone());
        let value = match rest.as_slice() {
            [([], element)] => {
                let keys = above.iter().map(String::as_str).chain(element.then_some("0"));
                let keys: Vec<String> = keys.map(text_literal).collect();
                let leaf = format!("({document} #> array[{}])", keys.join(", "));
                leaves.push(leaf.clone());
                if *element { format!("pg_catalog.jsonb_build_array({leaf})") } else { leaf }
            }
            _ => object(document, above, &rest, leaves)?,
        };
        above.pop();
        written.push(format!("{}, {value}", text_literal(key)));
    }
    Some(format!("pg_catalog.jsonb_build_object({})", written.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(paths: &[&str]) -> Option<Document> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        Document::of("Da ta", &paths)
    }

    #[test]
    fn a_document_has_the_keys_that_are_searched_for_and_the_values_of_a_row() {
        let found = document(&["a.b", "a.\"it's\"", "tags[]"]).unwrap();
        let leaf = |keys: &str| format!("(t.\"Da ta\" #> array[{keys}])");
        let (b, its, tag) = (
            leaf("'a'::pg_catalog.text, 'b'::pg_catalog.text"),
            leaf("'a'::pg_catalog.text, 'it''s'::pg_catalog.text"),
            leaf("'tags'::pg_catalog.text, '0'::pg_catalog.text"),
        );
        assert_eq!(
            found.sql,
            format!(
                "pg_catalog.jsonb_build_object('a'::pg_catalog.text, pg_catalog.jsonb_build_object(\
                 'b'::pg_catalog.text, {b}, 'it''s'::pg_catalog.text, {its}), \
                 'tags'::pg_catalog.text, pg_catalog.jsonb_build_array({tag}))"
            )
        );
        assert_eq!(found.leaves, [b, its, tag]);
    }

    #[test]
    fn paths_that_do_not_tell_the_document_make_none() {
        for paths in [&["a[].b"][..], &["[]"], &["a", "a.b"], &["a", "a[]"], &["$"], &["*"], &[]] {
            assert_eq!(document(paths), None, "{paths:?}");
        }
    }
}
