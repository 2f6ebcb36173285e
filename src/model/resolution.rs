//! SQL that means PostgreSQL's own objects, whatever the search path of the session that runs it.
//!
//! A name without a schema is looked up in the search path, and there an operator or a function whose arguments fit exactly
//! wins over one of `pg_catalog` that needs a cast, even behind it: `data ->> 'k'` calls an operator `->>(jsonb, jsonb)` of
//! anyone who may create one. Statements that are recommended are run by an owner or a superuser. So their operators,
//! functions and types have a schema and their literals a type, and functions that they create have a search path of their
//! own. Statements do not set the search path themselves: triggers that they fire would run under it.

mod printed;
mod spelled;
mod token;

use std::borrow::Cow;

pub use printed::{Pinned, pinned_expression, pinned_index};
pub use spelled::{catalog_spelling, text_search_spelling};

use super::quote_literal;

/// The search path of each function that is created: no one but a superuser creates anything in `pg_catalog`, and functions
/// and operators are never looked up among temporary objects.
pub const PINNED: &str = "SET search_path = pg_catalog, pg_temp";

/// First words of types that are spelled by the grammar itself, which always means those of `pg_catalog`.
const GRAMMAR: &[&str] = &[
    "bigint",
    "bit",
    "boolean",
    "character",
    "double",
    "integer",
    "interval",
    "numeric",
    "real",
    "smallint",
    "time",
    "timestamp",
];

/// A type of `pg_catalog`, as `format_type` prints it.
pub fn catalog_type(printed: &str) -> Cow<'_, str> {
    let first = printed.split([' ', '(', '[']).next().unwrap_or_default();
    if GRAMMAR.contains(&first) {
        Cow::Borrowed(printed)
    } else {
        Cow::Owned(format!("pg_catalog.{printed}"))
    }
}

/// An operator of `pg_catalog`. So written it binds like any other operator, tighter than comparisons: operands that hold
/// another one need parentheses.
pub fn catalog_operator(symbol: &str) -> String {
    format!("OPERATOR(pg_catalog.{symbol})")
}

/// A string literal of type `text`.
pub fn text_literal(text: &str) -> String {
    format!("{}::pg_catalog.text", quote_literal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_a_schema_unless_the_grammar_knows_them() {
        assert_eq!(catalog_type("text"), "pg_catalog.text");
        assert_eq!(catalog_type("uuid"), "pg_catalog.uuid");
        assert_eq!(catalog_type("bigint"), "bigint");
        assert_eq!(catalog_type("timestamp with time zone"), "timestamp with time zone");
        assert_eq!(catalog_type("numeric(3,1)"), "numeric(3,1)");
    }
}
