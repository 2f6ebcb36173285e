//! The expression by which statements read a key of documents, as an index on it repeats it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{catalog_operator, catalog_type, quote_identifier, quote_literal, text_literal};

/// By which operators the text of a key is reached. An index is found by the same ones only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// `data -> 'a' ->> 'b'`
    Arrows,
    /// `data #>> '{a,b}'`
    Path,
}

/// The text of a key, perhaps cast.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyExpression {
    /// The column of the documents.
    pub document: String,
    /// The key's path, from the top.
    pub path: Vec<String>,
    /// By which operators.
    pub reached: Reached,
    /// The type it is cast to, as PostgreSQL prints it.
    pub cast: Option<String>,
}

/// Types that text is cast to the same way in every session, so that an index may hold the result: by the name in the
/// catalog, as it is printed, and the types of column that take the values which the cast takes.
const IMMUTABLE_CASTS: &[(&str, &str, &[&str])] = &[
    ("int2", "smallint", &["bigint"]),
    ("int4", "integer", &["bigint"]),
    ("int8", "bigint", &["bigint"]),
    ("float4", "real", &["bigint", "numeric"]),
    ("float8", "double precision", &["bigint", "numeric"]),
    ("numeric", "numeric", &["bigint", "numeric"]),
    ("bool", "boolean", &["boolean"]),
    ("uuid", "uuid", &["uuid"]),
];

impl KeyExpression {
    /// The cast of that name in the catalog, as PostgreSQL prints it, where an index may hold its result, and values that
    /// fit a column of this type stand it.
    pub fn cast_of(name: &str, fits: &str) -> Option<&'static str> {
        let found = IMMUTABLE_CASTS.iter().find(|(known, _, _)| *known == name);
        found.filter(|(_, _, columns)| columns.contains(&fits)).map(|(_, printed, _)| *printed)
    }

    /// As queries write it, with what names the row before the column: `t.`, `NEW.` or nothing.
    pub fn to_sql(&self, row: &str) -> String {
        let text = text_of(row, &self.document, &self.path, self.reached);
        match &self.cast {
            Some(cast) => format!("({text})::{cast}"),
            None => text,
        }
    }

    /// The same expression with PostgreSQL's own operators and types, whatever the search path.
    pub fn to_catalog_sql(&self) -> String {
        let text = catalog_text_of(&self.document, &self.path, self.reached);
        match &self.cast {
            Some(cast) => format!("({text})::{}", catalog_type(cast)),
            None => text,
        }
    }

    /// Whether `pg_get_indexdef(index, 1, true)` printed this expression.
    pub fn is_printed_as(&self, printed: &str) -> bool {
        // Never with a backslash's own syntax.
        let literal = |text: &str| format!("'{}'::text", text.replace('\'', "''"));
        let document = quote_identifier(&self.document);
        let texts = match self.reached {
            Reached::Arrows => {
                let (last, first) = self.path.split_last().map_or(("", &[][..]), |(l, f)| (l, f));
                let object = first.iter().fold(document.into_owned(), |object, key| {
                    format!("({object} -> {})", literal(key))
                });
                vec![format!("({object} ->> {})", literal(last))]
            }
            Reached::Path => {
                let keys: Vec<String> = self.path.iter().map(|key| literal(key)).collect();
                vec![
                    format!("({document} #>> ARRAY[{}])", keys.join(", ")),
                    format!("({document} #>> '{{{}}}'::text[])", self.path.join(",")),
                ]
            }
        };
        texts.iter().any(|text| match &self.cast {
            Some(cast) => printed == format!("({text}::{cast})"),
            None => printed == text,
        })
    }
}

/// The key's value as text, with what names the row before the column.
pub fn text_of(row: &str, document: &str, path: &[String], reached: Reached) -> String {
    let document = quote_identifier(document);
    let mut keys: Vec<String> = path.iter().map(|key| quote_literal(key)).collect();
    if reached == Reached::Path {
        return format!("{row}{document} #>> ARRAY[{}]", keys.join(", "));
    }
    let last = keys.pop().unwrap_or_default();
    keys.insert(0, format!("{row}{document}"));
    format!("{} ->> {last}", keys.join(" -> "))
}

