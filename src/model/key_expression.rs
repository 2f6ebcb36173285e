//! The expression by which statements read a key of documents, as an index on it repeats it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{catalog_operator, catalog_type, quote_identifier, quote_literal, text_literal};

/// An operator or function that steps into a document. To PostgreSQL `data['a'] ->> 'b'` and `data -> 'a' ->> 'b'` are
/// different expressions, and an index on one does not serve the other.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// `-> 'a'`
    Arrow,
    /// `->> 'a'`
    Text,
    /// `#> '{a,b}'`, over so many keys.
    Path(u32),
    /// `#>> '{a,b}'`, over so many keys.
    PathText(u32),
    /// `['a']['b']`, over so many keys.
    Subscript(u32),
    /// `jsonb_extract_path(…, 'a', 'b')`, over so many keys.
    Function(u32),
    /// `jsonb_extract_path_text(…, 'a', 'b')`, over so many keys.
    FunctionText(u32),
}

/// By which operators the value of a key is reached, from the document on.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
pub struct KeyOperators(pub Vec<Hop>);

impl Hop {
    /// How many keys of the path it steps over.
    pub fn keys(self) -> usize {
        match self {
            Self::Arrow | Self::Text => 1,
            Self::Path(keys)
            | Self::PathText(keys)
            | Self::Subscript(keys)
            | Self::Function(keys)
            | Self::FunctionText(keys) => keys as usize,
        }
    }

    /// Whether what it yields is text, and no JSON any more.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::PathText(_) | Self::FunctionText(_))
    }
}

impl KeyOperators {
    /// `data -> 'a' ->> 'b'`, as one writes it for a path of so many keys.
    pub fn arrows(keys: usize) -> Self {
        let mut hops = vec![Hop::Arrow; keys.saturating_sub(1)];
        hops.push(Hop::Text);
        Self(hops)
    }

    /// `data #>> '{a,b}'` of so many keys.
    pub fn path(keys: usize) -> Self {
        Self(vec![Hop::PathText(u32::try_from(keys).unwrap_or(u32::MAX))])
    }

    /// Whether it ends in the text of a path of so many keys.
    pub fn is_text_of(&self, keys: usize) -> bool {
        let over: usize = self.0.iter().map(|hop| hop.keys()).sum();
        over == keys && self.0.last().is_some_and(|hop| hop.is_text())
    }
}

/// The text of a key, perhaps cast.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyExpression {
    /// The column of the documents.
    pub document: String,
    /// The key's path, from the top.
    pub path: Vec<String>,
    /// By which operators.
    pub reached: KeyOperators,
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
        let text = text_of(row, &self.document, &self.path, &self.reached);
        match &self.cast {
            Some(cast) => format!("({text})::{cast}"),
            None => text,
        }
    }

    /// The same expression with PostgreSQL's own operators and types, whatever the search path.
    pub fn to_catalog_sql(&self) -> String {
        let text = catalog_text_of(&self.document, &self.path, &self.reached);
        match &self.cast {
            Some(cast) => format!("({text})::{}", catalog_type(cast)),
            None => text,
        }
    }
}

/// The key's value as text, with what names the row before the column.
pub fn text_of(row: &str, document: &str, path: &[String], reached: &KeyOperators) -> String {
    let document = format!("{row}{}", quote_identifier(document));
    let plain = Words { operator: str::to_owned, literal: quote_literal, schema: "" };
    plain.text_of(document, path, reached)
}

/// The same with PostgreSQL's own operators, whatever the search path.
pub(super) fn catalog_text_of(document: &str, path: &[String], reached: &KeyOperators) -> String {
    let document = quote_identifier(document).into_owned();
    let qualified =
        Words { operator: catalog_operator, literal: text_literal, schema: "pg_catalog." };
    qualified.text_of(document, path, reached)
}

/// How operators, keys and functions are written.
struct Words {
    operator: fn(&str) -> String,
    literal: fn(&str) -> String,
    schema: &'static str,
}

