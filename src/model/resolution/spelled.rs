//! Expressions as statements spell them, so that an index on one has PostgreSQL's own operators.

use super::token::{SqlToken, tokens};
use super::{catalog_operator, catalog_type};
use crate::model::quote_identifier;

/// Operators that take a key out of a document.
const OF_DOCUMENTS: &[&str] = &["->", "->>", "#>", "#>>"];

/// Types whose cast from the text of a key, or from a document, gives the same in every session: by the name in the catalog,
/// and as the server prints them.
const CASTS: &[(&str, &str)] = &[
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("numeric", "numeric"),
    ("bool", "boolean"),
    ("uuid", "uuid"),
    ("text", "text"),
];

/// An expression that takes a key out of a document, perhaps cast; absent for any other. A function may be another's,
/// and the result of a cast may depend on the session, which an index refuses.
pub fn catalog_spelling(spelled: &str) -> Option<String> {
    let all = tokens(spelled);
    let mut sql = String::new();
    let mut before = SqlToken::Space("");
    let mut expects_type = false;
    for (at, token) in all.iter().enumerate() {
        let next = all.get(at + 1).map_or("", |next| next.text());
        match *token {
            SqlToken::Space(_) => {
                sql.push(' ');
                continue;
            }
            SqlToken::Word(name) if expects_type => {
                let (_, printed) =
                    CASTS.iter().find(|(known, printed)| *known == name || *printed == name)?;
                sql.push_str(&catalog_type(printed));
                expects_type = false;
                if matches!(next, "(" | "[" | ".") {
                    return None;
                }
            }
            _ if expects_type => return None,
            SqlToken::Word(_) | SqlToken::Quoted(_) if matches!(next, "(" | ".") => return None,
            // Words of the grammar, and what stands for a value.
            SqlToken::Word(word) if quote_identifier(word) != word => return None,
            SqlToken::Word("is" | "or" | "and" | "not" | "collate" | "any") => return None,
            SqlToken::Text(text) => {
                sql.push_str(text);
                sql.push_str(match before {
                    SqlToken::Operator("->" | "->>") => "::pg_catalog.text",
                    SqlToken::Operator("#>" | "#>>") => "::pg_catalog.text[]",
                    // A subscript is of a type by what it stands in.
                    SqlToken::Other("[") => "",
                    _ => return None,
                });
            }
            SqlToken::Cast(_) => {
                sql.push_str("::");
                expects_type = true;
            }
            SqlToken::Operator(symbol) if OF_DOCUMENTS.contains(&symbol) => {
                sql.push_str(&catalog_operator(symbol));
            }
            SqlToken::Word(_)
            | SqlToken::Quoted(_)
            | SqlToken::Number(_)
            | SqlToken::Other("(" | ")" | "[" | "]") => sql.push_str(token.text()),
            SqlToken::Operator(_) | SqlToken::Other(_) => return None,
        }
        before = *token;
    }
    Some(sql)
}

/// Text search configurations of PostgreSQL itself.
const CONFIGURATIONS: &[&str] = &[
    "arabic",
    "armenian",
    "basque",
    "catalan",
    "danish",
    "dutch",
    "english",
    "estonian",
    "finnish",
    "french",
    "german",
    "greek",
    "hindi",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "lithuanian",
    "nepali",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "serbian",
    "simple",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
    "yiddish",
];

/// `to_tsvector` of a column, of a key of a document or of columns joined by blanks, with a configuration of PostgreSQL itself,
/// as statements spell it; absent for anything else. Of joined columns the caller knows whether they are text: the server
/// joins other types by operators that an index refuses. Without a configuration it depends on the session, which an index refuses.
pub fn text_search_spelling(spelled: &str) -> Option<String> {
    let rest = spelled.strip_prefix("to_tsvector('")?.strip_suffix(')')?;
    let (configuration, of) = rest.split_once("', ")?;
    let known = CONFIGURATIONS.contains(&configuration);
    let of = catalog_spelling(of).or_else(|| joined_spelling(of)).filter(|_| known)?;
    Some(format!(
        "pg_catalog.to_tsvector('pg_catalog.{configuration}'::pg_catalog.regconfig, {of})"
    ))
}