/// The same with PostgreSQL's own operators, whatever the search path.
pub(super) fn catalog_text_of(document: &str, path: &[String], reached: Reached) -> String {
    let document = quote_identifier(document);
    let mut keys: Vec<String> = path.iter().map(|key| text_literal(key)).collect();
    if reached == Reached::Path {
        return format!("{document} {} ARRAY[{}]", catalog_operator("#>>"), keys.join(", "));
    }
    let last = keys.pop().unwrap_or_default();
    keys.insert(0, document.into_owned());
    let object = keys.join(&format!(" {} ", catalog_operator("->")));
    format!("{object} {} {last}", catalog_operator("->>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(path: &[&str], reached: Reached, cast: Option<&str>) -> KeyExpression {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        KeyExpression { document: "Da ta".to_owned(), path, reached, cast: cast.map(str::to_owned) }
    }

    #[test]
    fn it_is_written_with_the_operators_that_reach_it() {
        let written = |path: &[&str], reached, cast| expression(path, reached, cast).to_sql("t.");
        assert_eq!(written(&["it's"], Reached::Arrows, None), r#"t."Da ta" ->> 'it''s'"#);
        assert_eq!(
            written(&["a", "b", "c"], Reached::Arrows, Some("integer")),
            r#"(t."Da ta" -> 'a' -> 'b' ->> 'c')::integer"#
        );
        assert_eq!(written(&["a", "b"], Reached::Path, None), r#"t."Da ta" #>> ARRAY['a', 'b']"#);
    }

    #[test]
    fn an_index_on_it_has_the_operators_of_the_catalog() {
        let written =
            |path: &[&str], reached, cast| expression(path, reached, cast).to_catalog_sql();
        assert_eq!(
            written(&["true"], Reached::Arrows, None),
            r#""Da ta" OPERATOR(pg_catalog.->>) 'true'::pg_catalog.text"#
        );
        assert_eq!(
            written(&["a", "b"], Reached::Arrows, Some("uuid")),
            r#"("Da ta" OPERATOR(pg_catalog.->) 'a'::pg_catalog.text OPERATOR(pg_catalog.->>) 'b'::pg_catalog.text)::pg_catalog.uuid"#
        );
        assert_eq!(
            written(&["a", "b"], Reached::Path, Some("integer")),
            r#"("Da ta" OPERATOR(pg_catalog.#>>) ARRAY['a'::pg_catalog.text, 'b'::pg_catalog.text])::integer"#
        );
    }

    /// As servers of 14 and 18 print them.
    #[test]
    fn it_is_known_again_as_servers_print_it() {
        let text = expression(&["it's"], Reached::Arrows, None);
        assert!(text.is_printed_as(r#"("Da ta" ->> 'it''s'::text)"#));
        assert!(!text.is_printed_as(r#"("Da ta" ->> 'its'::text)"#));
        let cast = expression(&["a", "b c"], Reached::Arrows, Some("double precision"));
        assert!(
            cast.is_printed_as(r#"((("Da ta" -> 'a'::text) ->> 'b c'::text)::double precision)"#)
        );
        assert!(!cast.is_printed_as(r#"(("Da ta" -> 'a'::text) ->> 'b c'::text)"#));
        let path = expression(&["a", "b"], Reached::Path, None);
        assert!(path.is_printed_as(r#"("Da ta" #>> ARRAY['a'::text, 'b'::text])"#));
        assert!(path.is_printed_as(r#"("Da ta" #>> '{a,b}'::text[])"#));
    }

    #[test]
    fn casts_that_depend_on_the_session_or_fail_on_the_values_are_none_for_an_index() {
        assert_eq!(KeyExpression::cast_of("int4", "bigint"), Some("integer"));
        assert_eq!(KeyExpression::cast_of("int4", "text"), None);
        assert_eq!(KeyExpression::cast_of("timestamptz", "timestamp with time zone"), None);
    }
}