impl Words {
    fn text_of(&self, document: String, path: &[String], reached: &KeyOperators) -> String {
        let (mut text, mut atom, mut rest) = (document, true, path);
        for hop in &reached.0 {
            let (keys, further) = rest.split_at(hop.keys().min(rest.len()));
            rest = further;
            let keys: Vec<String> = keys.iter().map(|key| (self.literal)(key)).collect();
            let binary = |operator: &str, right: String| {
                (format!("{text} {} {right}", (self.operator)(operator)), false)
            };
            let array = || format!("ARRAY[{}]", keys.join(", "));
            (text, atom) = match hop {
                Hop::Arrow => binary("->", keys.concat()),
                Hop::Text => binary("->>", keys.concat()),
                Hop::Path(_) => binary("#>", array()),
                Hop::PathText(_) => binary("#>>", array()),
                Hop::Subscript(_) => {
                    let of = if atom { text } else { format!("({text})") };
                    (format!("{of}[{}]", keys.join("][")), true)
                }
                Hop::Function(_) => (self.call("jsonb_extract_path", text, keys), true),
                Hop::FunctionText(_) => (self.call("jsonb_extract_path_text", text, keys), true),
            };
        }
        text
    }

    fn call(&self, function: &str, document: String, keys: Vec<String>) -> String {
        let arguments: Vec<String> = std::iter::once(document).chain(keys).collect();
        format!("{}{function}({})", self.schema, arguments.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(path: &[&str], reached: KeyOperators, cast: Option<&str>) -> KeyExpression {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        KeyExpression { document: "Da ta".to_owned(), path, reached, cast: cast.map(str::to_owned) }
    }

    #[test]
    fn it_is_written_with_the_operators_that_reach_it() {
        let written = |path: &[&str], reached, cast| expression(path, reached, cast).to_sql("t.");
        assert_eq!(written(&["it's"], KeyOperators::arrows(1), None), r#"t."Da ta" ->> 'it''s'"#);
        assert_eq!(
            written(&["a", "b", "c"], KeyOperators::arrows(3), Some("integer")),
            r#"(t."Da ta" -> 'a' -> 'b' ->> 'c')::integer"#
        );
        assert_eq!(
            written(&["a", "b"], KeyOperators::path(2), None),
            r#"t."Da ta" #>> ARRAY['a', 'b']"#
        );
        let subscripts = KeyOperators(vec![Hop::Subscript(2), Hop::Text]);
        assert_eq!(written(&["a", "b", "c"], subscripts, None), r#"t."Da ta"['a']['b'] ->> 'c'"#);
        let mixed = KeyOperators(vec![Hop::Arrow, Hop::Subscript(1), Hop::FunctionText(1)]);
        assert_eq!(
            written(&["a", "b", "c"], mixed, None),
            r#"jsonb_extract_path_text((t."Da ta" -> 'a')['b'], 'c')"#
        );
    }

    #[test]
    fn an_index_on_it_has_the_operators_of_the_catalog() {
        let written =
            |path: &[&str], reached, cast| expression(path, reached, cast).to_catalog_sql();
        assert_eq!(
            written(&["true"], KeyOperators::arrows(1), None),
            r#""Da ta" OPERATOR(pg_catalog.->>) 'true'::pg_catalog.text"#
        );
        assert_eq!(
            written(&["a", "b"], KeyOperators::arrows(2), Some("uuid")),
            r#"("Da ta" OPERATOR(pg_catalog.->) 'a'::pg_catalog.text OPERATOR(pg_catalog.->>) 'b'::pg_catalog.text)::pg_catalog.uuid"#
        );
        assert_eq!(
            written(&["a", "b"], KeyOperators::path(2), Some("integer")),
            r#"("Da ta" OPERATOR(pg_catalog.#>>) ARRAY['a'::pg_catalog.text, 'b'::pg_catalog.text])::integer"#
        );
        assert_eq!(
            written(&["a", "b"], KeyOperators(vec![Hop::Subscript(1), Hop::Text]), None),
            r#""Da ta"['a'::pg_catalog.text] OPERATOR(pg_catalog.->>) 'b'::pg_catalog.text"#
        );
    }

    #[test]
    fn casts_that_depend_on_the_session_or_fail_on_the_values_are_none_for_an_index() {
        assert_eq!(KeyExpression::cast_of("int4", "bigint"), Some("integer"));
        assert_eq!(KeyExpression::cast_of("int4", "text"), None);
        assert_eq!(KeyExpression::cast_of("timestamptz", "timestamp with time zone"), None);
    }
}