/// Columns, `coalesce` of them, and blanks, joined by `||`. A blank has no type: the server takes that of what it stands beside, in
/// the statement and in the index alike.
fn joined_spelling(spelled: &str) -> Option<String> {
    let all = tokens(spelled);
    let mut sql = String::new();
    for (at, token) in all.iter().enumerate() {
        let next = all.get(at + 1).map_or("", |next| next.text());
        match *token {
            SqlToken::Operator("||") => sql.push_str(&catalog_operator("||")),
            // As the server prints words of the grammar: they have no schema.
            SqlToken::Word("coalesce") if next == "(" => sql.push_str("COALESCE"),
            SqlToken::Word(_) | SqlToken::Quoted(_) if matches!(next, "(" | ".") => return None,
            SqlToken::Word(word) if quote_identifier(word) != word => return None,
            SqlToken::Text(text) if text.trim_matches(['\'', ' ']).is_empty() => sql.push_str(text),
            SqlToken::Space(_) => sql.push(' '),
            SqlToken::Word(_) | SqlToken::Quoted(_) | SqlToken::Other("(" | ")" | ",") => {
                sql.push_str(token.text());
            }
            _ => return None,
        }
    }
    Some(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_out_by_postgresqls_own_operators() {
        let written = |spelled: &str| catalog_spelling(spelled);
        assert_eq!(
            written("payload ->> 'tr''ue'").as_deref(),
            Some("payload OPERATOR(pg_catalog.->>) 'tr''ue'::pg_catalog.text")
        );
        assert_eq!(
            written("(\"D\" -> 'a' -> 0 ->> 'b')::int4").as_deref(),
            Some(
                "(\"D\" OPERATOR(pg_catalog.->) 'a'::pg_catalog.text OPERATOR(pg_catalog.->) 0 \
                 OPERATOR(pg_catalog.->>) 'b'::pg_catalog.text)::integer"
            )
        );
        assert_eq!(
            written("(d #>> '{a,b}')::uuid").as_deref(),
            Some("(d OPERATOR(pg_catalog.#>>) '{a,b}'::pg_catalog.text[])::pg_catalog.uuid")
        );
        assert_eq!(written("d['a']").as_deref(), Some("d['a']"));
    }

    #[test]
    fn a_text_search_is_of_a_configuration_that_is_postgresqls() {
        let body = "pg_catalog.to_tsvector('pg_catalog.english'::pg_catalog.regconfig, body)";
        assert_eq!(text_search_spelling("to_tsvector('english', body)").as_deref(), Some(body));
        for spelled in [
            "to_tsvector($1, body)",
            "to_tsvector(body)",
            "to_tsvector('ours', body)",
            "to_tsvector('english', coalesce(body, $1))",
            "to_tsvector('english', a || '-' || b)",
            "to_tsvector('english', upper(a) || b)",
            "to_tsvector('english', a || 7)",
        ] {
            assert_eq!(text_search_spelling(spelled), None, "{spelled}");
        }
    }

    #[test]
    fn columns_that_blanks_join_are_searched_as_one_text() {
        let spelled =
            "to_tsvector('english', coalesce(\"Title\", '') || ' ' || coalesce(body, ''))";
        let expected = "pg_catalog.to_tsvector('pg_catalog.english'::pg_catalog.regconfig, COALESCE(\"Title\", '') \
             OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) COALESCE(body, ''))";
        assert_eq!(text_search_spelling(spelled).as_deref(), Some(expected));
    }

    #[test]
    fn what_others_or_the_session_decide_is_no_expression_for_an_index() {
        for spelled in [
            "lower(d ->> 'k')",
            "(d ->> 'k')::timestamptz",
            "(d ->> 'k')::numeric(3,1)",
            "(d ->> 'k')::app.money",
            "d ->> 'k' || 'x'",
            "d ->> $1",
            "d ->> …",
            "d ->> 'k' collate \"C\"",
            "case … then d ->> 'k' end",
            "d ->> 'k' is null",
            "t.d ->> 'k'",
        ] {
            assert_eq!(catalog_spelling(spelled), None, "{spelled}");
        }
    }
}
